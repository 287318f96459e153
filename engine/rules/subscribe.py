"""A new subscription: its trial, its cycle, its items, its discounts and its first invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.periods import Interval, Period
from engine.rules.drafting import Draft, draft_invoice, frame_of
from engine.rules.ending import CancelTwice, ending_instant
from engine.rules.giving import SignupDiscounts, signup_discounts
from engine.rules.lines import one_time_line, pending_line, period_line, trial_period_line
from engine.rules.renewal import state_of
from engine.rules.subscribing import check_quantities, price_to_sell, prices_sold, recurring_price_to_sell
from engine.types import (
    NewSubscription,
    PlannedEvent,
    RenewalSnapshot,
    SubscribePlan,
    SubscribeRequest,
    SubscribeSnapshot,
)
from invoicing.rules.balance import apply_balance
from invoicing.types import PlannedInvoice, PlannedLine
from subscriptions.rules.discounts import active_discounts
from subscriptions.rules.next_action import TRIAL_NOTICE
from subscriptions.rules.periods import ItemPeriod, Opening, first_periods, opening
from subscriptions.rules.prices import PriceNotOneTime, check_one_currency, check_prices_fit
from subscriptions.rules.status import first_status, incomplete_expires_at
from subscriptions.types import (
    DiscountUse,
    ItemFacts,
    NewItem,
    PriceFacts,
    SubscriptionFacts,
    new_ref,
)


class DaysUntilDueMisplaced(OstinatoError):
    code = "days_until_due_invalid"
    param = "days_until_due"
    message_id = gettext_noop("Days until due are for invoices that are sent, not for automatic charges.")


class UnknownOption(OstinatoError):
    code = "parameter_invalid_enum"
    message_id = gettext_noop("“%(value)s” is not one of: %(choices)s.")


@dataclass(frozen=True, slots=True)
class _Started:
    """A subscription as the rules see it before it exists, with what its first invoice is made of."""

    snapshot: RenewalSnapshot
    periods: tuple[tuple[ItemPeriod, ...], ...]  # of each item: one, or all since a backdated start
    given: SignupDiscounts


def plan_subscribe(snapshot: SubscribeSnapshot, request: SubscribeRequest, as_of: datetime) -> SubscribePlan:
    """The subscription "#0", its items and discounts, and its first invoice.

    A trial's invoice is 0. The first period may be a stub; under `proration_behavior` none the stub is free and
    makes no invoice. Charged automatically, the first invoice finalizes at once, and while it waits to be paid
    the subscription is incomplete.
    Raises the named errors of `subscriptions.rules.{prices,periods,discounts,amounts}`, `PriceNotFound`,
    `DaysUntilDueMisplaced` and `UnknownOption`.
    """
    _check_options(request)
    started = _start(snapshot, request, as_of)
    draft = _first_invoice(snapshot, request, started, as_of)
    invoices = () if draft is None else (draft.invoice,)
    subscription = _with_first_status(started.snapshot, invoices, as_of)
    return SubscribePlan(
        subscription=_new_subscription(snapshot, request, subscription),
        state=state_of(subscription),
        items=tuple(_new_item(item) for item in subscription.items),
        discounts=started.given.rows,
        invoices=invoices,
        discounts_used=() if draft is None else _uses(draft, as_of),
        events=_events(subscription, invoices),
    )


def subscribed(snapshot: SubscribeSnapshot, request: SubscribeRequest, as_of: datetime) -> RenewalSnapshot:
    """The subscription that `plan_subscribe` would make, as its next renewal will find it: for previews.

    Its first invoice counts as paid, and nothing is to be announced. Raises what `plan_subscribe` raises.
    """
    plan = plan_subscribe(snapshot, request, as_of)
    started = _start(snapshot, request, as_of).snapshot
    used = {use.discount_id for use in plan.discounts_used}
    return replace(
        started,
        subscription=replace(
            started.subscription,
            status="trialing" if plan.state.trial_end else "active",
            trial_will_end_sent_at=as_of,
        ),
        discounts=tuple(given for given in started.discounts if given.id not in used),
        customer_discounts=tuple(given for given in started.customer_discounts if given.id not in used),
        pending_items=() if plan.invoices else started.pending_items,
    )


def _check_options(request: SubscribeRequest) -> None:
    choices = {
        "collection_method": ("charge_automatically", "send_invoice"),
        "payment_behavior": (
            "allow_incomplete",
            "default_incomplete",
            "error_if_incomplete",
            "pending_if_incomplete",
        ),
        "proration_behavior": ("create_prorations", "always_invoice", "none"),
        "trial_missing_payment_method": ("create_invoice", "cancel", "pause"),
    }
    for field, allowed in choices.items():
        check_option(field, getattr(request, field), allowed)
    if request.days_until_due is not None and request.collection_method != "send_invoice":
        raise DaysUntilDueMisplaced


def check_option(field: str, value: str, allowed: Sequence[str]) -> None:
    """Raises `UnknownOption` when the field's value is none of those allowed."""
    if value not in allowed:
        raise UnknownOption(param=field, value=value, choices=", ".join(allowed))


