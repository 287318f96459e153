"""A past that is lived by the product's own services: whole, quiet, up to now, and never twice."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django_q.models import Schedule

from billing_site.demo import acts, simulation
from billing_site.demo.simulation import simulate
from customers.models import Customer
from engine.due import next_due_moment
from engine.models import Refusal
from events.models import Event
from insights.models import MrrMovement
from invoicing.models import Invoice
from merchants.models import Merchant
from notifications.models import Message
from subscriptions.models import BilledPeriod, Subscription
from tests.factories import catalog as make
from tests.factories.merchants import merchant as new_merchant
from tests.factories.times import utc

pytestmark = pytest.mark.django_db

START, NOW = utc(2026, 1, 1), utc(2026, 4, 10, 15, 30)


@pytest.fixture
def shop() -> Merchant:
    shop = new_merchant(livemode=True)
    box = make.product(merchant=shop, name="Box")
    for amount in (2000, 3500):
        make.price(merchant=shop, product=box, amount=amount)
    make.price(merchant=shop, product=box, amount=20000, interval="year")
    make.one_time_price(merchant=shop, product=box, amount=900)
    office = make.product(merchant=shop, name="Office")
    make.price(merchant=shop, product=office, amount=1400, metadata={"sold_by_invoice": "yes", "most_seats": "5"})
    make.tax_rate(merchant=shop, percentage="5", country="CA", tax_type="gst")
    make.tax_rate(merchant=shop, percentage="9.975", country="CA", state="QC", display_name="QST", tax_type="qst")
    make.promotion_code(coupon=make.coupon(merchant=shop), code="WELCOME")
    return shop


def live(shop: Merchant, **options) -> simulation.Report:
    return simulate(**{"merchant": shop, "start": START, "now": NOW, "subscribers": 25, "seed": 3} | options)


def rows() -> Counter[str]:
    models = (Customer, Subscription, Invoice, BilledPeriod, Event, MrrMovement)
    return Counter({model.__name__: model.objects.count() for model in models})


def test_a_past_is_grown_to_the_real_now(shop: Merchant) -> None:
    report = live(shop)
    assert (report.subscribers, report.days) == (25, 100)
    assert Customer.objects.count() == 25
    assert not Refusal.objects.exists()
    due = next_due_moment(None)
    assert due is None or due > NOW
    # Business time is the past's, wall time is now.
    assert Invoice.objects.filter(created__lt=NOW - timedelta(days=30)).exists()
    assert set(Invoice.objects.values_list("recorded_at", flat=True)) == {NOW}


def test_invoices_have_consecutive_numbers_and_taxes_of_the_place(shop: Merchant) -> None:
    live(shop)
    numbers = sorted(Invoice.objects.exclude(status="draft").values_list("number_value", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    quebec = Invoice.objects.filter(customer__state="QC", total__gt=0, status="paid").first()
    assert quebec is not None
    assert quebec.line_taxes.values("tax_rate_id").distinct().count() == 2


@pytest.mark.django_db(transaction=True)  # the outbox hands over what is committed
def test_charts_have_what_happened_and_who_left_weighs_nothing(shop: Merchant) -> None:
    live(shop, subscribers=40)
    ended = Subscription.objects.filter(status="canceled").values_list("id", flat=True)
    for subscription_id in ended:
        moved = MrrMovement.objects.filter(subscription_id=subscription_id).aggregate(sum=Sum("amount"))["sum"]
        assert moved in (0, None)
    running = Subscription.objects.filter(status__in=["active", "past_due"]).count()
    assert running
    assert MrrMovement.objects.filter(type="new").count() >= running


def test_nobody_is_mailed_about_the_past(shop: Merchant) -> None:
    live(shop)
    assert not Message.objects.filter(created__lt=NOW - timedelta(hours=49)).exists()


def test_the_same_story_is_not_lived_twice(shop: Merchant) -> None:
    live(shop)
    before = rows()
    live(shop)
    assert rows() == before


def test_a_run_that_was_killed_goes_on_where_it_stopped(shop: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    sign_up = acts.Acts.sign_up

    def killed_at_the_twelfth(self: acts.Acts, signup) -> int:
        if signup.number == 12:
            raise Killed
        return sign_up(self, signup)

    monkeypatch.setattr(acts.Acts, "sign_up", killed_at_the_twelfth)
    with pytest.raises(Killed):
        live(shop)
    monkeypatch.setattr(acts.Acts, "sign_up", sign_up)
    assert Customer.objects.count() == 11
    live(shop)
    assert Customer.objects.count() == 25
    assert Subscription.objects.filter(customer__metadata__simulated="3:12").exists()


def test_a_running_cluster_keeps_its_hands_off_meanwhile(shop: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    wake = Schedule.objects.create(name="renew", func="engine.tasks.renew", next_run=NOW)
    seen = []
    monkeypatch.setattr(
        simulation, "run_all_due", lambda ctx, clock: seen.append(Schedule.objects.get(id=wake.id).next_run)
    )
    live(shop, subscribers=2)
    assert seen
    assert min(seen) > NOW
    wake.refresh_from_db()
    assert wake.next_run == NOW


# --- the command ---


def run(capsys, *args: object) -> tuple[int, dict]:
    status = 0
    try:
        call_command("simulate", *map(str, args), "--json")
    except SystemExit as exit:
        status = int(exit.code or 0)
    [line] = capsys.readouterr().out.splitlines()
    return status, json.loads(line)


def test_the_command_ends_with_one_object_on_one_line(shop: Merchant, capsys) -> None:
    start = (NOW - timedelta(days=20)).date()
    status, told = run(capsys, "--merchant", shop.id, "--from", start, "--subscribers", 2)
    assert status == 0
    assert (told["merchant"], told["subscribers"]) == (shop.id, 2)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--from", "yesterday"], "parameter_invalid"),
        (["--from", "2999-01-01"], "parameter_invalid"),
        (["--from", "2026-01-01", "--subscribers", "0"], "parameter_invalid_integer"),
        (["--from", "2026-01-01", "--merchant", "acct_nobody"], "resource_missing"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_words(shop: Merchant, capsys, args: list[str], code: str) -> None:
    status, told = run(capsys, *args)
    assert (status, told["error"]["code"]) == (1, code)


def test_a_merchant_that_sells_nothing_recurring_has_no_past_to_grow(capsys) -> None:
    empty = new_merchant()
    status, told = run(capsys, "--merchant", empty.id, "--from", "2026-01-01")
    assert (status, told["error"]["code"]) == (1, "parameter_missing")
