"""Another merchant's ids, in every address and every parameter that takes one: not there, and nothing told of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from api.models import IdempotentRequest
from api.protocol.operation import Operation
from api.protocol.schema import told_object
from api.routes import OPERATIONS
from events.models import Event
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db

MARK = "Zebulon"  # in whatever can carry words of the other merchant's
# Which kind of object a parameter names, where the parameter's name is not the kind's.
NAMED = {
    "backup_payment_methods": "payment_method",
    "default_payment_method": "payment_method",
    "default_price": "price",
    "default_tax_rates": "tax_rate",
    "entitlement_feature": "feature",
    "from_subscription": "subscription",
    "invoice_item": "invoiceitem",
    "invoice_line_item": "line",
    "plan": "price",
    "prices": "price",
    "products": "product",
    "tax_rates": "tax_rate",
}
# The kind of what stands behind an address, where that is not its last word.
ADDRESSED = {
    "POST /v1/billing_portal/sessions/": "",
    "POST /v1/customers/{id}/balance_transactions/": "balance_entry",
    "POST /v1/plans/": "price",
    "POST /v1/products/{id}/features/": "product_feature",
    "POST /v1/subscription_schedules/": "schedule",
}
# What a parameter that must be sent says, by its name; the rest by its type.
SAID = {"currency": "cad", "url": "https://a.example/", "success_url": "https://a.example/", "type": "service"}
# What the portal offers.
OFFERED = {
    "features[invoice_history][enabled]": "true",
    "features[subscription_cancel][enabled]": "true",
    "features[subscription_update][enabled]": "true",
    "features[subscription_update][default_allowed_updates][0]": "price",
}
# What an operation asks for that its schema does not say (@ is an id of the caller's own).
_CREDITED = {"lines[0][type]": "invoice_line_item", "lines[0][quantity]": 1, "credit_amount": 800}
BESIDE = {
    "GET /v1/billing/meters/{id}/event_summaries": {"start_time": 60, "end_time": 120},
    "GET /v1/credit_notes/preview": _CREDITED,
    "GET /v1/credit_notes/preview/lines": {
        "lines[0][type]": "invoice_line_item",
        "lines[0][invoice_line_item]": "@line",
        "lines[0][amount]": 50,
        "credit_amount": 45,
    },
    "POST /v1/billing/credit_grants": {"applicability_config[scope][price_type]": "metered"},
    "POST /v1/checkout/sessions": {
        "success_url": "https://a.example",
        "line_items[0][price]": "@price",
        "line_items[0][quantity]": 1,
    },
    "POST /v1/credit_notes": _CREDITED,
    "POST /v1/invoices": {"customer": "@customer"},
    "POST /v1/invoices/{id}/add_lines": {"lines[0][amount]": 5},
    "POST /v1/invoices/create_preview": {"customer": "@customer"},
    "POST /v1/plans": {"amount": 5},
    "POST /v1/prices": {"product": "@product", "unit_amount": 5},
    "POST /v1/promotion_codes": {"promotion[type]": "coupon", "promotion[coupon]": "@coupon"},
    "POST /v1/quotes": {"customer": "@customer"},
    "POST /v1/subscription_schedules": {"customer": "@customer"},
    "POST /v1/subscriptions": {"customer": "@customer", "items[0][price]": "@price"},
}
# An id that whoever makes the object chooses names nobody else's.
CHOSEN = {("/v1/coupons", "id"), ("/v1/prices", "product_data[id]"), ("/v1/products", "id"), ("/v1/plans", "id")}
# Refused for what it is whosever it is, before it is looked for.
REFUSED = {
    ("/v1/billing/credit_grants", "applicability_config[scope][prices][0][id]"),  # a scope of prices has no price type
    ("/v1/customers", "promotion_code"),  # may be a code
    ("/v1/customers/{id}", "promotion_code"),
    ("/v1/payment_intents/{id}/confirm", "payment_method"),  # the intent has succeeded
    ("/v1/plans", "meter"),  # a plan by its usage has a usage type
    ("/v1/plans", "product"),  # or a hash
    ("/v1/products/{id}", "default_price"),  # one of its own prices
    ("/v1/promotion_codes", "coupon"),  # the older name, beside the newer
    ("/v1/quotes", "from_quote[quote]"),  # a copy is for whom the other was
    ("/v1/subscription_schedules", "from_subscription"),  # whose customer it is for
}
# A filter by somebody else's id finds nothing; an address or a promise to keep is no id at all.
NO_IDS = frozenset({"token", "source", "related_object", "lookup_key", "client_reference_id"})


def make(caller: Caller, words: str) -> dict[str, str]:
    """One of each kind, all of whose texts have `words` in them."""
    post = partial(_made, caller)
    ids: dict[str, str] = {}
    ids["customer"] = post("customers", name=words, payment_method="pm_card_visa")["id"]
    ids["payment_method"] = caller("GET", f"/v1/customers/{ids['customer']}/payment_methods")["data"][0]["id"]
    post(
        f"customers/{ids['customer']}",
        **{"invoice_settings[default_payment_method]": ids["payment_method"], "balance": 0},
    )
    ids["product"] = post("products", name=words, id=f"prod{len(words)}")["id"]
    ids["tax_rate"] = post("tax_rates", display_name=words, percentage=5, inclusive="false")["id"]
    monthly = {"product": ids["product"], "currency": "cad", "unit_amount": 1000, "recurring[interval]": "month"}
    ids["price"] = post("prices", **monthly, nickname=words)["id"]
    once = {"product": ids["product"], "currency": "cad", "unit_amount": 500}
    ids["once"] = post("prices", **once)["id"]
    ids["coupon"] = post("coupons", percent_off=10, duration="forever", name=words, id=f"off{len(words)}")["id"]
    code = {"promotion[type]": "coupon", "promotion[coupon]": ids["coupon"], "code": words.upper()}
    ids["promotion_code"] = post("promotion_codes", **code)["id"]
    sold = {"customer": ids["customer"], "items[0][price]": ids["price"], "discounts[0][coupon]": ids["coupon"]}
    subscription = post("subscriptions", **sold, description=words)
    ids["subscription"], ids["invoice"] = subscription["id"], subscription["latest_invoice"]
    ids["subscription_item"] = subscription["items"]["data"][0]["id"]
    ids["discount"] = subscription["discounts"][0]
    ids["line"] = caller("GET", f"/v1/invoices/{ids['invoice']}/lines")["data"][0]["id"]
    ids["charge"] = caller("GET", "/v1/charges")["data"][0]["id"]
    ids["payment_intent"] = caller("GET", "/v1/payment_intents")["data"][0]["id"]
    ids["invoice_payment"] = caller("GET", f"/v1/invoice_payments?invoice={ids['invoice']}")["data"][0]["id"]
    ids["refund"] = post("refunds", charge=ids["charge"], amount=100)["id"]
    ids["credit_note"] = post("credit_notes", invoice=ids["invoice"], amount=50, credit_amount=50, memo=words)["id"]
    schedule = {"customer": ids["customer"], "start_date": "now", "phases[0][items][0][price]": ids["price"]}
    ids["schedule"] = ids["subscription_schedule"] = post("subscription_schedules", **schedule)["id"]
    quote = {"customer": ids["customer"], "line_items[0][price]": ids["price"], "description": words}
    ids["quote"] = post("quotes", **quote)["id"]
    ids["test_clock"] = post("test_helpers/test_clocks", frozen_time=1704067200, name=words)["id"]
    _make_the_rest(caller, words, ids)
    return ids


def _made(caller: Caller, path: str, **fields: Any) -> Any:
    answer = caller("POST", f"/v1/{path}", urlencode(fields))
    assert caller.last.status_code == 200, (path, answer)
    return answer


def _make_the_rest(caller: Caller, words: str, ids: dict[str, str]) -> None:
    post = partial(_made, caller)
    meter = {"display_name": words, "event_name": words.lower(), "default_aggregation[formula]": "sum"}
    ids["meter"] = post("billing/meters", **meter)["id"]
    alert = {"alert_type": "usage_threshold", "title": words, "usage_threshold[meter]": ids["meter"]}
    ids["alert"] = post(
        "billing/alerts", **alert, **{"usage_threshold[gte]": 5, "usage_threshold[recurrence]": "one_time"}
    )["id"]
    grant = {"customer": ids["customer"], "category": "paid", "name": words, "amount[type]": "monetary"}
    money = {"amount[monetary][value]": 5, "amount[monetary][currency]": "cad"}
    scope = {"applicability_config[scope][price_type]": "metered"}
    ids["credit_grant"] = post("billing/credit_grants", **grant, **money, **scope)["id"]
    ids["credit_balance_transaction"] = caller(
        "GET", f"/v1/billing/credit_balance_transactions?customer={ids['customer']}"
    )["data"][0]["id"]
    ids["feature"] = post("entitlements/features", name=words, lookup_key=words.lower())["id"]
    ids["product_feature"] = post(f"products/{ids['product']}/features", entitlement_feature=ids["feature"])["id"]
    ids["active_entitlement"] = caller("GET", f"/v1/entitlements/active_entitlements?customer={ids['customer']}")[
        "data"
    ][0]["id"]
    ids["payment_link"] = post("payment_links", **{"line_items[0][price]": ids["price"], "line_items[0][quantity]": 1})[
        "id"
    ]
    page = {"mode": "subscription", "success_url": "https://a.example", "line_items[0][price]": ids["price"]}
    ids["session"] = post("checkout/sessions", **page)["id"]
    ids["configuration"] = post("billing_portal/configurations", name=words, **OFFERED)["id"]
    ids["setup_intent"] = post("setup_intents", customer=ids["customer"], description=words)["id"]
    ids["tax_id"] = post(f"customers/{ids['customer']}/tax_ids", type="eu_vat", value="DE136695976")["id"]
    entry = {"amount": -5, "currency": "cad", "description": words}
    ids["balance_entry"] = post(f"customers/{ids['customer']}/balance_transactions", **entry)["id"]
    ids["webhook_endpoint"] = post("webhook_endpoints", url="https://8.8.8.8/", **{"enabled_events[]": "*"})["id"]
    ids["invoiceitem"] = post("invoiceitems", customer=ids["customer"], amount=5, currency="cad", description=words)[
        "id"
    ]
    ids["draft"] = post("invoices", customer=ids["customer"], description=words)["id"]
    ids["event"] = caller("GET", "/v1/events")["data"][0]["id"]


def leaves(told: dict[str, Any], path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Each parameter that may be an id: its address in a form, and its name."""
    for one in told.get("anyOf", [told]):
        if one.get("type") == "object":
            for key, said in one.get("properties", {}).items():
                yield from leaves(said, f"{path}[{key}]" if path else key, key)
        elif one.get("type") == "array":
            yield from leaves(one["items"], f"{path}[0]", name)
        elif one.get("type") == "string" and "enum" not in one and one.get("maxLength"):
            yield path, name


