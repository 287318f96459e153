"""What a payment link's basket becomes for one visitor. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from core.errors import OstinatoError, gettext_noop

MOST_AT_ONCE = 999


def answers_of(request: Any) -> dict[str, Any]:
    """What the buyer filled in (a `CheckoutRequest`), as a session keeps and shows it."""
    names = ("city", "country", "line1", "line2", "postal_code", "state")
    return {
        "email": request.email,
        "name": request.name,
        "phone": request.phone,
        "address": {name: getattr(request, name) or None for name in names},
        "custom_fields": dict(request.custom_fields),
        "accepts_terms": request.accepts_terms,
    }


class QuantityOutOfRange(OstinatoError):
    code = "parameter_invalid_integer"
    param = "quantity"
    message_id = gettext_noop("The quantity is from %(least)s to %(most)s.")


class NothingChosen(OstinatoError):
    code = "parameter_invalid_integer"
    param = "quantity"
    message_id = gettext_noop("Choose at least one of what is sold here.")


class InstrumentMissing(OstinatoError):
    code = "parameter_missing"
    param = "instrument"
    message_id = gettext_noop("Choose what to pay with.")


class BasketIsEmpty(OstinatoError):
    code = "payment_link_unusable"
    param = "payment_link"
    message_id = gettext_noop("What this link sells is no longer for sale.")


class NothingRecurs(OstinatoError):
    code = "payment_link_unusable"
    param = "payment_link"
    message_id = gettext_noop("This link sells one-time items alone: it needs a subscription.")


class SomethingRecurs(OstinatoError):
    code = "parameter_invalid"
    param = "line_items"
    message_id = gettext_noop("What recurs is sold with mode=subscription.")


class LocatedRate(Protocol):
    """A `catalog.TaxRate`, or anything with its fields."""

    id: str
    country: str
    state: str


def applicable_tax_rates(rates: Iterable[LocatedRate], country: str, state: str) -> tuple[str, ...]:
    """The ids of the rates for somebody there: a rate without a country is for everybody.

    Like Stripe's dynamic tax rates. While nothing is known of the place, only those for everybody apply.
    """
    return tuple(
        rate.id
        for rate in rates
        if not rate.country
        or (rate.country.upper() == country.upper() and rate.state.upper() in ("", state.strip().upper()))
    )


def quantity_bounds(adjustable: bool, own: Mapping[str, Any] | None, alone: bool) -> tuple[int, int] | None:
    """How few and how many of a line a visitor may take; None where nothing may be changed.

    `own` are the line's bounds in Stripe's words, None where the link says it for all. What is `alone` in its
    basket cannot be left out of it.
    """
    if not adjustable or (own is not None and not own["enabled"]):
        return None
    if own is None:
        return 1, MOST_AT_ONCE
    return max(own["minimum"], 1) if alone else own["minimum"], own["maximum"]


def chosen_quantity(price_id: str, default: int, bounds: tuple[int, int] | None, wanted: Mapping[str, int]) -> int:
    """How many of a price: the visitor's wish counts only within bounds. Raises `QuantityOutOfRange`."""
    if bounds is None:
        return default
    quantity = wanted.get(price_id, default)
    if not bounds[0] <= quantity <= bounds[1]:
        raise QuantityOutOfRange(least=bounds[0], most=bounds[1])
    return quantity
