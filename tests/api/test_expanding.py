"""`expand[]` as in Stripe's documentation: what may be expanded, how deep, by whom; nothing is made when it may not.

https://docs.stripe.com/api/expanding_objects, https://docs.stripe.com/stripe-apps/reference/permissions
"""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.keys import create_api_key
from core.context import Context
from tests.api.conftest import Caller
from tests.api.sdk import Sdk, new_client

wall = timezone.now  # noqa: TID251 (keys live in wall time)


@pytest.fixture
def bought(caller: Caller) -> dict[str, Any]:
    """A subscription that was paid."""
    card = "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa"
    customer = caller("POST", "/v1/customers", f"name=Ada&{card}")["id"]
    recurring = "currency=cad&unit_amount=1000&recurring[interval]=month"
    price = caller("POST", "/v1/prices", f"product_data[name]=Box&{recurring}")["id"]
    return caller("POST", "/v1/subscriptions", f"customer={customer}&items[0][price]={price}")


def at(body: Any, path: str) -> Any:
    """What a path leads to, by the first of each list."""
    for step in path.split("."):
        body = body[step]
        body = body[0] if isinstance(body, list) else body
    return body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("customer", "customer"),
        ("customer.invoice_settings.default_payment_method", "payment_method"),
        ("customer.subscriptions.data.latest_invoice", "invoice"),
        ("items.data.price.product", "product"),
        ("latest_invoice.payments.data.payment.payment_intent", "payment_intent"),
        ("latest_invoice.parent.subscription_details.subscription", "subscription"),
    ],
)
def test_one_object_is_expanded_up_to_four_levels(caller: Caller, bought: dict[str, Any], path: str, kind: str) -> None:
    alone = caller("GET", f"/v1/subscriptions/{bought['id']}", f"expand[]={path}")
    listed = caller("GET", "/v1/subscriptions", f"expand[]=data.{path}")
    assert [at(alone, path)["object"], at(listed, f"data.{path}")["object"]] == [kind, kind]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("bogus", "This property cannot be expanded (bogus)."),
        ("status", "This property cannot be expanded (status)."),
        ("customer.bogus", "This property cannot be expanded (customer.bogus)."),
        ("latest_invoice.charge", "This property cannot be expanded (latest_invoice.charge)."),
        ("items.data.price.product.bogus", "This property cannot be expanded (items.data.price.product.bogus)."),
        (
            "customer.subscriptions.data.latest_invoice.payments.data.payment.payment_intent",
            "You cannot expand more than 4 levels of a property"
            " (customer.subscriptions.data.latest_invoice.payments.data.payment.payment_intent).",
        ),
    ],
)
def test_what_cannot_be_expanded_is_named_before_anything_is_made(
    caller: Caller, bought: dict[str, Any], asked: str, says: str
) -> None:
    item = bought["items"]["data"][0]["price"]["id"]
    body = f"customer={bought['customer']}&items[0][price]={item}&expand[]={asked}"
    error = caller("POST", "/v1/subscriptions", body)["error"]
    assert (caller.last.status_code, error["param"], error["message"]) == (400, "expand", says)
    assert len(caller("GET", "/v1/subscriptions")["data"]) == 1


def test_a_list_is_expanded_by_its_data_also_when_it_is_empty(caller: Caller) -> None:
    assert caller("GET", "/v1/subscriptions", "expand[]=data.customer")["data"] == []
    told = caller("GET", "/v1/subscriptions", "expand[]=customer")["error"]["message"]
    assert told == "This property cannot be expanded (customer). You may want to try expanding 'data.customer' instead."
    assert caller("GET", "/v1/subscriptions", "expand[]=data.bogus")["error"]["param"] == "expand"


@pytest.mark.django_db(transaction=True)
def test_a_restricted_key_expands_only_what_it_may_read(sdk: Sdk) -> None:
    customer, price = sdk.customer(), sdk.price(1000)
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    now = Context(wall(), wall())
    scopes = {"invoice": "write", "event": "read", "subscription": "read"}
    _, secret = create_api_key(ctx=now, merchant_id=sdk.merchant.id, livemode=False, scopes=scopes)
    v1 = new_client(secret, sdk.url).v1
    [invoice] = v1.invoices.list({"expand": ["data.parent.subscription_details.subscription"]}).data
    assert invoice.parent.subscription_details.subscription.status == "active"
    for refused, lacking in (
        (lambda: v1.invoices.list({"expand": ["data.customer"]}), "rak_customer_read"),
        (lambda: v1.invoices.retrieve(invoice.id, {"expand": ["customer.subscriptions"]}), "rak_customer_read"),
        (lambda: v1.invoices.list({"expand": ["data.payments"]}), "rak_invoice_payment_read"),
        (lambda: v1.subscriptions.list({"expand": ["data.items.data.price.product"]}), "rak_product_read"),
        (lambda: v1.events.list({"expand": ["data.data.object.customer"]}), "rak_customer_read"),
        (lambda: v1.invoices.update(invoice.id, {"metadata": {"a": "1"}, "expand": ["customer"]}), "rak_customer_read"),
    ):
        with pytest.raises(stripe.PermissionError, match=f"Having the '{lacking}' permission"):
            refused()
    assert dict(v1.invoices.retrieve(invoice.id).metadata) == {}


def test_what_stripe_leaves_out_may_be_asked_for(sdk: Sdk) -> None:
    price = sdk.price(1000)
    assert "tiers" not in sdk.v1.prices.retrieve(price.id, {"expand": ["tiers"]})
    customer = sdk.customer()
    sdk.v1.invoice_items.create({"customer": customer.id, "amount": 500, "currency": "usd"})
    asked = {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    draft = sdk.v1.invoices.create(asked | {"expand": ["lines.data.pricing.price_details.price"]})
    assert [line.amount for line in draft.lines.data] == [500]
    [listed] = sdk.v1.prices.list({"expand": ["data.tiers", "data.currency_options"]}).data
    assert listed.id == price.id


def test_a_page_with_three_expansions_takes_as_many_queries_for_three_as_for_one(caller: Caller) -> None:
    body = "product_data[name]=Box&currency=cad&unit_amount=1000&recurring[interval]=month"
    price = caller("POST", "/v1/prices", body)["id"]
    paths = ("data.customer", "data.latest_invoice.payments", "data.items.data.price.product")
    page = "/v1/subscriptions?limit=100&" + "&".join(f"expand[]={path}" for path in paths)
    taken = []
    for _ in range(3):
        customer = caller("POST", "/v1/customers", "payment_method=pm_card_visa")["id"]
        card = caller("GET", f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
        sold = f"customer={customer}&items[0][price]={price}&default_payment_method={card}"
        assert caller("POST", "/v1/subscriptions", sold)["status"] == "active"
        with CaptureQueriesContext(connection) as queries:
            shown = caller("GET", page)["data"]
        assert all(one["latest_invoice"]["payments"]["data"] for one in shown)
        taken.append(len(queries))
    assert len(shown) == 3
    assert taken[0] == taken[1] == taken[2] <= 25
