"""Invoice numbers: a prefix and a gapless count, given at finalization."""

from __future__ import annotations


def invoice_number(prefix: str, value: int, padding: int) -> str:
    """ "OST", 7, 4 -> "OST-0007"; a count longer than the padding keeps all its digits."""
    return f"{prefix}-{value:0{padding}d}"


def number_block(prefix: str, first: int, count: int, padding: int) -> list[tuple[int, str]]:
    """`count` consecutive (value, number) pairs from `first` on: what one update of the series row pays for."""
    return [(value, invoice_number(prefix, value, padding)) for value in range(first, first + count)]
