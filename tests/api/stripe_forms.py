"""What schemathesis has to be told of /v1: forms are written with brackets, and some ids lead somewhere.

Loaded by its own process (`SCHEMATHESIS_HOOKS`), with the ids of one shop in `OSTINATO_IDS`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis

IDS: dict[str, str] = json.loads(os.environ.get("OSTINATO_IDS", "{}"))
# Parameters that name an object, by what they name.
NAMES = {
    "customer": "customers",
    "payment_method": "payment_methods",
    "default_payment_method": "payment_methods",
    "price": "prices",
    "plan": "prices",
    "product": "products",
    "subscription": "subscriptions",
    "subscription_item": "subscription_items",
    "invoice": "invoices",
    "charge": "charges",
    "payment_intent": "payment_intents",
    "coupon": "coupons",
}


def pairs(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as Stripe's clients write them: items[0][price]=…"""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from pairs(one, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from pairs(one, f"{name}[{number}]")
    else:
        yield name, "true" if value is True else "false" if value is False else "" if value is None else str(value)


def led(value: Any) -> Any:
    """The same value with every other id that it names a real one."""
    if isinstance(value, list):
        return [led(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: real(name, one) if isinstance(one, str) else led(one) for name, one in value.items()}


def real(name: str, value: str) -> str:
    known = IDS.get(NAMES.get(name, ""))
    return known if known and len(value) % 2 == 0 else value


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    if path_parameters:
        noun = re.sub(r"^/v1/", "", context.operation.path).split("/")[0]
        known = IDS.get(noun)
        if known and len(str(path_parameters.get("id", ""))) % 2 == 0:
            return path_parameters | {"id": known}
    return path_parameters


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    return led(body)


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    return led(query)


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """No server takes an address of any length; bodies may be long."""
    return not isinstance(query, dict) or len(urlencode(list(pairs(query)), errors="replace")) < 6000


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    if isinstance(case.body, dict):
        case.body = urlencode(list(pairs(case.body)), errors="replace", quote_via=quote).encode()
    if isinstance(case.query, dict):
        case.query = dict(pairs(case.query))
