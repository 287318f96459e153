"""The benchmarks do the work that they say they measure."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing_site.benchmarks import ceiling, data
from billing_site.benchmarks.invariants import CHECKS, RELAYED, WHEN_COLLECTED, broken_invariants
from billing_site.benchmarks.months import month_bill_ms, rolled_up
from billing_site.benchmarks.work import WORK, Share, distinct_events
from engine.services import collect
from events.models import Event
from invoicing.models import Invoice
from usage.models import UsageEvent

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 30


def work(kind: str, rows: int = ROWS) -> dict[str, float]:
    return WORK[kind](Share(number=0, workers=1, rows=rows, chunk_size=10))()


def test_drafts_with_an_hour_of_grace_are_finalized_after_it():
    data.build(ROWS, grace=data.GRACE)
    assert work("renewals") == {"done": ROWS, "refused": 0}
    assert set(Invoice.objects.values_list("status", flat=True)) == {"draft"}
    assert work("finalizations") == {"done": ROWS, "refused": 0}
    assert broken_invariants(ROWS, data.DUE) == []


def test_what_was_billed_is_collected_once():
    data.build(ROWS)
    work("renewals")
    collected = work("collections")
    assert collected["done"] == ROWS
    assert all(collected[part] > 0 for part in ("planning_s", "sending_s", "settling_s"))
    assert collect.settle_answers.__name__ == "settle_answers"  # its clock is taken off again
    assert broken_invariants(ROWS, data.DUE, WHEN_COLLECTED) == []


def test_the_relay_reads_to_the_end():
    data.build(ROWS)
    work("renewals")
    assert work("relay")["done"] > 0
    assert broken_invariants(ROWS, data.DUE, CHECKS | RELAYED) == []


def test_repeated_usage_is_taken_once_and_a_month_is_counted():
    data.build_usage(stored=50)
    assert work("usage", rows=400)["done"] == distinct_events(400) == 380
    assert UsageEvent.objects.count() == 380 + 50
    assert rolled_up()["rolled_up_per_second"] > 0
    assert set(month_bill_ms()) == {"month_sum_ms", "month_count_ms", "month_max_ms", "month_last_ms"}


def test_the_ceiling_writes_the_rows_of_the_run_into_tables_of_its_own():
    data.build(ROWS, bodies=True)
    work("renewals")
    events = Event.objects.count()
    assert ceiling.make_tables() == ROWS
    try:
        assert work("ceiling")["done"] == ROWS
        assert ceiling.written() == {**ceiling.written(), Invoice: ROWS, Event: events}
        assert Event.objects.count() == events
    finally:
        ceiling.drop_tables()


def test_a_broken_invariant_is_found():
    data.build(ROWS)
    work("renewals")
    Invoice.objects.filter(number_value=7).update(next_action_at=data.DUE + timedelta(days=1))
    Event.objects.filter(type="invoice.finalized").order_by("id").first().delete()
    assert broken_invariants(ROWS, data.DUE) == ["one event per fact: 1 wrong"]


@pytest.mark.slow
def test_the_command_prints_one_json_object_with_the_ceiling_of_the_same_run():
    out = StringIO()
    call_command("bench", "renewals", "--rows", "40", "--workers", "2", "--json", stdout=out)
    told = json.loads(out.getvalue().strip().splitlines()[-1])
    assert told["invariants_ok"] is True
    assert (told["benchmark"], told["rows"], told["workers"]) == ("renewals", 40, 2)
    assert told["ceiling_per_second"] > 0
    assert told["ratio"] == pytest.approx(told["per_second"] / told["ceiling_per_second"], rel=0.05)
    assert not Invoice.objects.exists()  # in a database of its own


def test_nothing_to_measure_is_refused():
    with pytest.raises(CommandError, match="at least 1"):
        call_command("bench", "renewals", "--rows", "0")
