"""What an invoice item comes to: an amount, units at a unit amount, or a one-time price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from core.errors import OstinatoError, gettext_noop
from core.money import UNIT_AMOUNT_PLACES, TooManyDecimals, check_amount, round_half_away
from engine.rules.lines import price_told
from engine.types.items import InvoiceItemChange, InvoiceItemRequest
from subscriptions.rules.amounts import QuantityInvalid, line_amount
from subscriptions.types import PriceFacts

_MAX_QUANTITY = 2**31 - 1


class AmountOrPrice(OstinatoError):
    code = "parameter_missing"
    param = "amount"
    message_id = gettext_noop("Say either an amount or a one-time price.")


class ItemPeriodBackwards(OstinatoError):
    code = "parameter_invalid"
    param = "period[end]"
    message_id = gettext_noop("A period ends at its start or after it.")


class ProrationNotRepriced(OstinatoError):
    code = "invoice_item_proration"
    param = "amount"
    message_id = gettext_noop("What a proration comes to cannot be changed; it can be deleted.")


@dataclass(frozen=True, slots=True)
class ItemMoney:
    """What an item comes to: `amount` in whole minor units, and how it is made up; `told` explains it."""

    amount: int
    quantity: int
    unit_amount_decimal: Decimal | None
    price_id: str = ""
    product_id: str = ""
    told: Mapping[str, object] = field(default_factory=dict)


def money_of_request(request: InvoiceItemRequest, sold: PriceFacts | None) -> ItemMoney:
    """`sold` is the price that the request names, in the item's currency.

    Raises `AmountOrPrice`, `QuantityInvalid`, `TooManyDecimals`, `AmountTooLarge`.
    """
    ways = (request.amount is not None, request.unit_amount_decimal is not None, bool(request.price_id))
    if sum(ways) != 1:
        raise AmountOrPrice
    return _money(request.amount, request.unit_amount_decimal, sold, request.quantity)


def money_of_change(item: Any, change: InvoiceItemChange, sold: PriceFacts | None) -> ItemMoney:
    """What `item` comes to after a change that reprices it: a new quantity alone keeps the unit's price.

    `sold` is the price it is to have: the change's own, or its own when only the quantity changes. Raises what
    `money_of_request` does, and `ProrationNotRepriced`.
    """
    if item.proration or item.billed_period_id or item.credited_billed_period_id:
        raise ProrationNotRepriced
    ways = (change.amount is not None, change.unit_amount_decimal is not None, bool(change.price_id))
    if sum(ways) > 1:
        raise AmountOrPrice
    if change.amount is not None:
        return _money(change.amount, None, None, 1 if change.quantity is None else change.quantity)
    quantity = item.quantity if change.quantity is None else change.quantity
    if change.unit_amount_decimal is not None:
        return _money(None, change.unit_amount_decimal, None, quantity)
    if sold is not None:
        return _money(None, None, sold, quantity)
    _check_quantity(quantity)
    unit = Fraction(item.amount, max(item.quantity, 1))
    if item.unit_amount_decimal is not None:
        unit = Fraction(item.unit_amount_decimal)
    return _entered(check_amount(round_half_away(unit * quantity)), quantity, item.unit_amount_decimal)


def checked_period(period: tuple[datetime, datetime] | None, at: datetime) -> tuple[datetime, datetime]:
    """The period that an item is for, a moment when nothing is said. Raises `ItemPeriodBackwards`."""
    start, end = period or (at, at)
    if end < start:
        raise ItemPeriodBackwards
    return start, end


def _money(amount: int | None, unit: Decimal | None, sold: PriceFacts | None, quantity: int) -> ItemMoney:
    if sold is not None:
        one = sold.unit_amount_decimal if sold.billing_scheme == "per_unit" else None
        cost = line_amount(sold, quantity)
        told = price_told(sold, quantity, cost) | {"kind": "one_time"}
        return ItemMoney(cost, quantity, one, sold.id, sold.product_id, told)
    _check_quantity(quantity)
    if unit is not None:
        places = unit.as_tuple().exponent
        if isinstance(places, int) and -places > UNIT_AMOUNT_PLACES:
            raise TooManyDecimals(amount=f"{unit:f}", places=UNIT_AMOUNT_PLACES)
        return _entered(check_amount(round_half_away(Fraction(unit) * quantity)), quantity, unit)
    assert amount is not None
    # An amount for several units says nothing of one of them.
    return _entered(check_amount(amount), quantity, Decimal(amount) if quantity == 1 else None)


def _entered(amount: int, quantity: int, unit: Decimal | None) -> ItemMoney:
    """What a person or a program said itself."""
    told: dict[str, object] = {"kind": "entered", "quantity": quantity, "amount": amount}
    if unit is not None and quantity != 1:
        told["unit_amount_decimal"] = f"{unit:f}"
    return ItemMoney(amount, quantity, unit, told=told)


def _check_quantity(quantity: int) -> None:
    if not 0 <= quantity <= _MAX_QUANTITY:
        raise QuantityInvalid(quantity=quantity)
