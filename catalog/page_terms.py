"""What a hosted checkout asks its visitor and says to them, and how Stripe's objects show it. Pure.

A payment link's `terms` (a session's basket is one too) have these keys, each absent until it is said:
billing_address_collection, payment_method_collection, phone_number_collection (bool), consent_collection
{terms_of_service}, custom_text {place: message}, custom_fields (as Stripe's, without `value`), and of a link alone
inactive_message, confirmation_message, completed_sessions_limit and subscription {description, metadata,
trial_missing_payment_method}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

TEXT_PLACES = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
LENGTH_MAX = 255  # of an answer to a field of one's own


def asks_terms(terms: Mapping[str, Any]) -> bool:
    """Must the visitor agree to the terms of service?"""
    return bool(terms.get("consent_collection", {}).get("terms_of_service") == "required")


def message(terms: Mapping[str, Any], place: str) -> str:
    return str(terms.get("custom_text", {}).get(place) or "")


def page_terms_snapshot(terms: Mapping[str, Any]) -> Json:
    """Those of Stripe's fields that a session and a payment link have alike; what was not said is left out."""
    shown: Json = {
        "custom_fields": [_field(one) for one in terms.get("custom_fields", ())],
        "custom_text": {
            place: {"message": message(terms, place)} if message(terms, place) else None for place in TEXT_PLACES
        },
        "phone_number_collection": {"enabled": bool(terms.get("phone_number_collection"))},
    }
    if "consent_collection" in terms:
        wanted = terms["consent_collection"].get("terms_of_service", "none")
        shown["consent_collection"] = {
            "payment_method_reuse_agreement": None,
            "promotions": "none",
            "terms_of_service": wanted,
        }
    names = ("billing_address_collection", "payment_method_collection")
    return shown | {name: terms[name] for name in names if name in terms}


def answered_fields(shown: list[Json], answers: Mapping[str, str]) -> list[Json]:
    """A session's custom fields with what its visitor answered, None where nothing was."""
    return [{**one, one["type"]: {**one[one["type"]], "value": answers.get(one["key"]) or None}} for one in shown]


def _field(said: Mapping[str, Any]) -> Json:
    kind = said["type"]
    own = said.get(kind) or {}
    detail: Json = {"default_value": own.get("default_value")}
    if kind == "dropdown":
        detail["options"] = [dict(one) for one in own["options"]]
    else:
        detail |= {name: own.get(name) for name in ("maximum_length", "minimum_length")}
    return {
        "key": said["key"],
        "label": {"custom": said["label"], "type": "custom"},
        "optional": bool(said.get("optional")),
        "type": kind,
        kind: detail,
    }
