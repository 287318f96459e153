"""What the queue calls: each wakes one use case in the present, and calling it twice is harmless."""

import pytest

from billing_site.schedules import WAKES
from engine import tasks
from engine.services.clocks import advance_clock, create_clock
from invoicing.models import Invoice
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db


ENGINE_WAKES = [wake for wake in WAKES if wake.func.startswith("engine.")]


def test_renew_bills_what_is_due_now_and_has_it_paid(monkeypatch):
    monkeypatch.setattr(tasks, "_now", lambda: context(utc(2024, 2, 5)))
    owner = customer(merchant=merchant(), payment_method="pm_card_visa")
    subscription(customer=owner, prices=[price(merchant=owner.merchant)])
    assert tasks.renew() == {"done": 1, "refused": 0}
    assert list(Invoice.objects.values_list("status", flat=True)) == ["paid", "paid"]
    assert tasks.renew() == {"done": 0, "refused": 0}


def test_a_clock_is_advanced_by_its_task():
    shop = merchant()
    clock = create_clock(ctx=context(), merchant_id=shop.id, name="", frozen_time=utc(2024, 1, 1))
    owner = customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)
    subscription(customer=owner, prices=[price(merchant=shop)])
    advance_clock(ctx=context(), merchant_id=shop.id, clock_id=clock.id, to=utc(2024, 4, 15))
    assert tasks.advance_clock(clock.id)
    assert Invoice.objects.filter(status="paid").count() == 4
    clock.refresh_from_db()
    assert (clock.status, clock.frozen_time) == ("ready", utc(2024, 4, 15))
    assert tasks.advance_clock(clock.id)  # handed over a second time: nothing more happens
    assert Invoice.objects.count() == 4


@pytest.mark.parametrize("wake", ENGINE_WAKES, ids=lambda wake: wake.name)
def test_every_scheduled_task_exists_and_has_nothing_to_do_in_an_empty_house(wake):
    getattr(tasks, wake.func.rpartition(".")[2])()
