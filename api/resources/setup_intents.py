"""/v1/setup_intents: a payment method made ready to be charged later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.business_time import clocked
from api.lookup import found, new_metadata, sent
from api.paging import in_range, page
from api.payment_tokens import as_instrument, attached_id, is_token
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    ParameterMissing,
    boolean,
    choice,
    fields,
    hash_of,
    list_of,
    merged_metadata,
    text,
)
from api.resources.customers import customer_of
from api.resources.payment_methods import CREATE as DESCRIBED, described_method
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import PaymentMethod
from engine.services.setups import confirm_setup
from payments import services as methods, setup_intents as services
from payments.gateways.base import InstrumentDeclined
from payments.models import SetupIntent
from payments.snapshots import setup_intent_snapshot

URL = "/v1/setup_intents"
_TYPES = list_of(text(most=30), most=20)
_COMMON = fields(
    METADATA,
    customer=text(most=200),
    description=text(clearable=True),
    payment_method=text(clearable=True, most=200),
    payment_method_types=_TYPES,
)
_CONFIRM = fields(payment_method_data=hash_of(DESCRIBED), return_url=text(most=2000))
CREATE = fields(
    _COMMON,
    _CONFIRM,
    automatic_payment_methods=hash_of(
        {"allow_redirects": choice("always", "never"), "enabled": boolean(required=True)}
    ),
    confirm=boolean(),
    usage=choice("off_session", "on_session"),
)
CONFIRM = fields(_CONFIRM, payment_method=text(most=200))
CANCEL = fields(cancellation_reason=choice("abandoned", "duplicate", "requested_by_customer"))
LIST = fields(PAGE, created=RANGE, customer=text(most=200), payment_method=text(most=200))


class SetupNeedsMethod(OstinatoError):
    code = "setup_intent_unexpected_state"
    param = "payment_method"
    message_id = gettext_noop(
        "You cannot confirm this SetupIntent because it's missing a payment method. Give it a payment_method."
    )


def _given(call: Call) -> str:
    """The method that was named, or one of nobody's by what was said of it."""
    if "payment_method_data" in call.params:
        return described_method(call, call.params["payment_method_data"]).id
    return call.params.get("payment_method") or ""


def _row(call: Call) -> SetupIntent:
    return found(SetupIntent.objects.filter(merchant_id=call.merchant_id), call.id, "setupintent")


def _time(call: Call, row: SetupIntent) -> Context:
    return clocked(call, row.customer.test_clock_id if row.customer else None)


def create(call: Call) -> Json:
    params = call.params
    customer = customer_of(call, params["customer"], "customer") if "customer" in params else None
    ctx = clocked(call, customer.test_clock_id if customer else None)
    given = _given(call)
    if params.get("confirm") and not given:
        raise ParameterMissing(param="payment_method", name="payment_method")
    row = services.create_setup_intent(
        ctx=ctx,
        merchant_id=call.merchant_id,
        payment_method_id=_known(call, ctx, customer.id if customer else "", given),
        customer_id=customer.id if customer else None,
        description=params.get("description") or "",
        metadata=new_metadata(params),
        payment_method_types=params.get("payment_method_types", ["card"]),
        usage=params.get("usage", "off_session"),
    )
    if params.get("confirm"):
        row = _confirm(call, ctx, row, given)
    return setup_intent_snapshot(row)


def _known(call: Call, ctx: Context, customer_id: str, given: str) -> str:
    """The method named, by our id: one of nobody's or of this customer's. A test token makes one of nobody's."""
    if not given:
        return ""
    if is_token(given):
        made = methods.create_payment_method(ctx=ctx, merchant_id=call.merchant_id, instrument=as_instrument(given))
        return made.id
    return found(_methods(call, customer_id), given, "PaymentMethod", param="payment_method").id


def _methods(call: Call, customer_id: str) -> Any:
    rows = PaymentMethod.objects.filter(merchant_id=call.merchant_id, detached_at__isnull=True)
    return rows.filter(customer__isnull=True) | rows.filter(customer_id=customer_id or None)


def _confirm(call: Call, ctx: Context, row: SetupIntent, given: str) -> SetupIntent:
    """Attach the method. A card that is declined is an error of the request, kept on the intent as in Stripe."""
    customer_id, wanted = row.customer_id or "", row.payment_method_id or given
    try:
        if customer_id:
            ready = attached_id(ctx, call.merchant_id, customer_id, wanted, param="payment_method")
        else:
            methods.check_can_be_kept(call.merchant_id, wanted)
            ready = wanted
    except InstrumentDeclined as declined:
        error = {
            "type": "card_error",
            "code": declined.code,
            "decline_code": declined.params.get("decline_code", getattr(declined, "decline_code", "")),
            "message": declined.message,
        }
        services.fail_setup_intent(ctx=ctx, merchant_id=call.merchant_id, setup_intent_id=row.id, error=error)
        raise
    return confirm_setup(ctx=ctx, merchant_id=call.merchant_id, setup_intent_id=row.id, payment_method_id=ready)


def confirm(call: Call) -> Json:
    row = _row(call)
    ctx = _time(call, row)
    if row.status in ("succeeded", "canceled"):
        raise services.SetupIntentOver(status=row.status)
    if given := _given(call):
        row.payment_method_id = _known(call, ctx, row.customer_id or "", given)
    if not row.payment_method_id:
        raise SetupNeedsMethod
    return setup_intent_snapshot(_confirm(call, ctx, row, row.payment_method_id))


def retrieve(call: Call) -> Json:
    return setup_intent_snapshot(_row(call))


def update(call: Call) -> Json:
    row, params = _row(call), call.params
    ctx = _time(call, row)
    values: dict[str, Any] = sent(params, "description")
    if "customer" in params:
        values["customer_id"] = customer_of(call, params["customer"], "customer").id
    if "payment_method_types" in params:
        values["payment_method_types"] = params["payment_method_types"]
    if params.get("payment_method"):
        owner = values.get("customer_id", row.customer_id) or ""
        values["payment_method_id"] = _known(call, ctx, owner, params["payment_method"])
    if "metadata" in params:
        values["metadata"] = merged_metadata(row.metadata, params["metadata"])
    changed = services.update_setup_intent(ctx=ctx, merchant_id=call.merchant_id, setup_intent_id=row.id, **values)
    return setup_intent_snapshot(changed)


def cancel(call: Call) -> Json:
    row = _row(call)
    canceled = services.cancel_setup_intent(
        ctx=_time(call, row),
        merchant_id=call.merchant_id,
        setup_intent_id=row.id,
        reason=call.params.get("cancellation_reason", ""),
    )
    return setup_intent_snapshot(canceled)


def list_(call: Call) -> Json:
    rows: Any = SetupIntent.objects.filter(merchant_id=call.merchant_id)
    rows = in_range(rows, "created", call.params.get("created"))
    rows = rows.filter(
        **{f"{name}_id": call.params[name] for name in ("customer", "payment_method") if name in call.params}
    )
    return page(rows, call, lambda found: [setup_intent_snapshot(row) for row in found], url=URL)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, _COMMON),
    Operation("POST", URL + "/{id}/confirm", confirm, CONFIRM),
    Operation("POST", URL + "/{id}/cancel", cancel, CANCEL),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = SetupIntent.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: setup_intent_snapshot(row) for row in rows}


LOADERS = {"setup_intent": load, "pending_setup_intent": load}
