"""The European Central Bank's reference rates, as shipped with CurrencyConverter: nothing is asked over a network."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from currency_converter import CurrencyConverter

logger = logging.getLogger(__name__)

# A currency whose rates stop this long before the newest of all was given up by the bank.
GIVEN_UP_AFTER = timedelta(days=14)


@lru_cache(maxsize=1)
def _table() -> CurrencyConverter:
    # A day without a rate has the one of the bank day before; days after the last shipped one have that.
    return CurrencyConverter(
        decimal=True,
        fallback_on_wrong_date=True,
        fallback_on_missing_rate=True,
        fallback_on_missing_rate_method="last_known",
    )


@lru_cache(maxsize=4096)
def exchange_rate(currency: str, into: str, day: date) -> Decimal | None:
    """How many whole units of `into` one unit of `currency` was on that day; None where there is no rate."""
    if currency == into:
        return Decimal(1)
    if not (_has_rate(currency, day) and _has_rate(into, day)):
        logger.warning("No exchange rate from %s to %s on %s", currency, into, day)
        return None
    return Decimal(_table().convert(Decimal(1), currency.upper(), into.upper(), date=day))


def _has_rate(currency: str, day: date) -> bool:
    table, code = _table(), currency.upper()
    if code not in table.currencies:
        return False
    if code == table.ref_currency:
        return True
    bounds = table.bounds[code]
    given_up = bounds.last_date < table.bounds["USD"].last_date - GIVEN_UP_AFTER
    return bool(day >= bounds.first_date and not (given_up and day > bounds.last_date + GIVEN_UP_AFTER))
