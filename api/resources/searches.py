"""/v1/<resource>/search: what may be searched, and by which fields (https://docs.stripe.com/search)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import BooleanField, Case, Exists, F, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce

from api.protocol.operation import Call, Json, Operation
from api.resources import customers, invoices, payments, prices, products, subscriptions
from api.searching import SEARCH, Column, Columns, search
from catalog.selectors import prices as prices_of, products as products_of
from customers.models import PaymentMethod
from customers.selectors import customers as customers_of
from customers.snapshots import customer_snapshot
from invoicing.selectors import invoices as invoices_of
from invoicing.snapshots import invoice_snapshot
from payments.models import Charge, Dispute, PaymentIntent
from payments.selectors import charges as charges_of, payment_intents as intents_of
from payments.snapshots import charge_snapshot, payment_intent_snapshot
from subscriptions.selectors import subscriptions as subscriptions_of

_CREATED = {"created": Column("instant", "created")}
_METADATA = {"metadata": Column("metadata", "metadata")}
_CURRENCY = {"currency": Column("token", "currency")}
_CUSTOMER = {"customer": Column("id", "customer_id")}

CUSTOMERS: Columns = {
    **_CREATED,
    **_METADATA,
    "email": Column("text", "email"),
    "name": Column("text", "name"),
    "phone": Column("text", "phone"),
}
INVOICES: Columns = {
    **_CREATED,
    **_CURRENCY,
    **_CUSTOMER,
    **_METADATA,
    "last_finalization_error_code": Column("unset"),
    "last_finalization_error_type": Column("unset"),
    "number": Column("text", "number"),
    "receipt_number": Column("unset"),
    "status": Column("token", "status"),
    "subscription": Column("id", "subscription_id"),
    "total": Column("number", "total"),
}
SUBSCRIPTIONS: Columns = {
    **_CREATED,
    **_METADATA,
    "canceled_at": Column("instant", "canceled_at"),
    "status": Column("token", "status"),
}
PRICES: Columns = {
    **_CREATED,
    **_CURRENCY,
    **_METADATA,
    "active": Column("flag", "active"),
    "lookup_key": Column("text", "lookup_key"),
    "product": Column("token", "shown_product"),
    "type": Column("token", "type"),
}
PRODUCTS: Columns = {
    **_CREATED,
    **_METADATA,
    "active": Column("flag", "active"),
    "description": Column("text", "description"),
    "name": Column("text", "name"),
    "shippable": Column("flag", "shippable"),
    "url": Column("text", "url"),
}
INTENTS: Columns = {
    **_CREATED,
    **_CURRENCY,
    **_CUSTOMER,
    **_METADATA,
    "amount": Column("number", "amount"),
    "status": Column("token", "status"),
}
_CHARGE_STATUSES = {
    "succeeded": ("succeeded",),
    "failed": ("failed",),
    "pending": ("processing", "requires_action", "unknown"),
}
_CARD = ("brand", "exp_month", "exp_year", "fingerprint", "last4")
CHARGES: Columns = {
    **_CREATED,
    **_CURRENCY,
    **_CUSTOMER,
    "amount": Column("number", "amount"),
    "billing_details.address.postal_code": Column("token", "card_postal_code"),
    "disputed": Column("flag", "is_disputed"),
    **_METADATA,
    "refunded": Column("flag", "is_refunded"),
    "status": Column("token", "status", _CHARGE_STATUSES),
    **{
        f"payment_method_details.card.{name}": Column("number" if name.startswith("exp") else "token", f"card_{name}")
        for name in _CARD
    },
}


def _shown_charges(merchant_id: str) -> QuerySet[Charge]:
    """Charges that the world knows of, with what is searched of their cards."""
    method = PaymentMethod.objects.filter(merchant_id=merchant_id, id=OuterRef("payment_method_id"))
    parts = {f"card_{name}": Subquery(method.values(name)[:1]) for name in _CARD}
    whole = When(amount_refunded=F("amount"), then=Value(True))
    return (
        charges_of(merchant_id)
        .exclude(status__in=["planned", "canceled"])
        .alias(
            **parts,
            card_postal_code=Subquery(method.values("billing_details__address__postal_code")[:1]),
            is_disputed=Exists(Dispute.objects.filter(merchant_id=merchant_id, charge_id=OuterRef("id"))),
            is_refunded=Case(whole, default=Value(False), output_field=BooleanField()),
        )
    )


def _prices(merchant_id: str) -> QuerySet[Any]:
    return prices_of(merchant_id).alias(
        shown_product=Coalesce("product__api_id", "product_id", output_field=TextField())
    )


def _rendered_charges(_call: Call, rows: list[Charge]) -> list[Json]:
    return [charge_snapshot(row) for row in rows]


def _rendered_intents(_call: Call, rows: list[PaymentIntent]) -> list[Json]:
    return [payment_intent_snapshot(row) for row in rows]


Rows = Callable[[str], QuerySet[Any]]
Render = Callable[[Call, list[Any]], list[Json]]
_SEARCHED: list[tuple[str, Rows, Columns, Render]] = [
    (customers.URL, customers_of, CUSTOMERS, lambda _call, rows: [customer_snapshot(row) for row in rows]),
    (invoices.URL, invoices_of, INVOICES, lambda _call, rows: [invoice_snapshot(row) for row in rows]),
    (subscriptions.URL, subscriptions_of, SUBSCRIPTIONS, lambda _call, rows: subscriptions.shown(rows)),
    (prices.URL, _prices, PRICES, prices.shown),
    (products.URL, products_of, PRODUCTS, lambda call, rows: [products.render(call, row) for row in rows]),
    (payments.INTENTS, intents_of, INTENTS, _rendered_intents),
    (payments.CHARGES, _shown_charges, CHARGES, _rendered_charges),
]


def _operation(url: str, rows: Rows, columns: Columns, render: Render) -> Operation:
    def answer(call: Call) -> Json:
        return search(rows(call.merchant_id), call, columns, lambda found: render(call, found), url=url)

    return Operation("GET", f"{url}/search", answer, SEARCH)


OPERATIONS = [_operation(*searched) for searched in _SEARCHED]
