"""Phases of a schedule: their instants, how they are kept, and what each asks of its subscription. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import OstinatoError, gettext_noop
from core.periods import Interval, boundary, time_zone
from engine.rules.requests import discounts_from_json, instant_from_json, instant_to_json, item_from_json
from engine.rules.subscribe import DaysUntilDueMisplaced, check_option, one_time_price
from engine.rules.subscribing import check_quantities, prices_sold, recurring_price_to_sell
from engine.types import ChangeRequest, ItemChange, ItemRequest, SubscribeRequest
from engine.types.schedules import Phase, PhaseRequest
from subscriptions.rules.prices import check_prices_fit, shortest_interval
from subscriptions.types import ItemFacts, PriceFacts

MAX_PHASES = 50
END_BEHAVIORS = ("release", "cancel")
# What a phase says of itself, or its schedule for all of them.
DEFAULT_SETTINGS = ("collection_method", "days_until_due", "default_payment_method_id", "description")

EXPIRY_NOTICE = timedelta(days=7)  # Stripe: subscription_schedule.expiring occurs 7 days before the end

_TUPLES = ("coupon_ids", "default_tax_rate_ids")


class PhasesMissing(OstinatoError):
    code = "parameter_missing"
    param = "phases"
    message_id = gettext_noop("A schedule has at least one phase, and every phase at least one price.")


class TooManyPhases(OstinatoError):
    code = "parameter_invalid"
    param = "phases"
    message_id = gettext_noop("A schedule has at most %(most)s phases.")


class PhaseEndInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "phases"
    message_id = gettext_noop("Every phase ends after it begins, and the current one in the future.")


class PhaseStartInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "phases"
    message_id = gettext_noop("A phase begins where the one before it ends, and the first one where it began.")


class IterationsInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "phases"
    message_id = gettext_noop("A phase lasts a whole number of intervals from 1 upwards, not %(iterations)s.")


def check_phases(
    requests: Sequence[PhaseRequest],
    prices: Mapping[str, PriceFacts],
    customer_currency: str,
    standing: Collection[str] = (),
) -> None:
    """Whether each phase could be a subscription, so that none is refused when its moment has come.

    `prices` are the merchant's, by id; those `standing` on the subscription may have been archived. Raises
    `PriceNotFound`, `PriceInactive`, `QuantityOfMetered`, `DaysUntilDueMisplaced`, `PriceNotOneTime`, and what
    `check_prices_fit` does, each with its place in the request as `param`.
    """
    kept = {id: replace(price, active=True) if id in standing else price for id, price in prices.items()}
    for number, request in enumerate(requests):
        if request.items:
            try:
                _check_phase(request, kept, customer_currency)
            except OstinatoError as refusal:
                if refusal.param != "customer":
                    field, bracket, rest = refusal.param.partition("[")
                    refusal.param = f"phases[{number}][{field}]{bracket}{rest}"
                raise


def _check_phase(request: PhaseRequest, prices: Mapping[str, PriceFacts], customer_currency: str) -> None:
    if request.days_until_due is not None and request.collection_method == "charge_automatically":
        raise DaysUntilDueMisplaced
    asked = [
        recurring_price_to_sell(prices, item.price_id, f"items[{number}][price]")
        for number, item in enumerate(request.items)
    ]
    check_quantities(asked, [item.quantity for item in request.items])
    sold = prices_sold(asked, request.currency, customer_currency)
    check_prices_fit(sold, customer_currency)
    for number, extra in enumerate(request.add_invoice_items):
        one_time_price(prices, extra.price_id, sold[0].currency, number)


def phases_from(
    requests: Sequence[PhaseRequest], start: datetime, intervals: Mapping[str, Interval], tz: str, as_of: datetime
) -> tuple[Phase, ...]:
    """The phases one after the other from `start` on, each ending where the next begins.

    `intervals` are those of the prices, by id. A phase that is counted in intervals aims at the day of the month
    on which the schedule starts. Raises `PhasesMissing`, `TooManyPhases`, `PhaseEndInvalid`, `PhaseStartInvalid`,
    `IterationsInvalid`, `UnknownOption`.
    """
    if not requests or any(not request.items for request in requests):
        raise PhasesMissing
    if len(requests) > MAX_PHASES:
        raise TooManyPhases(most=MAX_PHASES)
    phases: list[Phase] = []
    begins = start
    for number, request in enumerate(requests):
        if request.start is not None and request.start != begins:
            raise PhaseStartInvalid(param=f"phases[{number}][start_date]")
        check_option("proration_behavior", request.proration_behavior, ("create_prorations", "always_invoice", "none"))
        check_option("billing_cycle_anchor", request.billing_cycle_anchor, ("automatic", "phase_start"))
        ends = _end(request, begins, start, intervals, tz)
        if ends <= begins:
            raise PhaseEndInvalid(param=f"phases[{number}][end_date]")
        phases.append(Phase(begins, ends, request))
        begins = ends
    if phases[0].end <= as_of:
        raise PhaseEndInvalid
    return tuple(phases)


def next_step_at(phases: Sequence[Phase], current: int, now: datetime) -> datetime:
    """When a schedule in its phase `current` is looked at again: that phase's end, or the notice of its own before."""
    end, notice = phases[current].end, phases[-1].end - EXPIRY_NOTICE
    return notice if now <= notice < end else end


