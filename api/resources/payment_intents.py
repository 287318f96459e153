"""/v1/payment_intents: payments made, changed, confirmed, captured and canceled; an invoice's is paid with it."""

from __future__ import annotations

from typing import Any

from api.business_time import clocked, of_customer
from api.completing import complete
from api.lookup import found, new_metadata, sent
from api.payment_tokens import as_instrument, attached_id, is_token, stored_id
from api.protocol.errors import CARD_CODES
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    Fields,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    merged_metadata,
    one_of,
    text,
)
from api.resources.customers import ADDRESS, customer_of
from api.resources.invoices import invoice_of, raise_if_unpaid
from api.resources.payment_methods import CREATE as DESCRIBED, described_method
from api.resources.payments import INTENTS
from core.errors import OstinatoError, gettext_noop
from customers.models import PaymentMethod
from engine.services import intents as services
from engine.services.pay import pay_invoice
from engine.types import PaymentOutcome
from payments import selectors
from payments.describing import describe_intent
from payments.intents import NewIntent, change_intent, create_intent
from payments.models import PaymentIntent
from payments.services import create_payment_method
from payments.snapshots import payment_intent_snapshot
from payments.types import IntentTerms

SHIPPING = hash_of(
    {
        "address": ADDRESS,
        "carrier": text(clearable=True, most=200),
        "name": text(required=True, most=500),
        "phone": text(clearable=True, most=40),
        "tracking_number": text(clearable=True, most=500),
    },
    clearable=True,
)
_TERMS: Fields = fields(
    payment_method_types=list_of(text(most=30), most=20),
    receipt_email=text(clearable=True, most=512),
    setup_future_usage=choice("off_session", "on_session", clearable=True),
    shipping=SHIPPING,
    statement_descriptor_suffix=text(clearable=True, most=22),
)
_COMMON: Fields = fields(
    METADATA,
    _TERMS,
    amount=integer(least=1),
    capture_method=choice("automatic", "automatic_async", "manual"),
    currency=text(most=3),
    customer=text(most=200),
    description=text(clearable=True),
    payment_method=text(clearable=True, most=200),
    payment_method_data=hash_of(DESCRIBED),
    statement_descriptor=text(clearable=True, most=22),
)
CONFIRM: Fields = fields(
    capture_method=choice("automatic", "automatic_async", "manual"),
    error_on_requires_action=boolean(),
    off_session=one_of(boolean(), choice("one_off", "recurring")),
    payment_method=text(most=200),
    payment_method_data=hash_of(DESCRIBED),
    payment_method_types=list_of(text(most=30), most=20),
    receipt_email=text(clearable=True, most=512),
    return_url=text(most=2000),
    setup_future_usage=choice("off_session", "on_session", clearable=True),
    shipping=SHIPPING,
    use_stripe_sdk=boolean(),
)
CREATE: Fields = fields(
    _COMMON,
    amount=integer(required=True, least=1),
    automatic_payment_methods=hash_of(
        {"allow_redirects": choice("always", "never"), "enabled": boolean(required=True)}
    ),
    confirm=boolean(),
    confirmation_method=choice("automatic", "manual"),
    currency=text(required=True, most=3),
    error_on_requires_action=boolean(),
    off_session=one_of(boolean(), choice("one_off", "recurring")),
    return_url=text(most=2000),
    use_stripe_sdk=boolean(),
)
CAPTURE = fields(
    METADATA,
    amount_to_capture=integer(least=1),
    statement_descriptor=text(most=22),
    statement_descriptor_suffix=text(most=22),
)
CANCEL = fields(cancellation_reason=choice("abandoned", "duplicate", "fraudulent", "requested_by_customer"))
_OF_CONFIRMATION = ("error_on_requires_action", "off_session", "return_url")


