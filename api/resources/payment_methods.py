"""/v1/payment_methods, and a customer's own list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.business_time import clocked
from api.lookup import found, new_metadata
from api.paging import page
from api.payment_tokens import account_described, as_instrument, card_described, in_sandbox, is_token
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    ParameterMissing,
    choice,
    fields,
    hash_of,
    integer,
    merged_metadata,
    text,
)
from api.resources.customers import ADDRESS, customer_of
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer, PaymentMethod
from customers.snapshots import payment_method_snapshot
from payments import services

URL = "/v1/payment_methods"
BILLING_DETAILS = hash_of(
    {"address": ADDRESS, "email": text(clearable=True), "name": text(clearable=True), "phone": text(clearable=True)}
)
REDISPLAY = choice("always", "limited", "unspecified")
UPDATE = fields(
    METADATA,
    allow_redisplay=REDISPLAY,
    billing_details=BILLING_DETAILS,
    card=hash_of({"exp_month": integer(least=1, most=12), "exp_year": integer(least=2000, most=2100)}),
)
CREATE = fields(
    METADATA,
    acss_debit=hash_of(
        {name: text(required=True, most=20) for name in ("account_number", "institution_number", "transit_number")}
    ),
    allow_redisplay=REDISPLAY,
    billing_details=BILLING_DETAILS,
    card=hash_of(
        {
            "cvc": text(most=10),
            "exp_month": integer(),
            "exp_year": integer(),
            "number": text(most=30),
            "token": text(most=200),
        }
    ),
    sepa_debit=hash_of({"iban": text(required=True, most=40)}),
    type=choice("card", "acss_debit", "sepa_debit", "us_bank_account", required=True),
    us_bank_account=hash_of(
        {
            "account_holder_type": choice("company", "individual"),
            "account_number": text(most=20, required=True),
            "account_type": choice("checking", "savings"),
            "routing_number": text(most=20, required=True),
        }
    ),
)
LIST = fields(PAGE, allow_redisplay=REDISPLAY, customer=text(most=200), type=text(most=30))
OF_CUSTOMER = fields(PAGE, allow_redisplay=REDISPLAY, type=text(most=30))


class AttachedElsewhere(OstinatoError):
    code = "payment_method_unexpected_state"
    param = "customer"
    message_id = gettext_noop("This payment method is attached to another customer: detach it there first.")


class CardTokenMissing(OstinatoError):
    code = "parameter_missing"
    param = "card[token]"
    message_id = gettext_noop("Give a card by its token: card[token]. Card numbers are not taken here.")


class CardOfProcessor(OstinatoError):
    code = "parameter_invalid"
    param = "card"
    message_id = gettext_noop("A card's date is changed where the card is kept: at the processor.")


class NotAttached(OstinatoError):
    code = "payment_method_unexpected_state"
    message_id = gettext_noop("This payment method is not attached to a customer.")


def method_of(call: Call, given: str) -> PaymentMethod:
    rows = PaymentMethod.objects.filter(merchant_id=call.merchant_id)
    return found(rows, given, "PaymentMethod", param="id")


def create(call: Call) -> Json:
    return payment_method_snapshot(described_method(call, call.params))


def described_method(call: Call, params: Json) -> PaymentMethod:
    """From a test token, or what is printed on a published test card or account: no one's own number is ever kept."""
    kind = params["type"]
    if kind not in params:
        raise ParameterMissing(param=kind, name=kind)
    return services.create_payment_method(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        allow_redisplay=params.get("allow_redisplay", "unspecified"),
        billing_details=params.get("billing_details", {}),
        metadata=new_metadata(params),
        **_instrument(call, kind, params[kind]),
    )


def _instrument(call: Call, kind: str, given: Json) -> dict[str, Any]:
    """The sandbox's instrument that was described, and what is printed on it."""
    if "token" in given:
        return {"instrument": as_instrument(given["token"])}
    if not in_sandbox(call.merchant_id):
        raise CardTokenMissing
    return card_described(given, call.ctx.as_of) if kind == "card" else account_described(kind, given)


