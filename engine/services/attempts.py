"""Planning an attempt and sending it: what is committed before the gateway is called, and the calls themselves.

`plan_attempts` runs inside a transaction on invoices that the caller holds; `send` runs after its commit:

1. create the intents that the gateway does not have yet, unconfirmed: no money moves;
2. commit their ids, so that a look-up needs no search;
3. confirm each, under the key that was committed with its charge.

A worker that dies in between leaves a planned charge, and `engine.services.resolve` asks what became of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import connection, transaction

from core.context import Context
from core.ids import new_id
from customers.models import Customer
from engine.selectors import bodies_kept, subscription_rows
from engine.services.settlement import PAYABLE, outcome_of
from engine.types import PaymentOutcome
from events.copying import Row
from events.writes import record_events
from invoicing.rules.payment_method import payment_method_for
from invoicing.writes import update_progress
from merchants.models import Merchant
from payments import writes as payments
from payments.events import intent_event, told
from payments.gateways import gateway_named
from payments.gateways.base import Call, Gateway, GatewayRefused, IntentRequest
from payments.models import Charge, PaymentIntent
from payments.rules import intent_key
from payments.selectors import in_flight, last_attempts, methods_by_id, usable_methods
from payments.types import Declined, GatewayIntent, IntentToPlan, Outcome, Standing, Unknown

logger = logging.getLogger(__name__)
T = TypeVar("T")

METHOD_GONE = Declined(
    code="payment_method_not_available",
    decline_code="payment_method_not_available",
    message="This payment method cannot be used any more.",
)


@dataclass(slots=True)
class PlannedAttempts:
    """What a planning transaction leaves: charges to send, outcomes that are known already, and what is in the way."""

    send: list[str] = field(default_factory=list)
    outcomes: dict[str, PaymentOutcome] = field(default_factory=dict)  # by invoice
    without_method: list[str] = field(default_factory=list)
    waiting: dict[str, Charge] = field(default_factory=dict)  # by invoice: authentications that wait for the customer
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
    if payable:
        _Planner(ctx, payable, off_session, payment_method_id, by_run, planned).plan()
    return planned


def methods_to_charge(invoices: Sequence[Row], subscriptions: Mapping[str, Row] | None = None) -> dict[str, str]:
    """What each invoice would be charged to, by invoice; blank without one. Detached methods are passed over."""
    if subscriptions is None:
        subscriptions = subscription_rows(row.subscription_id for row in invoices if row.subscription_id)
    customers = Customer.objects.in_bulk({row.customer_id for row in invoices})
    candidates = {
        row.id: (
            row.default_payment_method_id,
            subscriptions[row.subscription_id].default_payment_method_id if row.subscription_id else "",
            customers[row.customer_id].default_payment_method_id,
        )
        for row in invoices
    }
    usable = usable_methods(method for found in candidates.values() for method in found)
    return {
        invoice_id: payment_method_for(*(method if method in usable else "" for method in found))
        for invoice_id, found in candidates.items()
    }


class _Planner:
    """One planning transaction: nine statements at most, whatever the number of invoices."""

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
        self.methods = (
            {row.id: method_id for row in invoices} if method_id else methods_to_charge(invoices, self.subscriptions)
        )
        self.merchants = Merchant.objects.in_bulk({row.merchant_id for row in invoices})
        self.new_intents: list[Row] = []
        self.moved_intents: list[Row] = []
        self.new_charges: list[Row] = []
        self.claimed: list[str] = []

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

    def _claim(self, invoice: Row, intent: Row | None, charge: Charge) -> None:
        """Planned with the invoice and sent by nobody: ours, unless another method was asked for."""
        method_id = self.methods.get(invoice.id, "")
        if method_id and method_id != charge.payment_method_id:
            Charge.objects.filter(id=charge.id).update(status="canceled", version=charge.version + 1)
            self._plan_next(invoice, intent)
            return
        self.claimed.append(charge.id)
        self._sent(invoice, charge.id)

    def _leave(self, invoice: Row, charge: Charge) -> None:
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
        intent = payments.new_intent(
            self.ctx,
            new_id("pi"),
            IntentToPlan(
                merchant_id=invoice.merchant_id,
                customer_id=invoice.customer_id,
                invoice_id=invoice.id,
                amount=invoice.amount_remaining,
                currency=invoice.currency,
                gateway=merchant.gateway,
                payment_method_id=method_id,
                statement_descriptor=merchant.statement_descriptor,
                off_session=self.off_session,
            ),
        )
        invoice["payment_intent_id"] = intent.id
        self.new_intents.append(intent)
        return intent

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


# --- calls -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Job:
    charge: Charge
    intent: PaymentIntent
    gateway: Gateway
    gateway_method_id: str  # blank: it was detached


def send(ctx: Context, charge_ids: Sequence[str]) -> dict[str, Standing]:
    """Send planned charges, whose rows are committed, to their gateways: the answers by charge."""
    jobs = _jobs(charge_ids)
    answers: dict[str, Standing] = {job.charge.id: METHOD_GONE for job in jobs if not job.gateway_method_id}
    jobs = [job for job in jobs if job.gateway_method_id]
    gateway_ids, lost = _create_intents(ctx, jobs)
    answers |= lost
    ready = [job for job in jobs if job.charge.id not in answers]
    confirmed = side_by_side(ready, lambda job: _confirm(ctx, job, gateway_ids[job.intent.id]))
    answers |= {job.charge.id: outcome for job, outcome in zip(ready, confirmed, strict=True)}
    return {charge_id: answers[charge_id] for charge_id in charge_ids if charge_id in answers}


def _jobs(charge_ids: Sequence[str]) -> list[_Job]:
    charges = list(Charge.objects.filter(id__in=charge_ids, status__in=["planned", "unknown"]).order_by("id"))
    intents = PaymentIntent.objects.in_bulk({charge.payment_intent_id for charge in charges})
    methods = methods_by_id(charge.payment_method_id for charge in charges)
    return [
        _Job(
            charge,
            intents[charge.payment_intent_id],
            gateway_named(charge.gateway),
            method.gateway_method_id if (method := methods.get(charge.payment_method_id)) else "",
        )
        for charge in charges
    ]


def _create_intents(ctx: Context, jobs: Sequence[_Job]) -> tuple[dict[str, str], dict[str, Standing]]:
    """(the gateway's intent ids by ours, answers of charges whose intent could not be made)."""
    known = {job.intent.id: job.intent.gateway_intent_id for job in jobs if job.intent.gateway_intent_id}
    missing = [job for job in jobs if job.intent.id not in known]
    made = side_by_side(missing, lambda job: _create(ctx, job))
    failed: dict[str, Standing] = {}
    fresh: dict[str, str] = {}
    for job, answer in zip(missing, made, strict=True):
        if isinstance(answer, GatewayIntent):
            fresh[job.intent.id] = answer.gateway_intent_id
        else:
            failed[job.charge.id] = answer
    if fresh:
        with transaction.atomic(durable=True):
            payments.store_gateway_intent_ids(sorted(fresh.items()))
    return known | fresh, failed


def _create(ctx: Context, job: _Job) -> GatewayIntent | Declined | Unknown:
    intent = job.intent
    request = IntentRequest(
        customer_id=intent.customer_id,
        amount=intent.amount,
        currency=intent.currency,
        description=intent.description,
        statement_descriptor=intent.statement_descriptor,
        metadata=intent_metadata(intent),
    )
    return asked(lambda: job.gateway.create_intent(call_of(ctx, intent.merchant_id, intent_key(intent.id)), request))


def _confirm(ctx: Context, job: _Job, gateway_intent_id: str) -> Outcome:
    charge = job.charge
    call = call_of(ctx, charge.merchant_id, charge.idempotency_key)
    return asked(
        lambda: job.gateway.confirm(call, gateway_intent_id, job.gateway_method_id, off_session=charge.off_session)
    )


def call_of(ctx: Context, merchant_id: str, key: str) -> Call:
    return Call(merchant_id=merchant_id, key=key, at=ctx.as_of, recorded_at=ctx.recorded_at)


def intent_metadata(intent: PaymentIntent) -> dict[str, str]:
    """By what an intent is found at the gateway when its id was lost."""
    return {"payment_intent": intent.id, "invoice": intent.invoice_id or ""}


def asked(call: Callable[[], T]) -> T | Declined | Unknown:
    """The gateway's answer. A refusal that took nothing is a decline; anything else that goes wrong is unknown."""
    try:
        return call()
    except GatewayRefused as refused:
        if refused.nothing_taken:
            return Declined(code=refused.code, decline_code=refused.code, message=refused.message)
        logger.warning("the gateway's refusal says nothing of the money: %s", refused)
        return Unknown(refused.code)
    except Exception:
        # A defect of the adapter, or the network's: whatever it was, money may have moved.
        logger.exception("a gateway call failed")
        return Unknown("error")


def side_by_side(jobs: Sequence[_Job], work: Callable[[_Job], T]) -> list[T]:
    """Do the calls of a batch, as many at once as the gateway takes, in the jobs' order."""
    width = min([job.gateway.parallel_calls for job in jobs], default=1)
    if width <= 1 or len(jobs) <= 1:
        return [work(job) for job in jobs]

    def in_thread(job: _Job) -> T:
        try:
            return work(job)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=width) as pool:
        return list(pool.map(in_thread, jobs))