def beside(told: dict[str, Any], param: str, mine: dict[str, str], about: str) -> dict[str, Any]:
    """What must be sent at the top and within each hash that `param` is in."""
    body = dict(needed(told, mine, about))
    path = ""
    for key in param.replace("]", "").split("["):
        path = f"{path}[{key}]" if path else key
        hashes = [one for one in told.get("anyOf", [told]) if one.get("type") in ("object", "array")]
        told = next(
            one["items"] if key == "0" else one["properties"][key]
            for one in hashes
            if key == "0" or key in one.get("properties", ())
        )
        if path != param:
            body |= dict(needed(told, mine, about, path, key))
    return {name: value for name, value in body.items() if name == param or not param.startswith(name + "[")}


def needed(told: dict[str, Any], mine: dict[str, str], about: str, path: str = "", name: str = "") -> Iterator[Any]:
    """What must be sent, and a value for each: an id of the caller's own where it is one."""
    one = next(iter(told.get("anyOf", [told])))
    if one.get("type") == "object" and "properties" in one:
        for key in one.get("required", ()):
            yield from needed(one["properties"][key], mine, about, f"{path}[{key}]" if path else key, key)
    elif one.get("type") == "array":
        yield from needed(one["items"], mine, about, f"{path}[0]", name)
    elif kind := kind_of(name, about, mine):
        yield path, mine[kind]
    elif one.get("type") == "integer":
        yield path, max(one.get("minimum", 1), 1)
    elif "enum" in one:
        yield path, one["enum"][0]
    else:
        yield (
            path,
            SAID.get(name, "1" if one.get("format") == "decimal" else "true" if one["type"] == "boolean" else "x"),
        )


