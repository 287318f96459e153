"""A quote's terms and totals: what is kept of what was asked for, and what the planners' lines add up to. Pure.

A kept line     {"id", "price", "quantity", "tax_rates": [id], "discounts": [DISCOUNT], "metadata": {}}
DISCOUNT        {"id", "coupon", "duration", "promotion_code", "discount"}: `id` is the quote's own name for it, the
                coupon and its duration those behind a code or a standing discount too
TOTALS          {"amount_subtotal", "amount_discount", "amount_tax", "amount_total",
                 "discounts": [{"discount", "amount"}],
                 "taxes": [{"rate", "amount", "taxable_amount", "taxability_reason"}]}
computed        {"lines": {line id: TOTALS}, "all": TOTALS, "upfront": TOTALS, "upfront_lines": [TOTALS + {"line"}],
                 "recurring": TOTALS + {"interval", "interval_count"} or None}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import OstinatoError, gettext_noop
from engine.types import DiscountRequest, ItemRequest, SubscribeRequest
from engine.types.quotes import SoldLine
from engine.types.schedules import PhaseRequest
from invoicing.types import PlannedLine
from subscriptions.rules.prices import shortest_interval
from subscriptions.types import CouponFacts, PriceFacts

LIFETIME = timedelta(days=30)  # Stripe's default
FARTHEST = timedelta(days=5 * 366)

Json = dict[str, Any]


class QuoteNotDraft(OstinatoError):
    code = "quote_not_draft"
    param = "quote"
    message_id = gettext_noop("The quote is %(status)s: only a draft can be changed or finalized.")


class QuoteNotOpen(OstinatoError):
    code = "quote_not_open"
    param = "quote"
    message_id = gettext_noop("The quote is %(status)s: only an open quote can be accepted. Finalize a draft first.")


class QuoteIsOver(OstinatoError):
    code = "quote_expired"
    param = "quote"
    message_id = gettext_noop("The quote has expired.")


class QuoteNotCancelable(OstinatoError):
    code = "quote_not_cancelable"
    param = "quote"
    message_id = gettext_noop("The quote is %(status)s: only a draft or an open quote can be canceled.")


class QuoteIncomplete(OstinatoError):
    code = "quote_incomplete"
    message_id = gettext_noop("A quote needs a customer and at least one line before it is finalized.")


class QuoteCustomerSet(OstinatoError):
    code = "parameter_invalid"
    param = "customer"
    message_id = gettext_noop("A quote's customer cannot be changed once it is set.")


class QuoteExpiryInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "expires_at"
    message_id = gettext_noop("A quote expires in the future, within five years.")


class QuoteLineUnknown(OstinatoError):
    code = "resource_missing"
    param = "line_items"
    message_id = gettext_noop("There is no line %(line)s on this quote.")


class NothingRecursOnQuote(OstinatoError):
    code = "parameter_invalid"
    param = "subscription_data"
    message_id = gettext_noop("What is billed once has no trial and no start: at least one line must recur.")


def checked_expiry(expires_at: datetime, as_of: datetime) -> datetime:
    """Raises `QuoteExpiryInvalid`."""
    if not as_of < expires_at <= as_of + FARTHEST:
        raise QuoteExpiryInvalid
    return expires_at


def kept_discount(asked: DiscountRequest, discount_id: str, coupon: CouponFacts) -> Json:
    """A discount as a quote keeps it; `coupon` is the one behind a code or a standing discount too."""
    return {
        "id": discount_id,
        "coupon": coupon.id,
        "duration": coupon.duration,
        "promotion_code": asked.promotion_code_id or None,
        "discount": asked.discount_id or None,
    }


def kept_line(item: ItemRequest, line_id: str, discounts: Sequence[Json]) -> Json:
    return {
        "id": line_id,
        "price": item.price_id,
        "quantity": item.quantity,
        "tax_rates": list(item.tax_rate_ids),
        "discounts": list(discounts),
        "metadata": dict(item.metadata),
    }


def item_of(line: Mapping[str, Any]) -> ItemRequest:
    """A kept line as what is sold by it."""
    return ItemRequest(
        line["price"],
        line["quantity"],
        tuple(line["tax_rates"]),
        line["metadata"],
        discounts_of(line["discounts"]),
    )


def discounts_of(kept: Iterable[Mapping[str, Any]]) -> tuple[DiscountRequest, ...]:
    """Kept discounts as what asks for them: a code or standing discount rather than the coupon behind it."""
    return tuple(
        DiscountRequest(discount_id=one["discount"])
        if one["discount"]
        else DiscountRequest(promotion_code_id=one["promotion_code"])
        if one["promotion_code"]
        else DiscountRequest(coupon_id=one["coupon"])
        for one in kept
    )


def split(lines: Iterable[Mapping[str, Any]], prices: Mapping[str, PriceFacts]) -> tuple[list[Any], list[Any]]:
    """(what recurs, what is billed once)."""
    recurring: list[Any] = []
    once: list[Any] = []
    for line in lines:
        (recurring if prices[line["price"]].interval else once).append(line)
    return recurring, once


def subscribe_request(quote: Any, prices: Mapping[str, PriceFacts], customer_id: str) -> SubscribeRequest:
    """The subscription that accepting the quote makes. A price's own trial does not count, as at /v1."""
    recurring, once = split(quote.lines, prices)
    return SubscribeRequest(
        merchant_id=quote.merchant_id,
        customer_id=customer_id,
        items=tuple(item_of(line) for line in recurring),
        add_invoice_items=tuple(item_of(line) for line in once),
        discounts=discounts_of(quote.discounts),
        default_tax_rate_ids=tuple(quote.default_tax_rate_ids),
        trial_period_days=quote.trial_period_days or 0,
        collection_method=quote.collection_method,
        days_until_due=quote.days_until_due,
        description=quote.subscription_description,
        metadata=quote.subscription_metadata,
        off_session=True,
    )


