"""Subscriptions' facts become MRR movements. A constant number of queries per batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog.models import Price
from core.context import Context
from events.selectors import bodies_of
from events.types import DeliveredEvent
from insights.models import MrrMovement
from insights.rules import movement_type, mrr
from insights.types import RecurringDiscount, RecurringFacts, RecurringItem
from subscriptions.facts import coupon_facts, price_facts
from subscriptions.models import Discount, Subscription, SubscriptionItem
from subscriptions.rules.amounts import in_currency, line_amount
from subscriptions.selectors import discount_ids_of

EVENT_TYPES = ("customer.subscription.*",)


def record_movements(ctx: Context, events: Sequence[DeliveredEvent]) -> None:
    """Write how each subscription's MRR moved, from its body as of the event.

    A repeated or an older event changes nothing: versions only go up. A discount that runs out shows at the next
    renewal, which tells of the subscription anyway. A test clock's customers live in another time and stay out.
    """
    events = [event for event in events if not event.test_clock_id]
    if not events:
        return
    known = _Known.load(events)
    rows: list[MrrMovement] = []
    for event in events:
        body = known.body(event)
        if body is None:
            continue
        last = known.last.get(event.object_key, _Last())
        if event.object_version <= last.version:
            continue
        after = mrr(_facts(body, known, event.created))
        kind = movement_type(last.mrr, after, had_mrr_before=last.had_mrr)
        if kind:
            rows.append(_movement(ctx, event, body, kind, after - last.mrr, after))
        known.last[event.object_key] = _Last(event.object_version, after, last.had_mrr or after > 0)
    MrrMovement.objects.bulk_create(rows, ignore_conflicts=True)


@dataclass(frozen=True, slots=True)
class _Last:
    """Where a subscription stands: its last movement, or what this batch has seen since."""

    version: int = 0
    mrr: int = 0
    had_mrr: bool = False


@dataclass(slots=True)
class _Known:
    """All that a batch of events needs, read at once."""

    bodies: dict[tuple[str, str, int], dict[str, Any]]
    rows: dict[str, dict[str, Any]]
    prices: dict[str, Price] = field(default_factory=dict)
    discounts: dict[str, Discount] = field(default_factory=dict)
    of_customer: dict[str, list[Discount]] = field(default_factory=dict)
    last: dict[tuple[str, str], _Last] = field(default_factory=dict)

    @classmethod
    def load(cls, events: Sequence[DeliveredEvent]) -> _Known:
        bodies = bodies_of(events)
        without = {event.object_id for event in events if event.version_key not in bodies}
        known = cls(bodies=bodies, rows=_rows_as_bodies(without))
        found = [*bodies.values(), *known.rows.values()]
        known.prices = Price.objects.select_related("product").in_bulk(
            [item["price"] for body in found for item in _items(body)]
        )
        known._load_discounts(found)
        known._load_last({event.object_key for event in events})
        return known

    def body(self, event: DeliveredEvent) -> dict[str, Any] | None:
        """The subscription as of the event; as it is now, where the merchant keeps no bodies."""
        return self.bodies.get(event.version_key) or self.rows.get(event.object_id)

    def _load_discounts(self, bodies: Iterable[Mapping[str, Any]]) -> None:
        holders = [holder for body in bodies for holder in (body, *_items(body))]
        ids = {discount_id for holder in holders for discount_id in holder.get("discounts") or ()}
        self.discounts = Discount.objects.select_related("coupon").in_bulk(list(ids))
        customers = {body["customer"] for body in bodies}
        for row in (
            Discount.objects.filter(customer_id__in=customers)
            .of_customers()
            .select_related("coupon")
            .order_by("position", "id")
        ):
            self.of_customer.setdefault(row.customer_id, []).append(row)

    def _load_last(self, objects: set[tuple[str, str]]) -> None:
        rows = (
            MrrMovement.objects.filter(
                merchant_id__in={merchant for merchant, _ in objects},
                subscription_id__in={subscription for _, subscription in objects},
            )
            .order_by("merchant_id", "subscription_id", "-subscription_version")
            .distinct("merchant_id", "subscription_id")
        )
        for row in rows:
            key = (row.merchant_id, row.subscription_id)
            self.last[key] = _Last(row.subscription_version, row.mrr_after, had_mrr=True)


def _facts(body: Mapping[str, Any], known: _Known, at: datetime) -> RecurringFacts:
    own = [known.discounts[each] for each in body.get("discounts") or () if each in known.discounts]
    of_items = [
        known.discounts[each]
        for item in _items(body)
        for each in item.get("discounts") or ()
        if each in known.discounts
    ]
    # Those of items come first; a customer's discount counts only where the subscription has none.
    discounts = [*of_items, *(own or known.of_customer.get(body["customer"], []))]
    return RecurringFacts(
        status=body["status"],
        items=tuple(
            _item(item, known.prices[item["price"]], body["currency"])
            for item in _items(body)
            if item["price"] in known.prices
        ),
        discounts=tuple(_discount(row, body["currency"]) for row in discounts if _recurs(row, at)),
    )


def _items(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The body's items, each with its price as an id (Stripe's own bodies hold the whole price)."""
    data = body.get("items", {}).get("data", [])
    return [
        {**item, "price": item["price"]["id"] if isinstance(item["price"], dict) else item["price"]} for item in data
    ]


