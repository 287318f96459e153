"""What is to be seen of the runs: what is due and not yet billed, what runs now, what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django_q.models import Failure

from engine.models import BillingRun, Refusal, RefusalStatus
from events.copying import Row
from events.reading import read_rows
from invoicing.models import Invoice
from subscriptions.models import Subscription, SubscriptionSchedule

# A chunk takes a second or so: a run that noted nothing for so long has lost its worker.
SILENT_AFTER = timedelta(minutes=3)
# A task that failed longer ago has been woken again many times: it is well, or has failed anew.
FAILED_LATELY = timedelta(days=1)
# Counting stops here: more is "10,000+" to whoever looks.
COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of each kind is due and not done, each counted up to `COUNTED`."""

    renewals: int
    finalizations: int
    collections: int
    refusals: int


def waiting(merchant_id: str, as_of: datetime) -> Waiting:
    """What the next waking finds of this merchant. Four queries, each bounded."""
    invoices = _due(Invoice.objects.filter(merchant_id=merchant_id, auto_advance=True), as_of)
    charged = invoices.filter(status="open", collection_method="charge_automatically")
    return Waiting(
        renewals=_count(_due(Subscription.objects.filter(merchant_id=merchant_id), as_of)),
        finalizations=_count(invoices.filter(status="draft")),
        collections=_count(charged),
        refusals=_count(open_refusals(merchant_id)),
    )


def runs_now(as_of: datetime) -> list[BillingRun]:
    """Runs that moved within the last minutes and have not ended, the newest first. Runs cross merchants."""
    alive = BillingRun.objects.filter(ended_at__isnull=True, test_clock_id__isnull=True)
    return list(alive.filter(noted_at__gte=as_of - SILENT_AFTER).order_by("-started_at", "id")[:20])


def set_aside(as_of: datetime) -> list[str]:
    """Names of the run's tasks that failed lately, or killed their workers and are given to none any more."""
    lately = Failure.objects.filter(func__startswith="engine.tasks.", stopped__gte=as_of - FAILED_LATELY)
    return sorted({func.rpartition(".")[2] for func in lately.values_list("func", flat=True)})


def open_refusals(merchant_id: str) -> QuerySet[Refusal]:
    return Refusal.objects.filter(merchant_id=merchant_id, status=RefusalStatus.OPEN)


def due_by_customer(merchant_id: str, as_of: datetime, *, after: str, limit: int) -> list[Row]:
    """The due subscriptions of the customers after `after`, in the order that the run would take each customer's.

    `limit` or a few more: a customer's come together. Fewer than `limit` are all that there are. Those that wait for
    their schedule's next phase are left out, as the run leaves them. Two queries.
    """
    stepping = SubscriptionSchedule.objects.filter(id=OuterRef("schedule_id"), next_action_at__lte=as_of)
    ready = Subscription.objects.filter(Q(schedule_id="") | ~Exists(stepping), merchant_id=merchant_id)
    ready = _due(ready, as_of).order_by("customer_id", "next_action_at", "id")
    found = read_rows(ready.filter(customer_id__gt=after)[:limit])
    if len(found) == limit:
        last = found[-1].customer_id
        found = [row for row in found if row.customer_id != last] + read_rows(ready.filter(customer_id=last))
    return found


def due_for_phase(merchant_id: str, as_of: datetime) -> int:
    """Schedules whose next step is due by then, counted up to `COUNTED`."""
    return _count(_due(SubscriptionSchedule.objects.filter(merchant_id=merchant_id), as_of))


def drafts_by_currency(merchant_id: str, as_of: datetime) -> list[dict[str, Any]]:
    """Drafts that stand already and are finalized by then: [{currency, invoices, total}]. One query."""
    drafts = _due(Invoice.objects.filter(merchant_id=merchant_id, status="draft", auto_advance=True), as_of)
    rows = drafts.order_by().values("currency").annotate(sum=Sum("total"), count=Count("id")).order_by("currency")
    return [{"currency": row["currency"], "invoices": row["count"], "total": row["sum"]} for row in rows]


def _due(rows: QuerySet[Any], as_of: datetime) -> QuerySet[Any]:
    return rows.filter(next_action_at__isnull=False, next_action_at__lte=as_of, test_clock_id__isnull=True)


def _count(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:COUNTED].count()
