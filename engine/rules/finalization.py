"""From draft to open or paid: the balance, the due date, what will be charged, and the legal facts passed through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.values import changed
from engine.types import FinalizationPlan, FinalizationSnapshot, PlannedEvent, RefusedPlan
from invoicing.rules.balance import Settlement, apply_balance
from invoicing.rules.finalization import due_date, finalized_status, invoice_next_action_at
from invoicing.rules.payment_method import payment_method_for


class InvoiceIsNotDraft(OstinatoError):
    code = "invoice_not_editable"
    param = "invoice"
    message_id = gettext_noop("The invoice is already finalized (%(status)s).")


def plan_finalization(snapshot: FinalizationSnapshot, as_of: datetime) -> FinalizationPlan | RefusedPlan:
    """The draft finalized at `as_of`: paid when nothing is due, else open with its first attempt due at once.

    One that does not advance by itself (`auto_advance`) has no attempt planned. The number is given by the
    writer, last.
    """
    invoice = snapshot.invoice
    if invoice.status != "draft":
        return RefusedPlan.of(
            InvoiceIsNotDraft(status=invoice.status), object_id=invoice.id, merchant_id=invoice.merchant_id
        )
    minimum = snapshot.settings.minimum_charges.get(invoice.currency, 0)
    settled = apply_balance(invoice.total, snapshot.customer.balance, minimum)
    status = finalized_status(settled.amount_due)
    due = _due_date(snapshot, as_of)
    method = _method(snapshot) if status == "open" else ""
    attempt = as_of if status == "open" and _is_charged(snapshot) else None
    return FinalizationPlan(
        invoice_id=invoice.id,
        merchant_id=invoice.merchant_id,
        customer_id=invoice.customer_id,
        subscription_id=invoice.subscription_id,
        version=invoice.version,
        status=status,
        finalized_at=as_of,
        starting_balance=settled.starting_balance,
        balance_applied=settled.balance_applied,
        amount_due=settled.amount_due,
        amount_remaining=settled.amount_due,
        due_date=due,
        next_payment_attempt=attempt,
        next_action_at=invoice_next_action_at(
            status=status,
            auto_advance=invoice.auto_advance,
            next_payment_attempt=attempt,
            due_date=due,
            overdue_since=invoice.overdue_since,
        ),
        paid_at=as_of if status == "paid" else None,
        payment_method_id=method,
        balance_transactions=settled.transactions,
        seller_snapshot=snapshot.seller_snapshot,
        customer_snapshot=snapshot.customer_snapshot,
        events=_events(snapshot, status, settled),
    )


def plan_finalizations(
    snapshots: Iterable[FinalizationSnapshot], as_of: datetime
) -> list[FinalizationPlan | RefusedPlan]:
    """Many drafts in order: each finds the balance as the one before it of the same customer left it."""
    balances: dict[str, int] = {}
    plans: list[FinalizationPlan | RefusedPlan] = []
    for snapshot in snapshots:
        customer = snapshot.customer
        balance = balances.get(customer.id, customer.balance)
        plan = plan_finalization(changed(snapshot, customer=changed(customer, balance=balance)), as_of)
        if isinstance(plan, FinalizationPlan):
            balances[customer.id] = balance + plan.balance_applied
        plans.append(plan)
    return plans


def _due_date(snapshot: FinalizationSnapshot, as_of: datetime) -> datetime | None:
    """The date that somebody set on the draft, else the days that the subscription or the merchant gives."""
    if snapshot.invoice.due_date is not None:
        return snapshot.invoice.due_date
    days = snapshot.days_until_due
    if days is None:
        days = snapshot.settings.default_days_until_due
    return due_date(snapshot.invoice.collection_method, as_of, days)


def _method(snapshot: FinalizationSnapshot) -> str:
    return payment_method_for(
        snapshot.invoice.default_payment_method_id,
        snapshot.subscription_payment_method_id,
        snapshot.customer.default_payment_method_id,
    )


def _is_charged(snapshot: FinalizationSnapshot) -> bool:
    """Whether collection tries this invoice by itself. Without a method the attempt is made all the same: that it
    cannot be charged is a failure that recovery must hear of."""
    return snapshot.invoice.collection_method == "charge_automatically" and snapshot.invoice.auto_advance


def _events(snapshot: FinalizationSnapshot, status: str, settled: Settlement) -> tuple[PlannedEvent, ...]:
    invoice_id = snapshot.invoice.id
    previous = {"status": "draft"}
    events = [PlannedEvent("invoice.finalized", "invoice", invoice_id, previous)]
    if status == "paid":
        # Stripe tells both, also where nothing was due.
        events += [PlannedEvent(f"invoice.{told}", "invoice", invoice_id) for told in ("paid", "payment_succeeded")]
    elif snapshot.invoice.collection_method == "send_invoice":
        events.append(PlannedEvent("invoice.sent", "invoice", invoice_id))
    if settled.balance_applied:
        before: dict[str, object] = {"balance": settled.starting_balance}
        events.append(PlannedEvent("customer.updated", "customer", snapshot.customer.id, before))
    return tuple(events)
