"""The sandbox's payment methods as radio cards: named for what they do, since no card number is ever typed here."""

from __future__ import annotations

from dataclasses import dataclass

from django.forms import BoundField
from django.utils.functional import Promise

from payments.gateways.sandbox_instruments import INSTRUMENTS, Instrument

SHOWN_FIRST = (
    "pm_card_visa",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_threeDSecure2Required",
)
# A bank debit moves one currency or two; cards move all.
_DEBIT_CURRENCIES = {
    "sepa_debit": frozenset({"eur"}),
    "acss_debit": frozenset({"cad", "usd"}),
    "us_bank_account": frozenset({"usd"}),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One radio card."""

    token: str
    label: str | Promise
    brand: str
    last4: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Picker:
    """The cards that are shown at once, and the many others behind a fold (open when one of them is chosen)."""

    name: str
    first: tuple[Card, ...]
    others: tuple[Card, ...]

    @property
    def others_open(self) -> bool:
        return any(card.checked for card in self.others)


def instruments_for(currency: str = "") -> list[Instrument]:
    """What can pay in that currency; everything when it is not known."""
    return [
        found
        for found in INSTRUMENTS
        if not currency or currency.lower() in _DEBIT_CURRENCIES.get(found.type, {currency.lower()})
    ]


def instrument_choices(currency: str = "") -> list[tuple[str, str | Promise]]:
    return [(found.token, found.label) for found in instruments_for(currency)]


def picker(field: BoundField) -> Picker:
    """The cards of a form's `instrument` field, with what was chosen."""
    chosen = field.value()
    offered = {str(value) for value, _label in field.field.choices}  # type: ignore[attr-defined]
    cards = [
        Card(found.token, found.label, found.brand or found.type, found.last4, checked=found.token == chosen)
        for found in INSTRUMENTS
        if found.token in offered
    ]
    by_token = {card.token: card for card in cards}
    first = tuple(by_token[token] for token in SHOWN_FIRST if token in by_token)
    return Picker(field.html_name, first, tuple(card for card in cards if card.token not in SHOWN_FIRST))
