"""What follows from dunning's decisions: retries that a new method brings forward, and the end of tries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction

from core.context import Context
from core.json_values import epoch
from customers.models import PaymentMethod
from dunning.models import RecoveryCase
from dunning.selectors import open_cases_of_customers
from dunning.services import bring_forward, give_up
from engine.selectors import bodies_kept
from engine.services.backups import methods_in_order, methods_of_tries
from engine.services.transitions import InvoiceNews, invoice_event, subscriptions_after_payment
from events.copying import Row
from events.writes import record_events
from invoicing.writes import lock_invoices, update_progress
from payments.models import Charge
from payments.services import attach_payment_method


def end_recoveries(ctx: Context, invoices: Sequence[Row]) -> None:
    """Apply the policy's end behaviour to invoices whose time is over; inside the transaction that holds them.

    An invoice without an open case is only taken off the schedule: nothing is left to wait for.
    """
    if not invoices:
        return
    ended = give_up(ctx, [row.id for row in invoices])
    for row in invoices:
        row["next_action_at"] = None
    update_progress(invoices)
    news = [
        InvoiceNews(row.id, row.subscription_id, "retries_ended", ended[row.id])
        for row in invoices
        if row.id in ended and row.subscription_id
    ]
    subscriptions_after_payment(ctx, news)


def add_payment_method(
    *, ctx: Context, merchant_id: str, customer_id: str, instrument: str, make_default: bool = True
) -> PaymentMethod:
    """Store a new way to pay and try again now what failed before: what a customer's "new card" form calls.

    Raises what `attach_payment_method` raises; nothing is stored then.
    """
    method = attach_payment_method(
        ctx=ctx, merchant_id=merchant_id, customer_id=customer_id, instrument=instrument, make_default=make_default
    )
    bring_retries_forward(ctx=ctx, merchant_id=merchant_id, customer_id=customer_id)
    return method


def bring_retries_forward(*, ctx: Context, merchant_id: str, customer_id: str) -> list[str]:
    """Make the customer's failed invoices due now, where another method would be charged than the one that failed.

    Returns their ids. What is under way is left alone. The next waking of `run_collections` charges them.
    """
    with transaction.atomic():
        return forward_retries(ctx, open_cases_of_customers([customer_id], merchant_id))


def forward_retries(ctx: Context, cases: Sequence[RecoveryCase], replaced: Collection[str] = ()) -> list[str]:
    """The same for many cases, inside the caller's transaction: eight statements, whatever the number.

    `replaced` are methods whose issuer sent a new card: what failed with the old one is tried again with them.
    """
    if not cases:
        return []
    held = lock_invoices(case.invoice_id for case in cases)
    waiting = [row for row in held if row.status == "open" and row.auto_advance and row.next_action_at]
    last = Charge.objects.in_bulk({case.last_charge_id for case in cases} - {""})
    failed = methods_of_tries(last.values())
    failed_with = {case.invoice_id: failed.get(case.last_charge_id, set()) for case in cases}
    order = methods_in_order(waiting)
    due = [row for row in waiting if _is_another(order[row.id], failed_with[row.id], replaced)]
    moved = set(bring_forward(ctx, [row.id for row in due], "new_payment_method"))
    rows = [row for row in due if row.id in moved]
    before = {row.id: row.next_payment_attempt for row in rows}
    for row in rows:
        row.update(next_payment_attempt=ctx.as_of, next_action_at=ctx.as_of, version=row.version + 1)
    update_progress(rows)
    kept = bodies_kept({row.merchant_id for row in rows})
    record_events(
        ctx,
        [invoice_event("invoice.updated", row, kept, {"next_payment_attempt": epoch(before[row.id])}) for row in rows],
    )
    return [row.id for row in rows]


def _is_another(methods: Sequence[Row], failed_with: Collection[str], replaced: Collection[str]) -> bool:
    """Whether one of them was not refused in the last try: another method, or the same with a new card behind it."""
    return any(method.id not in failed_with or method.id in replaced for method in methods)
