"""What the queue calls: each wakes one use case in the present, and calling it twice is harmless."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django_q.models import OrmQ

from billing_site.schedules import WAKES
from customers.writes import hold_clock
from engine import tasks
from engine.services import clocks
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


def test_a_clock_whose_call_was_lost_is_advanced_by_the_next_waking(advancing):
    OrmQ.objects.all().delete()
    assert tasks.advance_clocks() == 1
    advancing.refresh_from_db()
    assert (advancing.status, advancing.frozen_time) == ("ready", utc(2024, 4, 15))
    assert tasks.advance_clocks() == 0


def test_a_clock_that_fails_keeps_no_other_from_arriving(advancing, monkeypatch):
    failing = create_clock(ctx=context(), merchant_id=advancing.merchant_id, name="", frozen_time=utc(2024, 1, 1))
    advance_clock(ctx=context(), merchant_id=advancing.merchant_id, clock_id=failing.id, to=utc(2024, 4, 15))
    honest = clocks.next_due_moment
    monkeypatch.setattr(clocks, "next_due_moment", lambda id: 1 // 0 if id == failing.id else honest(id))
    assert tasks.advance_clocks() == 1
    failing.refresh_from_db()
    assert failing.status == "internal_failure"


@pytest.mark.django_db(transaction=True)
def test_a_clock_is_advanced_by_one_worker_at_a_time(advancing):
    with ThreadPoolExecutor(1) as other_worker, hold_clock(advancing.id):
        assert other_worker.submit(in_a_worker, tasks.advance_clock, advancing.id).result() is False
        assert other_worker.submit(in_a_worker, tasks.advance_clocks).result() == 0
    advancing.refresh_from_db()
    assert (advancing.status, advancing.frozen_time) == ("advancing", utc(2024, 1, 1))
    assert tasks.advance_clock(advancing.id)


def in_a_worker(task, *args):
    try:
        return task(*args)
    finally:
        connection.close()


@pytest.fixture
def advancing():
    """A clock that was told to go to 15 April."""
    shop = merchant()
    clock = create_clock(ctx=context(), merchant_id=shop.id, name="", frozen_time=utc(2024, 1, 1))
    advance_clock(ctx=context(), merchant_id=shop.id, clock_id=clock.id, to=utc(2024, 4, 15))
    clock.refresh_from_db()
    return clock


@pytest.mark.parametrize("wake", ENGINE_WAKES, ids=lambda wake: wake.name)
def test_every_scheduled_task_exists_and_has_nothing_to_do_in_an_empty_house(wake):
    getattr(tasks, wake.func.rpartition(".")[2])()