def _start(snapshot: SubscribeSnapshot, request: SubscribeRequest, as_of: datetime) -> _Started:
    """The request checked and turned into facts. The status is settled later, by the first invoice."""
    prices = [
        recurring_price_to_sell(snapshot.prices, item.price_id, f"items[{number}][price]")
        for number, item in enumerate(request.items)
    ]
    check_quantities(prices, [item.quantity for item in request.items])
    prices = prices_sold(prices, request.currency, snapshot.customer.currency)
    check_prices_fit(prices, snapshot.customer.currency)
    currency = prices[0].currency
    opened = opening(
        prices,
        as_of,
        snapshot.timezone,
        trial_period_days=request.trial_period_days,
        trial_end=request.trial_end,
        billing_cycle_anchor=request.billing_cycle_anchor,
        config=request.billing_cycle_anchor_config,
        backdated_to=request.backdate_start_date,
    )
    intervals = [price.interval for price in prices if price.interval is not None]
    ends = _ending(request, opened, intervals, snapshot.timezone, as_of)
    until = None if request.proration_behavior == "none" else ends
    periods = tuple(first_periods(opened, interval, snapshot.timezone, as_of, until) for interval in intervals)
    items = _items(request, prices, periods)
    given = signup_discounts(snapshot, request, items, currency, as_of)
    renewal = RenewalSnapshot(
        subscription=replace(
            _facts(snapshot, request, opened, currency, items),
            cancel_at=ends,
            cancel_at_period_end=request.cancel_at_period_end,
            canceled_at=as_of if ends else None,
        ),
        customer=snapshot.customer,
        settings=snapshot.settings,
        discounts=given.stack,
        customer_discounts=snapshot.customer_discounts,
        pending_items=tuple(item for item in snapshot.pending_items if item.currency == currency),
        tax_rates=snapshot.tax_rates,
    )
    return _Started(renewal, periods, given)


def _ending(
    request: SubscribeRequest, opened: Opening, intervals: Sequence[Interval], tz: str, as_of: datetime
) -> datetime | None:
    """When the new subscription is to end, if it says so. Raises `CancelTwice` and what `ending_instant` does."""
    if request.cancel_at is None and not request.cancel_at_period_end:
        return None
    if request.cancel_at is not None and request.cancel_at_period_end:
        raise CancelTwice
    period_ends = [first_periods(opened, interval, tz, as_of)[-1].period.end for interval in intervals]
    return ending_instant(request.cancel_at or "min_period_end", period_ends, as_of)


