"""Schedules made and edited on their page, with what the planner says of them beside it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engine.rules.schedules import phases_from_json
from engine.services.schedules import create_schedule
from engine.types import ItemRequest
from engine.types.schedules import PhaseRequest, ScheduleRequest
from invoicing.models import Invoice
from subscriptions.models import SubscriptionSchedule
from tests.factories import catalog, customers, merchants
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc


@pytest.fixture
def ada(shop):
    clock = customers.clock(merchant=shop, frozen_time=NEW_YEAR)
    return customers.customer(merchant=shop, name="Ada", payment_method="pm_card_visa", test_clock=clock)


@pytest.fixture
def pro(shop):
    return catalog.price(merchant=shop, amount=3000)


@pytest.fixture
def basic(shop):
    return catalog.price(merchant=shop, amount=1000)


def preview(desk, name: str, *args: str, query: str = "?preview", **data) -> str:
    response = desk.client.post(reverse(f"dashboard:{name}", args=args) + query, data)
    assert response.status_code == 200
    return response.content.decode()


class TestNew:
    def data(self, ada, pro, basic, **more) -> dict:
        return {
            "customer_id": ada.pk,
            "end_behavior": "cancel",
            "p0_price_0": pro.pk,
            "p0_quantity_0": "2",
            "p0_iterations": "3",
            "p1_price_0": basic.pk,
            "p1_iterations": "1",
            "p1_proration": "none",
        } | more

    def test_a_start_in_the_future(self, desk, shop, ada, pro, basic) -> None:
        coupon = catalog.coupon(merchant=shop, percent_off=20, duration="forever")
        data = self.data(ada, pro, basic, start_date="2024-02-10T00:00", p0_coupon=coupon.pk)
        assert desk.post("schedule_new", **data).status_code == 302

        schedule = SubscriptionSchedule.objects.get()
        first, second = phases_from_json(schedule.phases)
        assert (schedule.status, schedule.end_behavior, schedule.customer_id) == ("not_started", "cancel", ada.pk)
        assert (first.start, first.end, second.end) == (utc(2024, 2, 10), utc(2024, 5, 10), utc(2024, 6, 10))
        assert first.request.items == (ItemRequest(pro.pk, 2),)
        assert [one.coupon_id for one in first.request.discounts_wanted] == [coupon.pk]
        assert second.request.discounts_wanted == ()
        assert second.request.proration_behavior == "none"
        page = desk.get("schedule", schedule.pk).content.decode()
        assert str(coupon) in page

    def test_one_that_starts_now_has_its_subscription_and_first_invoice(self, desk, ada, pro, basic) -> None:
        desk.post("schedule_new", **self.data(ada, pro, basic))
        schedule = SubscriptionSchedule.objects.get()
        assert (schedule.status, schedule.subscription.status) == ("active", "active")
        assert Invoice.objects.get().total == 6000

    def test_the_preview_says_when_and_how_much(self, desk, shop, ada, pro, basic) -> None:
        coupon = catalog.coupon(merchant=shop, percent_off=20, duration="forever")
        words = preview(desk, "schedule_new", **self.data(ada, pro, basic, p0_coupon=coupon.pk))
        # 2 x 30.00 less 20 % from January to March; then 10.00
        for part in ("Jan 1, 2024", "Apr 1, 2024", "May 1, 2024", "CA$48.00", "CA$10.00"):
            assert part in words
        assert not SubscriptionSchedule.objects.exists()

    def test_a_phase_may_end_on_a_date_and_be_a_trial(self, desk, ada, pro, basic) -> None:
        data = self.data(ada, pro, basic, p0_end_date="2024-01-20T00:00", p0_trial="on")
        desk.post("schedule_new", **data)
        first = phases_from_json(SubscriptionSchedule.objects.get().phases)[0]
        assert (first.end, first.request.iterations, first.request.trial) == (utc(2024, 1, 20), None, True)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            pytest.param({"p0_price_0": "", "p1_price_0": ""}, "at least one phase", id="nothing in any phase"),
            pytest.param({"p0_end_date": "2023-12-01T00:00"}, "ends after", id="a phase that ends before it starts"),
            pytest.param({"customer_id": ""}, "no such customer", id="nobody"),
            pytest.param({"p0_iterations": "0"}, "greater than or equal to 1", id="a phase that lasts nothing"),
        ],
    )
    def test_what_makes_no_sense_is_said_and_nothing_written(self, desk, ada, pro, basic, change, words) -> None:
        response = desk.post("schedule_new", **self.data(ada, pro, basic, **change))
        assert response.status_code == 422
        assert words in response.content.decode()
        assert not SubscriptionSchedule.objects.exists()


class TestAroundASubscription:
    @pytest.fixture
    def running(self, ada, pro):
        return subscription(customer=ada, prices=[pro])

    def data(self, pro, basic, **more) -> dict:
        return {"end_behavior": "release", "p0_price_0": pro.pk, "p0_iterations": "1", "p1_price_0": basic.pk} | more

    def test_the_page_offers_what_it_is_now(self, desk, running, pro) -> None:
        page = desk.get("subscription_schedule", running.pk).content.decode()
        assert f'<option value="{pro.pk}" selected>' in page
        assert 'value="2024-02-01T00:00"' in page

    def test_a_downgrade_at_the_end_of_the_period(self, desk, running, pro, basic) -> None:
        assert desk.post("subscription_schedule", running.pk, **self.data(pro, basic)).status_code == 302
        schedule = SubscriptionSchedule.objects.get()
        first, second = phases_from_json(schedule.phases)
        assert (schedule.status, schedule.subscription_id) == ("active", running.pk)
        assert (first.start, first.end, second.end) == (NEW_YEAR, utc(2024, 2, 1), utc(2024, 3, 1))
        page = desk.get("subscription", running.pk).content.decode()
        assert reverse("dashboard:schedule", args=[schedule.pk]) in page

    def test_a_refused_phase_leaves_no_schedule_behind(self, desk, running, pro, basic) -> None:
        refused = self.data(pro, basic, p1_end_date="2023-12-01T00:00")
        assert desk.post("subscription_schedule", running.pk, **refused).status_code == 422
        assert not SubscriptionSchedule.objects.filter(status="active").exists()
        running.refresh_from_db()
        assert not running.schedule_id

    def test_a_second_schedule_is_refused_by_name(self, desk, running, pro, basic) -> None:
        desk.post("subscription_schedule", running.pk, **self.data(pro, basic))
        response = desk.post("subscription_schedule", running.pk, **self.data(pro, basic))
        assert "already has a schedule" in response.content.decode()

    def test_a_prices_own_trial_is_not_given_by_a_phase(self, desk, shop, running, pro) -> None:
        tried = catalog.price(merchant=shop, amount=2500, trial_period_days=14)
        assert "CA$25.00" in preview(desk, "subscription_schedule", running.pk, **self.data(pro, tried))

    def test_the_preview_shows_what_another_current_phase_does_now(self, desk, running, basic) -> None:
        words = preview(desk, "subscription_schedule", running.pk, **self.data(basic, basic))
        # At the first instant of the period: all 30.00 back, 10.00 owed.
        assert "-CA$30.00" in words.replace("−", "-")
        assert "CA$10.00" in words


class TestEdit:
    @pytest.fixture
    def schedule(self, shop, ada, pro, basic) -> SubscriptionSchedule:
        phases = tuple(PhaseRequest((ItemRequest(price.pk),), metadata={"kept": "yes"}) for price in (pro, basic))
        return create_schedule(ctx=context(NEW_YEAR), request=ScheduleRequest(shop.pk, ada.pk, phases))

    def test_what_the_page_does_not_show_stays(self, desk, schedule, pro, basic) -> None:
        data = {"p0_price_0": pro.pk, "p0_iterations": "1", "p1_price_0": basic.pk, "p1_quantity_0": "4"}
        answer = desk.post("schedule_edit", schedule.pk, end_behavior="cancel", p1_iterations="6", **data)
        assert answer.status_code == 302
        schedule.refresh_from_db()
        first, second = phases_from_json(schedule.phases)
        assert (first.end, second.end, schedule.end_behavior) == (utc(2024, 2, 1), utc(2024, 8, 1), "cancel")
        assert second.request.items == (ItemRequest(basic.pk, 4),)
        assert second.request.metadata == {"kept": "yes"}

    def test_one_that_is_over_cannot_be_edited(self, desk, schedule) -> None:
        desk.post("schedule_release", schedule.pk)
        assert desk.get("schedule_edit", schedule.pk).status_code == 404

    def test_roles_and_other_merchants(self, desk_of, schedule) -> None:
        assert desk_of("read_only").get("schedule_edit", schedule.pk).status_code == 403
        elsewhere = merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True)
        assert desk_of("owner", elsewhere).get("schedule_edit", schedule.pk).status_code == 404

    def test_many_phases_cost_no_more_queries(self, desk, shop, ada, schedule, pro, basic) -> None:
        def queries(of: SubscriptionSchedule) -> int:
            desk.get("schedule_edit", of.pk)
            with CaptureQueriesContext(
                connection,
            ) as seen:
                desk.get("schedule_edit", of.pk)
            return len(seen)

        phases = tuple(PhaseRequest((ItemRequest(pro.pk), ItemRequest(basic.pk))) for _n in range(6))
        longer = create_schedule(ctx=context(NEW_YEAR), request=ScheduleRequest(shop.pk, ada.pk, phases))
        assert queries(longer) == queries(schedule)