def _end(
    request: PhaseRequest, begins: datetime, start: datetime, intervals: Mapping[str, Interval], tz: str
) -> datetime:
    if request.end_date is not None:
        return request.end_date
    if request.duration is not None:
        return boundary(begins, Interval(*request.duration), 1, tz, day_of_month=_meant_day(start, tz))
    iterations = 1 if request.iterations is None else request.iterations
    if iterations < 1:
        raise IterationsInvalid(iterations=iterations)
    found = [intervals[item.price_id] for item in request.items if item.price_id in intervals]
    if not found:
        raise PhasesMissing
    return boundary(begins, shortest_interval(found), iterations, tz, day_of_month=_meant_day(start, tz))


def _meant_day(start: datetime, tz: str) -> int:
    return start.astimezone(time_zone(tz)).day


def first_request(
    phase: Phase, merchant_id: str, customer_id: str, defaults: Mapping[str, Any] | None = None
) -> SubscribeRequest:
    """The subscription that a schedule starts with; `defaults` count where the phase says nothing."""
    request = with_defaults(phase.request, defaults or {})
    return SubscribeRequest(
        merchant_id=merchant_id,
        customer_id=customer_id,
        items=request.items,
        discounts=request.discounts_wanted,
        trial_end=phase.end if request.trial else request.trial_end,
        collection_method=request.collection_method or "charge_automatically",
        days_until_due=request.days_until_due,
        default_payment_method_id=request.default_payment_method_id or "",
        default_tax_rate_ids=request.default_tax_rate_ids or (),
        description=request.description or "",
        metadata=request.metadata,
        off_session=True,
        proration_behavior=request.proration_behavior,
        add_invoice_items=request.add_invoice_items,
        currency=request.currency,
    )


def with_defaults(request: PhaseRequest, defaults: Mapping[str, Any]) -> PhaseRequest:
    """The phase with the schedule's default settings in the place of what it does not say."""
    unsaid = {name: defaults[name] for name in DEFAULT_SETTINGS if name in defaults and getattr(request, name) is None}
    if (unsaid.get("collection_method") or request.collection_method) != "send_invoice":
        unsaid.pop("days_until_due", None)
    return replace(request, **unsaid)


