"""Create and edit: what is typed wrong is said beside its field, and nothing is half-written."""

import pytest

from catalog.models import Coupon, PaymentLink, Price, Product, TaxRate
from customers.models import Customer, CustomerTaxId
from events.models import Event
from invoicing.models import NumberSeries
from tests.factories import catalog, customers

PRODUCT = {
    "name": "Coffee box",
    "type": "recurring",
    "unit_amount": "24.00",
    "currency": "CAD",
    "interval": "month",
    "interval_count": "1",
    "tax_behavior": "unspecified",
}
CUSTOMER = {"name": "Ada", "email": "ada@example.com", "tax_exempt": "none"}
COUPON = {"name": "Welcome", "kind": "percent", "percent_off": "15", "duration": "once"}


class TestProducts:
    def test_a_product_with_its_first_price(self, desk) -> None:
        desk.post("product_new", **PRODUCT)
        price = Price.objects.select_related("product").get()
        assert (price.product.name, int(price.unit_amount_decimal), price.currency) == ("Coffee box", 2400, "cad")

    def test_the_price_may_wait(self, desk) -> None:
        desk.post("product_new", **(PRODUCT | {"unit_amount": ""}))
        assert Product.objects.count() == 1
        assert not Price.objects.exists()

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"unit_amount": "24.000000000000005"}, "has more than 12 decimals"),
            ({"unit_amount": "24", "currency": "XYZ"}, "“xyz” is not a currency"),
            ({"unit_amount": "-1"}, "A price cannot be negative."),
            ({"unit_amount": "abc"}, "“abc” is not a number."),
            ({"interval_count": "0"}, "greater than or equal to 1"),
            ({"interval": ""}, "Choose how often it is billed."),
            ({"trial_period_days": "9999"}, "A trial lasts at most 730 days."),
            ({"statement_descriptor": "abc"}, "5 to 22 characters"),
            ({"name": ""}, "This field is required."),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_written(self, desk, change: dict, said: str) -> None:
        response = desk.post("product_new", **(PRODUCT | change))
        assert response.status_code == 422
        assert said in response.content.decode()
        assert not Product.objects.exists()

    def test_a_lookup_key_is_used_once(self, desk, shop) -> None:
        catalog.price(merchant=shop, lookup_key="gold")
        response = desk.post("product_new", **(PRODUCT | {"lookup_key": "gold"}))
        assert "“gold” is already in use." in response.content.decode()
        assert Product.objects.count() == 1  # the product of the refused price is not kept

    def test_edit_keeps_the_money(self, desk, shop) -> None:
        price = catalog.price(merchant=shop, amount=1000)
        desk.post("price_edit", price.product_id, price.pk, nickname="Old", lookup_key="")
        price.refresh_from_db()
        assert (price.nickname, price.active, int(price.unit_amount_decimal)) == ("Old", False, 1000)


class TestCustomers:
    def test_a_customer_with_a_tax_number(self, desk) -> None:
        desk.post("customer_new", **CUSTOMER, tax_id_type="ca_qst", tax_id_value="1234567890TQ0001", country="CA")
        assert CustomerTaxId.objects.get().value == "1234567890TQ0001"

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"email": "not an address"}, "is not an e-mail address"),
            ({"currency": "zzz"}, "“zzz” is not a currency"),
            ({"tax_id_type": "ca_qst", "tax_id_value": "1"}, "is not a valid number of this kind"),
            ({"tax_id_value": "1234567890TQ0001"}, "Say which kind of number it is."),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_written(self, desk, change: dict, said: str) -> None:
        response = desk.post("customer_new", **(CUSTOMER | change))
        assert response.status_code == 422
        assert said in response.content.decode()
        assert not Customer.objects.exists()

    def test_edit(self, desk, shop) -> None:
        customer = customers.customer(merchant=shop)
        desk.post("customer_edit", customer.pk, **(CUSTOMER | {"city": "Laval"}))
        customer.refresh_from_db()
        assert (customer.name, customer.city) == ("Ada", "Laval")

    def test_giving_credit_makes_the_balance_negative(self, desk, shop) -> None:
        customer = customers.customer(merchant=shop, currency="cad")
        desk.post("customer_adjust_balance", customer.pk, direction="credit", amount="12.50")
        customer.refresh_from_db()
        assert customer.balance == -1250


