"""A merchant with many due subscriptions, made by SQL: two items each, a discount on half, a tax on the other half."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, models

from catalog.models import Coupon, Price, Product, TaxRate
from customers.models import Customer, PaymentMethod
from events.copying import Row, insert_rows, new_row
from invoicing.models import NumberSeries
from merchants.models import BillingEntity, Merchant
from subscriptions.models import Discount, Subscription, SubscriptionItem

START = datetime(2024, 1, 1, tzinfo=UTC)
DUE = datetime(2024, 2, 1, tzinfo=UTC)

_MERCHANT, _ENTITY, _RATE, _COUPON = "acct_bench", "be_bench", "txr_bench", "coup_bench"


def build(rows: int, *, bodies: bool = True, grace: int = 0) -> None:
    """`rows` subscriptions that are due at `DUE`, in the current database."""
    _shop(bodies, grace)
    _customers(rows)
    _subscriptions(rows)
    with connection.cursor() as cursor:
        # Only what the run reads first: everything else is empty.
        cursor.execute("ANALYZE subscriptions_subscription, subscriptions_subscriptionitem, customers_customer")


def _shop(bodies: bool, grace: int) -> None:
    _insert(
        Merchant,
        id=_MERCHANT,
        livemode=False,
        name="Bench",
        country="CA",
        default_currency="cad",
        finalization_grace_seconds=grace,
        keep_event_bodies=bodies,
    )
    _insert(BillingEntity, id=_ENTITY, legal_name="Bench inc.", city="Québec", country="CA")
    _insert(NumberSeries, id="ns_bench", billing_entity_id=_ENTITY, prefix="B")
    _insert(Product, id="prod_bench", name="Box")
    for number in (1, 2):
        _insert(
            Price,
            id=f"price_bench{number}",
            product_id="prod_bench",
            type="recurring",
            currency="cad",
            unit_amount_decimal=Decimal(1000 * number),
            interval="month",
            interval_count=1,
        )
    _insert(Coupon, id=_COUPON, name="Ten", percent_off=Decimal(10), duration="forever")
    _insert(TaxRate, id=_RATE, display_name="GST", percentage=Decimal(5))


def _customers(rows: int) -> None:
    _series(
        Customer,
        rows,
        _row(Customer, country="CA", currency="cad"),
        id=_id("cus"),
        email="'c' || n || '@example.com'",
        name="'Customer ' || n",
        default_payment_method_id=_id("pm"),
    )
    _series(
        PaymentMethod,
        rows,
        _row(PaymentMethod, gateway="sandbox", brand="visa", last4="4242", exp_month=12, exp_year=2035),
        id=_id("pm"),
        customer_id=_id("cus"),
        gateway_method_id=_id("pm"),
    )


def _subscriptions(rows: int) -> None:
    _series(
        Subscription,
        rows,
        _row(
            Subscription,
            billing_entity_id=_ENTITY,
            status="active",
            currency="cad",
            billing_cycle_anchor=START,
            start_date=START,
            next_action_at=DUE,
        ),
        id=_id("sub"),
        customer_id=_id("cus"),
        default_tax_rate_ids=f"CASE WHEN n %% 2 = 0 THEN ARRAY['{_RATE}'] ELSE ARRAY[]::text[] END",
    )
    for number in (1, 2):
        _series(
            SubscriptionItem,
            rows,
            _row(SubscriptionItem, price_id=f"price_bench{number}", current_period_start=START, current_period_end=DUE),
            id=_id(f"si_{number}"),
            subscription_id=_id("sub"),
        )
    _series(
        Discount,
        rows,
        _row(Discount, coupon_id=_COUPON, start=START),
        where="n %% 2 = 1",
        id=_id("di"),
        customer_id=_id("cus"),
        subscription_id=_id("sub"),
    )


def _id(prefix: str) -> str:
    return f"'{prefix}_' || lpad(n::text, 22, '0')"


def _row(model: type[models.Model], **values: Any) -> Row:
    """A row with the product's own defaults, whatever columns it has by now."""
    common = {} if model is Merchant else {"merchant_id": _MERCHANT}
    row = new_row(model, created=START, recorded_at=START, **common, **values)
    return row


def _insert(model: type[models.Model], **values: Any) -> None:
    insert_rows(model, [_row(model, **values)])


def _series(model: type[models.Model], rows: int, template: Row, *, where: str = "true", **varying: str) -> None:
    """`rows` copies of the template in one statement; `varying` columns are SQL over `n`."""
    fields = [field for field in model._meta.concrete_fields if field.attname in varying or field.attname in template]
    values: dict[str, Any] = {"rows": rows}
    expressions = []
    for field in fields:
        if field.attname in varying:
            expressions.append(varying[field.attname])
            continue
        value = template[field.attname]
        values[field.attname] = json.dumps(value) if isinstance(field, models.JSONField) else value
        kind = field.rel_db_type(connection) if field.is_relation else field.db_type(connection)
        expressions.append(f"%({field.attname})s::{kind}")
    columns = ", ".join(f'"{field.column}"' for field in fields)
    statement = (
        f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT {", ".join(expressions)} '  # noqa: S608
        f"FROM generate_series(1, %(rows)s) n WHERE {where}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
