"""Discounts of one pending item, one line, or one invoice: given in their caller's transaction, and read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q

from catalog.writes import redeem
from core.context import Context
from core.ids import new_ids
from customers.models import Customer
from engine.rules.giving import Giving, Purchase
from engine.selectors import bodies_kept
from engine.services.offers import offers_asked_for
from engine.types import DiscountRequest
from events.copying import Row, new_row
from events.reading import read_rows
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from subscriptions.facts import coupon_facts, discount_facts
from subscriptions.models import Discount
from subscriptions.snapshots import discount_snapshot
from subscriptions.types import DiscountFacts, NewDiscount, is_new_ref
from subscriptions.writes import insert_discounts, move_discounts, remove_discounts


def give_to_item(ctx: Context, customer: Customer, item: Any, asked: Sequence[DiscountRequest]) -> list[str]:
    """The stack that is asked for on a pending item, in the place of the one it had: the ids, in order.

    Raises what `Giving.give` does, and `CouponFullyRedeemed`.
    """
    purchase = _purchase(ctx, customer, item.currency, item.amount)
    standing = discounts_of_items([item.id])[item.id] if item.discount_ids else ()
    return [one.id for one in _give(ctx, customer, purchase, asked, standing, {"invoice_item_id": item.id})]


def give_to_invoice(
    ctx: Context, customer: Customer, invoice: Any, amount: int, asked: Sequence[DiscountRequest]
) -> tuple[DiscountFacts, ...]:
    """The stack that is asked for on an invoice (its `id`, `currency`, `discount_ids`), in the place of its own.

    `amount` is what it comes to before discounts. Raises what `Giving.give` does, and `CouponFullyRedeemed`.
    """
    purchase = _purchase(ctx, customer, invoice.currency, amount)
    standing = discounts_by_id(invoice.discount_ids or ())
    return _give(ctx, customer, purchase, asked, standing, {"invoice_id": invoice.id})


def stack_asked_for(
    ctx: Context, customer: Any, currency: str, amount: int, asked: Sequence[DiscountRequest]
) -> tuple[DiscountFacts, ...]:
    """The stack that an invoice would be given: for previews, nothing is written. Raises what `Giving.give` does."""
    return _giving(_purchase(ctx, customer, currency, amount), customer, asked).give(asked, of_line=True)


def discounts_of_items(item_ids: Iterable[str]) -> dict[str, tuple[DiscountFacts, ...]]:
    """The own discounts of these pending items, by item. One query."""
    rows = Discount.objects.filter(invoice_item_id__in=list(item_ids), deleted_at__isnull=True)
    found: dict[str, tuple[DiscountFacts, ...]] = defaultdict(tuple)
    for row in rows.select_related("coupon").order_by("position", "id"):
        found[row.invoice_item_id] += (discount_facts(row, coupon_facts(row.coupon)),)
    return found


def discounts_by_id(ids: Iterable[str]) -> tuple[DiscountFacts, ...]:
    """These discounts in the order of their stack, whatever they were used for. One query, none for no ids."""
    wanted = list(ids)
    if not wanted:
        return ()
    rows = Discount.objects.filter(id__in=wanted).select_related("coupon").order_by("position", "id")
    return tuple(discount_facts(row, coupon_facts(row.coupon)) for row in rows)


def discounts_of_lines(lines: Sequence[Any]) -> dict[str, tuple[DiscountFacts, ...]]:
    """The own discounts of written lines, by line: of the item behind each, else those that it shows. One query.

    Those of a subscription's item are part of the subscription's stack.
    """
    items = {line.invoice_item_id: line.id for line in lines if line.invoice_item_id}
    shown = {
        given["discount"]: line.id
        for line in lines
        if not line.invoice_item_id
        for given in line.discount_amounts
        if given.get("of_line")
    }
    found: dict[str, tuple[DiscountFacts, ...]] = defaultdict(tuple)
    if not items and not shown:
        return found
    rows = Discount.objects.filter(
        Q(invoice_item_id__in=list(items)) | Q(id__in=list(shown), subscription_item_id=""), deleted_at__isnull=True
    )
    for row in rows.select_related("coupon").order_by("position", "id"):
        line_id = shown.get(row.id) or items[row.invoice_item_id]
        found[line_id] += (discount_facts(row, coupon_facts(row.coupon)),)
    return found


def _purchase(ctx: Context, customer: Any, currency: str, amount: int) -> Purchase:
    timezone = Merchant.objects.values_list("timezone", flat=True).get(id=customer.merchant_id)
    return Purchase(customer.id, currency, amount, ctx.as_of, timezone)


def _giving(purchase: Purchase, customer: Any, asked: Sequence[DiscountRequest]) -> Giving:
    offers = offers_asked_for(customer.merchant_id, customer.id, asked)
    paid = replace(purchase, has_paid=offers.has_paid)
    return Giving(paid, offers.coupons, offers.promotion_codes, offers.reusable)


def _give(
    ctx: Context,
    customer: Customer,
    purchase: Purchase,
    asked: Sequence[DiscountRequest],
    standing: Sequence[DiscountFacts],
    place: dict[str, str],
) -> tuple[DiscountFacts, ...]:
    giving = _giving(purchase, customer, asked)
    stack = giving.give(asked, standing, of_line=True)
    rows = _rows(ctx, customer, giving.rows, place)
    places = {one.id: one.position for one in standing}
    kept = {one.id: one.position for one in stack if one.id in places}
    move_discounts([(kept_id, position) for kept_id, position in kept.items() if places[kept_id] != position])
    _take_away(ctx, customer, [one.id for one in standing if one.id not in kept])
    insert_discounts(rows)
    redeemed = [new for new in giving.rows if new.redeems]
    redeem(
        customer.merchant_id,
        coupon_ids=[new.coupon_id for new in redeemed],
        promotion_code_ids=[new.promotion_code_id for new in redeemed if new.promotion_code_id],
    )
    _tell(ctx, customer, "created", rows)
    return tuple(replace(one, id=rows[int(one.id[1:])].id) if is_new_ref(one.id) else one for one in stack)


def _rows(ctx: Context, customer: Customer, given: Sequence[NewDiscount], place: dict[str, str]) -> list[Row]:
    return [
        new_row(
            Discount,
            id=discount_id,
            merchant_id=customer.merchant_id,
            coupon_id=new.coupon_id,
            customer_id=customer.id,
            promotion_code_id=new.promotion_code_id,
            position=new.position,
            start=new.start,
            end=new.end,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
            **place,
        )
        for discount_id, new in zip(new_ids("di", len(given)), given, strict=True)
    ]


def _take_away(ctx: Context, customer: Customer, ids: Sequence[str]) -> None:
    if ids:
        remove_discounts(ids, ctx.as_of)
        _tell(ctx, customer, "deleted", read_rows(Discount.objects.filter(id__in=ids)))


def _tell(ctx: Context, customer: Customer, what: str, rows: Sequence[Row]) -> None:
    kept = bodies_kept([customer.merchant_id]) if rows else set()
    record_events(
        ctx,
        [
            EventRow(
                merchant_id=row.merchant_id,
                type=f"customer.discount.{what}",
                object_type="discount",
                object_id=row.id,
                object_version=1 + (what == "deleted"),
                customer_id=customer.id,
                test_clock_id=customer.test_clock_id,
                body=discount_snapshot(row) if kept else None,
            )
            for row in rows
        ],
    )