def retrieve(call: Call) -> Json:
    """A test token gives a new method of nobody each time, as Stripe's do."""
    if is_token(call.id) and in_sandbox(call.merchant_id):
        made = services.create_payment_method(
            ctx=call.ctx, merchant_id=call.merchant_id, instrument=as_instrument(call.id)
        )
        return payment_method_snapshot(made)
    return payment_method_snapshot(method_of(call, call.id))


def update(call: Call) -> Json:
    row = method_of(call, call.id)
    changes = {}
    if "metadata" in call.params:
        changes["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    if "allow_redisplay" in call.params:
        changes["allow_redisplay"] = call.params["allow_redisplay"]
    if "billing_details" in call.params:
        changes["billing_details"] = {**row.billing_details, **call.params["billing_details"]}
    if "card" in call.params:
        if row.type != "card" or row.gateway != "sandbox":
            raise CardOfProcessor
        changes |= call.params["card"]
    changed = services.update_payment_method(
        ctx=clocked(call, _clock_of(row)), merchant_id=call.merchant_id, payment_method_id=row.id, **changes
    )
    return payment_method_snapshot(changed)


def attach(call: Call) -> Json:
    customer = customer_of(call, call.params["customer"], "customer")
    ctx = clocked(call, customer.test_clock_id)
    if is_token(call.id):
        method = services.attach_payment_method(
            ctx=ctx,
            merchant_id=call.merchant_id,
            customer_id=customer.id,
            instrument=as_instrument(call.id),
            make_default=False,
        )
        return payment_method_snapshot(method)
    row = method_of(call, call.id)
    if row.customer_id is None and row.detached_at is None:
        row = services.attach_stored_method(
            ctx=ctx, merchant_id=call.merchant_id, customer_id=customer.id, payment_method_id=row.id
        )
    if row.detached_at is not None or row.customer_id != customer.id:
        raise AttachedElsewhere
    return payment_method_snapshot(row)


def detach(call: Call) -> Json:
    row = method_of(call, call.id)
    if row.customer_id is None or row.detached_at is not None:
        raise NotAttached
    gone = services.detach_payment_method(
        ctx=clocked(call, _clock_of(row)),
        merchant_id=call.merchant_id,
        customer_id=row.customer_id,
        payment_method_id=row.id,
    )
    return payment_method_snapshot(gone)


def _clock_of(row: PaymentMethod) -> str | None:
    return Customer.objects.filter(id=row.customer_id).values_list("test_clock_id", flat=True).first()


def list_(call: Call) -> Json:
    return _listed(call, call.params.get("customer", ""), URL, "customer")


def list_of_customer(call: Call) -> Json:
    return _listed(call, call.id, f"/v1/customers/{call.id}/payment_methods", "id")


def retrieve_of_customer(call: Call) -> Json:
    rows = PaymentMethod.objects.filter(customer=customer_of(call, call.id), detached_at__isnull=True)
    return payment_method_snapshot(found(rows, call.ids["method"], "PaymentMethod"))


def _listed(call: Call, customer_id: str, url: str, param: str) -> Json:
    rows = PaymentMethod.objects.filter(merchant_id=call.merchant_id, detached_at__isnull=True)
    if customer_id:
        rows = rows.filter(customer=customer_of(call, customer_id, param))
    for name in ("allow_redisplay", "type"):
        if name in call.params:
            rows = rows.filter(**{name: call.params[name]})
    return page(rows, call, lambda found: [payment_method_snapshot(row) for row in found], url=url)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("POST", URL + "/{id}/attach", attach, fields(customer=text(required=True, most=200))),
    Operation("POST", URL + "/{id}/detach", detach),
    Operation("GET", "/v1/customers/{id}/payment_methods", list_of_customer, OF_CUSTOMER),
    Operation("GET", "/v1/customers/{id}/payment_methods/{method}", retrieve_of_customer),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = PaymentMethod.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: payment_method_snapshot(row) for row in rows}


LOADERS = {"payment_method": load, "default_payment_method": load}
