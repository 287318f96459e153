"""/v1/payment_intents, /v1/charges, /v1/refunds, /v1/invoice_payments: what was collected and what went back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from api.business_time import clocked
from api.lookup import found, new_metadata
from api.paging import in_range, page, whole_list
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, RANGE, choice, fields, hash_of, integer, text
from api.resources.invoices import invoice_of
from core.errors import OstinatoError, gettext_noop
from engine.services.refund import refund_charge
from payments import selectors
from payments.models import Charge, InvoicePayment, PaymentIntent, Refund
from payments.snapshots import (
    charge_snapshot,
    client_secret,
    invoice_payment_snapshot,
    open_payment_snapshot,
    payment_intent_snapshot,
    refund_snapshot,
)

INTENTS, CHARGES, REFUNDS, PAYMENTS = "/v1/payment_intents", "/v1/charges", "/v1/refunds", "/v1/invoice_payments"
_OF_CUSTOMER = fields(PAGE, created=RANGE, customer=text(most=200))
CREATE_REFUND = fields(
    METADATA,
    amount=integer(least=1),
    charge=text(most=200),
    payment_intent=text(most=200),
    reason=choice("duplicate", "fraudulent", "requested_by_customer"),
)


LIST_PAYMENTS = fields(
    PAGE,
    created=RANGE,
    invoice=text(most=200),
    payment=hash_of({"payment_intent": text(most=200), "type": choice("payment_intent", required=True)}),
    status=choice("canceled", "open", "paid"),
)


class NothingToRefund(OstinatoError):
    code = "parameter_missing"
    param = "charge"
    message_id = gettext_noop("Say what is to be refunded: charge or payment_intent.")


def _filtered(rows: Any, call: Call, *names: str) -> Any:
    rows = in_range(rows, "created", call.params.get("created"))
    return rows.filter(**{f"{name}_id": call.params[name] for name in names if name in call.params})


def retrieve_intent(call: Call) -> Json:
    return payment_intent_snapshot(found(selectors.payment_intents(call.merchant_id), call.id, "payment_intent"))


def list_intents(call: Call) -> Json:
    rows = _filtered(selectors.payment_intents(call.merchant_id), call, "customer")
    return page(rows, call, lambda found: [payment_intent_snapshot(row) for row in found], url=INTENTS)


def retrieve_charge(call: Call) -> Json:
    return charge_snapshot(found(selectors.charges(call.merchant_id), call.id, "charge"))


def list_charges(call: Call) -> Json:
    rows = _filtered(selectors.charges(call.merchant_id), call, "customer", "payment_intent")
    # What was planned and never sent is no charge to the world.
    rows = rows.exclude(status__in=["planned", "canceled"])
    return page(rows, call, lambda found: [charge_snapshot(row) for row in found], url=CHARGES)


def create_refund(call: Call) -> Json:
    charge = _charge(call)
    outcome = refund_charge(
        ctx=clocked(call, charge.test_clock_id),
        merchant_id=call.merchant_id,
        charge_id=charge.id,
        amount=call.params.get("amount"),
        reason=call.params.get("reason", ""),
        metadata=new_metadata(call.params),
    )
    return refund_body(refunds_of_caller(call).get(id=outcome.refund_id))


def _charge(call: Call) -> Charge:
    charges = selectors.charges(call.merchant_id)
    if "charge" in call.params:
        return found(charges, call.params["charge"], "charge", param="charge")
    if "payment_intent" not in call.params:
        raise NothingToRefund
    intent_id = call.params["payment_intent"]
    intent = found(selectors.payment_intents(call.merchant_id), intent_id, "payment_intent", param="payment_intent")
    return found(charges, intent.latest_charge_id, "charge", param="payment_intent")


def refunds_of_caller(call: Call) -> Any:
    return Refund.objects.filter(merchant_id=call.merchant_id).select_related("charge")


def refund_body(row: Refund) -> Json:
    return refund_snapshot(row) | {"payment_intent": row.charge.payment_intent_id}


def retrieve_refund(call: Call) -> Json:
    return refund_body(found(refunds_of_caller(call), call.id, "refund"))


def list_refunds(call: Call) -> Json:
    rows = _filtered(refunds_of_caller(call), call, "charge")
    if "payment_intent" in call.params:
        rows = rows.filter(charge__payment_intent_id=call.params["payment_intent"])
    return page(rows, call, lambda found: [refund_body(row) for row in found], url=REFUNDS)


def retrieve_payment(call: Call) -> Json:
    waiting = _waiting(PaymentIntent.objects.filter(merchant_id=call.merchant_id))
    intent = waiting.filter(id="pi_" + call.id.removeprefix("inpay_")).first()
    if intent is not None:
        return open_payment_snapshot(intent)
    return invoice_payment_snapshot(
        found(InvoicePayment.objects.filter(merchant_id=call.merchant_id), call.id, "invoice_payment")
    )


def _waiting(intents: QuerySet[PaymentIntent]) -> QuerySet[PaymentIntent]:
    """Intents that still collect their invoice: each stands for a payment that is open."""
    return intents.exclude(status__in=["succeeded", "canceled"])


def list_payments(call: Call) -> Json:
    """What was paid; of one invoice, what is still being collected too."""
    status, given = call.params.get("status"), call.params.get("payment", {})
    if "invoice" in call.params and status != "paid" and not given:
        invoice = invoice_of(call, call.params["invoice"], "invoice")
        every = include_payments(call.merchant_id, [invoice.id])[invoice.id]["data"]
        return whole_list([one for one in every if status in (None, one["status"])], url=PAYMENTS)
    rows = _filtered(InvoicePayment.objects.filter(merchant_id=call.merchant_id), call, "invoice")
    if "payment_intent" in given:
        rows = rows.filter(payment_intent_id=given["payment_intent"])
    if status in ("open", "canceled"):
        rows = rows.none()
    return page(rows, call, lambda found: [invoice_payment_snapshot(row) for row in found], url=PAYMENTS)


OPERATIONS = [
    Operation("GET", INTENTS, list_intents, _OF_CUSTOMER),
    Operation("GET", INTENTS + "/{id}", retrieve_intent),
    Operation("GET", CHARGES, list_charges, fields(_OF_CUSTOMER, payment_intent=text(most=200))),
    Operation("GET", CHARGES + "/{id}", retrieve_charge),
    Operation("POST", REFUNDS, create_refund, CREATE_REFUND),
    Operation(
        "GET", REFUNDS, list_refunds, fields(PAGE, created=RANGE, charge=text(most=200), payment_intent=text(most=200))
    ),
    Operation("GET", REFUNDS + "/{id}", retrieve_refund),
    Operation("GET", PAYMENTS, list_payments, LIST_PAYMENTS),
    Operation("GET", PAYMENTS + "/{id}", retrieve_payment),
]


def load_intents(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = PaymentIntent.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: payment_intent_snapshot(row) for row in rows}


def load_charges(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Charge.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: charge_snapshot(row) for row in rows}


def include_payments(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    """How each invoice was paid, and by which intent it is still being collected."""
    lists: dict[str, Json] = {
        given: {"object": "list", "data": [], "has_more": False, "url": f"{PAYMENTS}?invoice={given}"} for given in ids
    }
    paid = InvoicePayment.objects.filter(merchant_id=merchant_id, invoice_id__in=ids).order_by("created", "id")
    for payment in paid:
        lists[payment.invoice_id]["data"].append(invoice_payment_snapshot(payment))
    waiting = _waiting(PaymentIntent.objects.filter(merchant_id=merchant_id, invoice_id__in=ids))
    for intent in waiting.order_by("created", "id"):
        lists[str(intent.invoice_id)]["data"].append(open_payment_snapshot(intent))
    return lists


def include_secrets(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = PaymentIntent.objects.filter(merchant_id=merchant_id, invoice_id__in=ids).exclude(status="canceled")
    return {
        str(row.invoice_id): {"client_secret": client_secret(row.id), "type": "payment_intent"}
        for row in rows.order_by("created", "id")
    }


def include_refunds(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    """What went back of each charge."""
    lists: dict[str, Json] = {
        given: {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/{given}/refunds"} for given in ids
    }
    rows = Refund.objects.filter(merchant_id=merchant_id, charge_id__in=ids).select_related("charge")
    for row in rows.order_by("-created", "-id"):
        lists[row.charge_id]["data"].append(refund_body(row))
    return lists


def load_refunds(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Refund.objects.filter(merchant_id=merchant_id, id__in=ids).select_related("charge")
    return {row.id: refund_body(row) for row in rows}


LOADERS = {
    "payment_intent": load_intents,
    "latest_charge": load_charges,
    "charge": load_charges,
    "refund": load_refunds,
}
INCLUDES = {
    ("charge", "refunds"): include_refunds,
    ("invoice", "confirmation_secret"): include_secrets,
    ("invoice", "payments"): include_payments,
}
