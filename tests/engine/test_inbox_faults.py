"""The inbox when processors do not answer, workers die and webhooks are lost."""

from datetime import timedelta

import pytest

from engine.services.inbox import apply_inbox, sweep_balances, sweep_events
from engine.services.refund import refund_charge
from invoicing.models import Invoice
from payments.models import (
    BalanceTransaction,
    GatewayAccount,
    GatewayEvent,
    Refund,
)
from tests.engine.inbox_steps import a_paid_charge, later, told
from tests.factories.gateways import merchant_on_stripe
from tests.factories.times import NEW_YEAR, context
from tests.fake_stripe import money

pytestmark = pytest.mark.django_db

DAY = 86_400


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_what_cannot_be_read_now_is_tried_again_later_and_later(fake, merchant, theirs, ours):
    a_paid_charge(merchant, "pm_fake_sepa")
    fake.faults.arm("500_before", "GET", times=2)
    told(theirs, ours, "payment_intent.processing")
    event = GatewayEvent.objects.get()
    assert (event.status, event.attempts, event.apply_after) == ("received", 1, NEW_YEAR + timedelta(minutes=2))
    apply_inbox(ctx=context(NEW_YEAR + timedelta(minutes=2)))
    event.refresh_from_db()
    assert event.apply_after == NEW_YEAR + timedelta(minutes=6)
    apply_inbox(ctx=context(NEW_YEAR + timedelta(minutes=6)))
    event.refresh_from_db()
    assert (event.status, event.attempts, event.error) == ("applied", 3, "")


def test_a_processor_that_does_not_answer_is_asked_once_and_not_for_every_event(fake, merchant, theirs, ours):
    for _ in range(5):
        money.pay_out(fake.books, theirs, 100, "cad")
    fake.faults.arm("drop_before", "GET /v1/payouts", times=5)
    fake.books.calls.clear()
    told(theirs, ours)
    assert [path.split("/")[2] for _, path, _ in fake.books.calls] == ["payouts"]
    assert set(GatewayEvent.objects.values_list("status", flat=True)) == {"received"}


def test_a_key_that_does_not_open_any_more_is_refused_by_name_for_its_merchant_alone(
    fake, merchant, theirs, ours, settings
):
    other = merchant_on_stripe(fake, api_key="sk_test_othermerchant0123456789")
    GatewayAccount.objects.filter(id=ours.id).update(api_key_sealed="v1.00000000.nothing")
    assert sweep_events(ctx=context()) == 1
    ours.refresh_from_db()
    assert (ours.status, other.gateway_accounts.get().status) == ("refused", "active")


def test_a_worker_that_dies_leaves_the_event_to_the_next_one(merchant, theirs, ours, monkeypatch):
    a_paid_charge(merchant)

    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("engine.services.inbox._apply", die)
        with pytest.raises(KeyboardInterrupt):
            told(theirs, ours, "payment_intent.succeeded")
    assert apply_inbox(ctx=context(NEW_YEAR + timedelta(minutes=1))).done == 0
    assert apply_inbox(ctx=context(NEW_YEAR + timedelta(minutes=2))).done == 1


def test_an_event_that_is_a_defect_of_ours_waits_for_a_person_in_the_end(merchant, theirs, ours, monkeypatch):
    a_paid_charge(merchant)

    def fail(*args):
        raise ZeroDivisionError

    monkeypatch.setitem(__import__("engine.services.inbox").services.inbox.BY_OBJECT, "payment_intent", fail)
    told(theirs, ours, "payment_intent.succeeded")
    for day in range(1, 12):
        apply_inbox(ctx=later(day))
    event = GatewayEvent.objects.get()
    assert (event.status, event.attempts, event.apply_after) == ("failed", 10, None)
    assert "ZeroDivisionError" in event.error


# --- what was not told -------------------------------------------------------------------------------------------


def test_the_sweep_fetches_webhooks_that_were_lost(fake, merchant, theirs, ours):
    fake.faults.arm("drop_after", "/confirm$")
    a_paid_charge(merchant)
    assert sweep_events(ctx=context()) == 1
    apply_inbox(ctx=context())
    ours.refresh_from_db()
    assert (Invoice.objects.get().status, ours.events_seen_until) == ("paid", NEW_YEAR)
    before = GatewayEvent.objects.count()
    sweep_events(ctx=context())
    assert GatewayEvent.objects.count() == before


def test_the_sweep_reads_on_to_the_last_page(fake, merchant, theirs, ours):
    for _ in range(130):
        money.pay_out(fake.books, theirs, 100, "cad")
    sweep_events(ctx=context())
    assert GatewayEvent.objects.filter(type="payout.created").count() == 130


def test_a_sweep_that_is_cut_begins_again_where_it_had_begun(fake, merchant, theirs, ours):
    a_paid_charge(merchant)
    fake.faults.arm("500_before", "/v1/events")
    assert sweep_events(ctx=context()) == 0
    ours.refresh_from_db()
    assert ours.events_seen_until is None
    assert sweep_events(ctx=context()) == 1


def test_a_key_that_is_refused_shows_on_the_account_until_it_is_taken_again(fake, merchant, theirs, ours):
    keys, theirs.keys = theirs.keys, set()
    sweep_events(ctx=context())
    ours.refresh_from_db()
    assert (ours.status, ours.refused_at) == ("refused", NEW_YEAR)
    theirs.keys = keys
    sweep_events(ctx=later(1))
    ours.refresh_from_db()
    assert (ours.status, ours.refused_at) == ("active", None)


def test_the_balance_is_mirrored_with_fees_and_our_names(fake, merchant, theirs, ours):
    charge = a_paid_charge(merchant)
    refund_charge(ctx=context(), merchant_id=merchant.id, charge_id=charge.id, amount=400)
    for _ in range(2):
        assert sweep_balances(ctx=context()) == 1
    rows = {row.type: row for row in BalanceTransaction.objects.all()}
    assert BalanceTransaction.objects.count() == 2
    assert (rows["charge"].amount, rows["charge"].fee, rows["charge"].net) == (1000, 59, 941)
    assert rows["charge"].source_id == charge.id
    assert (rows["refund"].amount, rows["refund"].source_id) == (-400, Refund.objects.get().id)
