"""Invoice numbers: a prefix and a gapless count, given at finalization."""

from __future__ import annotations

import hashlib
import re

from core.errors import OstinatoError, gettext_noop

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CUSTOMER_PREFIX = re.compile(r"[A-Z0-9]{3,12}")


class CustomerPrefixInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "invoice_prefix"
    message_id = gettext_noop("The prefix of a customer's invoices has 3 to 12 capital letters or digits.")


def customer_prefix(customer_id: str) -> str:
    """The prefix of a customer's invoices until somebody sets one: ten letters that follow from the id."""
    number = int.from_bytes(hashlib.sha256(customer_id.encode()).digest()[:8], "big")
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in range(10))


def check_customer_prefix(prefix: str) -> None:
    """As Stripe has it. Raises `CustomerPrefixInvalid`."""
    if not _CUSTOMER_PREFIX.fullmatch(prefix):
        raise CustomerPrefixInvalid


def invoice_number(prefix: str, value: int, padding: int) -> str:
    """ "OST", 7, 4 -> "OST-0007"; a count longer than the padding keeps all its digits."""
    return f"{prefix}-{value:0{padding}d}"


def number_block(prefix: str, first: int, count: int, padding: int) -> list[tuple[int, str]]:
    """`count` consecutive (value, number) pairs from `first` on: what one update of the series row pays for."""
    return [(value, invoice_number(prefix, value, padding)) for value in range(first, first + count)]
