"""Prices, coupons, promotion codes and tax rates over HTTP."""

from __future__ import annotations

import pytest

from catalog.models import Coupon, Price
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db
MONTHLY = "unit_amount=1000&currency=cad&recurring[interval]=month"


def product(caller: Caller) -> str:
    return caller("POST", "/v1/products", "name=Box")["id"]


def test_a_price_has_stripes_shape(caller: Caller) -> None:
    made = caller("POST", "/v1/prices", f"product={product(caller)}&{MONTHLY}&lookup_key=basic")
    assert (made["object"], made["type"], made["unit_amount"]) == ("price", "recurring", 1000)
    assert made["unit_amount_decimal"] == "1000"
    assert (made["recurring"]["interval"], made["recurring"]["interval_count"]) == ("month", 1)
    assert caller("GET", "/v1/prices", "lookup_keys[]=basic")["data"] == [made]


def test_a_price_may_bring_its_product_and_show_it(caller: Caller) -> None:
    made = caller("POST", "/v1/prices", f"product_data[name]=Crate&{MONTHLY}&expand[]=product")
    assert made["product"]["name"] == "Crate"


def test_a_fraction_of_a_cent_has_no_whole_amount(caller: Caller) -> None:
    body = f"product={product(caller)}&currency=cad&unit_amount_decimal=0.5"
    made = caller("POST", "/v1/prices", body)
    assert (made["unit_amount"], made["unit_amount_decimal"], made["type"]) == (None, "0.5", "one_time")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("currency=cad&unit_amount=1", "product"),
        ("product=prod_nothing&currency=cad&unit_amount=1", "product"),
        ("currency=cad&unit_amount=1&unit_amount_decimal=1&product_data[name]=X", "unit_amount"),
        ("currency=cad&unit_amount=-1&product_data[name]=X", "unit_amount"),
        ("currency=cad&unit_amount=1&product_data[name]=X&recurring[interval]=hour", "recurring[interval]"),
        ("unit_amount=1&product_data[name]=X", "currency"),
    ],
)
def test_a_bad_price_is_refused_by_name_and_leaves_no_product(caller: Caller, body: str, param: str) -> None:
    answer = caller("POST", "/v1/prices", body)["error"]
    assert (caller.last.status_code, answer["param"]) == (400, param)
    assert not Price.objects.exists()


def test_a_coupon_is_found_by_the_id_people_type(caller: Caller) -> None:
    made = caller("POST", "/v1/coupons", "id=SAVE20&percent_off=20&duration=repeating&duration_in_months=3")
    assert (made["id"], made["percent_off"], made["valid"], made["times_redeemed"]) == ("SAVE20", 20, True, 0)
    code = caller("POST", "/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=SAVE20&code=spring")
    assert (code["code"].lower(), code["promotion"]["coupon"]) == ("spring", "SAVE20")
    shown = caller("GET", f"/v1/promotion_codes/{code['id']}", "expand[]=promotion.coupon")
    assert shown["promotion"]["coupon"]["percent_off"] == 20
    assert caller("GET", "/v1/promotion_codes", "code=SPRING")["data"][0]["id"] == code["id"]
    assert caller("POST", f"/v1/promotion_codes/{code['id']}", "active=false")["active"] is False
    assert caller("DELETE", "/v1/coupons/SAVE20")["deleted"] is True


@pytest.mark.parametrize(
    "body",
    ["percent_off=20&amount_off=5&currency=cad", "duration=once", "percent_off=101", "amount_off=100", "percent_off=x"],
)
def test_a_bad_coupon_is_refused(caller: Caller, body: str) -> None:
    assert caller("POST", "/v1/coupons", body)["error"]["type"] == "invalid_request_error"
    assert not Coupon.objects.exists()


def test_a_tax_rate_keeps_its_percentage(caller: Caller) -> None:
    made = caller("POST", "/v1/tax_rates", "display_name=QST&percentage=9.975&inclusive=false")
    assert (made["percentage"], made["inclusive"], made["active"]) == (9.975, False, True)
    assert caller("POST", f"/v1/tax_rates/{made['id']}", "active=false")["active"] is False
    assert caller("POST", f"/v1/tax_rates/{made['id']}", "percentage=10")["error"]["code"] == "parameter_unknown"
    assert caller("GET", "/v1/tax_rates", "active=true")["data"] == []


def test_the_account_is_the_keys_own(caller: Caller) -> None:
    assert caller("GET", "/v1/account")["id"] == caller.merchant.id
