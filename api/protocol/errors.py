"""Refusals as Stripe's error objects. Pure: an error in, an HTTP status and a JSON body out."""

from __future__ import annotations

from typing import Any

from core.errors import OstinatoError, gettext_noop

_NOT_FOUND = {"resource_missing"}
# What Stripe calls a card's failure; anything else that a processor says is told as a decline.
CARD_CODES = frozenset(
    {"authentication_required", "expired_card", "incorrect_cvc", "incorrect_number", "processing_error"}
)
_CARD = {
    "card_declined",
    "authentication_required",
    "expired_card",
    "incorrect_cvc",
    "processing_error",
    "incorrect_number",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "subscription_payment_intent_requires_action",
    "invoice_payment_intent_requires_action",
}
_CONFLICT = {"idempotency_key_in_use", "lock_timeout"}


class ApiKeyInvalid(OstinatoError):
    code = "api_key_invalid"
    message_id = gettext_noop("Invalid API Key provided: %(key)s")


class ApiKeyMissing(OstinatoError):
    code = "api_key_missing"
    message_id = gettext_noop(
        "You did not provide an API key. Send it as a bearer token (Authorization: Bearer sk_…) or as basic auth."
    )


class ApiKeyExpired(OstinatoError):
    code = "api_key_expired"
    message_id = gettext_noop("Expired API Key provided: %(key)s")


class UnrecognizedUrl(OstinatoError):
    code = "url_unrecognized"
    message_id = gettext_noop("Unrecognized request URL (%(method)s: %(path)s).")


class VersionInvalid(OstinatoError):
    code = "api_version_invalid"
    message_id = gettext_noop("Invalid Stripe API version: %(version)s")


class IdempotencyMismatch(OstinatoError):
    code = "idempotency_error"
    message_id = gettext_noop(
        "Keys for idempotent requests can only be used with the same endpoint and parameters they were first used with."
    )


class IdempotencyKeyInUse(OstinatoError):
    code = "idempotency_key_in_use"
    message_id = gettext_noop("Another request with this idempotency key is still under way: try again shortly.")


class IdempotencyKeyInvalid(OstinatoError):
    code = "parameter_invalid_string"
    message_id = gettext_noop("An idempotency key has 1 to 255 printable characters.")


class BodyUnreadable(OstinatoError):
    code = "request_body_invalid"
    message_id = gettext_noop("The request's body is not form-encoded UTF-8.")


class BodyMalformed(OstinatoError):
    code = "request_body_invalid"
    message_id = gettext_noop("The request's body is not well-formed multipart/form-data.")


class BodyNotForm(OstinatoError):
    code = "request_content_type_unsupported"
    message_id = gettext_noop(
        "The request's body is %(type)s. Send parameters form-encoded (application/x-www-form-urlencoded)."
    )


class AccountInvalid(OstinatoError):
    code = "account_invalid"
    message_id = gettext_noop(
        "The provided key '%(key)s' does not have access to account '%(account)s' (or that account does not exist)."
    )


class BodyTooLarge(OstinatoError):
    code = "request_too_large"
    message_id = gettext_noop("The request's body is larger than %(most)s bytes.")


class BodyLengthMissing(OstinatoError):
    code = "request_length_required"
    message_id = gettext_noop("Say how long the request's body is: send it with a Content-Length.")


_STATUS: dict[str, int] = {
    "api_key_invalid": 401,
    "api_key_missing": 401,
    "api_key_expired": 401,
    "url_unrecognized": 404,
    "more_permissions_required": 403,
    "account_invalid": 403,
    "request_content_type_unsupported": 400,
    "request_length_required": 411,
    "request_too_large": 413,
    "rate_limit": 429,
    "invoice_upcoming_none": 404,
}


def status_of(error: OstinatoError) -> int:
    """Stripe's HTTP status for a refusal: 404 for what is not there, 402 for a card, else 400."""
    code = error.code
    if code in _NOT_FOUND:
        # A missing object named by a parameter is a bad request; the one in the URL is a missing page.
        return 400 if error.param and error.param != "id" else 404
    if code in _CARD:
        return 402
    if code in _CONFLICT:
        return 409
    return _STATUS.get(code, 400)


def error_type(error: OstinatoError) -> str:
    """Stripe's error type: card_error, idempotency_error, invalid_request_error."""
    if error.code in _CARD:
        return "card_error"
    if error.code in ("idempotency_error", "idempotency_key_in_use"):
        return "idempotency_error"
    return "invalid_request_error"


def error_body(error: OstinatoError, *, request_id: str) -> dict[str, Any]:
    """The JSON body. The error or its `params` may carry decline_code, payment_intent or charge for card errors."""
    body: dict[str, Any] = {"type": error_type(error), "message": error.message}
    if error.code and error.code not in (
        "api_key_invalid",
        "api_key_missing",
        "url_unrecognized",
        "idempotency_error",
        "api_version_invalid",
    ):
        body["code"] = error.code
    if error.param:
        body["param"] = error.param
    for name in ("decline_code", "charge", "payment_intent", "payment_method", "advice_code", "network_decline_code"):
        told = error.params.get(name) or getattr(error, name, "")
        if told:
            body[name] = told
    body["request_log_url"] = None
    body["request_id"] = request_id
    return {"error": {key: value for key, value in body.items() if value is not None}}


def internal_error_body(*, request_id: str) -> dict[str, Any]:
    """What a caller sees of a fault of ours: nothing but the id to quote."""
    message = f"An error occurred on our side. Quote request {request_id} to support."
    return {"error": {"type": "api_error", "message": message, "request_id": request_id}}