def phase_request(
    phase: Phase,
    merchant_id: str,
    subscription_id: str,
    items: Sequence[ItemFacts],
    defaults: Mapping[str, Any] | None = None,
) -> ChangeRequest:
    """What turns the subscription with these items into what the phase says. A phase without coupons has none."""
    request = with_defaults(phase.request, defaults or {})
    trial_end = phase.end if request.trial else request.trial_end
    return ChangeRequest(
        merchant_id=merchant_id,
        subscription_id=subscription_id,
        items=item_changes(items, request.items),
        proration_behavior=request.proration_behavior,
        discounts=request.discounts_wanted,
        billing_cycle_anchor="now" if request.billing_cycle_anchor == "phase_start" else "unchanged",
        trial_end=trial_end,
        metadata=request.metadata or None,
        description=request.description,
        default_payment_method_id=request.default_payment_method_id,
        default_tax_rate_ids=request.default_tax_rate_ids,
        collection_method=request.collection_method,
        days_until_due=request.days_until_due,
        add_invoice_items=request.add_invoice_items,
    )


def item_changes(standing: Sequence[ItemFacts], wanted: Sequence[ItemRequest]) -> tuple[ItemChange, ...]:
    """From the items that stand to those wanted: the same price keeps its item, then places are taken in order."""
    by_price = {item.price.id: item for item in standing}
    asked = {item.price_id for item in wanted}
    free = [item for item in standing if item.price.id not in asked]
    changes: list[ItemChange] = []
    for item in wanted:
        kept = by_price.get(item.price_id)
        if kept is not None:
            changes.append(_item_change(kept.id, "", item))
        elif free:
            changes.append(_item_change(free.pop(0).id, item.price_id, item))
        else:
            changes.append(_item_change("", item.price_id, item))
    return (*changes, *(ItemChange(item.id, deleted=True) for item in free))


def _item_change(item_id: str, price_id: str, wanted: ItemRequest) -> ItemChange:
    """All that a phase says of an item holds for its time: its tax rates and discounts too, none when it says none."""
    return ItemChange(
        item_id,
        price_id,
        wanted.quantity,
        tax_rate_ids=wanted.tax_rate_ids,
        metadata=wanted.metadata,
        discounts=wanted.discounts,
    )


def phases_to_json(phases: Sequence[Phase]) -> list[dict[str, Any]]:
    """Phases as a schedule's row keeps them."""
    kept = []
    for phase in phases:
        request = asdict(phase.request)
        request["end_date"] = instant_to_json(phase.request.end_date)
        request["trial_end"] = instant_to_json(phase.request.trial_end)
        request["start"] = None  # `Phase.start` says it
        kept.append({"start": phase.start.isoformat(), "end": phase.end.isoformat(), "request": request})
    return kept


def phases_from_json(kept: Sequence[Mapping[str, Any]]) -> tuple[Phase, ...]:
    """The other way round."""
    phases = []
    for one in kept:
        given = dict(one["request"])
        for name in ("items", "add_invoice_items"):
            given[name] = tuple(item_from_json(item) for item in given[name])
        discounts = given.get("discounts")
        given["discounts"] = None if discounts is None else discounts_from_json(discounts)
        for name in _TUPLES:
            given[name] = None if given[name] is None else tuple(given[name])
        for name in ("end_date", "trial_end"):
            given[name] = instant_from_json(given[name])
        given["duration"] = tuple(given["duration"]) if given.get("duration") else None
        start, end = datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
        phases.append(Phase(start, end, PhaseRequest(**given)))
    return tuple(phases)


def revised(before: PhaseRequest, asked: PhaseRequest, change: ChangeRequest) -> ChangeRequest:
    """The change that an update of the current phase comes to: only what it says otherwise than before.

    Its cycle began when it was entered, and what it added then was billed: neither happens again.
    """
    silent = ChangeRequest(change.merchant_id, change.subscription_id)
    kept: dict[str, Any] = {"billing_cycle_anchor": "unchanged", "add_invoice_items": ()}
    for name in ("coupon_ids", "discounts", "metadata", "default_tax_rate_ids", *DEFAULT_SETTINGS):
        if getattr(before, name) == getattr(asked, name):
            kept[name] = getattr(silent, name)
    if (before.trial, before.trial_end) == (asked.trial, asked.trial_end) and not asked.trial:
        kept["trial_end"] = None
    return replace(change, **kept)
