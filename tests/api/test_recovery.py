"""A request that was cut off and is repeated under its key: what it made stands once, and the rest is done."""

from __future__ import annotations

from typing import Any

import pytest

from api.models import IdempotentRequest
from api.resources import customers, subscriptions
from customers.models import Customer
from subscriptions.models import Subscription
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def cut_off(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """The first call of this function dies; later ones work."""
    whole, calls = getattr(module, name), []

    def dying(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the machine went away")
        return whole(*args, **kwargs)

    monkeypatch.setattr(module, name, dying)


def test_a_customer_is_made_once_and_gets_its_card_at_the_second_try(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(monkeypatch, customers, "_after")
    body = "name=Ada&payment_method=pm_card_visa&balance=-500"
    caller("POST", "/v1/customers", body, **{"Idempotency-Key": "k1"})
    assert caller.last.status_code == 500
    again = caller("POST", "/v1/customers", body, **{"Idempotency-Key": "k1"})
    assert (again["name"], again["balance"], Customer.objects.count()) == ("Ada", -500, 1)
    assert len(caller("GET", f"/v1/customers/{again['id']}/payment_methods")["data"]) == 1
    replayed = caller("POST", "/v1/customers", body, **{"Idempotency-Key": "k1"})
    assert (replayed["id"], caller.last["Idempotent-Replayed"]) == (again["id"], "true")


def test_a_subscription_is_sold_once(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = caller("POST", "/v1/customers", "payment_method=pm_card_visa")["id"]
    price = caller(
        "POST", "/v1/prices", "product_data[name]=Box&currency=cad&unit_amount=1000&recurring[interval]=month"
    )["id"]
    card = caller("GET", f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    cut_off(monkeypatch, subscriptions, "shown_by_id")
    body = f"customer={customer}&items[0][price]={price}&default_payment_method={card}&expand[]=customer"
    caller("POST", "/v1/subscriptions", body, **{"Idempotency-Key": "k2"})
    assert caller.last.status_code == 500
    again = caller("POST", "/v1/subscriptions", body, **{"Idempotency-Key": "k2"})
    assert (caller.last.status_code, again["status"], again["customer"]["id"]) == (200, "active", customer)
    assert Subscription.objects.count() == 1
    other = caller("POST", "/v1/subscriptions", body, **{"Idempotency-Key": "k3"})
    assert other["id"] != again["id"]


def test_what_died_before_it_made_anything_is_done_anew(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off(monkeypatch, customers, "_values")
    caller("POST", "/v1/customers", "name=Ada", **{"Idempotency-Key": "k4"})
    assert (caller.last.status_code, Customer.objects.count()) == (500, 0)
    assert caller("POST", "/v1/customers", "name=Ada", **{"Idempotency-Key": "k4"})["name"] == "Ada"
    caller("POST", "/v1/customers", "name=Bob", **{"Idempotency-Key": "k4"})
    assert (caller.last.status_code, Customer.objects.count()) == (400, 1)


def test_a_form_that_is_refused_leaves_the_key_free(caller: Caller) -> None:
    caller("POST", "/v1/customers", "colour=red", **{"Idempotency-Key": "k5"})
    assert (caller.last.status_code, IdempotentRequest.objects.count()) == (400, 0)
