"""Subscriptions, their items and invoices over HTTP: what is refused, and that nothing is written then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from subscriptions.models import Subscription
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def error(answer: dict) -> dict:
    return answer["error"]


def price(caller: Caller, amount: int = 1000, currency: str = "cad", interval: str = "month") -> str:
    recurring = f"&recurring[interval]={interval}" if interval else ""
    body = f"product_data[name]=Box&currency={currency}&unit_amount={amount}{recurring}"
    return caller("POST", "/v1/prices", body)["id"]


def customer(caller: Caller, card: str = "pm_card_visa") -> str:
    body = f"payment_method={card}&invoice_settings[default_payment_method]={card}"
    return caller("POST", "/v1/customers", body)["id"]


def subscribed(caller: Caller, **more: str) -> dict:
    extra = "".join(f"&{name}={value}" for name, value in more.items())
    return caller("POST", "/v1/subscriptions", f"customer={customer(caller)}&items[0][price]={price(caller)}{extra}")


def test_mixed_currencies_are_refused_and_nothing_is_written(caller: Caller) -> None:
    body = (
        f"customer={customer(caller)}&items[0][price]={price(caller)}&items[1][price]={price(caller, currency='usd')}"
    )
    assert error(caller("POST", "/v1/subscriptions", body))["type"] == "invalid_request_error"
    assert caller.last.status_code == 400
    assert not Subscription.objects.exists()


def test_another_merchants_price_and_customer_are_not_there(caller: Caller, another: Callable[[], Caller]) -> None:
    other = another()
    theirs, their_price = customer(other), price(other)
    answer = error(caller("POST", "/v1/subscriptions", f"customer={theirs}&items[0][price]={price(caller)}"))
    assert (caller.last.status_code, answer["code"], answer["param"]) == (400, "resource_missing", "customer")
    mine = customer(caller)
    answer = error(caller("POST", "/v1/subscriptions", f"customer={mine}&items[0][price]={their_price}"))
    assert answer["param"] == "items[0][price]"
    made = subscribed(other)
    for method in ("GET", "POST", "DELETE"):
        assert error(caller(method, f"/v1/subscriptions/{made['id']}"))["code"] == "resource_missing"
        assert caller.last.status_code == 404


def test_a_trial_over_730_days_is_refused_by_name(caller: Caller) -> None:
    answer = error(subscribed(caller, trial_period_days="731"))
    assert (answer["param"], caller.last.status_code) == ("trial_period_days", 400)


def test_a_canceled_subscription_is_not_changed(caller: Caller) -> None:
    made = subscribed(caller)
    assert caller("DELETE", f"/v1/subscriptions/{made['id']}")["status"] == "canceled"
    item = made["items"]["data"][0]["id"]
    answer = error(caller("POST", f"/v1/subscriptions/{made['id']}", f"items[0][id]={item}&items[0][quantity]=5"))
    assert (caller.last.status_code, answer["type"]) == (400, "invalid_request_error")
    assert caller("GET", f"/v1/subscriptions/{made['id']}")["items"]["data"][0]["quantity"] == 1


def test_a_coupon_over_its_limit_is_refused(caller: Caller) -> None:
    caller("POST", "/v1/coupons", "id=ONE&percent_off=20&max_redemptions=1&duration=forever")
    first = subscribed(caller, **{"discounts[0][coupon]": "ONE"})
    assert len(first["discounts"]) == 1
    answer = error(subscribed(caller, **{"discounts[0][coupon]": "ONE"}))
    assert (caller.last.status_code, answer["type"]) == (400, "invalid_request_error")
    assert Subscription.objects.count() == 1


def test_discounts_show_their_coupon_when_asked(caller: Caller) -> None:
    caller("POST", "/v1/coupons", "id=SAVE&percent_off=20")
    made = subscribed(caller, **{"discounts[0][coupon]": "SAVE", "expand[]": "latest_invoice.discounts"})
    [given] = made["latest_invoice"]["discounts"]
    assert given["source"] == {"coupon": "SAVE", "type": "coupon"}
    assert made["latest_invoice"]["total_discount_amounts"] == [{"amount": 200, "discount": given["id"]}]


def test_metadata_description_and_the_end_are_changed(caller: Caller) -> None:
    made = subscribed(caller, **{"metadata[a]": "1", "metadata[b]": "2"})
    path = f"/v1/subscriptions/{made['id']}"
    changed = caller("POST", path, "metadata[a]=&metadata[c]=3&description=Plan&cancel_at_period_end=true")
    assert (changed["metadata"], changed["description"]) == ({"b": "2", "c": "3"}, "Plan")
    assert changed["cancel_at_period_end"] is True
    assert changed["cancel_at"] == made["items"]["data"][0]["current_period_end"] or changed["cancel_at"] is None
    assert caller("POST", path, "cancel_at_period_end=false")["cancel_at_period_end"] is False


def test_items_are_added_changed_and_removed(caller: Caller) -> None:
    made = subscribed(caller)
    added = caller("POST", "/v1/subscription_items", f"subscription={made['id']}&price={price(caller, 300)}&quantity=2")
    assert (added["object"], added["quantity"], added["price"]["unit_amount"]) == ("subscription_item", 2, 300)
    changed = caller("POST", f"/v1/subscription_items/{added['id']}", "quantity=4&metadata[a]=1")
    assert (changed["quantity"], changed["metadata"]) == (4, {"a": "1"})
    listed = caller("GET", "/v1/subscription_items", f"subscription={made['id']}")["data"]
    assert {one["id"] for one in listed} == {made["items"]["data"][0]["id"], added["id"]}
    assert caller("DELETE", f"/v1/subscription_items/{added['id']}")["deleted"] is True
    assert len(caller("GET", f"/v1/subscriptions/{made['id']}")["items"]["data"]) == 1


def test_lists_filter_by_status(caller: Caller) -> None:
    gone, stays = subscribed(caller), subscribed(caller)
    caller("DELETE", f"/v1/subscriptions/{gone['id']}")

    def ids(query: str) -> set[str]:
        return {one["id"] for one in caller("GET", "/v1/subscriptions", query)["data"]}

    assert ids("") == {stays["id"]}
    assert ids("status=all") == {stays["id"], gone["id"]}
    assert ids("status=canceled") == ids("status=ended") == {gone["id"]}
    assert ids(f"customer={gone['customer']}&status=all") == {gone["id"]}


def test_a_page_of_subscriptions_takes_as_many_queries_as_one(
    caller: Caller, django_assert_max_num_queries: Callable
) -> None:
    for _ in range(3):
        subscribed(caller)
    # The key, its bucket, the log; the page, items with prices and products, discounts, prices, clients' own ids.
    with django_assert_max_num_queries(9):
        assert len(caller("GET", "/v1/subscriptions")["data"]) == 3


def test_a_one_off_invoice_is_made_finalized_and_voided(caller: Caller) -> None:
    of = customer(caller, card="pm_card_chargeCustomerFail")
    item = caller("POST", "/v1/invoiceitems", f"customer={of}&amount=700&currency=cad&description=Work")
    assert (item["object"], item["amount"], item["invoice"]) == ("invoiceitem", 700, None)
    made = caller("POST", "/v1/invoices", f"customer={of}&metadata[a]=1&pending_invoice_items_behavior=include")
    assert (made["status"], made["total"], made["parent"], made["metadata"]) == ("draft", 700, None, {"a": "1"})
    opened = caller("POST", f"/v1/invoices/{made['id']}/finalize")
    assert (opened["status"], bool(opened["number"])) == ("open", True)
    answer = error(caller("POST", f"/v1/invoices/{made['id']}/pay"))
    assert (caller.last.status_code, answer["type"], answer["code"]) == (402, "card_error", "card_declined")
    assert caller("POST", f"/v1/invoices/{made['id']}/void")["status"] == "void"
    assert error(caller("POST", f"/v1/invoices/{made['id']}/void"))["type"] == "invalid_request_error"
    assert caller("GET", f"/v1/invoices/{made['id']}/lines")["data"][0]["amount"] == 700


def test_what_came_another_way_pays_an_invoice(caller: Caller) -> None:
    made = subscribed(caller, collection_method="send_invoice", days_until_due="30")
    invoice = caller("GET", f"/v1/invoices/{made['latest_invoice']}")
    if invoice["status"] == "draft":
        caller("POST", f"/v1/invoices/{invoice['id']}/finalize")
    paid = caller("POST", f"/v1/invoices/{invoice['id']}/pay", "paid_out_of_band=true")
    assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)


def test_a_charge_is_refunded_at_most_once(caller: Caller) -> None:
    made = subscribed(caller, **{"expand[]": "latest_invoice.payments"})
    intent = made["latest_invoice"]["payments"]["data"][0]["payment"]["payment_intent"]
    refund = caller("POST", "/v1/refunds", f"payment_intent={intent}&amount=400")
    assert (refund["object"], refund["amount"], refund["status"]) == ("refund", 400, "succeeded")
    assert (
        error(caller("POST", "/v1/refunds", f"payment_intent={intent}&amount=700"))["type"] == "invalid_request_error"
    )
    assert caller("GET", "/v1/refunds", f"payment_intent={intent}")["data"][0]["id"] == refund["id"]


def test_what_has_ended_cannot_be_ended_again(caller: Caller) -> None:
    made = subscribed(caller)
    caller("DELETE", f"/v1/subscriptions/{made['id']}")
    assert error(caller("DELETE", f"/v1/subscriptions/{made['id']}"))["code"] == "resource_missing"
    assert caller.last.status_code == 404


def test_an_address_that_is_not_there_yet_says_so(caller: Caller) -> None:
    assert "Unrecognized request URL" in error(caller("GET", "/v1/subscriptions/a/b/c"))["message"]
    assert caller.last.status_code == 404
