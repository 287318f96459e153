"""What a payment link's basket becomes for one visitor. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from core.errors import OstinatoError, gettext_noop

MOST_AT_ONCE = 999


class QuantityOutOfRange(OstinatoError):
    code = "parameter_invalid_integer"
    param = "quantity"
    message_id = gettext_noop("The quantity is from 1 to %(most)s.")


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


def chosen_quantity(price_id: str, default: int, adjustable: bool, wanted: Mapping[str, int]) -> int:
    """How many of a price: the visitor's wish counts only where the link lets it. Raises `QuantityOutOfRange`."""
    if not adjustable:
        return default
    quantity = wanted.get(price_id, default)
    if not 1 <= quantity <= MOST_AT_ONCE:
        raise QuantityOutOfRange(most=MOST_AT_ONCE)
    return quantity
