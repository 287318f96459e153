"""What the gateway answered, made true on our side, in one transaction.

1. Lock what the answers touch: subscriptions, invoices, intents, charges, each in id order.
2. Apply each answer to its charge. One that was settled before is passed over: a repeated answer is harmless.
3. Money received is allocated to its invoice; what is more than is owed goes to the customer's balance.
4. A decline is followed by a charge to the customer's next backup, where there is one; a failure of the whole try
   goes to dunning, which decides; its decision becomes the invoice's schedule.
5. Write everything in bulk, tell the outbox, move the subscriptions.
6. Committed, the backups' charges are sent and their answers settled in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core.collector import collector_paused
from core.context import Context
from core.ids import new_id
from customers.services import adjust_balance
from dunning.models import CaseStatus
from dunning.selectors import open_cases
from dunning.types import AskCustomer, GiveUp, Recovery, Retry
from dunning.writes import close_cases
from engine.selectors import bodies_kept
from engine.services.backups import plan_backups
from engine.services.chunks import DEADLOCK_TRIES, is_deadlock
from engine.services.recovery import decide, is_recovered_automatically
from engine.services.sending import send
from engine.services.transitions import InvoiceNews, invoice_event, subscriptions_after_payment
from engine.types import PaymentOutcome
from events.copying import DATABASE_ERRORS, Row, new_row
from events.types import EventRow
from events.writes import record_events
from invoicing.rules.finalization import invoice_next_action_at
from invoicing.selectors import subscription_ids_of
from invoicing.writes import lock_invoices, update_progress
from payments import writes as payments
from payments.events import charge_event, intent_event, invoice_payment_event, told
from payments.models import InvoicePayment
from payments.rules import split_payment, told_when_let_go, told_when_paid
from payments.selectors import invoices_and_intents
from payments.services import keep_tried_method
from payments.settling import OUTCOME_OF_STATUS, settle
from payments.types import Standing
from subscriptions.types import TERMINAL_STATUSES
from subscriptions.writes import lock_subscriptions

PAYABLE = ("open", "uncollectible")


def settle_answers(
    ctx: Context, answers: Mapping[str, Standing], without_method: Iterable[str] = ()
) -> list[PaymentOutcome]:
    """Settle charges by their gateway's answers, and fail the invoices that nothing can be charged to.

    Returns the outcomes in the order of `answers` (by charge id), then of `without_method` (invoice ids); a backup's,
    tried after a decline, stands for both.
    """
    invoice_ids = list(without_method)
    if not answers and not invoice_ids:
        return []
    outcomes, backups = _settle(ctx, answers, invoice_ids)
    place = {charge_id: number for number, charge_id in enumerate(answers)}
    while backups:  # a customer has a few at most, and each is tried once
        place = {backup: place[declined] for declined, backup in backups.items()}
        followed, backups = _settle(ctx, send(ctx, list(place)), [])
        for outcome in followed:
            outcomes[place[outcome.charge_id]] = outcome
    return outcomes


Settled = tuple[list[PaymentOutcome], dict[str, str]]  # the outcomes; the backups' charges by the declined ones


def _settle(ctx: Context, answers: Mapping[str, Standing], invoice_ids: list[str]) -> Settled:
    """Tried again after a deadlock: the answers are in hand, and applying one twice changes nothing."""
    for _ in range(DEADLOCK_TRIES - 1):
        try:
            return _settle_once(ctx, answers, invoice_ids)
        except DATABASE_ERRORS as error:
            if not is_deadlock(error):
                raise
    return _settle_once(ctx, answers, invoice_ids)


def _settle_once(ctx: Context, answers: Mapping[str, Standing], invoice_ids: list[str]) -> Settled:
    with collector_paused(), transaction.atomic(durable=True):
        pairs = invoices_and_intents(answers)
        work = hold(ctx, {invoice_id for invoice_id, _ in pairs if invoice_id} | set(invoice_ids))
        work.intents = payments.lock_intents(intent_id for _, intent_id in pairs)
        work.charges = payments.lock_charges(answers)
        outcomes = [work.settle_charge(work.charges[charge_id], standing) for charge_id, standing in answers.items()]
        outcomes += [work.fail_without_method(work.invoices[invoice_id]) for invoice_id in invoice_ids]
        work.write()
    return outcomes, {declined: charge.id for declined, charge in work.backups.items()}


def hold(ctx: Context, invoice_ids: Iterable[str]) -> Settlement:
    """The invoices with their subscriptions, locked, ready to be settled."""
    wanted = set(invoice_ids)
    subscriptions = {row.id: row for row in lock_subscriptions(subscription_ids_of(wanted))}
    return Settlement(ctx, subscriptions, {row.id: row for row in lock_invoices(wanted)})


@dataclass(slots=True)
class Settlement:
    """The rows of one transaction, and what is to be written and told of them."""

    ctx: Context
    subscriptions: dict[str, Row]
    invoices: dict[str, Row]
    intents: dict[str, Row] = field(default_factory=dict)
    charges: dict[str, Row] = field(default_factory=dict)
    moved_charges: list[Row] = field(default_factory=list)
    moved_intents: dict[str, Row] = field(default_factory=dict)
    moved_invoices: dict[str, Row] = field(default_factory=dict)
    allocations: list[Row] = field(default_factory=list)
    overpaid: list[tuple[Row, int]] = field(default_factory=list)
    declined: list[tuple[Row, Row, Row]] = field(default_factory=list)  # invoice, intent, charge: a backup may follow
    backups: dict[str, Row] = field(default_factory=dict)  # what is charged next, by the declined charge
    failed: dict[str, tuple[Row, Row | None]] = field(default_factory=dict)
    waiting: list[Row] = field(default_factory=list)  # invoices whose schedule is their open case's
    paid: list[str] = field(default_factory=list)
    news: list[InvoiceNews] = field(default_factory=list)
    facts: list[tuple[Any, str, Row]] = field(default_factory=list)
    told_invoices: set[str] = field(default_factory=set)

    # --- one answer ----------------------------------------------------------------------------------------------

    def settle_charge(self, charge: Row, standing: Standing) -> PaymentOutcome:
        intent = self.intents[charge.payment_intent_id]
        status = settle(charge, intent, standing, self.ctx.as_of, self.ctx.recorded_at)
        if status:
            self.moved_charges.append(charge)
            self.moved_intents[intent.id] = intent
        invoice = self.invoices.get(charge.invoice_id)
        if status in ("succeeded", "authorized"):
            said = "succeeded" if status == "succeeded" else "amount_capturable_updated"
            self._tell((_charge, told_when_paid(charge), charge), (_intent, said, intent))
            keep_tried_method(self.ctx, intent, charge)
            if invoice and status == "succeeded":
                self.receive(invoice, charge.amount, kind="payment_intent", charge=charge)
        elif status == "failed":
            # As it stands now: a backup may move the intent on in this same transaction.
            self._tell((_charge, "failed", charge), (_intent, "payment_failed", Row(intent)))
            if invoice and self._may_go_on(invoice, intent, charge):
                self.declined.append((invoice, intent, charge))
            elif invoice:
                self._fail(invoice, charge)
        elif status in ("requires_action", "processing", "canceled"):
            if status == "canceled" and charge.authorized_at:
                self._tell((_charge, told_when_let_go(intent), charge))
            self._wait(status, intent, invoice, charge)
        return outcome_of(charge)

    def receive(
        self, invoice: Row, amount: int, *, kind: str, charge: Row | None = None, **told: str | datetime | None
    ) -> None:
        """Allocate money to the invoice; what is over goes to the customer's balance.

        `told` is what a person wrote of it: note, reference, received_at.
        """
        owed = invoice.amount_remaining if invoice.status in PAYABLE else 0
        applied, over = split_payment(amount, owed)
        if over:
            self.overpaid.append((invoice, over))
        if not applied:
            return
        self.allocations.append(self._allocation(invoice, applied, kind, charge, told))
        self._bump(invoice)
        self._count_attempt(invoice, charge)
        invoice["amount_paid"] += applied
        invoice["amount_remaining"] -= applied
        self._tell((_invoice, "updated", invoice))  # Stripe's way: whether a payment succeeds or fails
        if invoice.amount_remaining:
            return
        invoice.update(status="paid", paid_at=self.ctx.as_of)
        self._schedule(invoice, None)
        self.paid.append(invoice.id)
        self._tell((_invoice, "paid", invoice))
        if charge is not None:
            self._tell((_invoice, "payment_succeeded", invoice))
        self._news(invoice, "paid", payment_method_id=charge.payment_method_id if charge else "")

    def credit(self, invoice: Row, before_payment: int, after_payment: int = 0) -> None:
        """A credit note lowers what is due (or, voided, raises it again); what was paid already is only counted."""
        self._bump(invoice)
        invoice["pre_payment_credit_notes_amount"] += before_payment
        invoice["post_payment_credit_notes_amount"] += after_payment
        invoice["amount_remaining"] -= before_payment
        self._tell((_invoice, "updated", invoice))
        if before_payment <= 0 or invoice.amount_remaining:
            return
        invoice.update(status="paid", paid_at=self.ctx.as_of)
        self._schedule(invoice, None)
        self.paid.append(invoice.id)
        self._tell((_invoice, "paid", invoice))
        self._news(invoice, "paid")

    def _may_go_on(self, invoice: Row, intent: Row, charge: Row) -> bool:
        """Whether a backup may be charged: for what is still owed as it was, and nothing after a cancellation."""
        if not charge.with_backups or invoice.status != "open" or invoice.amount_remaining != intent.amount:
            return False
        subscription = self._subscription(invoice)
        return invoice.auto_advance and (subscription is None or subscription.status not in TERMINAL_STATUSES)

    def _go_on(self) -> None:
        """After each decline the next backup; where there is none the try has failed."""
        self.backups = plan_backups(self.ctx, self.declined, self.subscriptions)
        for invoice, _intent_row, charge in self.declined:
            if charge.id not in self.backups:
                self._fail(invoice, charge)

    def fail_without_method(self, invoice: Row) -> PaymentOutcome:
        """Nothing to charge: a failure like another, but for subscriptions that never began."""
        if is_recovered_automatically(invoice, self._subscription(invoice)):
            self._fail(invoice, None)
        return PaymentOutcome(invoice.id, invoice.payment_intent_id, "", "no_payment_method")

    def _fail(self, invoice: Row, charge: Row | None) -> None:
        if invoice.status not in PAYABLE:
            return
        self._bump(invoice)
        self._count_attempt(invoice, charge)
        self._schedule(invoice, None)
        self._tell((_invoice, "updated", invoice), (_invoice, "payment_failed", invoice))
        if charge is not None and charge.decline_code == "authentication_required":
            self._tell((_invoice, "payment_action_required", invoice))
        if is_recovered_automatically(invoice, self._subscription(invoice)):
            self.failed[invoice.id] = (invoice, charge)
        if invoice.status == "open":  # what was written off may be paid, and is not owed
            self._news(invoice, "failed")

    def _wait(self, status: str, intent: Row, invoice: Row | None, charge: Row) -> None:
        if intent.status != "requires_payment_method":
            self._tell((_intent, "canceled" if status == "canceled" else status, intent))
        if invoice is None or invoice.status not in PAYABLE:
            return
        subscription = self._subscription(invoice)
        if status == "requires_action":
            self._bump(invoice)
            self._tell((_invoice, "payment_action_required", invoice))
        if status == "processing":
            # Stripe's way with debits: what is under way begins the subscription; if it fails, it is past due.
            if subscription is not None and subscription.status == "incomplete":
                self._news(invoice, "paid")
        else:
            never_sent = status == "canceled" and intent.status != "canceled" and charge.off_session
            self._schedule(invoice, self.ctx.as_of if never_sent else None)
            self.moved_invoices[invoice.id] = invoice
            self.waiting.append(invoice)

    # --- small changes -------------------------------------------------------------------------------------------

    def _subscription(self, invoice: Row) -> Row | None:
        return self.subscriptions.get(invoice.subscription_id or "")

    def _bump(self, invoice: Row) -> None:
        if invoice.id not in self.told_invoices:
            invoice["version"] += 1
        self.moved_invoices[invoice.id] = invoice

    def _count_attempt(self, invoice: Row, charge: Row | None) -> None:
        """Stripe's count: the first attempt whoever made it, then automatic ones only."""
        if charge is not None and (charge.off_session or not invoice.attempt_count):
            invoice.update(attempted=True, attempt_count=invoice.attempt_count + 1)

    def _schedule(self, invoice: Row, attempt: datetime | None, until: datetime | None = None) -> None:
        """The next attempt, or the day until which the customer is asked: the invoice's one due column."""
        invoice["next_payment_attempt"] = attempt
        due = invoice_next_action_at(
            status=invoice.status,
            auto_advance=invoice.auto_advance,
            next_payment_attempt=attempt,
            due_date=invoice.due_date,
            overdue_since=invoice.overdue_since,
        )
        invoice["next_action_at"] = min((moment for moment in (due, until) if moment), default=None)

    def _allocation(
        self, invoice: Row, amount: int, kind: str, charge: Row | None, told: Mapping[str, str | datetime | None]
    ) -> Row:
        return new_row(
            InvoicePayment,
            id=new_id("inpay"),
            merchant_id=invoice.merchant_id,
            invoice_id=invoice.id,
            type=kind,
            charge_id=charge.id if charge else "",
            payment_intent_id=charge.payment_intent_id if charge else "",
            amount_paid=amount,
            currency=invoice.currency,
            **told,
            created=self.ctx.as_of,
            recorded_at=self.ctx.recorded_at,
        )

    def _tell(self, *facts: tuple[Any, str, Row]) -> None:
        self.facts.extend(facts)
        self.told_invoices.update(row.id for kind, _, row in facts if kind is _invoice)

    def _news(self, invoice: Row, what: str, end_behavior: str = "", payment_method_id: str = "") -> None:
        if invoice.subscription_id:
            said = InvoiceNews(invoice.id, invoice.subscription_id, what, end_behavior, payment_method_id)
            self.news.append(said)

    # --- writing -------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Decide what comes next for what was declined or failed, then store and tell everything."""
        self._go_on()
        self._apply_decisions(decide(self.ctx, self.failed.values()))
        self._keep_schedules()
        payments.update_charges(self.moved_charges)
        payments.update_intents(list(self.moved_intents.values()))
        payments.insert_charges(list(self.backups.values()))
        payments.insert_invoice_payments(self.allocations)
        update_progress(list(self.moved_invoices.values()))
        close_cases(self.ctx, self.paid, CaseStatus.RECOVERED)
        record_events(self.ctx, self._event_rows())
        for invoice, over in self.overpaid:
            adjust_balance(
                ctx=self.ctx,
                merchant_id=invoice.merchant_id,
                customer_id=invoice.customer_id,
                amount=-over,
                currency=invoice.currency,
                description=f"{invoice.number or invoice.id}: +{over}",
            )
        subscriptions_after_payment(self.ctx, self.news, self.subscriptions)

    def _apply_decisions(self, decisions: Mapping[str, Recovery]) -> None:
        for invoice_id, recovery in decisions.items():
            invoice = self.invoices[invoice_id]
            decision = recovery.decision
            if isinstance(decision, Retry):
                self._schedule(invoice, decision.at)
            elif isinstance(decision, AskCustomer):
                self._schedule(invoice, None, decision.until)
            elif isinstance(decision, GiveUp):
                self._news(invoice, "retries_ended", recovery.end_behavior)

    def _keep_schedules(self) -> None:
        """What waits for the customer keeps its case's schedule, so that nobody waits for ever."""
        if not self.waiting:
            return
        cases = open_cases(invoice.id for invoice in self.waiting)
        for invoice in self.waiting:
            case = cases.get(invoice.id)
            if case is not None and is_recovered_automatically(invoice, self._subscription(invoice)):
                self._schedule(invoice, case.next_attempt_at, case.gives_up_at)

    def _event_rows(self) -> list[EventRow]:
        owners = {row.merchant_id for _, _, row in self.facts} | {row.merchant_id for row in self.allocations}
        kept = bodies_kept(owners) if owners else set()
        clocks = {row.payment_intent_id: row.test_clock_id for row in self.charges.values()}
        rows = [make(kind, row, clocks, kept) for make, kind, row in self.facts]
        return rows + [
            told(
                invoice_payment_event(
                    row, self.invoices[row.invoice_id].customer_id, self.invoices[row.invoice_id].test_clock_id
                ),
                row.merchant_id in kept,
            )
            for row in self.allocations
        ]


def outcome_of(charge: Any) -> PaymentOutcome:
    """A charge as it stands, for people and for the run."""
    return PaymentOutcome(
        invoice_id=charge.invoice_id,
        payment_intent_id=charge.payment_intent_id,
        charge_id=charge.id,
        status=OUTCOME_OF_STATUS[charge.status],
        failure_code=charge.failure_code,
        decline_code=charge.decline_code,
        message=charge.failure_message,
    )


def _intent(type_: str, row: Row, clocks: Mapping[str, str | None], kept: set[str]) -> EventRow:
    return told(intent_event(type_, row, clocks.get(row.id)), row.merchant_id in kept)


def _charge(type_: str, row: Row, clocks: Mapping[str, str | None], kept: set[str]) -> EventRow:
    return told(charge_event(type_, row), row.merchant_id in kept)


def _invoice(type_: str, row: Row, clocks: Mapping[str, str | None], kept: set[str]) -> EventRow:
    return invoice_event(f"invoice.{type_}", row, kept)
