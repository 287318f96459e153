"""Ids that API clients chose for their plans: spoken at the door alone, our own everywhere behind it.

A plan is a price, which is named in many places: items, lines, phases, scopes, filters. So the names are exchanged once
as a request comes in and once as its answer goes out, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from catalog.models import Price, Product
from events.statements import Statement

OURS = "price_"
_NAMES = frozenset({"price", "plan", "default_price"})
_ADDRESSES = ("/v1/plans", "/v1/prices")
_CURSORS = ("starting_after", "ending_before")
_UNSPOKEN = frozenset({"metadata"})  # what clients write there is theirs
# Objects that name prices without holding a price, a plan or a line.
_NAMING = ("product", "subscription_schedule", "billing.credit_grant", "billing_portal.configuration", "billing.alert")

_ours = Statement(
    lambda merchant, given: Price.objects.filter(
        merchant_id=merchant, api_id__any=given, deleted_at__isnull=True
    ).values_list("api_id", "id")
)
_chosen = Statement(
    lambda merchant: Price.objects.filter(merchant_id=merchant, api_id__isnull=False).values_list("id", "api_id")
)
_chosen_with_products = Statement(
    lambda merchant, products: (
        Product.objects.filter(merchant_id=merchant, id__any=products, api_id__isnull=False)
        .values_list("id", "api_id")
        .union(Price.objects.filter(merchant_id=merchant, api_id__isnull=False).values_list("id", "api_id"), all=True)
    )
)


def with_our_ids(
    merchant_id: str, path: str, ids: Mapping[str, str], params: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """The address's ids and the parameters with our ids in the place of chosen ones. One query where any may be."""
    is_of_prices = path.startswith(_ADDRESSES)
    given = set(_named(params))
    if is_of_prices:
        given |= {ids["id"]} if "id" in ids else set()
        given |= {params[name] for name in _CURSORS if name in params}
    foreign = {one for one in given if not one.startswith(OURS)}
    ours = dict(_ours.tuples(merchant=merchant_id, given=foreign)) if foreign else {}
    if not ours:
        return dict(ids), dict(params)
    told = _told(params, ours)
    if is_of_prices:
        ids = {name: ours.get(one, one) for name, one in ids.items()}
        told |= {name: ours.get(params[name], params[name]) for name in _CURSORS if name in params}
    return dict(ids), told


def chosen_ids(merchant_id: str, products: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
    """The chosen ids by ours: of these products, and of all the merchant's prices where an answer may name some."""
    wanted = list(products)
    if wanted:
        return dict(_chosen_with_products.tuples(merchant=merchant_id, products=wanted))
    if not set(_NAMING).isdisjoint(kinds):
        return dict(_chosen.tuples(merchant=merchant_id))
    return {}


def put_chosen_ids(body: dict[str, Any], chosen: Mapping[str, str]) -> None:
    """The same names in an answer; what is below `body` is made anew."""
    if any(ours.startswith(OURS) for ours in chosen):
        body.update(_told(body, chosen))


def _named(value: Any, name: str = "") -> Iterable[str]:
    """The texts that may name a price."""
    if isinstance(value, str):
        if name in _NAMES or name == "prices":
            yield value
    elif isinstance(value, list):
        for one in value:
            yield from _named(one, name)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in _UNSPOKEN:
                yield from _named(one, "price" if name == "prices" and key == "id" else key)


def _told(value: Any, names: Mapping[str, str], name: str = "") -> Any:
    """The value with each name of a price exchanged."""
    if isinstance(value, str):
        return names.get(value, value) if name in _NAMES or name == "prices" else value
    if isinstance(value, list):
        return [_told(one, names, name) for one in value]
    if isinstance(value, dict):
        is_price = name == "prices" or value.get("object") in ("price", "plan")
        return {
            key: one if key in _UNSPOKEN else _told(one, names, "price" if is_price and key == "id" else key)
            for key, one in value.items()
        }
    return value
