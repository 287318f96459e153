"""The prices, tax rates and discounts that a request names: found, or refused by the name the caller wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from api.lookup import NoSuchObject, found, new_metadata
from api.protocol.operation import Call
from api.protocol.schema import (
    METADATA,
    Field,
    boolean,
    choice,
    decimal,
    fields,
    hash_of,
    integer,
    list_of,
    metadata,
    text,
)
from api.resources.price_data import CUSTOM_UNIT_AMOUNT, RECURRING, TAX_BEHAVIORS, price_values
from api.resources.products import SOLD_PRODUCT_DATA, OneProduct, new_product, product_of
from catalog import selectors, services
from catalog.models import PromotionCode
from core.errors import OstinatoError, gettext_noop
from engine.types import DiscountRequest, ItemRequest
from events.statements import Statement
from subscriptions.models import Discount
from subscriptions.rules.discounts import DiscountEmpty, DiscountNamedTwice
from subscriptions.rules.prices import QuantityOfMetered

_PRICE_DATA = {
    "currency": text(required=True, most=3),
    "custom_unit_amount": CUSTOM_UNIT_AMOUNT,
    "product": text(required=True, most=200),
    "tax_behavior": choice(*TAX_BEHAVIORS),
    "unit_amount": integer(),
    "unit_amount_decimal": decimal(),
}
PRICE_DATA = hash_of(_PRICE_DATA)
RECURRING_PRICE_DATA = hash_of(_PRICE_DATA | {"recurring": RECURRING})
# Where what is sold may be described on the spot: `product`, or `product_data` in its place.
_DESCRIBED = _PRICE_DATA | {"product": text(most=200), "product_data": SOLD_PRODUCT_DATA}
DESCRIBED_PRICE_DATA = hash_of(_DESCRIBED)
SOLD_PRICE_DATA = hash_of(_DESCRIBED | {"recurring": RECURRING})
QUANTITY = integer(least=0, most=2_000_000_000)
TAX_RATES = list_of(text(most=200), clearable=True, most=20)
DISCOUNTS = list_of(
    hash_of({"coupon": text(most=200), "promotion_code": text(most=200), "discount": text(most=200)}),
    clearable=True,
    most=20,
)
INVOICE_ITEMS = list_of(
    hash_of(
        {
            "discountable": boolean(),
            "discounts": DISCOUNTS,
            "metadata": metadata(),
            "price": text(most=200),
            "price_data": PRICE_DATA,
            "quantity": QUANTITY,
            "tax_rates": TAX_RATES,
        }
    ),
    most=20,
)


def item_fields(**more: Field) -> Field:
    """An element of a subscription's `items`. `plan` is the older name of `price`."""
    element = hash_of(
        fields(
            METADATA,
            more,
            discounts=DISCOUNTS,
            plan=text(most=200),
            price=text(most=200),
            price_data=RECURRING_PRICE_DATA,
            quantity=QUANTITY,
            tax_rates=TAX_RATES,
        )
    )
    return replace(element, read=lambda value, name: plan_as_price(element.read(value, name), name))


def plan_as_price(params: dict[str, Any], parent: str = "") -> dict[str, Any]:
    """`params` with what is named as a plan named as a price. Raises `OnePrice`."""
    if "plan" not in params:
        return params
    if "price" in params or "price_data" in params:
        raise OnePrice(param=f"{parent}[plan]" if parent else "plan")
    rest = {name: value for name, value in params.items() if name != "plan"}
    return rest | {"price": params["plan"]}


