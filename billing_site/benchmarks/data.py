"""A merchant with many due subscriptions, made by SQL: two items each, a discount on half, a tax on the other half."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, models

from catalog.models import Coupon, Meter, Price, Product, TaxRate
from customers.models import Customer, PaymentMethod
from events.copying import Row, insert_rows, new_row
from invoicing.models import NumberSeries
from merchants.models import BillingEntity, Merchant
from payments.models import SandboxObject
from subscriptions.models import Discount, Subscription, SubscriptionItem
from usage.writes import ensure_partitions

START = datetime(2024, 1, 1, tzinfo=UTC)
DUE = datetime(2024, 2, 1, tzinfo=UTC)

GRACE = timedelta(hours=1)
USAGE_CUSTOMERS = 1000
ITEMS_OF_TWO_PAGES = 24
FORMULAS = ("sum", "count", "max", "last")
EVENT_NAME = "bench_calls"
EVENTS_AT_ONCE = 500_000

MERCHANT = "acct_bench"
METER = "mtr_bench"
_ENTITY, _RATE, _COUPON = "be_bench", "txr_bench", "coup_bench"


def build(rows: int, *, bodies: bool = True, grace: timedelta = timedelta(0), items: int = 2) -> None:
    """`rows` subscriptions of `items` items that are due at `DUE`, in the current database."""
    _shop(bodies, int(grace.total_seconds()), items)
    _customers(rows)
    _subscriptions(rows, items)
    with connection.cursor() as cursor:
        # Only what the run reads first: everything else is empty.
        cursor.execute("ANALYZE subscriptions_subscription, subscriptions_subscriptionitem, customers_customer")


def build_usage(stored: int) -> None:
    """A meter and `USAGE_CUSTOMERS` customers, the first with `stored` events in the month before `DUE`."""
    _shop(bodies=True, grace=0, items=0)
    _customers(USAGE_CUSTOMERS)
    ensure_partitions([START, DUE])
    _insert(Meter, id=METER, display_name="Calls", event_name=EVENT_NAME, formula="sum")
    for first in range(1, stored + 1, EVENTS_AT_ONCE):
        _events(first, min(first + EVENTS_AT_ONCE - 1, stored), stored)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE usage_usageevent, catalog_meter")


def customer_id(number: int) -> str:
    return f"cus_{number:022d}"


def _events(first: int, last: int, stored: int) -> None:
    """Spread evenly over the month; identifiers have a table of their own, which a month's bill does not read."""
    statement = """
        INSERT INTO usage_usageevent (id, merchant_id, meter_id, customer_id, identifier, "timestamp", reported_at,
            value, label, recorded_at)
        SELECT 'mevt_' || lpad(n::text, 22, '0'), %(merchant)s, %(meter)s, %(customer)s, 'stored-' || n,
            t.at, t.at, n %% 100, '', t.at
        FROM generate_series(%(first)s, %(last)s) n,
            LATERAL (SELECT %(start)s + (%(end)s - %(start)s) * (n::float8 / (%(stored)s + 1)) AS at) t"""
    values: dict[str, Any] = {
        "merchant": MERCHANT,
        "meter": METER,
        "customer": customer_id(1),
        "first": first,
        "last": last,
        "stored": stored,
        "start": START,
        "end": DUE,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _shop(bodies: bool, grace: int, items: int) -> None:
    _insert(
        Merchant,
        id=MERCHANT,
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
    for number in range(1, items + 1):
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
    _instruments(rows)


def _instruments(rows: int) -> None:
    """The methods in the sandbox gateway's own books: cards that pay."""
    _series(
        SandboxObject,
        rows,
        _row(SandboxObject, kind="payment_method", body={"instrument": "pm_card_visa"}),
        id=_id("pm"),
        customer_id=_id("cus"),
    )


def _subscriptions(rows: int, items: int) -> None:
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
    for number in range(1, items + 1):
        _series(
            SubscriptionItem,
            rows,
            _row(
                SubscriptionItem,
                price_id=f"price_bench{number}",
                current_period_start=START,
                current_period_end=DUE,
            ),
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
    common = {} if model is Merchant else {"merchant_id": MERCHANT}
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
