"""Say something to a subscriber, or say it again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import hash_secret
from customers.models import Customer
from invoicing.selectors import invoice_by_id, invoice_lines
from merchants.models import Merchant
from notifications.models import Message, MessageSettings
from notifications.rules import OPTIONAL_KINDS
from notifications.sending import send_due
from notifications.writes import Draft, queue_messages

BODIES_AT_ONCE = 5_000


class CustomerNotFound(OstinatoError):
    code = "resource_missing"
    param = "customer"
    message_id = gettext_noop("There is no such customer.")


class CustomerHasNoEmail(OstinatoError):
    code = "email_missing"
    param = "customer"
    message_id = gettext_noop("%(name)s has no e-mail address. Add one to the customer first.")


class NothingToSend(OstinatoError):
    code = "invoice_not_sendable"
    param = "invoice"
    message_id = gettext_noop("Only an open or paid invoice can be sent; this one is not.")


class MailIsNeeded(OstinatoError):
    code = "message_not_optional"
    param = "muted"
    message_id = gettext_noop("“%(kind)s” is always sent: no subscriber is retried or canceled in silence.")


def send_queued_messages(*, ctx: Context, max_seconds: float | None = None) -> tuple[int, int]:
    """Send what is due. Returns (sent, failed tries). Any number of workers may do this at once."""
    return send_due(ctx=ctx, max_seconds=max_seconds)


def send_portal_link(*, ctx: Context, merchant_id: str, customer_id: str, url: str) -> Message:
    """Queue the one-time sign-in link; the sender looks every few seconds. `url` is the whole address, secret included.

    Raises `CustomerNotFound`, `CustomerHasNoEmail`.
    """
    with transaction.atomic():
        customer = Customer.objects.filter(merchant_id=merchant_id, id=customer_id, deleted_at__isnull=True).first()
        if customer is None:
            raise CustomerNotFound
        _must_have_email(customer)
        merchant = Merchant.objects.get(id=merchant_id)
        # Each link is a new one, and so is its mail; the link itself is the key.
        draft = Draft("portal_link", f"portal_link:{hash_secret(url)}", merchant, customer, ctx.as_of, {"url": url})
        [message] = queue_messages(ctx, [draft])
    return message


def resend_invoice(*, ctx: Context, merchant_id: str, invoice_id: str) -> Message:
    """Send a paid invoice's receipt, or an open invoice with its link, once more. A double click sends one.

    Raises `InvoiceNotFound`, `CustomerHasNoEmail`, `NothingToSend`.
    """
    with transaction.atomic():
        invoice = invoice_by_id(merchant_id, invoice_id)
        if invoice.status not in ("open", "paid", "uncollectible"):
            raise NothingToSend
        _must_have_email(invoice.customer)
        kind = "receipt" if invoice.status == "paid" else "invoice"
        key = f"resend:{invoice.id}:{ctx.recorded_at:%Y-%m-%dT%H:%M}"
        facts = {"invoice": invoice, "lines": invoice_lines(invoice)}
        queue_messages(ctx, [Draft(kind, key, invoice.merchant, invoice.customer, ctx.as_of, facts, invoice.id)])
    return Message.objects.get(merchant_id=merchant_id, dedupe_key=key)


def forget_old_bodies(*, ctx: Context) -> int:
    """Empty the words of mails past their days; that they were sent, to whom and when, stays. Returns how many."""
    old = Message.objects.exclude(text="", html="").filter(
        recorded_at__lt=ctx.recorded_at - timedelta(days=settings.MESSAGE_BODY_DAYS), next_attempt_at__isnull=True
    )
    gone = 0
    while ids := list(old.order_by().values_list("id", flat=True)[:BODIES_AT_ONCE]):
        gone += Message.objects.filter(id__in=ids).update(text="", html="", context={})
    return gone


def save_message_settings(
    *, ctx: Context, merchant_id: str, muted: Iterable[str], reply_to: str = "", footer: str = ""
) -> MessageSettings:
    """Which mails are left unsaid (of `rules.OPTIONAL_KINDS`), where answers go, what stands below each.

    Raises `MailIsNeeded` for a mail that is always sent.
    """
    unsaid = set(muted)
    if unsaid - OPTIONAL_KINDS:
        raise MailIsNeeded(kind=min(unsaid - OPTIONAL_KINDS))
    values = {"muted": sorted(unsaid), "reply_to": reply_to, "footer": footer.strip(), "recorded_at": ctx.recorded_at}
    saved, _made = MessageSettings.objects.update_or_create(merchant_id=merchant_id, defaults=values)
    return saved


def _must_have_email(customer: Customer) -> None:
    if not customer.email:
        raise CustomerHasNoEmail(name=customer.name or customer.id)
