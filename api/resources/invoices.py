"""/v1/invoices"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from api.business_time import clocked
from api.lookup import blanked_metadata, deleted, found, new_metadata, sent
from api.paging import in_range, page
from api.payment_tokens import method_id
from api.protocol.errors import CARD_CODES
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    Fields,
    ParameterMissing,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    text,
    timestamp,
)
from api.resources.customers import CUSTOM_FIELDS, customer_of
from api.resources.invoice_previews import CREATE_PREVIEW, create_preview
from api.resources.pricing import DISCOUNTS, TAX_RATES, discount_requests, tax_rate_ids
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.services import attaching, invoices as services
from engine.services.editing import update_invoice
from engine.services.finalize import finalize_invoice
from engine.services.pay import pay_invoice, record_payment
from engine.types import PaymentOutcome
from engine.types.invoices import InvoiceTexts
from invoicing import selectors
from invoicing.models import Invoice
from invoicing.snapshots import invoice_snapshot
from payments.selectors import payment_intents

URL = "/v1/invoices"
COLLECTION = choice("charge_automatically", "send_invoice")
_PAPER: Fields = fields(
    METADATA,
    auto_advance=boolean(),
    automatic_tax=hash_of({"enabled": choice("false", required=True)}),
    automatically_finalizes_at=timestamp(),
    collection_method=COLLECTION,
    custom_fields=CUSTOM_FIELDS,
    days_until_due=integer(least=0, most=3650),
    default_payment_method=text(clearable=True, most=200),
    default_tax_rates=TAX_RATES,
    discounts=DISCOUNTS,
    description=text(clearable=True, most=1500),
    due_date=timestamp(),
    effective_at=timestamp(clearable=True),
    footer=text(clearable=True, most=5000),
    issuer=hash_of({"type": choice("self", required=True)}),
    payment_settings=hash_of({"payment_method_types": list_of(text(), clearable=True, most=20)}),
    statement_descriptor=text(clearable=True, most=22),
)
CREATE = fields(
    _PAPER,
    currency=text(most=3),
    customer=text(most=200),
    pending_invoice_items_behavior=choice("exclude", "include"),
    subscription=text(most=200),
)
LIST = fields(
    PAGE,
    collection_method=COLLECTION,
    created=RANGE,
    customer=text(most=200),
    due_date=RANGE,
    status=choice("draft", "open", "paid", "uncollectible", "void"),
    subscription=text(most=200),
)
UPDATE = _PAPER
PAY = fields(
    amount=integer(least=1),  # ours: a part that came out of band
    forgive=choice("false"),
    off_session=boolean(),
    paid_out_of_band=boolean(),
    payment_method=text(most=200),
)


class InvoicePaymentFailed(OstinatoError):
    code = "card_declined"
    message_id = gettext_noop("%(reason)s")


class InvoiceNeedsAuthentication(OstinatoError):
    code = "invoice_payment_intent_requires_action"
    message_id = gettext_noop("This payment requires additional user action before it can be completed.")


class DueTwice(OstinatoError):
    code = "parameters_exclusive"
    param = "due_date"
    message_id = gettext_noop("Say when it is due by due_date or by days_until_due, not by both.")


def invoice_of(call: Call, given: str, param: str = "id") -> Invoice:
    return found(selectors.invoices(call.merchant_id), given, "invoice", param=param)


def shown_by_id(call: Call, invoice_id: str) -> Json:
    return invoice_snapshot(invoice_of(call, invoice_id))


def create(call: Call) -> Json:
    params = call.params
    if "customer" not in params:
        raise ParameterMissing(param="customer", name="customer")
    customer = customer_of(call, params["customer"], "customer")
    ctx = clocked(call, customer.test_clock_id)
    subscription = params.get("subscription", "")
    # Stripe leaves what is pending alone unless asked; a subscription's invoice is of what is pending of it.
    behavior = params.get("pending_invoice_items_behavior", "include" if subscription else "exclude")
    invoice_id = services.create_invoice(
        ctx=ctx,
        merchant_id=call.merchant_id,
        customer_id=customer.id,
        currency=params.get("currency", ""),
        subscription_id=subscription,
        pending_items=behavior == "include",
        may_be_empty=not subscription,
        auto_advance=params.get("auto_advance", False),
        metadata=new_metadata(params),
        **{"collection_method": "charge_automatically"} | _values(call, ctx, customer.id),
    )
    return shown_by_id(call, invoice_id)


def _values(call: Call, ctx: Context, customer_id: str) -> dict[str, Any]:
    """What creating and updating take alike."""
    params = call.params
    values: dict[str, Any] = {
        name: params[name]
        for name in ("automatically_finalizes_at", "collection_method", "description", "due_date")
        if name in params
    }
    if values.get("description", "") is None:
        values["description"] = ""
    if "days_until_due" in params:
        if "due_date" in params:
            raise DueTwice
        values["due_date"] = ctx.as_of + timedelta(days=params["days_until_due"])
    if "default_payment_method" in params:
        given = params["default_payment_method"] or ""
        values["default_payment_method_id"] = (
            method_id(ctx, call.merchant_id, customer_id, given, param="default_payment_method") if given else ""
        )
    if "default_tax_rates" in params:
        values["default_tax_rate_ids"] = tax_rate_ids(call, params["default_tax_rates"], "default_tax_rates")
    if "discounts" in params:
        values["discounts"] = discount_requests(call, params["discounts"])
    texts = sent(params, "footer", "statement_descriptor")
    if "custom_fields" in params:
        texts["custom_fields"] = tuple(params["custom_fields"] or ())
    if params.get("effective_at") is not None:
        texts["effective_at"] = params["effective_at"]
    return values | {"texts": InvoiceTexts(**texts)}


def retrieve(call: Call) -> Json:
    return shown_by_id(call, call.id)


def update(call: Call) -> Json:
    row, params = invoice_of(call, call.id), call.params
    ctx = clocked(call, row.test_clock_id)
    values = _values(call, ctx, row.customer_id)
    if "auto_advance" in params:
        values["auto_advance"] = params["auto_advance"]
    if "metadata" in params:
        values["metadata"] = blanked_metadata(row, params)
    update_invoice(ctx=ctx, merchant_id=call.merchant_id, invoice_id=row.id, **values)
    return shown_by_id(call, row.id)


def delete(call: Call) -> Json:
    row = invoice_of(call, call.id)
    services.delete_draft(ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, invoice_id=row.id)
    return deleted("invoice", row.id)


def finalize(call: Call) -> Json:
    row = invoice_of(call, call.id)
    ctx = clocked(call, row.test_clock_id)
    if "auto_advance" in call.params and row.status == "draft":
        update_invoice(
            ctx=ctx, merchant_id=call.merchant_id, invoice_id=row.id, auto_advance=call.params["auto_advance"]
        )
    finalize_invoice(ctx=ctx, merchant_id=call.merchant_id, invoice_id=row.id)
    return shown_by_id(call, row.id)


def pay(call: Call) -> Json:
    """Charge what is due, or record what came another way: all of it, or a part (`amount`, ours)."""
    if "amount" in call.params and not call.params.get("paid_out_of_band"):
        raise PartOutOfBandOnly
    row = invoice_of(call, call.id)
    ctx = clocked(call, row.test_clock_id)
    given = call.params.get("payment_method", "")
    method = method_id(ctx, call.merchant_id, row.customer_id, given, param="payment_method") if given else ""
    if row.status == "draft":
        # As in Stripe, paying a draft finalizes it first.
        finalize_invoice(ctx=ctx, merchant_id=call.merchant_id, invoice_id=row.id)
        row = invoice_of(call, row.id)
        if row.status == "paid":
            return shown_by_id(call, row.id)
    if call.params.get("paid_out_of_band"):
        amount = call.params.get("amount") or max(row.amount_remaining, 1)
        record_payment(ctx=ctx, merchant_id=call.merchant_id, invoice_id=row.id, amount=amount)
    else:
        _charge(call, ctx, row, method)
    return shown_by_id(call, row.id)


def _charge(call: Call, ctx: Context, row: Invoice, method: str) -> None:
    outcome = pay_invoice(
        ctx=ctx,
        merchant_id=call.merchant_id,
        invoice_id=row.id,
        payment_method_id=method,
        off_session=call.params.get("off_session", True),
    )
    if outcome.failure_code == "authentication_required":
        # Stripe's word for it when an invoice is paid, whether the customer was there or not.
        raise InvoiceNeedsAuthentication(**_ids_of(outcome))
    raise_if_unpaid(outcome)


class PartOutOfBandOnly(OstinatoError):
    code = "parameter_invalid"
    param = "amount"
    message_id = gettext_noop("Only what came out of band may be a part: send paid_out_of_band with the amount.")


def _ids_of(outcome: PaymentOutcome) -> dict[str, Any]:
    return {"payment_intent": {"id": outcome.payment_intent_id}, "charge": outcome.charge_id}


def raise_if_unpaid(outcome: PaymentOutcome) -> None:
    """A declined card is an error of the request, as in Stripe; a debit on its way is not."""
    ids = _ids_of(outcome)
    if outcome.status == "requires_action":
        raise InvoiceNeedsAuthentication(**ids)
    if outcome.status == "declined":
        failed = InvoicePaymentFailed(
            reason=outcome.message or "Your card was declined.", decline_code=outcome.decline_code, **ids
        )
        failed.code = outcome.failure_code if outcome.failure_code in CARD_CODES else "card_declined"
        raise failed


def void(call: Call) -> Json:
    row = invoice_of(call, call.id)
    services.void_invoice(ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, invoice_id=row.id)
    return shown_by_id(call, row.id)


def send(call: Call) -> Json:
    row = invoice_of(call, call.id)
    services.send_invoice(ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, invoice_id=row.id)
    return shown_by_id(call, row.id)


def mark_uncollectible(call: Call) -> Json:
    row = invoice_of(call, call.id)
    services.mark_uncollectible(ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, invoice_id=row.id)
    return shown_by_id(call, row.id)


def attach_payment(call: Call) -> Json:
    row = invoice_of(call, call.id)
    intents = payment_intents(call.merchant_id)
    attaching.attach_payment(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        invoice_id=row.id,
        payment_intent_id=found(intents, call.params["payment_intent"], "payment_intent", param="payment_intent").id,
    )
    return shown_by_id(call, row.id)


def list_(call: Call) -> Json:
    params = call.params
    rows: Any = in_range(selectors.invoices(call.merchant_id), "created", params.get("created"))
    rows = in_range(rows, "due_date", params.get("due_date"))
    names = {
        "collection_method": "collection_method",
        "customer": "customer_id",
        "status": "status",
        "subscription": "subscription_id",
    }
    rows = rows.filter(**{column: params[name] for name, column in names.items() if name in params})
    return page(rows, call, lambda found: [invoice_snapshot(row) for row in found], url=URL)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("POST", URL + "/create_preview", create_preview, CREATE_PREVIEW),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("DELETE", URL + "/{id}", delete),
    Operation("POST", URL + "/{id}/finalize", finalize, fields(auto_advance=boolean())),
    Operation("POST", URL + "/{id}/pay", pay, PAY),
    Operation("POST", URL + "/{id}/send", send),
    Operation("POST", URL + "/{id}/void", void),
    Operation("POST", URL + "/{id}/mark_uncollectible", mark_uncollectible),
    Operation(
        "POST", URL + "/{id}/attach_payment", attach_payment, fields(payment_intent=text(required=True, most=200))
    ),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Invoice.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: invoice_snapshot(row) for row in rows}


LOADERS = {"invoice": load, "latest_invoice": load}
