"""Prices of every model, meters, credit grants, schedules and API keys, made and ended from their pages."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from api.keys import authenticate
from api.models import ApiKey
from api.protocol.errors import ApiKeyInvalid
from catalog.models import Meter, Price
from customers.models import CreditGrant
from dashboard.actions import new_action_token
from engine.services.schedules import create_schedule
from engine.types import ItemRequest
from engine.types.schedules import PhaseRequest, ScheduleRequest
from subscriptions.models import SubscriptionSchedule
from tests.factories import catalog, customers, merchants, usage
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc

PRICE = {
    "model": "per_unit",
    "type": "recurring",
    "currency": "CAD",
    "interval": "month",
    "interval_count": "1",
    "round": "up",
    "tax_behavior": "unspecified",
}
TIERS = {"model": "graduated", "tier_0_up_to": "10", "tier_0_unit": "5", "tier_1_unit": "4.25", "tier_1_flat": "100"}


@pytest.fixture
def elsewhere(db):
    return merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True)


class TestPrices:
    @pytest.fixture
    def product(self, shop):
        return catalog.product(merchant=shop)

    @pytest.fixture
    def meter(self, shop) -> Meter:
        return usage.meter(merchant=shop)

    def made(self, desk, product, **data) -> Price:
        response = desk.post("price_new", product.pk, **(PRICE | data))
        assert response.status_code == 302, response.content.decode()
        return Price.objects.get()

    def test_a_fraction_of_a_cent(self, desk, product) -> None:
        price = self.made(desk, product, unit_amount="0.0005", minimum_amount="25")
        assert (price.unit_amount_decimal, price.minimum_amount, price.usage_type) == (
            Decimal("0.05"),
            2500,
            "licensed",
        )

    @pytest.mark.parametrize("model", ["graduated", "volume"])
    def test_tiers_with_an_empty_row_between(self, desk, product, model: str) -> None:
        tiers = {"tier_0_up_to": "10", "tier_0_unit": "5", "tier_2_unit": "4.25", "tier_2_flat": "100"}
        price = self.made(desk, product, **(tiers | {"model": model}), unit_amount="7")
        assert (price.billing_scheme, price.tiers_mode, price.unit_amount_decimal) == ("tiered", model, 0)
        assert [tier["up_to"] for tier in price.tiers] == [10, None]
        assert [Decimal(tier["unit_amount_decimal"]) for tier in price.tiers] == [500, 425]
        assert Decimal(price.tiers[1]["flat_amount_decimal"]) == 10000

    def test_a_package(self, desk, product) -> None:
        price = self.made(desk, product, model="package", unit_amount="12", divide_by="100", round="down")
        assert price.transform_quantity == {"divide_by": 100, "round": "down"}

    def test_a_metered_price_and_a_percentage(self, desk, product, meter) -> None:
        price = self.made(desk, product, model="percentage", percentage="2.9", meter_id=meter.pk)
        assert (price.usage_type, price.meter_id, price.percentage) == ("metered", meter.pk, Decimal("2.9"))
        page = desk.get("price_new", product.pk).content.decode()
        assert "Calls (sum of the values)" in page

    def test_in_french_with_commas(self, desk_of, product) -> None:
        price = self.made(desk_of(language="fr-ca"), product, unit_amount="0,05")
        assert price.unit_amount_decimal == 5

    @pytest.mark.parametrize(
        ("change", "field", "said"),
        [
            ({"unit_amount": ""}, "unit_amount", "A price per unit has a unit amount."),
            ({"unit_amount": "-1"}, "unit_amount", "A price cannot be negative."),
            ({"unit_amount": "1", "minimum_amount": "1.005"}, "minimum_amount", "more decimals than CAD"),
            (TIERS | {"tier_1_up_to": "20"}, "tier_1_up_to", "The last tier, and only the last"),
            (TIERS | {"tier_1_up_to": "5", "tier_2_unit": "1"}, "tier_1_up_to", "5 does not come after 10"),
            (TIERS | {"tier_0_unit": ""}, "tier_0_unit", "A tier has a unit amount or a flat amount."),
            (TIERS | {"tier_1_unit": "-4"}, "tier_1_unit", "A price cannot be negative."),
            ({"model": "volume"}, "tier_0_unit", "at least one tier"),
            ({"model": "package", "unit_amount": "1"}, "divide_by", "A package is a whole number"),
            ({"model": "percentage", "percentage": "3"}, "percentage", "of a metered amount"),
            ({"unit_amount": "1", "currency": "XYZ"}, "unit_amount", "“xyz” is not a currency"),
        ],
    )
    def test_what_is_wrong_is_said_beside_its_field(self, desk, product, change, field: str, said: str) -> None:
        response = desk.post("price_new", product.pk, **(PRICE | change))
        assert response.status_code == 422
        form = response.context_data["form"]
        assert said in " ".join(form.errors.get(field, [])), form.errors
        assert not Price.objects.exists()

    def test_a_meter_of_another_merchant_is_not_offered(self, desk, product, elsewhere) -> None:
        foreign = usage.meter(merchant=elsewhere)
        response = desk.post("price_new", product.pk, **(PRICE | {"unit_amount": "1", "meter_id": foreign.pk}))
        assert (response.status_code, Price.objects.count()) == (422, 0)


METER = {
    "display_name": "Requests",
    "event_name": "api_request",
    "formula": "sum",
    "customer_key": "stripe_customer_id",
    "value_key": "value",
}


class TestMeters:
    def test_made_renamed_and_deactivated(self, desk) -> None:
        desk.post("meter_new", **METER)
        meter = Meter.objects.get()
        desk.post("meter_edit", meter.pk, display_name="Calls")
        desk.post("meter_deactivate", meter.pk)
        meter.refresh_from_db()
        assert (meter.display_name, meter.event_name, meter.status) == ("Calls", "api_request", "inactive")
        desk.post("meter_activate", meter.pk)
        meter.refresh_from_db()
        assert meter.status == "active"

    def test_an_event_name_belongs_to_one_active_meter(self, desk) -> None:
        desk.post("meter_new", **METER)
        response = desk.post("meter_new", **METER)
        assert "already in use" in " ".join(response.context_data["form"].errors["event_name"])

    def test_a_button_pressed_twice_makes_one(self, desk) -> None:
        token = new_action_token(str(desk.user.pk))
        for name in ("first", "second"):
            desk.post("meter_new", token=token, **(METER | {"event_name": name}))
        assert Meter.objects.get().event_name == "first"

    def test_the_page_tells_what_the_current_period_counted(self, desk, shop) -> None:
        meter = usage.meter(merchant=shop)
        ada = customers.customer(merchant=shop, name="Ada")
        subscription(customer=ada, prices=[usage.metered_price(meter=meter)], at=NEW_YEAR)
        usage.report(ada, 1234, utc(2024, 1, 10))

        def page() -> tuple[str, int]:
            with CaptureQueriesContext(connection) as captured:
                text = desk.get("meter", meter.pk).content.decode()
            return text, len(captured)

        page()
        text, few = page()
        assert "Ada" in text
        assert "1,234" in text
        for n in range(3):
            more = customers.customer(merchant=shop, name=f"More {n}")
            subscription(customer=more, prices=[usage.metered_price(meter=meter)], at=NEW_YEAR)
        assert page()[1] == few

    def test_support_and_strangers_may_not(self, desk_of, desk, shop, elsewhere) -> None:
        meter = usage.meter(merchant=shop)
        assert desk_of("support").get("meter", meter.pk).status_code == 200
        assert desk_of("support").post("meter_deactivate", meter.pk).status_code == 403
        assert desk_of("read_only").get("meter_new").status_code == 403
        foreign = usage.meter(merchant=elsewhere)
        assert desk.get("meter", foreign.pk).status_code == 404
        assert desk.post("meter_deactivate", foreign.pk).status_code == 404


GRANT = {"name": "Welcome", "amount": "50", "currency": "cad", "category": "promotional", "priority": "10"}


class TestGrants:
    @pytest.fixture
    def ada(self, shop):
        return customers.customer(merchant=shop)

    def test_granted_then_voided(self, desk, ada) -> None:
        desk.post("customer_grant_credit", ada.pk, **GRANT)
        grant = CreditGrant.objects.get()
        assert (grant.amount, grant.balance, grant.priority, grant.category) == (5000, 5000, 10, "promotional")
        assert "CA$50.00" in desk.get("customer", ada.pk).content.decode()
        desk.post("customer_void_grant", ada.pk, grant.pk)
        grant.refresh_from_db()
        assert (grant.balance, grant.voided_at is not None) == (0, True)
        page = desk.get("customer", ada.pk).content.decode()
        assert reverse("dashboard:customer_expire_grant", args=[ada.pk, grant.pk]) not in page
        assert desk.post("customer_expire_grant", ada.pk, grant.pk).status_code == 422

    def test_it_expires_now_and_once(self, desk, ada) -> None:
        desk.post("customer_grant_credit", ada.pk, **GRANT)
        grant = CreditGrant.objects.get()
        token = new_action_token(str(desk.user.pk))
        for _ in range(2):
            assert desk.post("customer_expire_grant", ada.pk, grant.pk, token=token).status_code == 302
        grant.refresh_from_db()
        assert (grant.balance, grant.sequence) == (0, 2)

    @pytest.mark.parametrize(
        ("change", "field", "said"),
        [
            ({"amount": "0"}, "amount", "more than zero"),
            ({"amount": "1.005"}, "amount", "more decimals than CAD"),
            ({"priority": "101"}, "priority", "from 0 to 100"),
            ({"expires_at": "2020-01-01T00:00"}, "expires_at", "expire before"),
        ],
    )
    def test_what_is_wrong_is_said_beside_its_field(self, desk, ada, change, field: str, said: str) -> None:
        response = desk.post("customer_grant_credit", ada.pk, **(GRANT | change))
        assert said in " ".join(response.context_data["form"].errors.get(field, [])), response.context_data[
            "form"
        ].errors
        assert not CreditGrant.objects.exists()

    def test_roles_and_other_customers(self, desk, desk_of, ada, shop) -> None:
        desk.post("customer_grant_credit", ada.pk, **GRANT)
        grant = CreditGrant.objects.get()
        other = customers.customer(merchant=shop, name="Blaise")
        assert desk.post("customer_void_grant", other.pk, grant.pk).status_code == 404
        assert desk_of("read_only").post("customer_void_grant", ada.pk, grant.pk).status_code == 403


class TestSchedules:
    @pytest.fixture
    def schedule(self, shop) -> SubscriptionSchedule:
        return self.scheduled(shop, "Ada")

    def scheduled(self, shop, name: str) -> SubscriptionSchedule:
        clock = customers.clock(merchant=shop, frozen_time=NEW_YEAR)
        owner = customers.customer(merchant=shop, name=name, payment_method="pm_card_visa", test_clock=clock)
        pro, basic = (catalog.price(merchant=shop, amount=amount) for amount in (3000, 1000))
        phases = tuple(PhaseRequest((ItemRequest(price.pk),)) for price in (pro, basic))
        request = ScheduleRequest(shop.pk, owner.pk, phases)
        return create_schedule(ctx=context(NEW_YEAR), request=request)

    def test_its_phases_are_told(self, desk, schedule) -> None:
        page = desk.get("schedule", schedule.pk).content.decode()
        for words in ("CA$30.00 / month", "CA$10.00 / month", "Feb 1, 2024", "Mar 1, 2024", "the subscription goes on"):
            assert words in page
        assert "1 of 2" in desk.get("schedules").content.decode()

    def test_released(self, desk, schedule) -> None:
        desk.post("schedule_release", schedule.pk)
        schedule.refresh_from_db()
        assert schedule.status == "released"
        page = desk.get("schedule", schedule.pk).content.decode()
        assert reverse("dashboard:schedule_cancel", args=[schedule.pk]) not in page
        assert desk.post("schedule_release", schedule.pk).status_code == 422

    def test_canceled_with_its_subscription(self, desk, schedule) -> None:
        desk.post("schedule_cancel", schedule.pk, prorate="on", invoice_now="on")
        schedule.refresh_from_db()
        assert (schedule.status, schedule.subscription.status) == ("canceled", "canceled")

    def test_roles_and_other_merchants(self, desk_of, schedule, elsewhere) -> None:
        assert desk_of("read_only").post("schedule_release", schedule.pk).status_code == 403
        assert desk_of("read_only").get("schedule", schedule.pk).status_code == 200
        assert desk_of("owner", elsewhere).get("schedule", schedule.pk).status_code == 404


class TestApiKeys:
    def test_shown_once_and_never_again(self, desk, shop) -> None:
        response = desk.post("api_key_new", name="Web shop")
        secret = response.context_data["secret"]
        assert secret.startswith("sk_live_")
        assert secret in response.content.decode()
        assert response["Cache-Control"] == "no-store"
        assert authenticate(f"Bearer {secret}", now=NEW_YEAR).merchant_id == shop.pk
        page = desk.get("api_keys").content.decode()
        assert secret not in page
        assert secret[-4:] in page

    def test_pressed_twice_makes_one(self, desk) -> None:
        token = new_action_token(str(desk.user.pk))
        assert desk.post("api_key_new", token=token, name="One").status_code == 200
        assert desk.post("api_key_new", token=token, name="One").status_code == 302
        assert ApiKey.objects.count() == 1

    def test_revoked_keys_open_nothing(self, desk) -> None:
        secret = desk.post("api_key_new", name="Web shop").context_data["secret"]
        desk.post("api_key_revoke", ApiKey.objects.get().pk)
        with pytest.raises(ApiKeyInvalid):
            authenticate(f"Bearer {secret}", now=NEW_YEAR)
        assert "Revoked" in desk.get("api_keys").content.decode()

    @pytest.mark.parametrize("role", ["finance", "support", "read_only"])
    def test_only_those_who_set_up(self, desk_of, role: str) -> None:
        desk = desk_of(role)
        assert [desk.get(name).status_code for name in ("api_keys", "api_key_new")] == [403, 403]
        assert reverse("dashboard:api_keys") not in desk.get("overview").content.decode()

    def test_another_merchants_key_stays(self, desk, desk_of, elsewhere) -> None:
        desk_of("owner", elsewhere).post("api_key_new", name="Theirs")
        assert desk.post("api_key_revoke", ApiKey.objects.get().pk).status_code == 404
        assert ApiKey.objects.get().revoked_at is None


@pytest.mark.parametrize("name", ["meters", "schedules", "api_keys"])
def test_lists_take_the_same_queries_whatever_their_length(desk, shop, name: str) -> None:
    def grow(n: int) -> None:
        usage.meter(merchant=shop, event_name=f"event_{n}")
        TestSchedules().scheduled(shop, f"Ada {n}")
        desk.post("api_key_new", name=f"Key {n}")

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(name).status_code == 200
        return len(captured)

    grow(0)
    count()
    few = count()
    for n in (1, 2, 3):
        grow(n)
    assert count() == few
    assert few <= 5


@pytest.mark.parametrize("language", ["fr-ca", "fr"])
@pytest.mark.parametrize("name", ["meters", "schedules", "api_keys", "meter_new", "api_key_new"])
def test_pages_open_in_french_as_csv_too(desk_of, name: str, language: str) -> None:
    desk = desk_of(language=language)
    assert f'lang="{language}"' in desk.get(name).content.decode()
    if not name.endswith("_new"):
        assert desk.client.get(reverse(f"dashboard:{name}"), {"format": "csv"}).status_code == 200
