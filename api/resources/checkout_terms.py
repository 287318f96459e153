"""What a checkout session is told of what comes of it: the parameters, and how its row keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from api.lookup import new_metadata
from api.protocol.operation import Call, Json
from api.protocol.schema import METADATA, boolean, choice, fields, hash_of, integer, list_of, text, timestamp
from api.resources.customers import CUSTOM_FIELDS
from api.resources.pricing import discount_requests
from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch

TRIAL = integer(least=1, most=730)
TRIAL_SOONEST = timedelta(hours=48)
# What only says how it is: there is no automatic tax.
_OFF = hash_of({"enabled": choice("false", required=True)})
AS_IT_IS = {
    "automatic_tax": _OFF,
    "customer_update": hash_of(
        {"address": choice("auto", "never"), "name": choice("auto", "never"), "shipping": choice("auto", "never")}
    ),
    "tax_id_collection": _OFF,
}
INVOICE_CREATION = hash_of(
    {
        "enabled": boolean(required=True),
        "invoice_data": hash_of(
            fields(METADATA, custom_fields=CUSTOM_FIELDS, description=text(most=1500), footer=text(most=5000))
        ),
    }
)
PAYMENT_DATA = hash_of(
    fields(
        METADATA,
        capture_method=choice("automatic", "automatic_async"),
        description=text(most=1000),
        setup_future_usage=choice("off_session", "on_session"),
    )
)
SETUP_DATA = hash_of(fields(METADATA, description=text(most=1000)))
SUBSCRIPTION_DATA = hash_of(
    fields(
        METADATA,
        billing_cycle_anchor=timestamp(),
        billing_mode=hash_of({"type": choice("flexible", required=True)}),
        default_tax_rates=list_of(text(most=200), most=20),
        description=text(most=500),
        invoice_settings=hash_of({"issuer": hash_of({"type": choice("self", required=True)})}),
        proration_behavior=choice("create_prorations", "none"),
        trial_end=timestamp(),
        trial_period_days=TRIAL,
        trial_settings=hash_of(
            {
                "end_behavior": hash_of(
                    {"missing_payment_method": choice("cancel", "create_invoice", "pause", required=True)},
                    required=True,
                )
            }
        ),
    )
)


class TrialTwice(OstinatoError):
    code = "parameters_exclusive"
    param = "subscription_data[trial_end]"
    message_id = gettext_noop("Say when the trial ends in one way: trial_end or trial_period_days.")


class TrialEndsTooSoon(OstinatoError):
    code = "parameter_invalid_integer"
    param = "subscription_data[trial_end]"
    message_id = gettext_noop("The `trial_end` date has to be at least 2 days in the future.")


class UpdateOfNobody(OstinatoError):
    code = "parameter_invalid"
    param = "customer_update"
    message_id = gettext_noop("`customer_update` is said of a `customer`.")


class AnchorInPast(OstinatoError):
    code = "parameter_invalid_integer"
    param = "subscription_data[billing_cycle_anchor]"
    message_id = gettext_noop("The `billing_cycle_anchor` has to be in the future.")


def terms_of(call: Call) -> Json:
    """The terms that a session's row keeps."""
    params = call.params
    asked = discount_requests(call, params.get("discounts"))
    terms: Json = {
        "discounts": [{"coupon_id": one.coupon_id, "promotion_code_id": one.promotion_code_id} for one in asked]
    }
    invoice = params.get("invoice_creation", {})
    if invoice.get("enabled"):
        said = invoice.get("invoice_data", {})
        terms["invoice"] = said | ({"metadata": new_metadata(said)} if "metadata" in said else {})
    if "payment_intent_data" in params:
        payment = params["payment_intent_data"]
        terms["payment"] = payment | ({"metadata": new_metadata(payment)} if "metadata" in payment else {})
    if "setup_intent_data" in params:
        setup = params["setup_intent_data"]
        terms["setup"] = {"description": setup.get("description", ""), "metadata": new_metadata(setup)}
    if "subscription_data" in params:
        terms["subscription"] = _subscription(call, params["subscription_data"])
    if "customer" in params:
        terms["customer_update"] = params.get("customer_update", {})
    elif "customer_update" in params:
        raise UpdateOfNobody
    return terms


def _subscription(call: Call, data: dict[str, Any]) -> Json:
    """Instants as the seconds that they were sent as: a row keeps JSON."""
    now = call.ctx.recorded_at
    if "trial_end" in data:
        if "trial_period_days" in data:
            raise TrialTwice
        if data["trial_end"] < now + TRIAL_SOONEST:
            raise TrialEndsTooSoon
    if "billing_cycle_anchor" in data and data["billing_cycle_anchor"] <= now:
        raise AnchorInPast
    terms: Json = {name: data[name] for name in ("description", "proration_behavior") if name in data}
    terms |= {name: epoch(data[name]) for name in ("billing_cycle_anchor", "trial_end") if name in data}
    if "trial_settings" in data:
        terms["trial_missing_payment_method"] = data["trial_settings"]["end_behavior"]["missing_payment_method"]
    return terms