def _items(
    request: SubscribeRequest, prices: Sequence[PriceFacts], periods: Sequence[tuple[ItemPeriod, ...]]
) -> tuple[ItemFacts, ...]:
    return tuple(
        ItemFacts(
            id=new_ref(number),
            price=price,
            quantity=item.quantity,
            current_period_start=billed[-1].period.start,
            current_period_end=billed[-1].period.end,
            tax_rate_ids=item.tax_rate_ids,
            metadata=item.metadata,
        )
        for number, (item, price, billed) in enumerate(zip(request.items, prices, periods, strict=True))
    )


def _facts(
    snapshot: SubscribeSnapshot,
    request: SubscribeRequest,
    opened: Opening,
    currency: str,
    items: tuple[ItemFacts, ...],
) -> SubscriptionFacts:
    return SubscriptionFacts(
        id=new_ref(0),
        merchant_id=request.merchant_id,
        customer_id=request.customer_id,
        billing_entity_id=snapshot.billing_entity_id,
        status="active",
        currency=currency,
        billing_cycle_anchor=opened.anchor,
        anchor_day_of_month=opened.day_of_month,
        start_date=opened.start,
        items=items,
        collection_method=request.collection_method,
        timezone=snapshot.timezone,
        trial_start=opened.start if opened.trial_end else None,
        trial_end=opened.trial_end,
        trial_missing_payment_method=request.trial_missing_payment_method,
        days_until_due=request.days_until_due,
        default_payment_method_id=request.default_payment_method_id,
        default_tax_rate_ids=request.default_tax_rate_ids,
        description=request.description,
        test_clock_id=snapshot.test_clock_id,
        metadata=request.metadata,
    )


def _first_invoice(
    snapshot: SubscribeSnapshot, request: SubscribeRequest, started: _Started, as_of: datetime
) -> Draft | None:
    renewal = started.snapshot
    subscription = renewal.subscription
    lines = [*_item_lines(started, request), *_extra_lines(snapshot, request, started)]
    lines += [pending_line(item, subscription.default_tax_rate_ids) for item in renewal.pending_items]
    if not lines:
        return None
    return draft_invoice(
        frame_of(renewal),
        lines,
        active_discounts(renewal.discounts, renewal.customer_discounts, as_of),
        billing_reason="subscription_create",
        period=Period(as_of, as_of),
        as_of=as_of,
        finalize_now=request.collection_method == "charge_automatically",
    )


def _item_lines(started: _Started, request: SubscribeRequest) -> list[PlannedLine]:
    """A line for each item and period: one, or one for each since a backdated start, in the order of time."""
    subscription = started.snapshot.subscription
    billed = [
        (item, item_period)
        for item, periods in zip(subscription.items, started.periods, strict=True)
        for item_period in periods
    ]
    on_trial = subscription.trial_end is not None
    make = trial_period_line if on_trial else period_line
    return [
        make(
            subscription.id,
            item,
            item_period,
            default_tax_rate_ids=subscription.default_tax_rate_ids,
            locale=started.snapshot.customer.locale,
        )
        for item, item_period in sorted(billed, key=lambda pair: pair[1].period.start)
        # Usage is billed when it has been used.
        if not _is_free(item, item_period, request, subscription) and (on_trial or not item.price.is_metered)
    ]


def _is_free(
    item: ItemFacts, item_period: ItemPeriod, request: SubscribeRequest, subscription: SubscriptionFacts
) -> bool:
    """Without prorations neither a stub nor the time before the creation is charged, nor what comes before the anchor.

    Backdated and anchored ahead is how subscriptions move in from elsewhere, paid until the anchor (Stripe's
    "Backdating without charging users").
    """
    if request.proration_behavior != "none":
        return False
    anchored = request.billing_cycle_anchor is not None or request.billing_cycle_anchor_config is not None
    if anchored and subscription.trial_end is None and item_period.period.end <= subscription.billing_cycle_anchor:
        return True
    return not item_period.is_whole or item_period.period.end <= item.current_period_start


