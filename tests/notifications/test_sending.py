"""The queue of mails: sent once, tried again, given up; and the services that fill it by hand."""

import threading
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connections

from notifications.consumers import queue_mails
from notifications.models import Message
from notifications.selectors import MessageNotFound, message_by_id, messages, messages_of_customer
from notifications.services import (
    CustomerHasNoEmail,
    CustomerNotFound,
    MailIsNeeded,
    NothingToSend,
    forget_old_bodies,
    resend_invoice,
    save_message_settings,
    send_portal_link,
    send_queued_messages,
)
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context
from tests.invoicing.paper import paper_invoice
from tests.notifications.stories import TOLD, told

pytestmark = pytest.mark.django_db(transaction=True)
OUTBOX_ONLY = "notifications.backends.OutboxOnlyBackend"


class RefusingBackend(BaseEmailBackend):
    """A mail server that takes nothing."""

    error: Exception = ConnectionRefusedError("no mail server there")

    def send_messages(self, email_messages):
        raise self.error


REFUSING = f"{__name__}.RefusingBackend"


@pytest.fixture
def shop():
    return merchant()


@pytest.fixture
def ada(shop):
    return customer(merchant=shop)


def link(ada, url="http://127.0.0.1:8000/portal/x/link/secret") -> Message:
    return send_portal_link(ctx=context(TOLD), merchant_id=ada.merchant_id, customer_id=ada.id, url=url)


def resend(invoice, wall=TOLD) -> Message:
    return resend_invoice(ctx=context(wall), merchant_id=invoice.merchant_id, invoice_id=invoice.id)


class TestSending:
    def test_a_receipt_goes_out_with_the_pdf(self, shop, ada):
        resend(paper_invoice(merchant=shop, customer=ada))
        assert send_queued_messages(ctx=context(TOLD)) == (1, 0)
        [sent] = django_mail.outbox
        assert sent.to == ["ada@example.com"]
        assert sent.from_email == '"Érable & Cie" <billing@localhost>'
        assert sent.reply_to == ["aide@erable.example"]
        [(name, content, kind)] = sent.attachments
        assert (name, kind) == ("invoice-EC-0042.pdf", "application/pdf")
        assert content.startswith(b"%PDF")
        assert sent.alternatives[0][1] == "text/html"
        message = Message.objects.get()
        assert (message.status, message.sent_at, message.attempts) == ("sent", TOLD, 1)

    def test_what_was_sent_is_not_sent_again(self, ada):
        link(ada)
        send_queued_messages(ctx=context(TOLD))
        assert send_queued_messages(ctx=context(TOLD + timedelta(days=1))) == (0, 0)
        assert len(django_mail.outbox) == 1

    def test_a_failure_keeps_its_error_and_is_tried_later(self, ada, settings):
        settings.EMAIL_BACKEND = REFUSING
        link(ada)
        assert send_queued_messages(ctx=context(TOLD)) == (0, 1)
        message = Message.objects.get()
        assert (message.status, message.attempts) == ("queued", 1)
        assert message.error == "ConnectionRefusedError: no mail server there"
        assert message.next_attempt_at == TOLD + timedelta(minutes=1)
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert send_queued_messages(ctx=context(TOLD)) == (0, 0), "not before its time"
        assert send_queued_messages(ctx=context(TOLD + timedelta(minutes=1))) == (1, 0)
        assert Message.objects.get().error == ""

    def test_after_eight_tries_it_is_given_up(self, ada, settings):
        settings.EMAIL_BACKEND = REFUSING
        link(ada)
        for day in range(8):
            send_queued_messages(ctx=context(TOLD + timedelta(days=day)))
        message = Message.objects.get()
        assert (message.status, message.attempts, message.next_attempt_at) == ("failed", 8, None)

    def test_a_refused_address_is_not_tried_again(self, ada, settings, monkeypatch):
        settings.EMAIL_BACKEND = REFUSING
        monkeypatch.setattr(
            RefusingBackend, "error", SMTPRecipientsRefused({"ada@example.com": (550, b"no such user")})
        )
        link(ada)
        send_queued_messages(ctx=context(TOLD))
        assert Message.objects.get().status == "failed"

    def test_one_mail_that_cannot_be_sent_does_not_stop_the_others(self, shop, ada, settings):
        invoice = paper_invoice(merchant=shop, customer=ada)
        resend(invoice)
        type(invoice).objects.filter(id=invoice.id).update(pdf="invoices/lost.pdf", pdf_sha256="0" * 64)
        link(ada)
        assert send_queued_messages(ctx=context(TOLD)) == (1, 1)
        assert "missing or was altered" in Message.objects.get(kind="receipt").error

    def test_two_senders_at_once_send_each_mail_once(self, ada):
        for n in range(30):
            link(ada, url=f"http://127.0.0.1:8000/{n}")
        start = threading.Barrier(2)

        def send():
            try:
                start.wait()
                send_queued_messages(ctx=context(TOLD))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(django_mail.outbox) == 30
        assert len({sent.extra_headers["Message-ID"] for sent in django_mail.outbox}) == 30