class OnePrice(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("Each item has one price: price or price_data.")


def new_items(call: Call, items: Sequence[dict[str, Any]], param: str) -> tuple[ItemRequest, ...]:
    """Prices to subscribe to, or to bill once."""
    ids = price_ids(call, items, param)
    requests = []
    for number, (item, price_id) in enumerate(zip(items, ids, strict=True)):
        if not price_id:
            raise OnePrice(param=f"{param}[{number}][price]")
        rates = tax_rate_ids(call, item.get("tax_rates"), f"{param}[{number}][tax_rates]")
        discounts = discount_requests(call, item.get("discounts"), f"{param}[{number}][discounts]")
        told, discountable = new_metadata(item), item.get("discountable", True)
        requests.append(ItemRequest(price_id, item.get("quantity", 1), rates, told, discounts, discountable))
    return tuple(requests)


def price_ids(call: Call, items: Sequence[dict[str, Any]], param: str) -> list[str]:
    """The price of each item, blank where it names none. Inline prices are made.

    Raises `NoSuchObject`, `OnePrice`, `QuantityOfMetered`.
    """
    wanted = {item["price"] for item in items if "price" in item}
    known: dict[str, str] = dict(_usage_types.tuples(merchant=call.merchant_id, ids=wanted)) if wanted else {}
    for number, item in enumerate(items):
        if "price" in item and item["price"] not in known:
            raise NoSuchObject(param=f"{param}[{number}][price]", what="price", id=item["price"])
        if "price" in item and "price_data" in item:
            raise OnePrice(param=f"{param}[{number}][price]")
        if "quantity" in item and known.get(item.get("price", "")) == "metered":
            raise QuantityOfMetered(param=f"{param}[{number}][quantity]")
    return [
        item.get("price") or inline_price(call, item.get("price_data"), f"{param}[{number}][price_data]")
        for number, item in enumerate(items)
    ]


_usage_types = Statement(
    lambda merchant, ids: selectors.prices(merchant).filter(id__any=ids).values_list("id", "usage_type")
)


def inline_price(call: Call, data: dict[str, Any] | None, param: str) -> str:
    """The price that `price_data` describes, made; blank for None."""
    if data is None:
        return ""
    if ("product" in data) == ("product_data" in data):
        raise OneProduct(param=f"{param}[product]")
    with transaction.atomic():
        if "product" in data:
            product_id = product_of(call, data["product"], f"{param}[product]").id
        else:
            product_id = new_product(call, data["product_data"])
        row = services.create_price(
            ctx=call.ctx, merchant_id=call.merchant_id, product_id=product_id, **price_values(data, param)
        )
    call.prices_made.append(row.id)
    return str(row.id)


def tax_rate_ids(call: Call, given: Iterable[str] | None, param: str) -> tuple[str, ...]:
    """These tax rates, in order. Raises `NoSuchObject` for the first one that is not there."""
    wanted = list(given or ())
    if not wanted:
        return ()
    known = set(selectors.tax_rates(call.merchant_id).filter(id__in=wanted).values_list("id", flat=True))
    for number, rate in enumerate(wanted):
        if rate not in known:
            raise NoSuchObject(param=f"{param}[{number}]", what="tax rate", id=rate)
    return tuple(wanted)


def discount_requests(
    call: Call, discounts: Sequence[dict[str, Any]] | None, param: str = "discounts"
) -> tuple[DiscountRequest, ...]:
    """What `discounts` asks for, in order, each by our ids; what was sent empty is none.

    Raises `NoSuchObject`, `DiscountEmpty`, `DiscountNamedTwice` by the name that the caller wrote.
    """
    asked = []
    for number, given in enumerate(discounts or ()):
        name = f"{param}[{number}]"
        if not given:
            raise DiscountEmpty(param=name)
        if len(given) > 1:
            raise DiscountNamedTwice(param=name)
        asked.append(_asked(call, given, name))
    return tuple(asked)


def _asked(call: Call, given: dict[str, Any], name: str) -> DiscountRequest:
    if "promotion_code" in given:
        codes = PromotionCode.objects.filter(merchant_id=call.merchant_id)
        code = found(codes, given["promotion_code"], "promotion code", param=f"{name}[promotion_code]")
        return DiscountRequest(promotion_code_id=code.id, param=name)
    if "discount" in given:
        rows = Discount.objects.filter(merchant_id=call.merchant_id, deleted_at__isnull=True)
        discount = found(rows, given["discount"], "discount", param=f"{name}[discount]")
        return DiscountRequest(discount_id=discount.id, param=name)
    coupon = found(
        selectors.coupons(call.merchant_id), given["coupon"], "coupon", param=f"{name}[coupon]", chosen_ids=True
    )
    return DiscountRequest(coupon_id=coupon.id, param=name)
