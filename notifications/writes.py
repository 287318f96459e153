"""Write messages in bulk. Never opens a transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from core.context import Context
from customers.models import Customer
from invoicing.rules.legal import invoice_locale
from merchants.models import BillingEntity, Merchant
from notifications.compose import compose
from notifications.links import LINK_LIVES
from notifications.models import Message, MessageSettings, MessageStatus
from notifications.rules import readable_ink
from notifications.types import Addressee, Facts, Sender


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be written. The same `dedupe_key` is written once, whoever asks and however often."""

    kind: str
    dedupe_key: str
    merchant: Merchant
    customer: Customer
    created: datetime
    facts: Facts = field(default_factory=dict)
    invoice_id: str = ""
    to_merchant: str = ""  # the address of who is to know at the merchant, in its language


def queue_messages(ctx: Context, drafts: Iterable[Draft]) -> list[Message]:
    """Compose and queue these messages. Three queries whatever their number (two for the senders).

    A test clock's customer: kept, never sent. A customer without an address: failed, and says so.
    """
    wanted = list(drafts)
    if not wanted:
        return []
    senders = _senders({draft.merchant.id: draft.merchant for draft in wanted})
    rows = [_message(ctx, draft, senders[draft.merchant.id]) for draft in wanted]
    return Message.objects.bulk_create(rows, ignore_conflicts=True)


def _message(ctx: Context, draft: Draft, sender: Sender) -> Message:
    to = _addressee(draft)
    facts = {**draft.facts, "link_expires_at": ctx.recorded_at + LINK_LIVES}
    subject, text, html = compose(draft.kind, facts, sender, to)
    status, error = MessageStatus.QUEUED, ""
    if to.keep:
        status = MessageStatus.KEPT
    elif not to.email:
        with translation.override(draft.merchant.locale.replace("_", "-").lower()):
            status, error = MessageStatus.FAILED, _("The customer has no e-mail address.")
    return Message(
        merchant_id=draft.merchant.id,
        customer_id=draft.customer.id,
        kind=draft.kind,
        dedupe_key=draft.dedupe_key,
        locale=to.locale,
        to=to.email,
        subject=subject,
        text=text,
        html=html,
        invoice_id=draft.invoice_id,
        status=status,
        error=error,
        next_attempt_at=ctx.recorded_at if status == MessageStatus.QUEUED else None,
        created=draft.created,
        recorded_at=ctx.recorded_at,
    )


def _addressee(draft: Draft) -> Addressee:
    customer, merchant = draft.customer, draft.merchant
    return Addressee(
        customer_id=customer.id,
        name=customer.name,
        email=draft.to_merchant or customer.email,
        locale=merchant.locale if draft.to_merchant else invoice_locale(customer.preferred_locale, merchant.locale),
        timezone=merchant.timezone,
        keep=customer.test_clock_id is not None,
    )


def _senders(merchants: dict[str, Merchant]) -> dict[str, Sender]:
    entities = {
        entity.merchant_id: entity
        for entity in BillingEntity.objects.filter(merchant_id__in=merchants, is_default=True)
    }
    footers = dict(MessageSettings.objects.filter(merchant_id__in=merchants).values_list("merchant_id", "footer"))
    return {id: sender_of(merchant, entities.get(id), footers.get(id, "")) for id, merchant in merchants.items()}


def sender_of(merchant: Merchant, entity: BillingEntity | None, footer: str = "") -> Sender:
    """The merchant as its mails show it."""
    place = [entity.legal_name, entity.line1, entity.city, entity.postal_code] if entity else [merchant.name]
    logo = f"{settings.SITE_URL}{merchant.logo.url}" if merchant.logo else ""
    return Sender(
        merchant_id=merchant.id,
        name=merchant.name,
        logo_url=merchant.logo.url if logo and "://" in merchant.logo.url else logo,
        brand_color=merchant.brand_color,
        brand_ink=readable_ink(merchant.brand_color),
        support_email=merchant.support_email,
        support_url=merchant.support_url,
        postal_line=" · ".join(part for part in place if part),
        footer=footer,
    )