class TestSignInLink:
    def test_is_blanked_once_a_real_server_took_it(self, ada):
        assert "link/secret" in link(ada).text
        send_queued_messages(ctx=context(TOLD))
        message = Message.objects.get()
        assert "link/secret" in django_mail.outbox[0].body
        assert (message.status, message.text, message.html) == ("sent", "", "")

    def test_stays_readable_where_the_outbox_is_the_only_inbox(self, ada, settings):
        settings.EMAIL_BACKEND = OUTBOX_ONLY
        link(ada)
        assert send_queued_messages(ctx=context(TOLD)) == (1, 0)
        message = Message.objects.get()
        assert message.status == "sent"
        assert "link/secret" in message.text
        assert not django_mail.outbox

    def test_needs_an_address_and_a_customer_of_this_merchant(self, shop, ada):
        with pytest.raises(CustomerHasNoEmail):
            link(customer(merchant=shop, email=""))
        with pytest.raises(CustomerNotFound):
            send_portal_link(ctx=context(), merchant_id=merchant(prefix="B-").id, customer_id=ada.id, url="u")


class TestResend:
    def test_a_double_click_sends_one_and_a_later_click_another(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada)
        assert resend(invoice).id == resend(invoice, TOLD + timedelta(seconds=2)).id
        assert resend(invoice, TOLD + timedelta(minutes=5)).kind == "receipt"
        assert Message.objects.count() == 2

    def test_an_open_invoice_goes_with_its_link(self, shop, ada):
        assert resend(paper_invoice(merchant=shop, customer=ada, status="open")).kind == "invoice"

    @pytest.mark.parametrize("status", ["draft", "void"])
    def test_others_are_refused(self, shop, ada, status):
        with pytest.raises(NothingToSend):
            resend(paper_invoice(merchant=shop, customer=ada, status=status))


def test_the_outbox_is_the_merchants_own(shop, ada):
    sent = link(ada)
    other = merchant(prefix="B-")
    assert [row.id for row in messages(shop.id)] == [sent.id]
    assert [row.id for row in messages_of_customer(shop.id, ada.id)] == [sent.id]
    assert not messages(other.id).exists()
    with pytest.raises(MessageNotFound):
        message_by_id(other.id, sent.id)


def test_other_mails_are_printed_where_the_outbox_is_the_only_inbox(settings, capsys):
    settings.EMAIL_BACKEND = OUTBOX_ONLY
    assert django_mail.send_mail("Reset your password", "here", None, ["member@erable.example"]) == 1
    assert "Reset your password" in capsys.readouterr().out


class TestRetention:
    def test_the_words_of_an_old_mail_go_and_that_it_was_sent_stays(self, shop, ada, settings):
        settings.MESSAGE_BODY_DAYS = 730
        old, waiting = resend(paper_invoice(merchant=shop, customer=ada)), link(ada)
        Message.objects.filter(id=old.id).update(status="sent", next_attempt_at=None)
        assert forget_old_bodies(ctx=context(TOLD + timedelta(days=730))) == 0
        assert forget_old_bodies(ctx=context(TOLD + timedelta(days=731))) == 1
        old.refresh_from_db()
        waiting.refresh_from_db()
        assert (old.text, old.html, old.to, old.kind) == ("", "", ada.email, "receipt")
        assert waiting.text


class TestSettings:
    def save(self, shop, **fields):
        return save_message_settings(ctx=context(TOLD), merchant_id=shop.id, **{"muted": [], **fields})

    def test_what_the_merchant_mutes_is_not_said(self, shop, ada):
        self.save(shop, muted=["receipt"])
        invoice = paper_invoice(merchant=shop, customer=ada)
        queue_mails(context(TOLD), [told("invoice.paid", invoice.id, merchant=shop)])
        assert not Message.objects.exists()
        self.save(shop)
        queue_mails(context(TOLD), [told("invoice.paid", invoice.id, merchant=shop)])
        assert Message.objects.get().kind == "receipt"

    @pytest.mark.parametrize("kind", ["payment_failed", "payment_action_required", "subscription_ended", "nonsense"])
    def test_nobody_is_left_in_the_dark(self, shop, kind):
        with pytest.raises(MailIsNeeded):
            self.save(shop, muted=[kind])

    def test_answers_go_where_the_merchant_says_and_the_footer_stands_below(self, shop, ada):
        self.save(shop, reply_to="factures@erable.example", footer="Ouvert de 9 h à 17 h")
        resend(paper_invoice(merchant=shop, customer=ada))
        send_queued_messages(ctx=context(TOLD))
        [sent] = django_mail.outbox
        assert sent.reply_to == ["factures@erable.example"]
        assert "Ouvert de 9 h à 17 h" in sent.body
        assert "Ouvert de 9 h à 17 h" in sent.alternatives[0][0]
