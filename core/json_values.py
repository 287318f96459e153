"""How instants and decimals are written in Stripe's JSON: for every room's snapshots.py."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal


def epoch(instant: datetime | None) -> int | None:
    """Seconds since 1970, as Stripe writes instants."""
    return None if instant is None else int(instant.timestamp())


def plain_decimal(value: Decimal) -> str:
    """A decimal as a string without exponent or trailing zeros: Decimal("10.500") -> "10.5"."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def json_number(value: Decimal) -> int | float:
    """A percentage as a JSON number: 25 or 9.975. Never for money."""
    return int(value) if value == value.to_integral_value() else float(value)
