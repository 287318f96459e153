"""/v1/charges made and captured directly: a payment intent of its own behind each, confirmed at once."""

from __future__ import annotations

from typing import Any

from api.business_time import of_customer
from api.lookup import found, new_metadata
from api.payment_tokens import stored_id
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, ParameterMissing, boolean, choice, fields, hash_of, integer, one_of, text
from api.resources.customers import customer_of
from api.resources.payment_intents import SHIPPING, intent_of, raise_if_declined
from api.resources.payments import CHARGES
from api.resources.sources import CARD, made, of_token
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer, PaymentMethod
from engine.services import intents as services
from payments import selectors
from payments.intents import NewIntent, create_intent
from payments.models import Charge, PaymentIntent
from payments.snapshots import charge_snapshot, payment_intent_snapshot
from payments.types import IntentTerms

CREATE = fields(
    METADATA,
    amount=integer(required=True, least=1),
    capture=boolean(),
    currency=text(required=True, most=3),
    customer=text(most=200),
    description=text(clearable=True),
    receipt_email=text(clearable=True, most=512),
    shipping=SHIPPING,
    source=one_of(text(most=200), hash_of(fields(CARD, object=choice("card")))),
    statement_descriptor=text(clearable=True, most=22),
    statement_descriptor_suffix=text(clearable=True, most=22),
)
CAPTURE = fields(
    amount=integer(least=1),
    receipt_email=text(most=512),
    statement_descriptor=text(most=22),
    statement_descriptor_suffix=text(most=22),
)


class NothingToCharge(OstinatoError):
    code = "missing"
    param = "card"
    message_id = gettext_noop("Cannot charge a customer that has no active card.")


class NotOfCustomer(OstinatoError):
    code = "missing"
    param = "source"
    message_id = gettext_noop("Customer %(customer)s does not have a linked source with ID %(source)s.")


class AlreadyCaptured(OstinatoError):
    code = "charge_already_captured"
    param = "charge"
    message_id = gettext_noop("Charge %(charge)s has already been captured.")


class NotCapturable(OstinatoError):
    code = "charge_not_capturable"
    param = "charge"
    message_id = gettext_noop("Charge %(charge)s cannot be captured: nothing is held.")


def create(call: Call) -> Json:
    params = call.params
    customer = customer_of(call, params["customer"], "customer") if "customer" in params else None
    if customer is None and "source" not in params:
        raise ParameterMissing(param="source", name="source")
    method_id = _method(call, customer)
    terms: Any = {
        name: params[name]
        for name in ("receipt_email", "shipping", "statement_descriptor_suffix")
        if params.get(name) is not None
    }
    intent = create_intent(
        ctx=of_customer(call, customer.id if customer else ""),
        wanted=NewIntent(
            merchant_id=call.merchant_id,
            amount=params["amount"],
            currency=params["currency"],
            customer_id=customer.id if customer else "",
            payment_method_id=method_id,
            capture_method="automatic" if params.get("capture", True) else "manual",
            description=params.get("description") or "",
            statement_descriptor=params.get("statement_descriptor") or "",
            metadata=new_metadata(params),
            terms=IntentTerms(**terms),
        ),
    )
    return _charged(call, intent)


def resume_create(call: Call) -> Json:
    """A charge that was cut off: its intent stands, and is confirmed unless it was."""
    intent = intent_of(call, call.id)
    if not intent.latest_charge_id:
        return _charged(call, intent)
    return charge_snapshot(found(selectors.charges(call.merchant_id), intent.latest_charge_id, "charge"))


def _method(call: Call, customer: Customer | None) -> str:
    given = call.params.get("source")
    if isinstance(given, dict):
        return made(call, given).id
    if given is None:
        assert customer is not None
        if not customer.default_payment_method_id:
            raise NothingToCharge
        return customer.default_payment_method_id
    if customer is not None:
        own = PaymentMethod.objects.filter(customer=customer, detached_at__isnull=True, id=stored_id(given)).first()
        if own is not None:
            return own.id
    row = of_token(call, given)
    if row.customer_id is not None:
        # A customer's card is charged with its customer.
        raise NotOfCustomer(customer=customer.id if customer else "", source=given)
    return row.id


def _charged(call: Call, intent: PaymentIntent) -> Json:
    """One attempt, of nobody who could be asked for authentication."""
    outcome = services.confirm_intent(
        ctx=of_customer(call, intent.customer_id or ""),
        merchant_id=call.merchant_id,
        payment_intent_id=intent.id,
        off_session=True,
    )
    raise_if_declined(call, outcome, payment_intent_snapshot(intent_of(call, intent.id)))
    return charge_snapshot(found(selectors.charges(call.merchant_id), outcome.charge_id, "charge"))


def capture(call: Call) -> Json:
    row: Charge = found(selectors.charges(call.merchant_id), call.id, "charge")
    if row.status == "succeeded":
        raise AlreadyCaptured(charge=row.id)
    if row.status != "authorized":
        raise NotCapturable(charge=row.id)
    try:
        services.capture_intent(
            ctx=of_customer(call, row.customer_id),
            merchant_id=call.merchant_id,
            payment_intent_id=row.payment_intent_id,
            amount=call.params.get("amount"),
        )
    except services.CaptureTooLarge as refused:
        refused.param = "amount"
        raise
    return charge_snapshot(found(selectors.charges(call.merchant_id), row.id, "charge"))


OPERATIONS = [
    Operation("POST", CHARGES, create, CREATE),
    Operation("POST", CHARGES + "/{id}/capture", capture, CAPTURE),
]