def kind_of(name: str, about: str, ids: dict[str, str]) -> str:
    """Of which kind's ids a parameter is; "" where it is no id."""
    kind = about if name in ("id", "starting_after", "ending_before") else NAMED.get(name, name)
    return kind if kind in ids and name not in NO_IDS else ""


def kind_at(address: str) -> str:
    """The kind of the objects below `address`, which ends in a slash."""
    words = [word for word in address.strip("/").split("/") if not word.startswith("{")]
    plural = next((word for word in reversed(words) if word.endswith("s")), "")
    return ADDRESSED.get(address, plural.removesuffix("s"))


def addresses(operation: Operation, mine: dict[str, str], theirs: dict[str, str]) -> Iterator[str]:
    """The operation's address with somebody else's id in the place of each of its own."""
    words = operation.path.split("/")
    places = [place for place, word in enumerate(words) if word.startswith("{")]
    kinds = {place: kind_at("/".join(words[:place]) + "/") for place in places}
    for foreign in places:
        told = {place: (theirs if place == foreign else mine).get(kinds[place], "nothing") for place in places}
        yield "/".join(told.get(place, word) for place, word in enumerate(words))


def about_of(operation: Operation) -> str:
    path = operation.path.split("{")[0] if operation.method == "POST" else operation.path
    return kind_at(path.rstrip("/") + "/")


