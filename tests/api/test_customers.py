"""Customers over HTTP: created, changed, deleted; balance, tax numbers, cards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from customers.models import Customer, PaymentMethod
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def error(answer: dict) -> dict:
    return answer["error"]


def test_a_customer_has_stripes_shape(caller: Caller) -> None:
    made = caller("POST", "/v1/customers", "email=ada@example.com&name=Ada&metadata[a]=1&address[country]=CA")
    assert made["object"] == "customer"
    assert (made["email"], made["balance"], made["livemode"], made["test_clock"]) == ("ada@example.com", 0, False, None)
    assert made["address"]["country"] == "CA"
    assert made["invoice_settings"]["default_payment_method"] is None


def test_parts_of_an_address_that_are_not_sent_stay(caller: Caller) -> None:
    made = caller("POST", "/v1/customers", "address[country]=CA&address[city]=Laval")
    changed = caller("POST", f"/v1/customers/{made['id']}", "address[city]=Québec")
    assert (changed["address"]["city"], changed["address"]["country"]) == ("Québec", "CA")
    assert caller("POST", f"/v1/customers/{made['id']}", "address=")["address"] is None


def test_the_usual_way_to_create_a_customer_with_a_card_attaches_it_once(caller: Caller) -> None:
    made = caller(
        "POST",
        "/v1/customers",
        "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa"
        "&expand[]=invoice_settings.default_payment_method",
    )
    assert made["invoice_settings"]["default_payment_method"]["card"]["last4"] == "4242"
    assert PaymentMethod.objects.count() == 1


def test_a_declined_card_leaves_no_customer(caller: Caller) -> None:
    answer = error(caller("POST", "/v1/customers", "payment_method=pm_card_chargeDeclined"))
    assert (caller.last.status_code, answer["type"], answer["code"]) == (402, "card_error", "card_declined")
    assert not Customer.objects.filter(deleted_at__isnull=True).exists()


def test_attaching_makes_no_default_and_detaching_forgets(caller: Caller) -> None:
    made = caller("POST", "/v1/customers")
    card = caller("POST", "/v1/payment_methods/pm_card_visa/attach", f"customer={made['id']}")
    assert (card["object"], card["customer"], card["card"]["brand"]) == ("payment_method", made["id"], "visa")
    assert caller("GET", f"/v1/customers/{made['id']}")["invoice_settings"]["default_payment_method"] is None
    assert caller("GET", "/v1/payment_methods", f"customer={made['id']}")["data"] == [card]
    assert caller("POST", f"/v1/payment_methods/{card['id']}/detach")["customer"] is None
    assert caller("GET", f"/v1/customers/{made['id']}/payment_methods")["data"] == []


def test_the_card_that_declines_cannot_be_attached(caller: Caller) -> None:
    made = caller("POST", "/v1/customers")
    answer = error(caller("POST", "/v1/payment_methods/pm_card_chargeDeclined/attach", f"customer={made['id']}"))
    assert (caller.last.status_code, answer["code"], answer["decline_code"]) == (
        402,
        "card_declined",
        "generic_decline",
    )


def test_the_balance_is_a_ledger(caller: Caller) -> None:
    made = caller("POST", "/v1/customers", "balance=-500")
    entry = caller("POST", f"/v1/customers/{made['id']}/balance_transactions", "amount=200&currency=cad")
    assert (made["balance"], entry["ending_balance"]) == (-500, -300)
    entries = caller("GET", f"/v1/customers/{made['id']}/balance_transactions")["data"]
    assert [one["amount"] for one in entries] == [200, -500]
    assert caller("GET", f"/v1/customers/{made['id']}/balance_transactions/{entry['id']}") == entry


def test_a_tax_number_is_checked_listed_and_deleted(caller: Caller) -> None:
    made = caller("POST", "/v1/customers", "tax_id_data[0][type]=ca_qst&tax_id_data[0][value]=1234567890TQ0001")
    [number] = caller("GET", f"/v1/customers/{made['id']}/tax_ids")["data"]
    assert (number["type"], number["country"]) == ("ca_qst", "CA")
    answer = error(caller("POST", f"/v1/customers/{made['id']}/tax_ids", "type=ca_qst&value=12"))
    assert (caller.last.status_code, answer["type"]) == (400, "invalid_request_error")
    assert caller("DELETE", f"/v1/customers/{made['id']}/tax_ids/{number['id']}")["deleted"] is True


def test_a_deleted_customer_says_so(caller: Caller) -> None:
    made = caller("POST", "/v1/customers", "name=Ada")
    gone = {"id": made["id"], "object": "customer", "deleted": True}
    assert caller("DELETE", f"/v1/customers/{made['id']}") == gone
    assert caller("GET", f"/v1/customers/{made['id']}") == gone
    assert caller("POST", f"/v1/customers/{made['id']}", "name=Eve")["error"]["code"] == "resource_missing"
    assert caller.last.status_code == 404


def test_a_customer_of_another_merchant_is_not_there(caller: Caller, another: Callable[[], Caller]) -> None:
    theirs = another()("POST", "/v1/customers")
    for method, path in [("GET", ""), ("POST", ""), ("DELETE", ""), ("GET", "/tax_ids"), ("GET", "/payment_methods")]:
        assert error(caller(method, f"/v1/customers/{theirs['id']}{path}"))["code"] == "resource_missing"
        assert caller.last.status_code == 404


def test_a_page_of_customers_takes_as_many_queries_as_one(
    caller: Caller, django_assert_max_num_queries: Callable
) -> None:
    for n in range(5):
        caller("POST", "/v1/customers", f"name=C{n}")
    # The key, its bucket, the log; the page, the customers' discounts, what they owe, how their invoices are numbered.
    with django_assert_max_num_queries(7):
        assert len(caller("GET", "/v1/customers")["data"]) == 5


def test_a_card_made_from_a_token_keeps_its_id_when_attached(caller: Caller) -> None:
    card = caller("POST", "/v1/payment_methods", "type=card&card[token]=tok_mastercard&billing_details[name]=Ada")
    assert (card["customer"], card["card"]["brand"], card["billing_details"]["name"]) == (None, "mastercard", "Ada")
    of = caller("POST", "/v1/customers")["id"]
    attached = caller("POST", f"/v1/payment_methods/{card['id']}/attach", f"customer={of}")
    assert (attached["id"], attached["customer"]) == (card["id"], of)
    other = caller("POST", "/v1/customers")["id"]
    answer = error(caller("POST", f"/v1/payment_methods/{card['id']}/attach", f"customer={other}"))
    assert (caller.last.status_code, answer["type"]) == (400, "invalid_request_error")
    assert error(caller("POST", "/v1/payment_methods", "type=card"))["param"] == "card"
