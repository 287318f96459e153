"""Reads of messages, always within one merchant."""

from __future__ import annotations

from django.db.models import QuerySet

from core.errors import OstinatoError, gettext_noop
from notifications.models import Message


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
