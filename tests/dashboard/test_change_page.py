"""The page that changes a subscription: its trial, its period, what a meter counts; usage invoiced early."""

import pytest

from invoicing.models import Invoice
from tests.factories import catalog, customers, merchants, usage
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, utc


@pytest.fixture
def shop(db):
    return merchants.merchant(name="Érable (sandbox)", grace=3600)


@pytest.fixture
def clock(shop):
    return customers.clock(merchant=shop, frozen_time=NEW_YEAR)


@pytest.fixture
def ada(shop, clock):
    return customers.customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)


@pytest.fixture
def calls(shop):
    return usage.metered_price(meter=usage.meter(merchant=shop), amount=10)


@pytest.fixture
def running(ada, shop, calls):
    return subscription(customer=ada, prices=[catalog.price(merchant=shop, amount=3100), calls], at=NEW_YEAR)


def as_it_is(running) -> dict:
    """What the page sends when nothing on it was touched: no quantity for what a meter counts."""
    data = {"proration_behavior": "always_invoice", "add_quantity": "1", "billing_cycle_anchor": "unchanged"}
    for item in running.items.all():
        data[f"price_{item.pk}"] = item.price_id
        if item.price.usage_type != "metered":
            data[f"quantity_{item.pk}"] = str(item.quantity)
    return data


def half_way(clock) -> None:
    clock.frozen_time = utc(2024, 1, 16, 12)  # half of January's 31 days
    clock.save(update_fields=["frozen_time"])


def test_a_metered_item_has_no_quantity_to_set(desk, running, calls) -> None:
    [metered] = [item for item in running.items.all() if item.price_id == calls.pk]
    page = desk.get("subscription_change", running.pk).content.decode()
    assert f"quantity_{metered.pk}" not in page


def test_a_period_that_begins_anew_is_invoiced_at_once(desk, running, clock) -> None:
    half_way(clock)
    data = as_it_is(running) | {"billing_cycle_anchor": "now"}
    words = desk.post("subscription_change_preview", running.pk, **data).content.decode()
    assert "CA$15.50" in words  # 31.00 anew, less the half that was paid

    assert desk.post("subscription_change", running.pk, **data).status_code == 302
    running.refresh_from_db()
    assert running.billing_cycle_anchor == utc(2024, 1, 16, 12)
    assert Invoice.objects.order_by("-created", "-id").first().total == 1550


def test_a_trial_is_given(desk, running) -> None:
    data = as_it_is(running) | {"trial_end": "2024-01-20T00:00"}
    assert desk.post("subscription_change", running.pk, **data).status_code == 302
    running.refresh_from_db()
    assert (running.status, running.trial_end) == ("trialing", utc(2024, 1, 20))


def test_a_metered_price_is_added_without_a_quantity(desk, shop, running) -> None:
    extra = usage.metered_price(meter=usage.meter(merchant=shop, event_name="gigabytes"), amount=5)
    assert desk.post("subscription_change", running.pk, **as_it_is(running), add_price=extra.pk).status_code == 302
    assert extra.pk in running.items.filter(deleted_at=None).values_list("price_id", flat=True)


def test_nothing_touched_is_said(desk, running) -> None:
    shown = desk.post("subscription_change_preview", running.pk, **as_it_is(running))
    assert "Change a price" in shown.content.decode()
    assert desk.post("subscription_change", running.pk, **as_it_is(running)).status_code == 422


class TestThresholds:
    def test_set_and_taken_away(self, desk, running, calls) -> None:
        item = running.items.get(price=calls)
        desk.post("subscription_thresholds", running.pk, amount_gte="250", **{f"usage_{item.pk}": "1000"})
        running.refresh_from_db()
        item.refresh_from_db()
        assert (running.billing_threshold_amount, item.billing_threshold_usage) == (25000, 1000)
        assert "at CA$250.00" in desk.get("subscription", running.pk).content.decode()

        desk.post("subscription_thresholds", running.pk)
        running.refresh_from_db()
        assert running.billing_threshold_amount is None

    def test_who_may(self, desk_of, running) -> None:
        assert desk_of("read_only").post("subscription_thresholds", running.pk).status_code == 403