def _item(item: Mapping[str, Any], price: Price, currency: str) -> RecurringItem:
    quantity = item.get("quantity") or 0
    unit_amount = price.unit_amount_decimal
    plain = price.billing_scheme == "per_unit" and not price.transform_quantity and price.minimum_amount is None
    if not plain or price.currency != currency:
        # Tiers, packages and other currencies: what the whole quantity costs, once.
        facts = in_currency(price_facts(price, price.product), currency)
        unit_amount, quantity = Decimal(line_amount(facts, quantity)), 1
    return RecurringItem(
        unit_amount_decimal=unit_amount,
        quantity=quantity,
        interval=price.interval,
        interval_count=price.interval_count or 1,
        metered=price.usage_type == "metered",
        product_id=price.product_id,
        item_id=item.get("id", ""),
    )


def _recurs(row: Discount, at: datetime) -> bool:
    if row.coupon.duration == "once" or row.consumed_at:
        return False
    ended = [moment for moment in (row.end, row.deleted_at) if moment]
    return row.start <= at and all(at < moment for moment in ended)


def _discount(row: Discount, currency: str) -> RecurringDiscount:
    coupon = row.coupon
    return RecurringDiscount(
        percent_off=coupon.percent_off,
        amount_off=coupon_facts(coupon).amount_off_in(currency) or 0,
        product_ids=frozenset(coupon.applies_to_product_ids),
        item_id=row.subscription_item_id,
    )


def _rows_as_bodies(ids: set[str]) -> dict[str, dict[str, Any]]:
    if not ids:
        return {}
    discounts, of_items = discount_ids_of(ids)
    items: dict[str, list[dict[str, Any]]] = {}
    for item in SubscriptionItem.objects.filter(subscription_id__in=ids, deleted_at__isnull=True).order_by("id"):
        told = {"id": item.id, "price": item.price_id, "quantity": item.quantity, "discounts": of_items[item.id]}
        items.setdefault(item.subscription_id, []).append(told)
    return {
        row.id: {
            "status": row.status,
            "currency": row.currency,
            "customer": row.customer_id,
            "items": {"data": items.get(row.id, [])},
            "discounts": discounts[row.id],
        }
        for row in Subscription.objects.filter(id__in=ids)
    }


def _movement(
    ctx: Context, event: DeliveredEvent, body: Mapping[str, Any], kind: str, amount: int, after: int
) -> MrrMovement:
    return MrrMovement(
        merchant_id=event.merchant_id,
        customer_id=body["customer"],
        subscription_id=event.object_id,
        subscription_version=event.object_version,
        type=kind,
        currency=body["currency"],
        amount=amount,
        mrr_after=after,
        created=event.created,
        recorded_at=ctx.recorded_at,
    )
