"""Planning attempts: what is committed before any gateway is called. `engine.services.sending` then calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.context import Context
from core.ids import new_id
from engine.descriptors import described
from engine.selectors import bodies_kept, subscription_rows
from engine.services.backups import allowed_now, methods_in_order
from engine.services.settlement import PAYABLE, outcome_of
from engine.types import PaymentOutcome
from events.copying import Row
from events.writes import record_events
from invoicing.writes import update_progress
from merchants.models import Merchant
from payments import writes as payments
from payments.events import intent_event, told
from payments.models import Charge
from payments.selectors import in_flight, last_attempts
from payments.types import IntentToPlan


@dataclass(slots=True)
class PlannedAttempts:
    """What a planning transaction leaves: charges to send, outcomes that are known already, and what is in the way."""

    send: list[str] = field(default_factory=list)
    outcomes: dict[str, PaymentOutcome] = field(default_factory=dict)  # by invoice
    without_method: list[str] = field(default_factory=list)
    waiting: dict[str, Row] = field(default_factory=dict)  # by invoice: authentications that wait for the customer
    stale_intents: list[str] = field(default_factory=list)  # canceled here, to be canceled at the gateway


def plan_attempts(
    ctx: Context, invoices: Sequence[Row], *, off_session: bool, payment_method_id: str = "", by_run: bool = False
) -> PlannedAttempts:
    """Plan the next attempt of each invoice, or claim the one that is planned and not sent. Nothing is called.

    The caller holds the invoices' locks, so two workers never plan, or send, the same attempt. `by_run`: nobody
    asked for it, so the first invoice of a subscription that has not begun is left to its customer.
    """
    planned = PlannedAttempts()
    payable = []
    for invoice in invoices:
        if invoice.status in PAYABLE and invoice.amount_remaining > 0:
            payable.append(invoice)
        else:
            planned.outcomes[invoice.id] = PaymentOutcome(invoice.id, invoice.payment_intent_id, "", "not_needed")
    idle = [row for row in invoices if row.id in planned.outcomes and row.status == "open" and row.next_action_at]
    for invoice in idle:
        invoice["next_action_at"] = None  # nothing is owed: a run must not find it due for ever
    update_progress(idle)
    if payable:
        _Planner(ctx, payable, off_session, payment_method_id, by_run, planned).plan()
    return planned


class _Planner:
    """One planning transaction: nine statements, three more with backups, whatever the number of invoices."""

    def __init__(
        self,
        ctx: Context,
        invoices: Sequence[Row],
        off_session: bool,
        method_id: str,
        by_run: bool,
        planned: PlannedAttempts,
    ) -> None:
        self.ctx, self.invoices, self.off_session, self.planned = ctx, invoices, off_session, planned
        self.by_run = by_run
        self.subscriptions = subscription_rows(row.subscription_id for row in invoices if row.subscription_id)
        self.intents = payments.lock_open_intents(row.id for row in invoices)
        ids = [intent.id for intent in self.intents.values()]
        self.in_flight, self.attempts = in_flight(ids), last_attempts(ids)
        self.with_backups = off_session and not method_id  # who names a method wants that one charged
        self.methods = {row.id: method_id for row in invoices} if method_id else self._methods()
        self.merchants = Merchant.objects.in_bulk({row.merchant_id for row in invoices})
        self.new_intents: list[Row] = []
        self.wanted: list[IntentToPlan] = []  # what the new intents are made of, in their order
        self.moved_intents: list[Row] = []
        self.new_charges: list[Row] = []
        self.claimed: list[str] = []

    def _methods(self) -> dict[str, str]:
        order = methods_in_order(self.invoices, self.subscriptions)
        if self.off_session:
            order = allowed_now(self.ctx, self.invoices, order)
        return {invoice_id: methods[0].id if methods else "" for invoice_id, methods in order.items()}

    def plan(self) -> None:
        for invoice in self.invoices:
            intent = self.intents.get(invoice.id)
            charge = self.in_flight.get(intent.id) if intent else None
            if charge is None:
                self._plan_next(invoice, intent)
            elif charge.status == "planned" and charge.called_at is None:
                self._claim(invoice, intent, charge)
            else:
                self._leave(invoice, charge)
        self._write()

    def _claim(self, invoice: Row, intent: Row | None, charge: Row) -> None:
        """Planned with the invoice and sent by nobody: ours, unless another method was asked for."""
        method_id = self.methods.get(invoice.id, "")
        if method_id and method_id != charge.payment_method_id:
            Charge.objects.filter(id=charge.id).update(status="canceled", version=charge.version + 1)
            self._plan_next(invoice, intent)
            return
        self.claimed.append(charge.id)
        self._sent(invoice, charge.id)

    def _leave(self, invoice: Row, charge: Row) -> None:
        self.planned.outcomes[invoice.id] = outcome_of(charge)
        if charge.status == "requires_action":
            self.planned.waiting[invoice.id] = charge
        self._off_schedule(invoice)

    def _plan_next(self, invoice: Row, intent: Row | None) -> None:
        method_id = self.methods.get(invoice.id, "")
        if self.by_run and self._has_not_begun(invoice):
            self._off_schedule(invoice)
            return
        if not method_id:
            self._off_schedule(invoice)
            self.planned.without_method.append(invoice.id)
            return
        if intent is not None and intent.amount != invoice.amount_remaining:
            self._drop(intent)
            intent = None
        if intent is None:
            intent = self._new_intent(invoice, method_id)
        else:
            intent.update(payment_method_id=method_id, status="requires_confirmation", next_action=None)
            self.moved_intents.append(intent)
        charge = payments.plan_charge(
            self.ctx,
            new_id("ch"),
            intent,
            attempt=self.attempts.get(intent.id, 0) + 1,
            off_session=self.off_session,
            clock_id=invoice.test_clock_id,
            with_backups=self.with_backups,
        )
        charge["called_at"] = self.ctx.recorded_at
        intent["latest_charge_id"] = charge.id
        self.new_charges.append(charge)
        self._sent(invoice, charge.id)

    def _has_not_begun(self, invoice: Row) -> bool:
        subscription = self.subscriptions.get(invoice.subscription_id or "")
        return subscription is not None and subscription.status == "incomplete"

    def _new_intent(self, invoice: Row, method_id: str) -> Row:
        merchant = self.merchants[invoice.merchant_id]
        wanted = IntentToPlan(
            merchant_id=invoice.merchant_id,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            amount=invoice.amount_remaining,
            currency=invoice.currency,
            gateway=merchant.gateway,
            payment_method_id=method_id,
            statement_descriptor=invoice.statement_descriptor,
            off_session=self.off_session,
        )
        intent = payments.new_intent(self.ctx, new_id("pi"), wanted)
        self.wanted.append(wanted)
        invoice["payment_intent_id"] = intent.id
        self.new_intents.append(intent)
        return intent

    def _describe(self) -> None:
        """The new intents, and their charges, take the words for the bank's statement: read at once for all."""
        words = {one.invoice_id: one.statement_descriptor for one in described(self.wanted, self.merchants)}
        for intent in self.new_intents:
            intent["statement_descriptor"] = words[intent.invoice_id]
        for charge in self.new_charges:
            charge["statement_descriptor"] = words.get(charge.invoice_id, charge.statement_descriptor)

    def _drop(self, intent: Row) -> None:
        """What is owed has changed (a part was paid otherwise): an intent of the old amount must not be collected."""
        intent.update(
            status="canceled",
            canceled_at=self.ctx.as_of,
            cancellation_reason="abandoned",
            version=intent.version + 1,
        )
        self.moved_intents.append(intent)
        self.planned.stale_intents.append(intent.id)

    def _sent(self, invoice: Row, charge_id: str) -> None:
        self.planned.send.append(charge_id)
        self._off_schedule(invoice)  # under way: settling says when to look again

    def _off_schedule(self, invoice: Row) -> None:
        """A sent invoice keeps its due date: passing that is no matter of attempts."""
        if invoice.collection_method == "charge_automatically":
            invoice["next_action_at"] = None

    def _write(self) -> None:
        self._describe()
        payments.update_intents(self.moved_intents)
        payments.insert_intents(self.new_intents)
        payments.insert_charges(self.new_charges)
        payments.claim_planned_charges(self.ctx, self.claimed)
        update_progress(self.invoices)  # schedule and intent only: nothing that a version shows
        kept = bodies_kept(self.merchants) if self.new_intents or self.planned.stale_intents else set()
        clocks = {row.id: row.test_clock_id for row in self.invoices}
        facts = [("created", intent) for intent in self.new_intents]
        facts += [("canceled", intent) for intent in self.moved_intents if intent.status == "canceled"]
        record_events(
            self.ctx,
            [
                told(intent_event(kind, intent, clocks[intent.invoice_id]), intent.merchant_id in kept)
                for kind, intent in facts
            ],
        )
