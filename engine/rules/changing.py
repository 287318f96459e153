"""What a request to change a subscription comes to: its items afterwards, and its discounts afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.periods import Period
from engine.rules.giving import Giving, Purchase, of_coupons, whole_amount
from engine.rules.subscribing import prices_sold, recurring_price_to_sell
from engine.types import ChangeRequest, ChangeSnapshot, DiscountRequest, ItemChange
from subscriptions.rules.periods import current_period
from subscriptions.rules.prices import QuantityOfMetered, check_prices_fit
from subscriptions.types import (
    DiscountFacts,
    DiscountMove,
    ItemFacts,
    NewDiscount,
    PriceFacts,
    PriceLeft,
    SubscriptionFacts,
    is_new_ref,
    new_ref,
)


class ItemNotFound(OstinatoError):
    code = "resource_missing"
    param = "items"
    message_id = gettext_noop("The subscription has no item %(item)s.")


class ItemTwice(OstinatoError):
    code = "parameter_invalid"
    param = "items"
    message_id = gettext_noop("The item %(item)s is changed twice in one request.")


class NoItemWouldRemain(OstinatoError):
    code = "subscription_items_missing"
    param = "items"
    message_id = gettext_noop("A subscription keeps at least one item: cancel it instead.")


@dataclass(frozen=True, slots=True)
class ItemTarget:
    """One item that is really changed: `old` is None when it is added, `new` when it is removed."""

    old: ItemFacts | None
    new: ItemFacts | None

    @property
    def costs_the_same(self) -> bool:
        """Only what the item says of itself changes (its tax rates): there is nothing to prorate."""
        if self.old is None or self.new is None:
            return False
        return (self.old.price, self.old.quantity) == (self.new.price, self.new.quantity)


@dataclass(frozen=True, slots=True)
class Stack:
    """The subscription's and its items' discounts after a change, and what is to be written for it.

    `extras` are the own ones of each of `add_invoice_items`.
    """

    discounts: tuple[DiscountFacts, ...]
    added: tuple[NewDiscount, ...] = ()
    moved: tuple[DiscountMove, ...] = ()
    removed: tuple[str, ...] = ()
    extras: tuple[tuple[DiscountFacts, ...], ...] = ()

    @property
    def is_changed(self) -> bool:
        return bool(self.added or self.moved or self.removed)

    def given_by(self, at: datetime) -> list[DiscountFacts]:
        """The discounts, what the call itself gives from `at` on: it may prorate from a moment before."""
        return [replace(one, start=min(one.start, at)) if is_new_ref(one.id) else one for one in self.discounts]


def item_targets(snapshot: ChangeSnapshot, request: ChangeRequest, at: datetime) -> list[ItemTarget]:
    """The items that the request really changes, in its order; new ones are "#n".

    Another price resets the quantity to 1 unless one is sent. An item keeps its period unless its interval
    changes: then it is in the period, counted from the same anchor, that `at` lies in.
    Raises `ItemNotFound`, `ItemTwice`, `PriceNotFound`, `PriceInactive`.
    """
    subscription = snapshot.renewal.subscription
    by_id = {item.id: item for item in subscription.items}
    targets: list[ItemTarget] = []
    seen: set[str] = set()
    added = 0
    for number, change in enumerate(request.items):
        if not change.item_id:
            targets.append(ItemTarget(None, _added(snapshot, change, number, added, at)))
            added += 1
            continue
        old = by_id.get(change.item_id)
        if old is None:
            raise ItemNotFound(param=f"items[{number}][id]", item=change.item_id)
        if change.item_id in seen:
            raise ItemTwice(item=change.item_id)
        seen.add(change.item_id)
        new = None if change.deleted else _updated(snapshot, old, change, number, at)
        if new != old:
            targets.append(ItemTarget(old, new))
    return targets


def items_after(subscription: SubscriptionFacts, targets: Sequence[ItemTarget]) -> tuple[ItemFacts, ...]:
    """All items once the targets are reached. Raises `NoItemWouldRemain` and what `check_prices_fit` does."""
    changed = {target.old.id: target.new for target in targets if target.old is not None}
    after = [changed.get(item.id, item) for item in subscription.items]
    after += [target.new for target in targets if target.old is None]
    remaining = tuple(item for item in after if item is not None)
    if not remaining:
        raise NoItemWouldRemain
    check_prices_fit([item.price for item in remaining], subscription.currency)
    return remaining


def restack(snapshot: ChangeSnapshot, request: ChangeRequest, items: Sequence[ItemFacts], as_of: datetime) -> Stack:
    """The stacks that the request asks for, of the subscription and of its `items` afterwards; else as they are.

    What is already given and still counts keeps its discount: it is not redeemed again and its months do not start
    anew. An item that goes takes its discounts with it. Raises what `Giving.give` does.
    """
    subscription, current = snapshot.renewal.subscription, snapshot.renewal.discounts
    purchase = Purchase(
        subscription.customer_id,
        subscription.currency,
        whole_amount(items),
        as_of,
        subscription.timezone,
        snapshot.has_paid,
    )
    giving = Giving(purchase, snapshot.coupons, snapshot.promotion_codes, snapshot.reusable)
    own = tuple(discount for discount in current if not discount.subscription_item_id)
    if request.changes_discounts:
        asked = of_coupons(dict.fromkeys(request.coupon_ids or ())) if request.discounts is None else request.discounts
        own = giving.give(asked, own)
    of_items: list[DiscountFacts] = []
    asked_of = _asked_of_items(request)
    for item in items:
        standing = tuple(discount for discount in current if discount.subscription_item_id == item.id)
        wanted = asked_of.get(item.id)
        of_items += standing if wanted is None else giving.give(wanted, standing, item=item.id)
    extras = tuple(giving.give(extra.discounts, of_line=True) for extra in request.add_invoice_items)
    after = (*own, *of_items)
    places = {discount.id: discount.position for discount in current}
    moved = [one for one in after if one.id in places and places[one.id] != one.position]
    stays = {discount.id for discount in after}
    return Stack(
        after,
        tuple(giving.rows),
        tuple(DiscountMove(one.id, one.position) for one in moved),
        tuple(discount.id for discount in current if discount.id not in stays),
        extras,
    )


def _asked_of_items(request: ChangeRequest) -> dict[str, tuple[DiscountRequest, ...]]:
    """The discounts that the request asks for on items: by item, "#n" for those it adds."""
    asked = {}
    added = 0
    for change in request.items:
        reference = change.item_id or new_ref(added)
        added += not change.item_id
        if change.discounts is not None:
            asked[reference] = change.discounts
    return asked


def _added(snapshot: ChangeSnapshot, change: ItemChange, number: int, added: int, at: datetime) -> ItemFacts:
    subscription = snapshot.renewal.subscription
    price = recurring_price_to_sell(snapshot.prices, change.price_id, f"items[{number}][price]")
    [price] = prices_sold([price], "", subscription.currency)
    item_period = _period_from(subscription, price, at)
    return ItemFacts(
        id=new_ref(added),
        price=price,
        quantity=1 if change.quantity is None else change.quantity,
        current_period_start=item_period.start,
        current_period_end=item_period.end,
        tax_rate_ids=change.tax_rate_ids or (),
        metadata=change.metadata,
    )


def _updated(snapshot: ChangeSnapshot, old: ItemFacts, change: ItemChange, number: int, at: datetime) -> ItemFacts:
    """The item as asked for; the very same when the request changes nothing of it."""
    price = old.price
    if change.price_id not in ("", old.price.id):
        price = recurring_price_to_sell(snapshot.prices, change.price_id, f"items[{number}][price]")
        [price] = prices_sold([price], "", snapshot.renewal.subscription.currency)
    reset = old.quantity if price is old.price else 1
    quantity = reset if change.quantity is None else change.quantity
    if price.is_metered and quantity != reset:
        raise QuantityOfMetered(param=f"items[{number}][quantity]")
    rates = old.tax_rate_ids if change.tax_rate_ids is None else change.tax_rate_ids
    if price is old.price and quantity == old.quantity:
        return replace(old, tax_rate_ids=rates)
    subscription = snapshot.renewal.subscription
    if price.interval == old.price.interval:
        item_period = Period(old.current_period_start, _cut_short(subscription, old.current_period_end))
    else:
        item_period = _period_from(subscription, price, at)
    return replace(
        old,
        price=price,
        quantity=quantity,
        current_period_start=item_period.start,
        current_period_end=item_period.end,
        sequence=old.sequence + 1,
        tax_rate_ids=rates,
        prices_left=_prices_left(old, price, at),
    )


def _prices_left(old: ItemFacts, price: PriceFacts, at: datetime) -> tuple[PriceLeft, ...]:
    """What was reported until `at` keeps the price it was reported under, and is billed with its period."""
    left = tuple(one for one in old.prices_left if one.at >= old.current_period_start)
    if price.id == old.price.id or not (price.is_metered or old.price.is_metered):
        return left
    if price.interval != old.price.interval:
        return ()  # the old price's period ends here, and is billed
    return (*left, PriceLeft(old.price, old.sequence, at))


def _period_from(subscription: SubscriptionFacts, price: PriceFacts, at: datetime) -> Period:
    """The period that an item is in from `at` on. What a meter counted before is not this item's."""
    whole = _period_of(subscription, price, at)
    return Period(at, whole.end) if price.is_metered else whole


def _period_of(subscription: SubscriptionFacts, price: PriceFacts, at: datetime) -> Period:
    """The period that an item of this price is in at `at`: the trial, or the one counted from the anchor."""
    if subscription.status == "trialing" and subscription.trial_end is not None:
        return Period(subscription.trial_start or subscription.start_date, subscription.trial_end)
    whole = current_period(
        subscription.billing_cycle_anchor,
        price.interval,
        subscription.timezone,
        at,
        day_of_month=subscription.anchor_day_of_month,
    )
    return Period(whole.start, _cut_short(subscription, whole.end))


def _cut_short(subscription: SubscriptionFacts, end: datetime) -> datetime:
    """A period's end, or the scheduled end inside it: nothing is charged beyond that."""
    if subscription.cancel_at is None or subscription.cancel_at_period_end:
        return end
    return min(end, subscription.cancel_at)
