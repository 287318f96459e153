"""Whatever is sent to whichever address: never a fault of ours, and always Stripe's shape of a refusal."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings, strategies as st

from api.routes import OPERATIONS
from tests.api.conftest import Caller, new_caller

pytestmark = pytest.mark.django_db

# What comes near enough to the truth to get past the first check.
VALUES = (
    st.sampled_from(
        ["", "0", "1", "-1", "1000", "1.5", "true", "false", "now", "cad", "usd", "month", "auto", "x" * 6000]
    )
    | st.sampled_from(
        ["cus_nothing", "price_nothing", "9" * 18, "1e5", "NaN", "\x00", "é‮", "1704067200", "none", "forever"]
    )
    | st.sampled_from(
        ['email:"a"', 'metadata["k"]:"v"', "-name~'abc' AND created>1", "created<1 OR total>=9", 'status:"x"', "a:b:c"]
    )
    | st.sampled_from(["https://a.example/{CHECKOUT_SESSION_ID}", "subscription", "card", "pm_card_visa", "tok_visa"])
    | st.text(max_size=20)
)
KNOWN = [
    "customers",
    "payment_methods",
    "prices",
    "products",
    "subscriptions",
    "subscription_items",
    "invoices",
    "coupons",
]
SUFFIXES = st.sampled_from(["", "[]", "[0]", "[0][price]", "[a]", "[0][id]", "[gte]", "[0][0][0][0][0][0][0][0][0]"])


@st.composite
def requests(draw: st.DrawFn) -> tuple[Any, list[tuple[str, str]]]:
    operation = draw(st.sampled_from(OPERATIONS))
    names = st.sampled_from([*operation.parameters, "expand", "unheard_of"])
    pairs = st.tuples(st.tuples(names, SUFFIXES).map("".join), VALUES)
    return operation, draw(st.lists(pairs, max_size=6))


@pytest.fixture
def shop(db: None) -> tuple[Caller, dict[str, str]]:
    """A merchant with one of most things, so that addresses lead somewhere."""
    caller = new_caller(Client(), grace=3600)
    customer = caller("POST", "/v1/customers", "payment_method=pm_card_visa&name=Ada")["id"]
    card = caller("GET", f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    caller("POST", f"/v1/customers/{customer}", f"invoice_settings[default_payment_method]={card}")
    price = caller(
        "POST", "/v1/prices", "product_data[name]=Box&currency=cad&unit_amount=1000&recurring[interval]=month"
    )
    body = f"customer={customer}&items[0][price]={price['id']}"
    subscription = caller("POST", "/v1/subscriptions", body)
    return caller, {
        "customers": customer,
        "payment_methods": card,
        "prices": price["id"],
        "products": price["product"],
        "subscriptions": subscription["id"],
        "subscription_items": subscription["items"]["data"][0]["id"],
        "invoices": subscription["latest_invoice"],
        "charges": caller("GET", "/v1/charges")["data"][0]["id"],
        "payment_intents": caller("GET", "/v1/payment_intents")["data"][0]["id"],
        "plans": price["id"],
        "setup_intents": caller("POST", "/v1/setup_intents", f"customer={customer}")["id"],
        "payment_links": caller("POST", "/v1/payment_links", f"line_items[0][price]={price['id']}")["id"],
        "checkout": caller(
            "POST",
            "/v1/checkout/sessions",
            f"mode=subscription&success_url=https://a.example&line_items[0][price]={price['id']}",
        )["id"],
        "coupons": caller("POST", "/v1/coupons", "percent_off=20&id=SAVE")["id"],
    }


@given(asked=requests(), known=st.booleans())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_request_whatever_is_a_fault_of_ours(
    shop: tuple[Caller, dict[str, str]], asked: tuple[Any, list[tuple[str, str]]], known: bool
) -> None:
    caller, ids = shop
    operation, pairs = asked
    path = operation.path
    for name in ("id", "entry", "tax_id", "method", "feature", "line"):
        path = path.replace("{" + name + "}", ids.get(path.split("/")[2], "nothing") if known else "nothing")
    # Spent ids answer for themselves; whatever is asked of a real one, the key stays good.
    pairs = [(name, ids.get(value[1:], value) if value.startswith("@") else value) for name, value in pairs]
    answer = caller(operation.method, path, urlencode(pairs, errors="replace"))
    status = caller.last.status_code
    assert status in (200, 400, 402, 404), (operation.method, path, pairs, answer)
    if status != 200:
        assert set(answer) == {"error"}
        assert answer["error"]["type"] in ("invalid_request_error", "card_error")
        assert answer["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        "customer=%00",
        "customer[a]=1",
        "items=1",
        "items[0]=1",
        "items[0][price]=%00&customer=cus_x",
        "a" + "[b]" * 40,
        "customer=cus_x&items[x][price]=1",
        "customer=cus_x&customer=cus_y",
        "%ff=1",
        "customer=%ff",
    ],
)
def test_a_form_that_means_nothing_is_refused(shop: tuple[Caller, dict[str, str]], body: str) -> None:
    caller, _ = shop
    assert caller("POST", "/v1/subscriptions", body)["error"]["type"] == "invalid_request_error"
    assert caller.last.status_code == 400
