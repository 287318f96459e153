"""What must never be read in a log or on an error's page: keys, signing secrets, card numbers. Pure."""

from __future__ import annotations

import re

from stdnum import luhn

HIDDEN = "[hidden]"
# Processors' keys and ours, webhook secrets, the client's secrets of intents and setups, links of one purpose.
_KEYS = re.compile(
    r"\b(?:(?:sk|rk|pk)_(?:live|test)_|whsec_)[0-9A-Za-z+/=_-]{6,}|\b(?:pi|seti|cs)_[0-9A-Za-z_]+_secret_[0-9A-Za-z]+"
)
_CARD = re.compile(r"(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])")


def without_secrets(text: str) -> str:
    """The text with each secret hidden; of a card number the last four digits stay."""
    return _CARD.sub(_hide_card, _KEYS.sub(HIDDEN, text))


def _hide_card(found: re.Match[str]) -> str:
    digits = "".join(char for char in found.group() if char.isdigit())
    return HIDDEN + digits[-4:] if luhn.is_valid(digits) else found.group()  # no card has another check digit