def request(operation: Operation, told: dict[str, Any], param: str, mine: dict[str, str]) -> dict[str, Any]:
    """What makes a request of which nothing is wrong but the id in `param`, as far as that goes."""
    about = about_of(operation)
    body = beside(told, param, mine, about) if param else dict(needed(told, mine, about))
    body |= BESIDE.get(f"{operation.method} {operation.path}", {})
    body |= {"mode": "subscription"} if "mode" in body else {}
    if flow := re.match(r"flow_data\[(\w+)\]\[", param):
        body["flow_data[type]"] = flow[1]
    for found in re.finditer(r"(\w+)\]?\[0\]", param):
        element = param[: found.end()]
        if found[1] == "phases":
            body[f"{element}[items][0][price]"] = "@price"
        elif found[1] in ("items", "line_items"):
            body[f"{element}[price]"] = "@price"
        elif found[1] in ("add_invoice_items", "invoice_items"):
            body[f"{element}[price]"] = "@once"
    if data := re.search(r".*price_data\]?(?=\[)", param):
        body[f"{data[0]}[unit_amount]"] = 5
        if not data[0].startswith("default_"):
            body[f"{data[0]}[product]"] = "@product"
        body.pop(re.sub(r"\[price_data\]$", "[price]", data[0]), None)
        if re.search(r"(?<!invoice_)items|^price_data", data[0]) and "invoice" not in operation.path:
            body[f"{data[0]}[recurring][interval]"] = "month"
    if param.endswith("[plan]"):
        body.pop(param.removesuffix("[plan]") + "[price]", None)
    if param.endswith(("recurring][meter]", "recurring[meter]")):
        body[param.removesuffix("[meter]") + "[usage_type]"] = "metered"
    return {name: mine[value[1:]] if str(value).startswith("@") else value for name, value in body.items()}


def state() -> tuple[int, int]:
    return Event.objects.count(), IdempotentRequest.objects.count()


@pytest.fixture
def both(caller: Caller, another: Callable[[], Caller]) -> tuple[Caller, dict[str, str], dict[str, str]]:
    theirs = make(another(), MARK)
    return caller, make(caller, "Ada"), theirs


def test_in_no_address_does_anothers_id_lead_anywhere(both: tuple[Caller, dict[str, str], dict[str, str]]) -> None:
    caller, mine, theirs = both
    before, faults = state(), []
    for operation in OPERATIONS:
        told = told_object(operation.parameters)
        body = urlencode(request(operation, told, "", mine))
        for address in addresses(operation, mine, theirs):
            answer = caller(operation.method, address, body)
            error = answer.get("error", {})
            if (caller.last.status_code, error.get("code")) != (404, "resource_missing") or MARK in json.dumps(error):
                faults.append((operation.method, operation.path, caller.last.status_code, error))
    assert faults == []
    assert state() == before


def test_in_no_parameter_does_anothers_id_stand_for_anything(
    both: tuple[Caller, dict[str, str], dict[str, str]],
) -> None:
    caller, mine, theirs = both
    faults = []
    for operation in OPERATIONS:
        about, told = about_of(operation), told_object(operation.parameters)
        own = mine | {"invoice": mine["draft"]} if operation.method == "POST" else mine
        address = next(addresses(operation, own, own), operation.path)
        for param, name in leaves(told):
            if not (kind := kind_of(name, about, theirs)) or (operation.path, param) in CHOSEN:
                continue
            body = request(operation, told, param, mine) | {param: theirs[kind]}
            answer = caller(operation.method, address, urlencode(body))
            if caller.last.status_code == 200 and answer.get("data") == []:
                continue
            if caller.last.status_code == 200 or MARK in json.dumps(answer.get("error", {}).get("message")):
                faults.append((operation.method, operation.path, param, caller.last.status_code, answer))
            elif answer["error"].get("code") != "resource_missing" and (operation.path, param) not in REFUSED:
                faults.append((operation.method, operation.path, param, body, answer["error"]))
    assert faults == []
