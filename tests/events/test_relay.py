"""The relay on a real database: once, in order per object, whatever order transactions commit in."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from events.held import NoSuchHeldEvent, give_up
from events.models import ConsumedAhead, ConsumerCursor, Event, HeldEvent
from events.relay import relay_batch
from events.services import relay
from events.types import Consumer
from events.writes import record_events
from tests.events.outbox import PATIENCE, Recorder, drain, fact, tell
from tests.factories.times import WALL, context

pytestmark = pytest.mark.django_db(transaction=True)


class Interleaved:
    """A second transaction on a connection of its own, taken step by step."""

    def __init__(self) -> None:
        self.may_write = threading.Event()
        self.may_commit = threading.Event()
        self.began = threading.Event()
        self.wrote = threading.Event()
        self.thread: threading.Thread | None = None

    def begin(self, *rows) -> None:
        """Open the transaction and take its id; `write` and `commit` go on with it."""
        self.thread = threading.Thread(target=self._run, args=(rows,))
        self.thread.start()
        assert self.began.wait(PATIENCE)

    def write(self) -> None:
        self.may_write.set()
        assert self.wrote.wait(PATIENCE)

    def commit(self) -> None:
        self.may_commit.set()
        assert self.thread
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def _run(self, rows) -> None:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_current_xact_id()")
                self.began.set()
                self.may_write.wait(PATIENCE)
                record_events(context(), list(rows))
                self.wrote.set()
                self.may_commit.wait(PATIENCE)
        finally:
            connections.close_all()


class TestDelivery:
    def test_hands_over_everything_once_and_in_outbox_order(self):
        tell(fact("in_1", 1), fact("in_2", 1))
        tell(fact("in_1", 2))
        recorder = Recorder()
        consumer = Consumer("copier", recorder)
        drain(consumer)
        drain(consumer)
        assert recorder.versions == [("in_1", 1), ("in_2", 1), ("in_1", 2)]

    def test_hands_over_only_the_wanted_types_and_passes_the_others(self):
        tell(fact(type="invoice.created"), fact("in_1", 2, type="invoice.paid"), fact("in_1", 3))
        recorder = Recorder()
        drain(Consumer("copier", recorder, ("invoice.paid",)))
        assert [event.type for event in recorder.seen] == ["invoice.paid"]

    def test_two_consumers_read_apart(self):
        tell(fact())
        one, other = Recorder(), Recorder()
        drain(Consumer("one", one))
        drain(Consumer("other", other))
        assert one.versions == other.versions == [("in_1", 1)]

    def test_what_a_handler_wrote_and_the_cursor_are_one_transaction(self):
        tell(fact())

        def write_then_die(ctx, events):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            drain(Consumer("copier", write_then_die))
        recorder = Recorder()
        drain(Consumer("copier", recorder))
        assert recorder.versions == [("in_1", 1)]

    def test_carries_previous_attributes_and_both_times(self):
        tell(fact(previous_attributes={"status": "draft"}), ctx=context(WALL, recorded_at=WALL + timedelta(days=3)))
        recorder = Recorder()
        drain(Consumer("copier", recorder))
        [event] = recorder.seen
        assert event.previous_attributes == {"status": "draft"}
        assert (event.created, event.recorded_at) == (WALL, WALL + timedelta(days=3))


class TestCommitOrder:
    def test_an_earlier_transaction_that_commits_late_is_not_missed(self):
        slow = Interleaved()
        slow.begin(fact("in_slow"))
        tell(fact("in_fast"))
        slow.write()
        recorder = Recorder()
        consumer = Consumer("copier", recorder)
        relay(ctx=context(WALL), consumer=consumer)
        assert recorder.seen == [], "nothing is read past a transaction that still runs"
        slow.commit()
        drain(consumer)
        assert recorder.versions == [("in_slow", 1), ("in_fast", 1)]

    @pytest.mark.parametrize("batch_size", [1, 500])
    def test_version_one_goes_before_version_two_though_its_transaction_began_later(self, batch_size):
        # The second change's transaction began first (lower id), waited for the row and committed last.
        second = Interleaved()
        second.begin(fact("in_1", 2))
        tell(fact("in_0", 1), fact("in_1", 1), fact("in_2", 1))
        second.write()
        second.commit()
        recorder = Recorder()
        drain(Consumer("copier", recorder), batch_size=batch_size)
        assert [v for v in recorder.versions if v[0] == "in_1"] == [("in_1", 1), ("in_1", 2)]
        assert sorted(recorder.versions) == [("in_0", 1), ("in_1", 1), ("in_1", 2), ("in_2", 1)]
        assert not ConsumedAhead.objects.exists(), "forgotten once their place was passed"

    def test_what_was_handed_over_ahead_is_not_handed_over_twice(self):
        second = Interleaved()
        second.begin(fact("in_1", 3))
        tell(fact("in_1", 1))
        tell(fact("in_1", 2))
        second.write()
        second.commit()
        recorder = Recorder()
        consumer = Consumer("copier", recorder)
        drain(consumer, batch_size=1)
        drain(consumer)
        assert recorder.versions == [("in_1", 1), ("in_1", 2), ("in_1", 3)]


class TestOneWorkerAtATime:
    def test_a_second_worker_leaves_at_once(self):
        tell(fact())
        inside, leave = threading.Event(), threading.Event()

        def linger(ctx, events):
            inside.set()
            leave.wait(PATIENCE)

        def work():
            try:
                drain(Consumer("copier", linger))
            finally:
                connections.close_all()

        worker = threading.Thread(target=work)
        worker.start()
        assert inside.wait(PATIENCE)
        report = relay(ctx=context(WALL), consumer=Consumer("copier", Recorder()))
        leave.set()
        worker.join(PATIENCE)
        assert report.busy
        assert report.delivered == 0


class TestPoison:
    def test_the_culprit_is_held_and_the_rest_goes_on(self):
        ids = tell(*[fact(f"in_{n}") for n in range(9)])
        recorder = Recorder(poison={ids[4]})
        drain(Consumer("copier", recorder))
        assert sorted(recorder.versions) == [(f"in_{n}", 1) for n in range(9) if n != 4]
        [held] = HeldEvent.objects.all()
        assert (held.event_id, held.attempts, held.error) == (ids[4], 1, "ValueError: cannot read this")
        assert held.retry_at == WALL + timedelta(minutes=1)

    def test_later_events_of_its_object_wait_behind_it_in_this_batch_and_the_next(self):
        [bad, *_] = tell(fact("in_1", 1), fact("in_1", 2), fact("in_2", 1))
        recorder = Recorder(poison={bad})
        consumer = Consumer("copier", recorder)
        drain(consumer)
        tell(fact("in_1", 3), fact("in_2", 2))
        drain(consumer)
        assert recorder.versions == [("in_2", 1), ("in_2", 2)]
        recorder.poison.clear()
        drain(consumer, wall=WALL + timedelta(minutes=2))
        assert recorder.versions[2:] == [("in_1", 1), ("in_1", 2), ("in_1", 3)]
        assert not HeldEvent.objects.exists()

    def test_waits_longer_after_each_failure(self):
        [bad] = tell(fact())
        consumer = Consumer("copier", Recorder(poison={bad}))
        drain(consumer)
        drain(consumer, wall=WALL + timedelta(minutes=1))
        held = HeldEvent.objects.get()
        assert (held.attempts, held.retry_at) == (2, WALL + timedelta(minutes=3))

    def test_a_person_gives_up_on_one_and_the_next_is_tried_at_once(self):
        [bad, _] = tell(fact("in_1", 1), fact("in_1", 2))
        recorder = Recorder(poison={bad})
        consumer = Consumer("copier", recorder)
        drain(consumer)
        give_up(ctx=context(WALL), merchant_id="acct_1", consumer="copier", event_id=bad)
        drain(consumer)
        assert recorder.versions == [("in_1", 2)]

    def test_another_merchant_cannot_give_up_ours(self):
        [bad] = tell(fact())
        drain(Consumer("copier", Recorder(poison={bad})))
        with pytest.raises(NoSuchHeldEvent):
            give_up(ctx=context(WALL), merchant_id="acct_2", consumer="copier", event_id=bad)


@pytest.mark.parametrize("size", [5, 200])
def test_the_number_of_queries_does_not_depend_on_the_batch(size):
    tell(*[fact(f"in_{n}") for n in range(size)])
    consumer = Consumer("copier", Recorder())
    ConsumerCursor.objects.create(consumer="copier", recorded_at=WALL)
    read = 0
    while not read:  # another process's transaction may hold the horizon back
        time.sleep(0.02)
        with CaptureQueriesContext(connection) as queries:
            batch = relay_batch(ctx=context(WALL), consumer=consumer, size=500)
        read = batch.read if batch else 0
    assert read == size == Event.objects.count()
    statements = [query["sql"].split()[0] for query in queries if query["sql"].split()[0] not in ("BEGIN", "COMMIT")]
    assert statements == [
        "SELECT",  # the cursor
        "SELECT", "SELECT",  # the window, earlier versions beyond it
        "SELECT", "SELECT",  # handed over ahead, on hold
        "SAVEPOINT", "RELEASE",
        "UPDATE",
    ]  # fmt: skip
