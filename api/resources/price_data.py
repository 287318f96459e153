"""What a request says of a price, at the top or inside a product or an item: its parameters, and how they are read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api.protocol.schema import (
    METADATA,
    boolean,
    choice,
    decimal,
    fields,
    hash_of,
    integer,
    list_of,
    map_of,
    one_of,
    text,
)
from core.errors import OstinatoError, gettext_noop

INTERVALS = ("day", "week", "month", "year")
TAX_BEHAVIORS = ("inclusive", "exclusive", "unspecified")

TIER = hash_of(
    {
        "up_to": one_of(choice("inf"), integer(), required=True),
        "unit_amount": integer(),
        "unit_amount_decimal": decimal(),
        "flat_amount": integer(),
        "flat_amount_decimal": decimal(),
    }
)
RECURRING = hash_of(
    {
        "interval": choice(*INTERVALS, required=True),
        "interval_count": integer(least=1, most=10_000),
        "meter": text(most=200),
        "trial_period_days": integer(least=0, most=10_000),
        "usage_type": choice("licensed", "metered"),
    }
)
CUSTOM_UNIT_AMOUNT = hash_of(
    {"enabled": boolean(required=True), "maximum": integer(), "minimum": integer(), "preset": integer()}
)
CURRENCY_OPTION = hash_of(
    {
        "tax_behavior": choice(*TAX_BEHAVIORS),
        "tiers": list_of(TIER),
        "unit_amount": integer(),
        "unit_amount_decimal": decimal(),
        "custom_unit_amount": CUSTOM_UNIT_AMOUNT,
        "minimum_amount": integer(),
    }
)
DEFAULT_PRICE_DATA = hash_of(
    fields(
        METADATA,
        currency=text(required=True, most=3),
        currency_options=map_of(CURRENCY_OPTION),
        custom_unit_amount=CUSTOM_UNIT_AMOUNT,
        recurring=RECURRING,
        tax_behavior=choice(*TAX_BEHAVIORS),
        unit_amount=integer(),
        unit_amount_decimal=decimal(),
    )
)


class AmountTwice(OstinatoError):
    code = "parameters_exclusive"
    message_id = gettext_noop("Give %(name)s or %(name)s_decimal, not both.")


class CustomUnitAmountNotOffered(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Prices whose amount the customer chooses are not offered: give a unit amount.")


def exact_amounts(given: dict[str, Any], parent: str = "") -> dict[str, Any]:
    """`unit_amount` and `flat_amount` as exact decimals, whichever way they were sent."""
    result = dict(given)
    for name in ("unit_amount", "flat_amount"):
        whole, exact = result.pop(name, None), result.pop(f"{name}_decimal", None)
        if whole is not None and exact is not None:
            raise AmountTwice(param=f"{parent}[{name}]" if parent else name, name=name)
        if whole is not None or exact is not None:
            result[f"{name}_decimal"] = exact if whole is None else Decimal(whole)
    if "tiers" in result:
        result["tiers"] = [exact_amounts(tier, f"tiers[{n}]") for n, tier in enumerate(result["tiers"])]
    return result


def price_values(params: dict[str, Any], parent: str = "") -> dict[str, Any]:
    """The service's fields for a new price, from what is sent of one at the top (`parent` blank) or inside `parent`."""
    _check_amount_is_ours(params, parent)
    plain = ("active", "billing_scheme", "currency", "cycle_day", "minimum_amount", "percentage", "tax_behavior")
    values = exact_amounts(
        {
            name: params[name]
            for name in (*plain, "tiers", "tiers_mode", "transform_quantity", "unit_amount", "unit_amount_decimal")
            if name in params
        },
        parent,
    )
    if "currency_options" in params:
        values["currency_options"] = option_values(params["currency_options"], parent)
    values["type"] = "one_time"
    recurring = params.get("recurring")
    if recurring:
        values |= {"type": "recurring", "interval_count": 1} | recurring
        if "meter" in values:
            values["meter_id"] = values.pop("meter")
    return values


def option_values(options: dict[str, dict[str, Any]], parent: str = "") -> dict[str, Any]:
    """`currency_options` as the service takes them."""
    at = f"{parent}[currency_options]" if parent else "currency_options"
    for currency, option in options.items():
        _check_amount_is_ours(option, f"{at}[{currency}]")
    return {
        currency: exact_amounts(
            {name: value for name, value in option.items() if name != "custom_unit_amount"}, f"{at}[{currency}]"
        )
        for currency, option in options.items()
    }


def _check_amount_is_ours(params: dict[str, Any], parent: str) -> None:
    if params.get("custom_unit_amount", {}).get("enabled"):
        raise CustomUnitAmountNotOffered(param=f"{parent}[custom_unit_amount]" if parent else "custom_unit_amount")
