"""Single cells of a WooCommerce export: amounts, stock, flags, lists. Pure; each says what is wrong with a cell."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import urlsplit

from core.errors import OstinatoError, gettext_noop
from core.money import to_minor

URL_LENGTH_MAX = 2000
STOCK_MAX = 2**31 - 1
_WHOLE = re.compile(r"-?[0-9]{1,12}(?:[.,]0+)?")


class NegativePrice(OstinatoError):
    code = "parameter_invalid_integer"
    message_id = gettext_noop("A price cannot be negative.")


class AmbiguousAmount(OstinatoError):
    code = "amount_invalid"
    message_id = gettext_noop("Write the amount without thousands separators.")


class NotAWholeNumber(OstinatoError):
    code = "parameter_invalid_integer"
    message_id = gettext_noop("This is not a whole number.")


class NumberTooLarge(OstinatoError):
    code = "parameter_invalid_integer"
    message_id = gettext_noop("This number is too large.")


class NotAFlag(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Only these values are known here: %(values)s.")


class NotAnAddress(OstinatoError):
    code = "url_invalid"
    message_id = gettext_noop("This is not a web address.")


class TextTooLong(OstinatoError):
    code = "parameter_invalid_string"
    message_id = gettext_noop("This is longer than %(most)s characters.")


def unescaped(cell: str) -> str:
    """WooCommerce puts an apostrophe before what a spreadsheet would take for a formula: '-3 is -3."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in "=+-@" else cell


def amount_in_minor(cell: str, currency: str) -> Decimal:
    """A price in minor units: "19.99" and "19,99" are 1999 cad. Raises the errors above and `core.money`'s."""
    text = unescaped(cell).replace("\u00a0", "").replace("\u202f", "")
    if "," in text:
        if "." in text or text.count(",") > 1:
            raise AmbiguousAmount
        text = text.replace(",", ".")
    minor = to_minor(text, currency)
    if minor < 0:
        raise NegativePrice
    return Decimal(minor)


def stock(cell: str, in_stock: str) -> int | None:
    """How many are left; None when the shop does not count them. Negative: promised beyond the shelf.

    "parent" (a variation that shares its product's stock) counts nothing of its own.
    """
    text = unescaped(cell)
    if text in ("", "parent"):
        return 0 if in_stock == "0" else None
    return whole_number(text)


def whole_number(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise NotAWholeNumber
    number = int(re.split("[.,]", text)[0])
    if abs(number) > STOCK_MAX:
        raise NumberTooLarge
    return number


def published(cell: str) -> bool:
    """1 is on sale; 0 (private) and -1 (draft) are not. A blank column says nothing against it."""
    if cell in ("", "1"):
        return True
    if unescaped(cell) in ("0", "-1"):
        return False
    raise NotAFlag(values="1, 0, -1")


def split_list(cell: str) -> list[str]:
    """A list of values, separated by commas; a comma inside a value is written "\\,"."""
    parts = re.split(r"(?<!\\),", cell)
    return [part.replace("\\,", ",").strip() for part in parts if part.strip()]


def image_urls(cell: str) -> tuple[str, ...]:
    return tuple(web_address(url) for url in dict.fromkeys(split_list(cell)))


def web_address(text: str) -> str:
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known or re.search(r"\s", text):
        raise NotAnAddress
    return short_text(text, URL_LENGTH_MAX)


def short_text(text: str, most: int) -> str:
    if len(text) > most:
        raise TextTooLong(most=most)
    return text
