"""The official SDK makes, changes and lists products and prices, and is told by name what cannot be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk


def refusal(make: Any) -> Any:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        make()
    assert refused.value.http_status == 400
    return refused.value


def test_a_product_says_all_that_a_shop_shows_of_it(sdk: Sdk) -> None:
    made = sdk.v1.products.create(
        {
            "name": "Coffee box",
            "description": "Beans by post",
            "images": ["https://example.com/box.png"],
            "marketing_features": [{"name": "Fresh"}, {"name": "Fair"}],
            "package_dimensions": {"height": 4, "length": 8.5, "weight": 16, "width": 6},
            "shippable": True,
            "statement_descriptor": "COFFEE BOX",
            "tax_code": "txcd_99999999",
            "unit_label": "box",
            "url": "https://example.com/box",
        }
    )
    assert [one.name for one in made.marketing_features] == ["Fresh", "Fair"]
    assert made.package_dimensions.to_dict() == {"height": 4, "length": 8.5, "weight": 16, "width": 6}
    assert (made.shippable, made.statement_descriptor, made.unit_label) == (True, "COFFEE BOX", "box")
    assert (made.type, made.default_price, made.url) == ("service", None, "https://example.com/box")
    cleared = sdk.v1.products.update(made.id, {"marketing_features": "", "package_dimensions": "", "url": ""})
    assert (cleared.marketing_features, cleared.package_dimensions, cleared.url) == ([], None, None)
    wrong = refusal(
        lambda: sdk.v1.products.update(
            made.id, {"package_dimensions": {"height": 0, "length": 1, "weight": 1, "width": 1}}
        )
    )
    assert wrong.param == "package_dimensions[height]"


def test_a_product_brings_its_default_price_which_cannot_be_archived(sdk: Sdk) -> None:
    made = sdk.v1.products.create(
        {
            "name": "Basic",
            "default_price_data": {
                "currency": "usd",
                "unit_amount": 900,
                "recurring": {"interval": "month"},
                "currency_options": {"eur": {"unit_amount": 850}},
                "metadata": {"tier": "basic"},
            },
            "expand": ["default_price"],
        }
    )
    price = made.default_price
    assert (price.unit_amount, price.recurring.interval, price.metadata["tier"]) == (900, "month", "basic")
    assert refusal(lambda: sdk.v1.prices.update(price.id, {"active": False})).param == "active"
    other = sdk.price(1100, product=made.id)
    assert sdk.v1.products.update(made.id, {"default_price": other.id}).default_price == other.id
    assert sdk.v1.prices.update(price.id, {"active": False}).active is False
    foreign = sdk.price(500)
    assert refusal(lambda: sdk.v1.products.update(made.id, {"default_price": foreign.id})).param == "default_price"
    assert refusal(lambda: sdk.v1.products.update(made.id, {"default_price": price.id})).param == "default_price"


def test_products_are_listed_by_what_they_are(sdk: Sdk) -> None:
    box = sdk.v1.products.create({"name": "Box", "shippable": True, "url": "https://example.com/a"})
    plan = sdk.v1.products.create({"id": "plan-a", "name": "Plan", "active": False})
    products = sdk.v1.products

    def listed(params: dict[str, Any]) -> list[str]:
        return [one.id for one in products.list(params).data]

    assert listed({"shippable": True}) == [box.id]
    assert listed({"active": False}) == ["plan-a"]
    assert listed({"url": "https://example.com/a"}) == [box.id]
    assert set(listed({"ids": [box.id, "plan-a"]})) == {box.id, "plan-a"}
    assert listed({"type": "good"}) == []
    assert set(listed({"created": {"gte": plan.created - 60}})) == {box.id, "plan-a"}
    assert products.delete("plan-a").deleted
    sdk.price(100, product=box.id)
    assert refusal(lambda: products.delete(box.id)).code == "resource_in_use"


def test_the_money_of_a_price_never_changes(sdk: Sdk) -> None:
    made = sdk.price(1000, tax_behavior="exclusive", currency_options={"eur": {"unit_amount": 900}})
    assert refusal(lambda: sdk.v1.prices.update(made.id, {"unit_amount": 1200})).code == "parameter_unknown"
    assert refusal(lambda: sdk.v1.prices.update(made.id, {"tax_behavior": "inclusive"})).param == "tax_behavior"
    more = {"currency_options": {"jpy": {"unit_amount": 150000}}, "expand": ["currency_options"]}
    shown = sdk.v1.prices.update(made.id, more).currency_options
    assert {code: shown[code].unit_amount for code in shown.to_dict()} == {"usd": 1000, "eur": 900, "jpy": 150000}
    dearer = refusal(lambda: sdk.v1.prices.update(made.id, {"currency_options": {"eur": {"unit_amount": 950}}}))
    assert dearer.param == "currency_options[eur]"
    named = sdk.v1.prices.update(made.id, {"nickname": "Plain", "metadata": {"a": "1"}})
    assert (named.nickname, named.metadata["a"], named.unit_amount) == ("Plain", "1", 1000)


def test_an_amount_that_the_customer_chooses_is_not_offered(sdk: Sdk) -> None:
    product = sdk.v1.products.create({"name": "Gift"}).id
    wanted = {"product": product, "currency": "usd", "custom_unit_amount": {"enabled": True}}
    assert refusal(lambda: sdk.v1.prices.create(wanted)).param == "custom_unit_amount"


def test_prices_are_listed_by_what_they_are(sdk: Sdk) -> None:
    product = sdk.v1.products.create({"name": "Plan"}).id
    monthly = sdk.price(1000, product=product, lookup_key="monthly")
    yearly = sdk.price(9000, "year", product=product, currency="eur", lookup_key="yearly")
    once = sdk.price(50, "", product=product)
    sdk.v1.prices.update(once.id, {"active": False})

    def listed(params: dict[str, Any]) -> list[str]:
        return [one.id for one in sdk.v1.prices.list({"product": product, **params}).data]

    assert listed({}) == [once.id, yearly.id, monthly.id]
    assert listed({"active": True}) == [yearly.id, monthly.id]
    assert listed({"currency": "eur"}) == [yearly.id]
    assert listed({"type": "one_time"}) == [once.id]
    assert listed({"lookup_keys": ["monthly", "other"]}) == [monthly.id]
    assert listed({"recurring": {"interval": "year"}}) == [yearly.id]
    assert listed({"recurring": {"usage_type": "metered"}}) == []
    assert listed({"created": {"lt": monthly.created}}) == []


def test_twelve_decimals_of_a_cent_are_kept_and_thirteen_refused(sdk: Sdk) -> None:
    product = sdk.v1.products.create({"name": "Dust"}).id
    price = {"product": product, "currency": "usd", "unit_amount_decimal": Decimal("0.000000000001")}
    made = sdk.v1.prices.create(price)
    assert (made.unit_amount, Decimal(made.unit_amount_decimal)) == (None, Decimal("0.000000000001"))
    fine = {"product": product, "currency": "usd", "unit_amount_decimal": "0.0000000000001"}
    assert refusal(lambda: sdk.v1.prices.create(fine)).param == "unit_amount_decimal"


MONTHLY = {"currency": "usd", "recurring": {"interval": "month"}}
FIRST, LAST = {"up_to": 5, "unit_amount": 700}, {"up_to": "inf", "unit_amount": 650}
TIERED = {**MONTHLY, "billing_scheme": "tiered", "tiers_mode": "graduated"}
METERED = {"interval": "month", "usage_type": "metered"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({**TIERED, "tiers": [FIRST, {"up_to": 5, "unit_amount": 1}, LAST]}, "tiers[1][up_to]"),
        (
            {**TIERED, "tiers": [{"up_to": 10, "unit_amount": 1}, {"up_to": 5, "unit_amount": 1}, LAST]},
            "tiers[1][up_to]",
        ),
        ({**TIERED, "tiers": [FIRST, {"up_to": 10, "unit_amount": 650}]}, "tiers[1][up_to]"),
        ({**TIERED, "tiers": [{"up_to": "inf", "unit_amount": 1}, LAST]}, "tiers[0][up_to]"),
        ({**TIERED, "tiers": [{"up_to": 0, "unit_amount": 1}, LAST]}, "tiers[0][up_to]"),
        ({**TIERED, "tiers": [{"up_to": 5}, LAST]}, "tiers[0]"),
        ({**TIERED, "tiers": []}, "tiers"),
        ({**MONTHLY, "billing_scheme": "tiered", "tiers": [FIRST, LAST]}, "tiers"),
        ({**TIERED, "tiers": [{"up_to": 5, "unit_amount": -1}, LAST]}, "tiers[0][unit_amount]"),
        (
            {**TIERED, "tiers": [FIRST, LAST], "transform_quantity": {"divide_by": 5, "round": "up"}},
            "transform_quantity",
        ),
        ({**MONTHLY, "unit_amount": 1, "tiers": [FIRST, LAST]}, "tiers"),
        ({**MONTHLY}, "unit_amount"),
        ({**MONTHLY, "unit_amount": 10**16}, "unit_amount"),
        ({**MONTHLY, "unit_amount_decimal": "NaN"}, "unit_amount_decimal"),
        (
            {"currency": "usd", "unit_amount": 1, "recurring": {"interval": "month", "interval_count": 37}},
            "recurring[interval_count]",
        ),
        ({"currency": "xxx", "unit_amount": 1}, "currency"),
        ({"currency": "usd", "unit_amount": 1, "recurring": METERED}, "recurring[meter]"),
        ({"currency": "usd", "unit_amount": 1, "recurring": {**METERED, "meter": "mtr_none"}}, "recurring[meter]"),
        ({**MONTHLY, "unit_amount": 1, "currency_options": {"usd": {"unit_amount": 1}}}, "currency_options"),
        ({**MONTHLY, "unit_amount": 1, "currency_options": {"zzz": {"unit_amount": 1}}}, "currency_options[zzz]"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused_by_name(sdk: Sdk, fields: dict[str, Any], param: str) -> None:
    told = refusal(lambda: sdk.v1.prices.create({"product_data": {"name": "Plan"}, **fields}))
    assert told.param == param
    assert sdk.v1.prices.list({}).data == []