def phase_request(quote: Any, prices: Mapping[str, PriceFacts]) -> PhaseRequest:
    """The only phase of the schedule of a quote that begins later; the subscription goes on by itself after it."""
    recurring, once = split(quote.lines, prices)
    trial = quote.effective_date + timedelta(days=quote.trial_period_days) if quote.trial_period_days else None
    return PhaseRequest(
        items=tuple(item_of(line) for line in recurring),
        add_invoice_items=tuple(item_of(line) for line in once),
        discounts=discounts_of(quote.discounts),
        default_tax_rate_ids=tuple(quote.default_tax_rate_ids) or None,
        trial_end=trial,
        collection_method=quote.collection_method,
        days_until_due=quote.days_until_due,
        description=quote.subscription_description or None,
        metadata=quote.subscription_metadata,
        end_date=trial,
    )


def sold_line(line: PlannedLine, named: Mapping[str, str]) -> SoldLine:
    """What a planned line comes to; `named` are the quote's own ids of discounts, by the plan's."""
    tax = sum(one.amount for one in line.taxes)
    exclusive = sum(one.amount for one in line.taxes if not one.inclusive)
    return SoldLine(
        price_id=line.price_id,
        subtotal=line.amount,
        discount=line.discount_amount,
        tax=tax,
        total=line.net_of_discounts - line.backed_out + exclusive,
        discounts=tuple(
            {"discount": named.get(one.discount_id, one.discount_id), "amount": one.amount}
            for one in line.discount_amounts
        ),
        taxes=tuple(
            {
                "rate": one.tax_rate_id,
                "amount": one.amount,
                "taxable_amount": one.taxable_amount,
                "taxability_reason": one.taxability_reason,
            }
            for one in line.taxes
        ),
    )


def totals(lines: Sequence[SoldLine]) -> Json:
    """The sums of lines; what one discount or one rate takes, together."""
    return {
        "amount_subtotal": sum(line.subtotal for line in lines),
        "amount_discount": sum(line.discount for line in lines),
        "amount_tax": sum(line.tax for line in lines),
        "amount_total": sum(line.total for line in lines),
        "discounts": _together([one for line in lines for one in line.discounts], ("discount",)),
        "taxes": _together([one for line in lines for one in line.taxes], ("rate", "taxability_reason")),
    }


def _together(parts: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> list[Json]:
    found: dict[tuple[Any, ...], Json] = {}
    for part in parts:
        key = tuple(part[name] for name in keys)
        if key not in found:
            found[key] = dict(part)
            continue
        for name in ("amount", "taxable_amount"):
            if name in part:
                found[key][name] += part[name]
    return list(found.values())


def by_line(kept: Sequence[Mapping[str, Any]], sold: Sequence[SoldLine]) -> dict[str, SoldLine]:
    """Each kept line's planned one, first come first served among those of one price; nothing for usage to come."""
    waiting: dict[str, list[SoldLine]] = {}
    for line in sold:
        waiting.setdefault(line.price_id, []).append(line)
    nothing = SoldLine("", 0, 0, 0, 0)
    return {
        line["id"]: waiting[line["price"]].pop(0) if waiting.get(line["price"]) else replace(nothing) for line in kept
    }


def computed(
    lines: Sequence[Mapping[str, Any]],
    *,
    regular: Sequence[SoldLine],
    upfront: Sequence[SoldLine],
    recurring: Sequence[SoldLine],
    prices: Mapping[str, PriceFacts],
) -> Json:
    """All that a quote tells of its amounts: each line as it is sold, what is due at first, and each time."""
    sold = by_line(lines, regular)
    first = by_line(lines, upfront)
    again, _ = split(lines, prices)
    return {
        "lines": {line_id: totals([line]) for line_id, line in sold.items()},
        "all": totals(list(sold.values())),
        "upfront": totals(list(first.values())),
        "upfront_lines": [totals([line]) | {"line": line_id} for line_id, line in first.items()],
        "recurring": totals(recurring) | _every(again, prices) if again else None,
    }


def _every(recurring: Sequence[Mapping[str, Any]], prices: Mapping[str, PriceFacts]) -> Json:
    """The shortest interval: the others are its multiples."""
    found = [prices[line["price"]].interval for line in recurring]
    shortest = shortest_interval([interval for interval in found if interval is not None])
    return {"interval": shortest.unit, "interval_count": shortest.count}


def nothing_computed() -> Json:
    """A quote without lines."""
    return computed((), regular=(), upfront=(), recurring=(), prices={})


def quote_number(customer_prefix: str, sequence: int, revision: int) -> str:
    """QT-5B9DA057-0001-1: the customer's prefix, which of its quotes, which revision of it."""
    return f"QT-{customer_prefix}-{sequence:04d}-{revision}"
