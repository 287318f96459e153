"""How a PaymentIntent stands, read off Stripe's JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe

from core.descriptors import LONGEST, SHORTEST, plain_letters
from payments.gateways.base import IntentRequest
from payments.gateways.stripe_amounts import from_stripe, to_stripe
from payments.types import (
    Authorized,
    Declined,
    GatewayIntent,
    IntentCanceled,
    NotConfirmed,
    Outcome,
    Processing,
    RequiresAction,
    Standing,
    Succeeded,
    Unknown,
)

Json = Mapping[str, Any]


def create_params(request: IntentRequest, gateway_customer_id: str) -> dict[str, Any]:
    """Unconfirmed, for the one type of method that it will be tried on. The same request gives the same parameters."""
    params: dict[str, Any] = {
        "amount": to_stripe(request.amount, request.currency),
        "currency": request.currency,
        "payment_method_types": [request.method_type],
        "metadata": {name: value for name, value in request.metadata.items() if value},
    }
    if gateway_customer_id:
        params["customer"] = gateway_customer_id
    if request.manual_capture:
        params["capture_method"] = "manual"
    if request.description:
        params["description"] = request.description
    descriptor = printable_descriptor(request.statement_descriptor)
    if descriptor and request.method_type == "card":
        # A card shows the account's own descriptor first, ours after it; cards refuse the other parameter.
        params["statement_descriptor_suffix"] = descriptor
    elif len(descriptor) >= SHORTEST:
        params["statement_descriptor"] = descriptor
    return params


def printable_descriptor(text: str) -> str:
    """What a bank may print: at most 22 ASCII characters, none of < > \\ ' " *, at least one letter; else nothing."""
    kept = "".join(character for character in plain_letters(text) if character not in "<>\\'\"*")[:LONGEST].strip()
    return kept if any(character.isalpha() for character in kept) else ""


def intent_from(body: Json) -> GatewayIntent:
    """Stripe's PaymentIntent as the port's."""
    currency = body["currency"]
    return GatewayIntent(
        gateway_intent_id=body["id"],
        standing=standing_of(body),
        amount=from_stripe(body["amount"], currency),
        amount_received=from_stripe(body.get("amount_received") or 0, currency),
        latest_charge_id=id_of(body.get("latest_charge")),
        metadata=dict(body.get("metadata") or {}),
    )


def standing_of(body: Json) -> Standing:
    """What its status says of its latest attempt."""
    status, charge_id = body["status"], id_of(body.get("latest_charge"))
    if status == "succeeded":
        taken = from_stripe(body.get("amount_received") or 0, body["currency"])
        return Succeeded(charge_id, captured=taken if body.get("capture_method") == "manual" else None)
    if status == "requires_capture":
        return Authorized(charge_id)
    if status == "processing":
        return Processing(gateway_charge_id=charge_id)
    if status == "requires_action":
        return RequiresAction(dict(body.get("next_action") or {}), gateway_charge_id=charge_id)
    if status == "canceled":
        return IntentCanceled()
    error = body.get("last_payment_error")
    if status == "requires_payment_method" and error:
        return declined_from(error, charge_id)
    if status in ("requires_payment_method", "requires_confirmation"):
        return NotConfirmed()
    return Unknown(str(status))


def outcome_of(body: Json) -> Outcome:
    """What a confirmation came to. An intent that stands as if nothing had been asked gives no answer."""
    standing = standing_of(body)
    if isinstance(standing, NotConfirmed | IntentCanceled):
        return Unknown("not_confirmed")
    return standing


def declined_from(error: Json, charge_id: str = "") -> Declined:
    """From an intent's `last_payment_error` or a 402's error object."""
    return Declined(
        code=error.get("code") or "card_declined",
        decline_code=error.get("decline_code") or "",
        message=error.get("message") or "",
        network_decline_code=error.get("network_decline_code") or "",
        network_advice_code=error.get("network_advice_code") or "",
        gateway_charge_id=id_of(error.get("charge")) or charge_id,
    )


def declined_by(error: stripe.CardError) -> Declined:
    """A 402: an answer like another."""
    body = plain(error.error) if error.error is not None else {}
    return declined_from({"message": error.user_message, "code": error.code, **body})


def id_of(reference: Any) -> str:
    """The id of what may be an id, an expanded object or nothing."""
    if reference is None:
        return ""
    return str(reference["id"]) if isinstance(reference, Mapping) else str(reference)


def plain(found: Any) -> dict[str, Any]:
    """An object of the library as plain JSON."""
    return found.to_dict() if hasattr(found, "to_dict") else dict(found)