def _extra_lines(snapshot: SubscribeSnapshot, request: SubscribeRequest, started: _Started) -> list[PlannedLine]:
    """One-time prices that are sold together with the subscription."""
    lines = []
    subscription = started.snapshot.subscription
    for number, extra in enumerate(request.add_invoice_items):
        price = one_time_price(snapshot.prices, extra.price_id, subscription.currency, number)
        rates = extra.tax_rate_ids or subscription.default_tax_rate_ids
        discounts = started.given.extras[number]
        locale = snapshot.customer.locale
        lines.append(one_time_line(price, extra, subscription.start_date, rates, locale, discounts))
    return lines


def one_time_price(prices: Mapping[str, PriceFacts], price_id: str, currency: str, number: int) -> PriceFacts:
    """The price of `add_invoice_items[number]`. Raises `PriceNotFound`, `PriceInactive`, `PriceNotOneTime`,
    `CustomerCurrencyMismatch`."""
    price = price_to_sell(prices, price_id, f"add_invoice_items[{number}][price]")
    if price.interval is not None:
        raise PriceNotOneTime(price=price.id)
    [price] = prices_sold([price], "", currency)
    check_one_currency([price], currency)
    return price


def _with_first_status(
    snapshot: RenewalSnapshot, invoices: tuple[PlannedInvoice, ...], as_of: datetime
) -> SubscriptionFacts:
    """The subscription with the status that its first invoice leaves it in before any payment."""
    subscription, customer = snapshot.subscription, snapshot.customer
    minimum = snapshot.settings.minimum_charges.get(subscription.currency, 0)
    due = sum(apply_balance(invoice.totals.total, customer.balance, minimum).amount_due for invoice in invoices)
    status = first_status(
        on_trial=subscription.trial_end is not None,
        amount_due=due,
        collection_method=subscription.collection_method,
    )
    notice_is_due = subscription.trial_end is not None and subscription.trial_end - TRIAL_NOTICE <= as_of
    return replace(
        subscription,
        status=status,
        incomplete_expires_at=incomplete_expires_at(status, as_of),
        trial_will_end_sent_at=as_of if notice_is_due else None,
    )


def _new_subscription(
    snapshot: SubscribeSnapshot, request: SubscribeRequest, subscription: SubscriptionFacts
) -> NewSubscription:
    config = request.billing_cycle_anchor_config
    return NewSubscription(
        merchant_id=request.merchant_id,
        customer_id=request.customer_id,
        billing_entity_id=snapshot.billing_entity_id,
        currency=subscription.currency,
        collection_method=subscription.collection_method,
        timezone=subscription.timezone,
        start_date=subscription.start_date,
        trial_start=subscription.trial_start,
        trial_end=subscription.trial_end,
        trial_missing_payment_method=subscription.trial_missing_payment_method,
        days_until_due=subscription.days_until_due,
        default_payment_method_id=subscription.default_payment_method_id,
        save_default_payment_method=request.save_default_payment_method,
        default_tax_rate_ids=subscription.default_tax_rate_ids,
        description=subscription.description,
        metadata=request.metadata,
        test_clock_id=subscription.test_clock_id,
        billing_cycle_anchor_config=None if config is None else asdict(config),
    )


def _new_item(item: ItemFacts) -> NewItem:
    return NewItem(item.price.id, item.quantity, item.current_period_start, item.current_period_end, item.tax_rate_ids)


def _uses(draft: Draft, as_of: datetime) -> tuple[DiscountUse, ...]:
    return tuple(DiscountUse(discount_id, as_of, 0) for discount_id in draft.used_discount_ids)


def _events(subscription: SubscriptionFacts, invoices: tuple[PlannedInvoice, ...]) -> tuple[PlannedEvent, ...]:
    events = [PlannedEvent("customer.subscription.created", "subscription", subscription.id)]
    if subscription.trial_will_end_sent_at is not None:
        events.append(PlannedEvent("customer.subscription.trial_will_end", "subscription", subscription.id))
    events += [PlannedEvent("invoice.created", "invoice", new_ref(number)) for number in range(len(invoices))]
    return tuple(events)
