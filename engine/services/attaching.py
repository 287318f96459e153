"""A payment that was made for itself, given to an invoice that it pays."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.selectors import bodies_kept
from engine.services.collect import cancel_at_gateway
from engine.services.pay import InvoiceAlreadyPaid, InvoiceNotPayable
from engine.services.pending_updates import apply_if_paid
from engine.services.settlement import PAYABLE, Settlement, hold
from events.copying import Row
from invoicing.selectors import InvoiceNotFound
from payments import writes as payments
from payments.cancellation import cancel_intents
from payments.models import Charge
from payments.rules import amount_taken
from payments.selectors import PaymentIntentNotFound


class PaymentNotAttachable(OstinatoError):
    code = "payment_intent_unexpected_state"
    param = "payment_intent"
    message_id = gettext_noop(
        "This PaymentIntent cannot be attached because it has a status of %(status)s: only one that succeeded or is"
        " processing can."
    )


class PaymentAttachedAlready(OstinatoError):
    code = "payment_intent_unexpected_state"
    param = "payment_intent"
    message_id = gettext_noop("This PaymentIntent is attached to the invoice %(invoice)s already.")


class PaymentOfAnother(OstinatoError):
    code = "parameter_invalid"
    param = "payment_intent"
    message_id = gettext_noop("The PaymentIntent and the invoice have to be of the same customer and currency.")


class PaymentWentBack(OstinatoError):
    code = "charge_already_refunded"
    param = "payment_intent"
    message_id = gettext_noop("This payment was refunded or is disputed: it pays no invoice.")


def attach_payment(*, ctx: Context, merchant_id: str, invoice_id: str, payment_intent_id: str) -> None:
    """Credit the invoice with what the payment took, at once or, for a debit, when it comes; what is over goes to the
    customer's balance. An intent of the invoice's own that waits is canceled: it was for what was owed before.

    Raises `InvoiceNotFound`, `InvoiceAlreadyPaid`, `InvoiceNotPayable`, `PaymentIntentNotFound`,
    `PaymentNotAttachable`, `PaymentAttachedAlready`, `PaymentOfAnother`, `PaymentWentBack`, and `PaymentInFlight`
    while the invoice is being paid.
    """
    with transaction.atomic(durable=True):
        work = hold(ctx, [invoice_id])
        invoice = _payable(work, merchant_id, invoice_id)
        canceled = cancel_intents(
            ctx, [invoice.id], {invoice.id: invoice.test_clock_id}, bodies_kept({invoice.merchant_id})
        )
        _check(payments.lock_intents([payment_intent_id]).get(payment_intent_id), invoice)
        charge = _charge(payment_intent_id)
        payments.give_to_invoice(payment_intent_id, invoice.id)
        invoice["payment_intent_id"] = payment_intent_id
        work.moved_invoices[invoice.id] = invoice
        if charge.status == "succeeded":
            work.receive(invoice, amount_taken(charge), kind="payment_intent", charge=charge)
        work.write()
    cancel_at_gateway(ctx, canceled)
    apply_if_paid(ctx, invoice_id)


def _payable(work: Settlement, merchant_id: str, invoice_id: str) -> Row:
    invoice = work.invoices.get(invoice_id)
    if invoice is None or invoice.merchant_id != merchant_id:
        raise InvoiceNotFound
    if invoice.status == "paid":
        raise InvoiceAlreadyPaid
    if invoice.status not in PAYABLE or invoice.amount_remaining <= 0:
        raise InvoiceNotPayable
    return invoice


def _check(intent: Row | None, invoice: Row) -> None:
    if intent is None or intent.merchant_id != invoice.merchant_id:
        raise PaymentIntentNotFound
    if intent.invoice_id:
        raise PaymentAttachedAlready(invoice=intent.invoice_id)
    if intent.status not in ("succeeded", "processing") or not intent.terms:
        raise PaymentNotAttachable(status=intent.status)
    if (intent.customer_id, intent.currency) != (invoice.customer_id, invoice.currency):
        raise PaymentOfAnother


def _charge(payment_intent_id: str) -> Row:
    """The charge that took, or takes, the money: locked, whole."""
    taking = Charge.objects.filter(payment_intent_id=payment_intent_id, status__in=["succeeded", "processing"])
    ids = list(taking.values_list("id", flat=True))
    [charge] = payments.lock_charges(ids).values()
    if charge.amount_refunded or charge.disputed:
        raise PaymentWentBack
    return charge