class OnlyWithConfirm(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop(
        "The parameter `%(name)s` cannot be passed when creating a PaymentIntent unless confirm=true."
    )


class ReturnUrlInvalid(OstinatoError):
    code = "url_invalid"
    param = "return_url"
    message_id = gettext_noop("Not a valid URL: it begins with https:// or http://.")


class IntentOfInvoice(OstinatoError):
    code = "payment_intent_unexpected_state"
    message_id = gettext_noop(
        "You cannot cancel this PaymentIntent: it collects the invoice %(invoice)s. Void the invoice instead."
    )


class PaymentDeclined(OstinatoError):
    """A card's refusal, with the intent, the charge and the method, as Stripe tells it."""

    code = "card_declined"
    message_id = "%(reason)s"


def intent_of(call: Call, given: str, param: str = "id") -> PaymentIntent:
    return found(selectors.payment_intents(call.merchant_id), given, "payment_intent", param=param)


def _check_return_url(params: Json) -> None:
    """The customer's browser is sent there."""
    if not params.get("return_url", "https://").startswith(("https://", "http://")):
        raise ReturnUrlInvalid


def create(call: Call) -> Json:
    params = call.params
    _check_return_url(params)
    for name in _OF_CONFIRMATION:
        if name in params and not params.get("confirm"):
            raise OnlyWithConfirm(param=name, name=name)
    customer = customer_of(call, params["customer"], "customer") if "customer" in params else None
    ctx = of_customer(call, customer.id if customer else "")
    method = given_method(call, params)
    if not method and params.get("confirm") and customer is not None:
        method = customer.default_payment_method_id  # Stripe's: the customer's default source, where nothing is said
    row = create_intent(
        ctx=ctx,
        wanted=NewIntent(
            merchant_id=call.merchant_id,
            amount=params["amount"],
            currency=params["currency"],
            customer_id=customer.id if customer else "",
            payment_method_id=method,
            capture_method=params.get("capture_method", "automatic"),
            description=params.get("description") or "",
            statement_descriptor=params.get("statement_descriptor") or "",
            metadata=new_metadata(params),
            terms=_terms(params),
        ),
    )
    return confirmed(call, row) if params.get("confirm") else payment_intent_snapshot(row)


def resume_create(call: Call) -> Json:
    """A creation that was cut off: what it made is confirmed, unless it was."""
    row = intent_of(call, call.id)
    if call.params.get("confirm") and not row.latest_charge_id:
        return confirmed(call, row)
    return payment_intent_snapshot(row)


def _terms(params: Json) -> IntentTerms:
    names = (*_TERMS, "automatic_payment_methods", "confirmation_method", "return_url")
    given: Any = {name: params[name] for name in names if params.get(name) is not None}
    if "automatic_payment_methods" in given:
        given["automatic_payment_methods"].setdefault("allow_redirects", "always")
    return given  # type: ignore[no-any-return]


def given_method(call: Call, params: Json) -> str:
    """The method that was named, or one of nobody's: of a test token, or by what was said of it."""
    if "payment_method_data" in params:
        return described_method(call, params["payment_method_data"]).id
    given = params.get("payment_method") or ""
    if given and is_token(given):
        return create_payment_method(ctx=call.ctx, merchant_id=call.merchant_id, instrument=as_instrument(given)).id
    if given:
        rows = PaymentMethod.objects.filter(merchant_id=call.merchant_id)
        return found(rows, stored_id(given), "PaymentMethod", param="payment_method").id
    return ""


def confirmed(call: Call, row: PaymentIntent, method_id: str = "") -> Json:
    """The intent after one attempt. A decline is an error of the request."""
    params = call.params
    # Who cannot be asked for authentication is charged as if away: the bank then refuses instead of asking.
    off_session = bool(params.get("off_session") or params.get("error_on_requires_action"))
    outcome = services.confirm_intent(
        ctx=of_customer(call, row.customer_id or ""),
        merchant_id=call.merchant_id,
        payment_intent_id=row.id,
        payment_method_id=method_id,
        off_session=off_session,
    )
    body = payment_intent_snapshot(intent_of(call, row.id))
    raise_if_declined(call, outcome, body)
    return body


def raise_if_declined(call: Call, outcome: PaymentOutcome, intent: Json) -> None:
    """Raises `PaymentDeclined`, with the whole intent as its caller will find it."""
    if outcome.status != "declined":
        return
    complete(intent, merchant_id=call.merchant_id, livemode=call.livemode)
    method = (intent["last_payment_error"] or {}).get("payment_method")
    refused = PaymentDeclined(
        reason=outcome.message or "Your card was declined.",
        decline_code=outcome.decline_code,
        charge=outcome.charge_id,
        payment_intent=intent,
        payment_method=method if isinstance(method, dict) else "",
    )
    refused.code = outcome.failure_code if outcome.failure_code in CARD_CODES else "card_declined"
    raise refused


def confirm(call: Call) -> Json:
    """Pay what the intent collects, on session unless said otherwise: with another method, or by trying again."""
    row = intent_of(call, call.id)
    _check_return_url(call.params)
    if row.invoice_id:
        return _confirm_of_invoice(call, row)
    terms = {name: call.params[name] for name in ("return_url", *_TERMS) if name in call.params}
    words = {"capture_method": call.params["capture_method"]} if "capture_method" in call.params else {}
    if terms or words:
        row = change_intent(
            ctx=of_customer(call, row.customer_id or ""),
            merchant_id=call.merchant_id,
            payment_intent_id=row.id,
            terms=terms,
            **words,
        )
    return confirmed(call, row, given_method(call, call.params))


def _confirm_of_invoice(call: Call, row: PaymentIntent) -> Json:
    invoice = invoice_of(call, str(row.invoice_id))
    ctx = clocked(call, invoice.test_clock_id)
    if row.status in ("succeeded", "canceled"):
        raise services.IntentOver(status=row.status)
    given = call.params.get("payment_method", "")
    if "payment_method_data" in call.params:
        given = described_method(call, call.params["payment_method_data"]).id
    # What is of nobody yet is the customer's from here on: the invoices to come may be charged to it.
    customer_id = str(row.customer_id)
    method = attached_id(ctx, call.merchant_id, customer_id, given, param="payment_method") if given else ""
    outcome = pay_invoice(
        ctx=ctx,
        merchant_id=call.merchant_id,
        invoice_id=invoice.id,
        payment_method_id=method,
        off_session=bool(call.params.get("off_session")),
    )
    if outcome.status == "declined" or call.params.get("error_on_requires_action"):
        raise_if_unpaid(outcome)
    return payment_intent_snapshot(intent_of(call, call.id))


def update(call: Call) -> Json:
    row, params = intent_of(call, call.id), call.params
    changes: Json = sent(params, "description", "statement_descriptor")
    changes |= {name: params[name] for name in ("amount", "capture_method", "currency") if name in params}
    if "metadata" in params:
        changes["metadata"] = merged_metadata(row.metadata, params["metadata"])
    ctx = of_customer(call, row.customer_id or "")
    if not row.terms and not set(changes) - {"description", "metadata"} and not set(params) - set(changes):
        return payment_intent_snapshot(
            describe_intent(ctx=ctx, merchant_id=call.merchant_id, payment_intent_id=row.id, **changes)
        )
    if "currency" in changes:
        changes["currency"] = changes["currency"].lower()
    if "customer" in params:
        changes["customer_id"] = customer_of(call, params["customer"], "customer").id
    if "payment_method" in params or "payment_method_data" in params:
        changes["payment_method_id"] = given_method(call, params)
    changed = change_intent(
        ctx=ctx,
        merchant_id=call.merchant_id,
        payment_intent_id=row.id,
        terms={name: params[name] for name in _TERMS if name in params},
        **changes,
    )
    return payment_intent_snapshot(changed)


def capture(call: Call) -> Json:
    row = intent_of(call, call.id)
    if "metadata" in call.params:
        describe_intent(
            ctx=of_customer(call, row.customer_id or ""),
            merchant_id=call.merchant_id,
            payment_intent_id=row.id,
            metadata=merged_metadata(row.metadata, call.params["metadata"]),
        )
    if row.invoice_id or not row.terms:
        raise services.NothingToCapture(status=row.status)
    services.capture_intent(
        ctx=of_customer(call, row.customer_id or ""),
        merchant_id=call.merchant_id,
        payment_intent_id=row.id,
        amount=call.params.get("amount_to_capture"),
    )
    return payment_intent_snapshot(intent_of(call, row.id))


def cancel(call: Call) -> Json:
    row = intent_of(call, call.id)
    if row.status in ("succeeded", "canceled"):
        raise services.IntentNotCancelable(status=row.status)
    if row.invoice_id:
        raise IntentOfInvoice(invoice=row.invoice_id)
    canceled = services.cancel_intent(
        ctx=of_customer(call, row.customer_id or ""),
        merchant_id=call.merchant_id,
        payment_intent_id=row.id,
        reason=call.params.get("cancellation_reason", ""),
    )
    return payment_intent_snapshot(canceled)


OPERATIONS = [
    Operation("POST", INTENTS, create, CREATE),
    Operation("POST", INTENTS + "/{id}", update, _COMMON),
    Operation("POST", INTENTS + "/{id}/confirm", confirm, CONFIRM),
    Operation("POST", INTENTS + "/{id}/capture", capture, CAPTURE),
    Operation("POST", INTENTS + "/{id}/cancel", cancel, CANCEL),
]
