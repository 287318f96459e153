"""What a quantity of a price costs: multiply first, then round once, half away from zero (SEMANTICS, Prices)."""

from __future__ import annotations

from core.errors import OstinatoError, gettext_noop
from core.money import check_amount, share
from subscriptions.types import PriceFacts


class UnknownBillingScheme(OstinatoError):
    code = "billing_scheme_invalid"
    param = "billing_scheme"
    message_id = gettext_noop("Prices billed by “%(billing_scheme)s” are not understood.")


class QuantityInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "quantity"
    message_id = gettext_noop("A quantity is a whole number from 0 to 2,147,483,647, not %(quantity)s.")


_MAX_QUANTITY = 2**31 - 1  # what the column holds


def line_amount(price: PriceFacts, quantity: int) -> int:
    """Minor units of `quantity` units for one whole period: 3 at 0.5 -> 2 (1.5 rounded once).

    Raises `QuantityInvalid`, `UnknownBillingScheme`, `AmountTooLarge`.
    """
    if not 0 <= quantity <= _MAX_QUANTITY:
        raise QuantityInvalid(quantity=quantity)
    if price.billing_scheme != "per_unit":
        raise UnknownBillingScheme(billing_scheme=price.billing_scheme)
    numerator, denominator = price.unit_amount_decimal.as_integer_ratio()
    return check_amount(share(numerator, quantity, denominator))
