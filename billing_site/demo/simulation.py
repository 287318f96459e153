"""Lives a story through the product's own services, day by day, with `as_of` in the past.

1. Everything that will happen waits in one queue, in the order of its business time.
2. At noon the engine does what is due, in batches, exactly as it does for real; where drafts have a grace, again when
   the grace of the day's drafts is over.
3. Once a day subscribers do what nobody can plan for them: pay invoices that were sent, answer failed payments;
   once a month the merchant writes off what nobody will pay.
4. It ends at the real now, so that the running house takes over without a gap; then the outbox is delivered.

Killed and started again on the same day it goes on after the last fact that was told. Nothing is mailed: what is
told long after it happened is history (`notifications.rules.is_history`).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from django.db import connection
from django.db.models import Max
from django_q.models import Schedule

from billing_site.demo.acts import Acts, Subscriber
from billing_site.demo.regulars import Errand, errands
from billing_site.demo.story import Later, Signup, tell
from billing_site.demo.world import load_world
from billing_site.event_routes import CONSUMERS
from core.context import Context
from core.errors import OstinatoError
from customers.models import Customer
from engine.due import next_due_moment, run_all_due
from events.models import Event
from events.services import relay_all
from merchants.models import Merchant
from subscriptions.models import Subscription

NOON = timedelta(hours=12)  # UTC
STORY = "simulated"  # in a customer's metadata: whose part it plays, "seed:number"
HOLD_OFF = timedelta(minutes=10)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do at its moment: the engine's round, a signup, what a subscriber does later, an errand."""

    signup: Signup | None = None
    later: Later | None = None
    errand: Errand | None = None


@dataclass(slots=True)
class Report:
    """What came of it. `refused` counts, by code, what the product would not do."""

    days: int = 0
    subscribers: int = 0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def simulate(
    *,
    merchant: Merchant,
    start: datetime,
    now: datetime,
    subscribers: int,
    seed: int,
    progress: Progress = lambda text: None,
    regulars: bool = False,
) -> Report:
    """Grow the merchant's past from `start` to `now`, with its `regulars` when it is the shop. Raises
    `NothingRecurring`."""
    world = load_world(merchant.id, as_of=now)
    signups = tell(seed=seed, start=start, end=now, subscribers=subscribers, offers=world.offers, codes=world.codes)
    with billing_held_off(now), quick_commits():
        simulation = _Simulation(Acts(merchant, world, now, seed), start, now, signups, progress)
        simulation.add(errands(merchant, world, start=start, now=now) if regulars else [])
        report = simulation.run()
        deliver_outbox(now)
    return report


def deliver_outbox(now: datetime) -> None:
    """Hand every fact to its consumers, so that charts and messages show what happened."""
    ctx = Context(as_of=now, recorded_at=now)
    while any(report.delivered for report in relay_all(ctx=ctx, consumers=CONSUMERS)):
        pass


