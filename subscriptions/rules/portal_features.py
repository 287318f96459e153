"""The features of the portal, by Stripe's names: what each is where nothing is said of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
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
CONDITIONS = ("decreasing_item_amount", "shortening_interval")
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
        "trial_update_behavior": "continue_trial",
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


@dataclass(frozen=True, slots=True)
class Terms:
    """What an item costs a period, in minor units, and how long its period is."""

    amount: int
    interval: str
    interval_count: int

    @property
    def length(self) -> int:
        """For comparing only: days, with 30 to a month and 365 to a year."""
        return _DAYS[self.interval] * self.interval_count


_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def waits_for_period_end(conditions: Iterable[Mapping[str, str]], before: Terms, after: Terms) -> bool:
    """Whether the portal's configuration has this change wait (Stripe's `schedule_at_period_end`): any one condition.

    The amounts are those of a whole period each, as they are billed, whatever the lengths.
    """
    met = {
        "decreasing_item_amount": after.amount < before.amount,
        "shortening_interval": after.length < before.length,
    }
    return any(met[one["type"]] for one in conditions)


def quantity_bounds(update: Mapping[str, Any], price_id: str) -> tuple[int, int | None] | None:
    """(least, most) that subscribers may choose of a price; None when its quantity is not theirs to choose."""
    if "quantity" not in update["default_allowed_updates"]:
        return None
    for product in update["products"] or ():
        if price_id in product["prices"]:
            said = product["adjustable_quantity"]
            return (max(said["minimum"], 1), said["maximum"]) if said["enabled"] else None
    return 1, None
