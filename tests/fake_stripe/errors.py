"""Refusals as Stripe words them."""

from typing import Any


class Refusal(Exception):
    """An answer other than 200. `kept` says whether its idempotency key replays it (what began to execute does)."""

    def __init__(self, status: int, type: str, code: str, message: str, *, kept: bool = False, **fields: Any) -> None:
        super().__init__(message)
        self.status, self.kept = status, kept
        given = {name: value for name, value in fields.items() if value is not None}
        self.body = {"error": {"type": type, "code": code, "message": message, **given}}


def missing(kind: str, object_id: str, param: str = "id") -> Refusal:
    return Refusal(
        404, "invalid_request_error", "resource_missing", f"No such {kind}: '{object_id}'", param=param, kept=False
    )


def invalid(param: str, message: str, code: str = "parameter_invalid") -> Refusal:
    return Refusal(400, "invalid_request_error", code, message, param=param)


def unexpected_state(intent: dict[str, Any], verb: str) -> Refusal:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return Refusal(
        400, "invalid_request_error", "payment_intent_unexpected_state", message, kept=True, payment_intent=intent
    )


def declined(card: Any, *, charge: str | None, **objects: Any) -> Refusal:
    return Refusal(
        402,
        "card_error",
        card.code,
        card.message,
        kept=True,
        decline_code=card.decline_code or None,
        network_decline_code=card.network_decline_code or None,
        network_advice_code=card.network_advice_code or None,
        charge=charge,
        **objects,
    )


def server_error() -> Refusal:
    return Refusal(500, "api_error", "", "An unknown error occurred.", kept=True)


def rate_limited() -> Refusal:
    return Refusal(429, "invalid_request_error", "rate_limit", "Too many requests hit the API too quickly.")


def key_refused(api_key: str) -> Refusal:
    return Refusal(401, "invalid_request_error", "api_key_expired", f"Invalid API Key provided: {api_key[:8]}***")
