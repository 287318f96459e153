"""Paying one invoice by hand: a customer on session, an authentication's outcome, money that came another way."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.money import check_amount
from customers.selectors import payment_method_by_id
from engine.selectors import bodies_kept
from engine.services.attempts import plan_attempts
from engine.services.collect import cancel_at_gateway, finish, let_go_of
from engine.services.pending_updates import apply_if_paid
from engine.services.sending import asked, call_of
from engine.services.settlement import PAYABLE, Settlement, hold, settle_answers
from engine.types import PaymentOutcome
from events.copying import Row
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound, invoice_by_id
from invoicing.writes import lock_invoices
from payments.cancellation import PaymentInFlight, cancel_intents
from payments.gateways import gateway_named
from payments.models import Charge
from payments.selectors import in_flight, payment_intent_by_id

T = TypeVar("T")


class InvoiceAlreadyPaid(OstinatoError):
    code = "invoice_already_paid"
    param = "invoice"
    message_id = gettext_noop("This invoice is already paid.")


class InvoiceNotPayable(OstinatoError):
    code = "invoice_not_open"
    param = "invoice"
    message_id = gettext_noop("This invoice cannot be paid: it is not open.")


class NoPaymentMethod(OstinatoError):
    code = "invoice_no_payment_method"
    param = "payment_method"
    message_id = gettext_noop("There is no payment method to charge.")


class NothingToAuthenticate(OstinatoError):
    code = "payment_intent_unexpected_state"
    param = "payment_intent"
    message_id = gettext_noop("This payment does not wait for an authentication.")


class PaymentNotPositive(OstinatoError):
    code = "parameter_invalid_integer"
    param = "amount"
    message_id = gettext_noop("A payment is more than zero.")


class ReceivedInFuture(OstinatoError):
    code = "parameter_invalid"
    param = "received_at"
    message_id = gettext_noop("Money that is still to come cannot be recorded.")


def pay_invoice(
    *, ctx: Context, merchant_id: str, invoice_id: str, payment_method_id: str = "", off_session: bool = False
) -> PaymentOutcome:
    """Charge the invoice now, to `payment_method_id` or to what it would be charged to anyway.

    Pressed twice it pays once: the second finds a payment under way, or an invoice that is paid. An
    authentication that waits is shown again, or let go of when another method is given.
    Raises `InvoiceNotFound`, `InvoiceAlreadyPaid`, `InvoiceNotPayable`, `PaymentInFlight`, `NoPaymentMethod`,
    `PaymentMethodNotFound`.
    """
    invoice = invoice_by_id(merchant_id, invoice_id)
    if payment_method_id:
        payment_method_by_id(merchant_id, invoice.customer_id, payment_method_id)
    waiting = _waiting_authentication(invoice)
    if waiting and payment_method_id not in ("", waiting.payment_method_id):
        let_go_of(ctx, [waiting])
    with transaction.atomic(durable=True):
        rows = [_payable(lock_invoices([invoice_id]))]
        planned = plan_attempts(ctx, rows, off_session=off_session, payment_method_id=payment_method_id)
        if planned.without_method:
            raise NoPaymentMethod
        standing = planned.outcomes.get(invoice_id)
        if standing is not None and standing.status != "requires_action":
            raise PaymentInFlight
    outcome = finish(ctx, planned)[invoice_id]
    apply_if_paid(ctx, invoice_id)
    return outcome


def complete_action(*, ctx: Context, merchant_id: str, payment_intent_id: str, approve: bool) -> PaymentOutcome:
    """The customer authenticated (`approve`), or failed to. Raises `PaymentIntentNotFound`, `NothingToAuthenticate`."""
    intent = payment_intent_by_id(merchant_id, payment_intent_id)
    charge = in_flight([intent.id]).get(intent.id)
    if charge is None or charge.status != "requires_action":
        raise NothingToAuthenticate
    gateway = gateway_named(intent.gateway)
    call = call_of(ctx, merchant_id, f"{charge.id}/authenticate/{approve}")
    outcome = asked(lambda: gateway.complete_action(call, intent.gateway_intent_id, approve=approve))
    [settled] = settle_answers(ctx, {charge.id: outcome})
    if settled.invoice_id:
        apply_if_paid(ctx, settled.invoice_id)
    return settled


def record_payment(
    *,
    ctx: Context,
    merchant_id: str,
    invoice_id: str,
    amount: int,
    note: str = "",
    reference: str = "",
    received_at: datetime | None = None,
) -> PaymentOutcome:
    """Money that came another way (transfer, cash), in full or in part; what is over goes to the balance.

    `reference` is the transfer's own, `received_at` the day that the bank shows: it may be past, never ahead.

    An intent that waits is canceled first, at the gateway too. Raises `InvoiceNotFound`, `InvoiceAlreadyPaid`,
    `InvoiceNotPayable`, `PaymentNotPositive`, `AmountTooLarge`, and `PaymentInFlight` while the gateway is
    asked or has not answered.
    """
    if amount <= 0:
        raise PaymentNotPositive
    check_amount(amount)
    if received_at is not None and received_at > ctx.as_of:
        raise ReceivedInFuture
    invoice = invoice_by_id(merchant_id, invoice_id)
    waiting = _waiting_authentication(invoice)
    if waiting:
        let_go_of(ctx, [waiting])
    with transaction.atomic(durable=True):
        work = hold(ctx, [invoice_id])
        row = _payable(list(work.invoices.values()))
        canceled = _cancel_waiting_intent(ctx, work, row)
        work.receive(row, amount, kind="out_of_band", note=note, reference=reference, received_at=received_at)
        work.write()
    cancel_at_gateway(ctx, canceled)
    apply_if_paid(ctx, invoice_id)
    return PaymentOutcome(invoice_id, "", "", "succeeded")


def _cancel_waiting_intent(ctx: Context, work: Settlement, invoice: Row) -> list[str]:
    """The open intent is for what was owed before. Raises `PaymentInFlight`."""
    canceled = cancel_intents(
        ctx, [invoice.id], {invoice.id: invoice.test_clock_id}, bodies_kept({invoice.merchant_id})
    )
    if canceled:
        invoice["payment_intent_id"] = ""
    return canceled


def _waiting_authentication(invoice: Invoice) -> Charge | None:
    found = Charge.objects.filter(merchant_id=invoice.merchant_id, invoice_id=invoice.id, status="requires_action")
    return found.first()


def _payable(rows: list[Row]) -> Row:
    """The locked invoice. Raises `InvoiceNotFound`, `InvoiceAlreadyPaid` or `InvoiceNotPayable`."""
    if not rows:
        raise InvoiceNotFound
    if rows[0].status == "paid":
        raise InvoiceAlreadyPaid
    if rows[0].status not in PAYABLE or rows[0].amount_remaining <= 0:
        raise InvoiceNotPayable
    return rows[0]
