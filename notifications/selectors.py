"""Reads of messages, always within one merchant."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from core.errors import OstinatoError, gettext_noop
from merchants.models import Membership, Merchant, Role
from notifications.models import Message, MessageSettings
from notifications.rules import OPTIONAL_KINDS


class MessageNotFound(OstinatoError):
    code = "resource_missing"
    param = "message"
    message_id = gettext_noop("There is no such message.")


def messages(merchant_id: str) -> QuerySet[Message]:
    """The merchant's outbox, the latest first, without the bodies: lists do not show them."""
    return Message.objects.filter(merchant_id=merchant_id).defer("text", "html", "context").order_by("-created", "-id")


def messages_of_customer(merchant_id: str, customer_id: str) -> QuerySet[Message]:
    """What was said to one customer, for its timeline."""
    return messages(merchant_id).filter(customer_id=customer_id)


def messages_of_invoice(merchant_id: str, invoice_id: str) -> QuerySet[Message]:
    """What was sent about one invoice."""
    return messages(merchant_id).filter(invoice_id=invoice_id)


def message_by_id(merchant_id: str, message_id: str) -> Message:
    """One message with its bodies. Raises `MessageNotFound`, for another merchant's too."""
    found = Message.objects.filter(merchant_id=merchant_id, id=message_id).first()
    if found is None:
        raise MessageNotFound
    return found


def muted_kinds(merchant_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Which mails each merchant does not want sent, where it said so. One query."""
    found = MessageSettings.objects.filter(merchant_id__in=set(merchant_ids))
    return {row.merchant_id: frozenset(row.muted) & OPTIONAL_KINDS for row in found}


def message_settings(merchant_id: str) -> MessageSettings:
    """The merchant's settings, stored or not yet."""
    found = MessageSettings.objects.filter(merchant_id=merchant_id).first()
    return found or MessageSettings(merchant_id=merchant_id)


def merchant_addresses(merchant_ids: Iterable[str]) -> dict[str, str]:
    """Where each merchant reads its own mail: its oldest owner's address, else the one it gives subscribers."""
    ids = set(merchant_ids)
    if not ids:
        return {}
    found = dict(Merchant.objects.filter(id__in=ids).values_list("id", "support_email"))
    owners = Membership.objects.filter(merchant_id__in=ids, role=Role.OWNER, user__is_active=True)
    return found | dict(owners.order_by("-created", "-id").values_list("merchant_id", "user__email"))


def reply_address(merchant: Merchant) -> str:
    """Where answers to its mails go; "" where it gave no address."""
    return message_settings(merchant.id).reply_to or merchant.support_email
