"""The features of the portal, by Stripe's names: what each is where nothing is said of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

Features = dict[str, Any]
REASONS = (
    "too_expensive",
    "missing_features",
    "switched_service",
    "unused",
    "customer_service",
    "too_complex",
    "low_quality",
    "other",
)
UPDATES = ("address", "email", "name", "phone", "shipping", "tax_id")
_OFF: Features = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "feedback_options": None, "options": list(REASONS)},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}


def everything() -> Features:
    """The portal of a merchant that says nothing: all that it can do."""
    features = deepcopy(_OFF)
    for feature in features.values():
        feature["enabled"] = True
    features["customer_update"]["allowed_updates"] = list(UPDATES)
    features["subscription_cancel"]["cancellation_reason"]["enabled"] = True
    features["subscription_update"] |= {
        "default_allowed_updates": ["price", "quantity"],
        "proration_behavior": "always_invoice",
    }
    return features


def features_of(said: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Features:
    """The features with what is said of them; of what nothing is said it stays, or is off in a new configuration."""
    features = deepcopy(dict(before)) if before else deepcopy(_OFF)
    for name, given in said.items():
        feature = features[name]
        for key, value in given.items():
            feature[key] = feature[key] | value if isinstance(value, dict) else value
        if name == "customer_update" and not feature["enabled"]:
            feature["allowed_updates"] = []
    return features
