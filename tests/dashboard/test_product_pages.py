"""Products made with a first price of any kind, in several currencies; bundles and features from their page."""

from decimal import Decimal

import pytest

from catalog.models import Coupon, Feature, Price, Product, ProductFeature
from catalog.selectors import components_of
from tests.factories import catalog, customers, usage
from tests.factories.signups import subscription

PRODUCT = {
    "name": "Box",
    "type": "recurring",
    "currency": "CAD",
    "interval": "month",
    "interval_count": "1",
    "model": "per_unit",
    "tax_behavior": "unspecified",
}


class TestNewProduct:
    def made(self, desk, **data) -> Price | None:
        response = desk.post("product_new", **(PRODUCT | data))
        assert response.status_code == 302, response.content.decode()
        assert Product.objects.get().name == "Box"
        return Price.objects.first()

    def test_alone(self, desk) -> None:
        assert self.made(desk) is None

    def test_with_tiers(self, desk) -> None:
        tiers = {"tier_0_up_to": "5", "tier_0_unit": "7", "tier_1_unit": "6.50", "tier_1_flat": "10"}
        price = self.made(desk, model="volume", **tiers)
        assert (price.billing_scheme, price.tiers_mode) == ("tiered", "volume")
        assert [Decimal(tier["unit_amount_decimal"]) for tier in price.tiers] == [700, 650]

    def test_by_package(self, desk) -> None:
        price = self.made(desk, model="package", unit_amount="10", divide_by="5", round="up")
        assert (price.unit_amount_decimal, price.transform_quantity) == (1000, {"divide_by": 5, "round": "up"})

    def test_by_meter(self, desk, shop) -> None:
        meter = usage.meter(merchant=shop)
        price = self.made(desk, unit_amount="0.0005", meter_id=meter.pk)
        assert (price.usage_type, price.meter_id, price.unit_amount_decimal) == ("metered", meter.pk, Decimal("0.05"))

    def test_a_percentage(self, desk, shop) -> None:
        price = self.made(desk, model="percentage", percentage="2.9", meter_id=usage.meter(merchant=shop).pk)
        assert price.percentage == Decimal("2.9")

    def test_in_several_currencies(self, desk) -> None:
        options = {
            "option_0_currency": "EUR",
            "option_0_amount": "9",
            "option_2_currency": "jpy",
            "option_2_amount": "1500",
        }
        price = self.made(desk, unit_amount="10", **options)
        amounts = {code: Decimal(option["unit_amount_decimal"]) for code, option in price.currency_options.items()}
        assert amounts == {"eur": 900, "jpy": 1500}
        page = desk.get("product", price.product_id).content.decode()
        assert "€9.00 · ¥1,500" in page

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            pytest.param({"option_0_currency": "CAD", "option_0_amount": "9"}, "own currency", id="its own again"),
            pytest.param({"option_0_currency": "EUR"}, "Say how much", id="no amount"),
            pytest.param({"option_0_amount": "9"}, "Say which currency", id="no currency"),
            pytest.param(
                {f"option_{n}_{name}": value for n in (0, 1) for name, value in (("currency", "EUR"), ("amount", "9"))},
                "each once",
                id="one twice",
            ),
        ],
    )
    def test_a_refused_price_leaves_no_product(self, desk, data, words) -> None:
        response = desk.post("product_new", **(PRODUCT | {"unit_amount": "10"} | data))
        assert response.status_code == 422
        assert words in response.content.decode()
        assert not Product.objects.exists()


def test_a_coupon_takes_an_amount_in_each_currency(desk) -> None:
    data = {"name": "Ten", "kind": "amount", "amount_off": "10", "currency": "CAD", "duration": "once"}
    desk.post("coupon_new", **data, option_0_currency="EUR", option_0_amount="8")
    assert Coupon.objects.get().currency_options == {"eur": 800}


class TestBundle:
    def test_filled_and_emptied(self, desk, shop) -> None:
        box, cup, bean = (catalog.product(merchant=shop, name=name) for name in ("Box", "Cup", "Bean"))
        data = {"product_0": cup.pk, "quantity_0": "2", "product_3": bean.pk}
        assert desk.post("product_bundle", box.pk, **data).status_code == 302
        inside = components_of([box.pk])[box.pk]
        assert [(part.component.name, part.quantity) for part in inside] == [("Cup", 2), ("Bean", 1)]
        page = desk.get("product_bundle", box.pk).content.decode()
        assert f'<option value="{cup.pk}" selected>' in page

        desk.post("product_bundle", box.pk)
        assert components_of([box.pk]) == {}

    def test_of_bundles_is_refused(self, desk, shop) -> None:
        box, cup, bean = (catalog.product(merchant=shop, name=name) for name in ("Box", "Cup", "Bean"))
        desk.post("product_bundle", cup.pk, product_0=bean.pk)
        assert desk.post("product_bundle", box.pk, product_0=cup.pk).status_code == 422


class TestFeatures:
    def test_a_new_one_reaches_who_has_the_product(self, desk, shop) -> None:
        price = catalog.price(merchant=shop)
        ada = customers.customer(merchant=shop, payment_method="pm_card_visa")
        subscription(customer=ada, prices=[price])
        desk.post("product_add_feature", price.product_id, name="Early access", lookup_key="early-access")

        assert "early-access" in desk.get("product", price.product_id).content.decode()
        assert "early-access" in desk.get("customer", ada.pk).content.decode()

        desk.post("product_remove_feature", price.product_id, ProductFeature.objects.get().pk)
        assert "early-access" not in desk.get("customer", ada.pk).content.decode()

    def test_one_that_is_there_already(self, desk, shop) -> None:
        first, second = catalog.product(merchant=shop), catalog.product(merchant=shop)
        desk.post("product_add_feature", first.pk, name="Early access", lookup_key="early-access")
        desk.post("product_add_feature", second.pk, feature_id=Feature.objects.get().pk)
        assert ProductFeature.objects.count() == 2

    def test_a_taken_key_is_said_and_nothing_written(self, desk, shop) -> None:
        product = catalog.product(merchant=shop)
        desk.post("product_add_feature", product.pk, name="Early access", lookup_key="early-access")
        answer = desk.post("product_add_feature", product.pk, name="Other", lookup_key="early-access")
        assert answer.status_code == 422
        assert Feature.objects.count() == 1

    def test_who_may(self, desk_of, shop) -> None:
        product = catalog.product(merchant=shop)
        for name in ("product_add_feature", "product_bundle"):
            assert desk_of("read_only").post(name, product.pk).status_code == 403


def test_a_product_shows_its_words_as_a_card_statement_does(desk, shop) -> None:
    shop.statement_descriptor = "ERABLE ET CIE"
    shop.save(update_fields=["statement_descriptor"])
    box = catalog.product(merchant=shop, statement_descriptor="Café box")
    assert "ERABLE ET* CAFE BOX" in desk.get("product", box.pk).content.decode()
    assert "On cards the bank shows: ERABLE ET* CAFE BOX" in desk.get("product_edit", box.pk).content.decode()
    assert "On cards the bank shows: ERABLE ET* YOUR WORDS" in desk.get("product_new").content.decode()