class _Simulation:
    def __init__(self, acts: Acts, start: datetime, now: datetime, signups: list[Signup], progress: Progress) -> None:
        self.acts, self.start, self.now, self.progress = acts, start, now, progress
        self.report = Report()
        self.serial = count()
        self.queue: list[tuple[datetime, int, Task]] = []
        self.resumed = resumed = self._resume(signups)
        for signup in signups:
            if signup.number not in acts.subscribers:
                self._push(signup.at, Task(signup=signup), after=resumed)
        for moment in _rounds(start, now, timedelta(seconds=acts.merchant.finalization_grace_seconds)):
            self._push(moment, Task(), after=resumed)
        self._push(now, Task(), after=None)

    def add(self, extras: list[Errand]) -> None:
        for errand in extras:
            self._push(errand.at, Task(errand=errand), after=self.resumed)

    def _resume(self, signups: list[Signup]) -> datetime | None:
        """Take up subscribers of an earlier run; gives the time of the last fact, before which nothing is done."""
        merchant_id = self.acts.merchant.id
        found = Customer.objects.filter(merchant_id=merchant_id, metadata__has_key=STORY)
        mine = {row.metadata[STORY]: row.id for row in found}
        known = {signup: mine[key] for signup in signups if (key := self.acts.part_of(signup)) in mine}
        if not known:
            return None
        told = Event.objects.filter(merchant_id=merchant_id, test_clock_id__isnull=True)
        resumed = told.aggregate(last=Max("created"))["last"]
        latest = Subscription.objects.filter(merchant_id=merchant_id, customer_id__in=known.values()).order_by(
            "created"
        )
        subscription_of = {row.customer_id: row.id for row in latest}
        for signup, customer_id in known.items():
            self.acts.subscribers[signup.number] = Subscriber(signup, customer_id, subscription_of.get(customer_id, ""))
            for later in signup.later:
                self._push(signup.at + later.after, Task(signup, later), after=resumed)
        return resumed

    def _push(self, moment: datetime, task: Task, *, after: datetime | None) -> None:
        if moment <= self.now and (after is None or moment > after):
            heapq.heappush(self.queue, (moment, next(self.serial), task))

    def run(self) -> Report:
        day = None
        while self.queue:
            moment, _, task = heapq.heappop(self.queue)
            if moment.date() != day:
                day = moment.date()
                self._new_day(moment)
            self._do(moment, task)
        self.report.subscribers = len(self.acts.subscribers)
        return self.report

    def _new_day(self, moment: datetime) -> None:
        self.report.days += 1
        if moment.day == 1:
            self.progress(f"{moment:%Y-%m}: {len(self.acts.subscribers)} subscribers")
            self._attempt("written_off", lambda: self.acts.write_off(moment))
        self._attempt("sent_invoice_paid", lambda: self.acts.pay_sent_invoices(moment))
        self._attempt("recovery", lambda: self.acts.answer_failed_payments(moment))

    def _do(self, moment: datetime, task: Task) -> None:
        signup, later, errand = task.signup, task.later, task.errand
        if errand is not None:
            self._attempt(errand.name, lambda: errand.do(moment))
        elif signup is None:
            self._round(moment)
        elif later is None:
            self._attempt("signup", lambda: self.acts.sign_up(signup))
            for act in signup.later:
                self._push(signup.at + act.after, Task(signup, act), after=None)
        else:
            self._attempt(str(later.act), lambda: self.acts.do(later.act, signup.number, moment, later.detail))

    def _round(self, moment: datetime) -> None:
        due = next_due_moment(None)
        if due is not None and due <= moment:
            run_all_due(self.acts.ctx(moment, actor="run"), None)

    def _attempt(self, name: str, act: Callable[[], int]) -> None:
        """A refusal is part of life: a subscription that ended is not changed, a spent code is not taken."""
        try:
            done = act()
        except OstinatoError as error:
            self.report.refused[f"{name}: {error.code or type(error).__name__}"] += 1
        else:
            self.report.done[name] += done


def _rounds(start: datetime, now: datetime, grace: timedelta) -> Iterator[datetime]:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight <= now:
        yield midnight + NOON
        if grace:
            yield midnight + NOON + grace
        midnight += timedelta(days=1)


@contextmanager
def billing_held_off(now: datetime) -> Iterator[None]:
    """Keep a running cluster from billing the past with today's date while it is being lived.

    Its schedules are put off and come back by themselves, also when this process dies.
    """
    waking = Schedule.objects.filter(func__startswith="engine.tasks.")
    before = dict(waking.values_list("id", "next_run"))
    waking.update(next_run=now + HOLD_OFF)
    try:
        yield
    finally:
        for schedule_id, next_run in before.items():
            Schedule.objects.filter(id=schedule_id).update(next_run=next_run)


@contextmanager
def quick_commits() -> Iterator[None]:
    """Don't wait for the disk at each commit: a past that is lost in a crash is simply lived again."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")