class TestOffers:
    def test_a_coupon_by_percentage(self, desk) -> None:
        desk.post("coupon_new", **COUPON)
        assert Coupon.objects.get().percent_off == 15

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"percent_off": "0"}, "A percentage is above 0 and at most 100."),
            ({"percent_off": ""}, "Give either a percentage or an amount"),
            ({"kind": "amount", "amount_off": "5"}, "Say which currency."),
            ({"kind": "amount", "amount_off": "5.555", "currency": "cad"}, "more decimals than CAD"),
            ({"duration": "repeating"}, "A repeating coupon says for how many months"),
            ({"redeem_by": "2020-01-01T00:00"}, "has already passed"),
        ],
    )
    def test_a_wrong_coupon_is_said_and_not_written(self, desk, change: dict, said: str) -> None:
        response = desk.post("coupon_new", **(COUPON | change))
        assert response.status_code == 422
        assert said in response.content.decode()
        assert not Coupon.objects.exists()

    def test_a_tax_rate_in_french(self, desk_of) -> None:
        desk_of(language="fr-ca").post("tax_rate_new", display_name="TVQ", percentage="9,975")
        assert str(TaxRate.objects.get().percentage) == "9.9750"

    def test_a_payment_link(self, desk, shop) -> None:
        price = catalog.price(merchant=shop)
        data = {"price_0": price.pk, **{f"quantity_{n}": 1 for n in range(3)}}
        desk.post("payment_link_new", name="Coffee", allow_promotion_codes="on", **data)
        link = PaymentLink.objects.get()
        page = desk.get("payment_link", link.pk).content.decode()
        assert f"/pay/{link.pk}" in page
        assert not link.adjustable_quantity

        desk.post("payment_link_edit", link.pk, name="Coffee", adjustable_quantity="on", active="on")
        link.refresh_from_db()
        assert (link.adjustable_quantity, link.allow_promotion_codes) == (True, False)

    def test_a_payment_link_in_two_currencies_is_refused(self, desk, shop) -> None:
        cad, eur = catalog.price(merchant=shop), catalog.price(merchant=shop, currency="eur")
        data = {"price_0": cad.pk, "price_1": eur.pk, **{f"quantity_{n}": 1 for n in range(3)}}
        response = desk.post("payment_link_new", name="Both", **data)
        assert "in one currency" in response.content.decode()
        assert not PaymentLink.objects.exists()


class TestSettings:
    def data(self, shop, **change) -> dict:
        return {
            "name": "Érable",
            "timezone": "America/Toronto",
            "locale": "fr-ca",
            "brand_color": "#0f6b5c",
            "finalization_grace_seconds": "3600",
            "default_days_until_due": "15",
            "prefix": "ER",
            "next_number": "100",
            "tax_rounding": "per_line",
            "unpaid_proration": "defer",
            "proration_discounts": "included",
            "invoice_numbering": "customer",
            "legal_name": "Érable inc.",
            "country": "CA",
            "registrations": "ca_qst 1234567890TQ0001",
            "bank_details": "Transit: 81530\r\nCompte: 123-456-7",
        } | change

    def test_they_are_saved_together(self, desk, shop) -> None:
        assert desk.post("settings", **self.data(shop)).status_code == 302
        shop.refresh_from_db()
        series, entity = NumberSeries.objects.get(), shop.billing_entities.get()
        assert (shop.timezone, series.prefix, series.next_number) == ("America/Toronto", "ER", 100)
        assert (shop.unpaid_proration, shop.proration_discounts) == ("defer", "included")
        assert shop.invoice_numbering == "customer"
        changed = Event.objects.get(type="number_series.updated")
        assert changed.previous_attributes == {"prefix": "INV", "next_number": 1}
        assert entity.tax_registrations == [{"type": "ca_qst", "value": "1234567890TQ0001"}]
        assert entity.bank_details.splitlines() == ["Transit: 81530", "Compte: 123-456-7"]

    def test_a_customers_own_numbers_are_set_on_its_page(self, desk, shop) -> None:
        shop.invoice_numbering = "customer"
        shop.save(update_fields=["invoice_numbering"])
        owner = customers.customer(merchant=shop)
        desk.post("customer_numbers", owner.pk, prefix="ACME", next_number="7")
        assert "<code>ACME</code>, next: 7" in desk.get("customer", owner.pk).content.decode()
        refused = desk.post("customer_numbers", owner.pk, prefix="ACME", next_number="6")
        assert "numbers only go up" in refused.content.decode()

    def test_a_number_that_goes_down_changes_nothing_at_all(self, desk, shop) -> None:
        NumberSeries.objects.update(next_number=500)
        response = desk.post("settings", **self.data(shop))
        assert "at least 500" in response.content.decode()
        shop.refresh_from_db()
        assert shop.timezone == "UTC"
