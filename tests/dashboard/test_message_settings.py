"""Which mails are sent, and each of them looked at before anybody gets it."""

import pytest

from notifications.models import MessageSettings
from notifications.previews import KINDS
from tests.factories import customers, merchants

pytestmark = pytest.mark.django_db


def test_what_is_unticked_is_not_sent(shop, desk):
    page = desk.get("message_settings")
    assert page.status_code == 200
    desk.post("message_settings", sent=["invoice", "refund"], reply_to="compta@example.com", footer="Merci")
    kept = MessageSettings.objects.get()
    assert (kept.reply_to, kept.footer) == ("compta@example.com", "Merci")
    assert kept.muted == [
        "card_expiring",
        "card_updated",
        "invoice_overdue",
        "payment_received",
        "receipt",
        "trial_will_end",
    ]


def test_a_bad_address_is_said_beside_its_field(desk):
    answer = desk.post("message_settings", sent=[], reply_to="nobody")
    assert answer.status_code == 422
    assert not MessageSettings.objects.exists()


def test_a_reader_may_look_and_not_save(desk_of):
    reader = desk_of("read_only")
    assert reader.get("message_settings").status_code == 200
    assert reader.post("message_settings", sent=[]).status_code == 403


@pytest.mark.parametrize("kind", KINDS)
def test_each_mail_is_shown_where_nothing_in_it_runs(desk, kind):
    seen = desk.get("message_preview", kind, "fr-ca")
    assert seen.status_code == 200
    assert seen["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert '<html lang="fr-ca">' in seen.content.decode()


def test_there_is_no_such_mail(desk):
    assert desk.get("message_preview", "nonsense", "en").status_code == 404
    assert desk.get("message_preview", "receipt", "de").status_code == 404


def test_a_card_that_ended_is_marked_and_its_issuer_replaces_it(desk_of):
    box = merchants.merchant(livemode=False)
    desk = desk_of(merchant=box)
    ada = customers.customer(merchant=box, payment_method="pm_card_visa")
    card = ada.payment_methods.get()
    ada.payment_methods.update(exp_month=1, exp_year=2020)
    page = desk.get("customer", ada.id).content.decode()
    assert "Expired" in page
    assert "Replace as its issuer" in page
    desk.post("customer_replace_card", ada.id, card.id)
    card.refresh_from_db()
    assert card.last4 == "5353"
    assert "Expired" not in desk.get("customer", ada.id).content.decode()
