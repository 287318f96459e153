"""What a request that was cut off had already made, found again when it is repeated under its Idempotency-Key.

An operation is several transactions (a customer, then its card; a subscription, then its payment). The outbox is the
recovery point: an object and the event that tells of its making are committed together, and the event carries the
key. A repeated request that would make such an object takes up the one that stands, and does what is left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from api.models import IdempotentRequest
from api.protocol.operation import Call, Json
from api.resources import charges, customers, payment_intents, subscriptions
from events.models import Event

# The object that a POST to this address makes, where making it twice would be wrong.
_MADE: Mapping[str, str] = {
    "/v1/billing/credit_grants": "billing.credit_grant",
    "/v1/charges": "payment_intent",
    "/v1/credit_notes": "credit_note",
    "/v1/customers": "customer",
    "/v1/files": "file",
    "/v1/invoiceitems": "invoiceitem",
    "/v1/invoices": "invoice",
    "/v1/payment_intents": "payment_intent",
    "/v1/payment_links": "payment_link",
    "/v1/plans": "price",
    "/v1/prices": "price",
    "/v1/products": "product",
    "/v1/quotes": "quote",
    "/v1/refunds": "refund",
    "/v1/setup_intents": "setup_intent",
    "/v1/subscription_schedules": "subscription_schedule",
    "/v1/subscriptions": "subscription",
    "/v1/tax_rates": "tax_rate",
}
# What is left to do after the object was made; else it is only shown.
RESUMED: Mapping[str, Callable[[Call], Json]] = {
    "/v1/charges": charges.resume_create,
    "/v1/customers": customers.resume_create,
    "/v1/payment_intents": payment_intents.resume_create,
    "/v1/subscriptions": subscriptions.resume_create,
}


def made_before(row: IdempotentRequest, path: str) -> str:
    """The id of what this key's earlier try made, or blank. Ids are in the wall's order: few events come after."""
    object_type = _MADE.get(path)
    if object_type is None:
        return ""
    events = Event.objects.filter(
        id__gt="evt_" + row.id.removeprefix("idem_"),
        merchant_id=row.merchant_id,
        idempotency_key=row.key,
        object_type=object_type,
        type__endswith=".created",
    )
    return events.order_by("id").values_list("object_id", flat=True).first() or ""
