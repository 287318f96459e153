"""What a gateway's answer changes on a charge and its intent. Pure: rows in, changed in place; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from payments.rules import LOOK_UP_AFTER
from payments.types import (
    Declined,
    IntentCanceled,
    NotConfirmed,
    Processing,
    RequiresAction,
    Standing,
    Succeeded,
    Unknown,
)

IN_FLIGHT = frozenset({"planned", "processing", "requires_action", "unknown"})

# A processing debit whose day is not known, or has passed without an answer, is asked after daily.
_ASK_AGAIN = timedelta(days=1)

# A charge in flight, in the words of `PaymentOutcome.status`: one that is planned is somebody's to send right now.
OUTCOME_OF_STATUS = {
    "planned": "processing",
    "processing": "processing",
    "requires_action": "requires_action",
    "unknown": "unknown",
    "succeeded": "succeeded",
    "failed": "declined",
    "canceled": "declined",
}


def settle(charge: Any, intent: Any, standing: Standing, as_of: datetime, wall: datetime) -> str:
    """Give the charge and its intent what the answer says; returns the charge's new status.

    Only forward: a charge that is no longer in flight is left as it is, and "" is returned. "waiting": only the
    moment of the next look-up moved.
    """
    if not _moves_forward(charge, standing):
        return ""
    nothing_new = _is_known(charge, standing)
    charge.update(_charge_values(charge, standing, as_of, wall))
    if nothing_new:
        return "waiting"  # the next look-up moves, but there is nothing to tell and so no new version
    charge["version"] += 1
    intent.update(_intent_values(charge, intent, standing, as_of), version=intent.version + 1)
    return str(charge.status)


def _moves_forward(charge: Any, standing: Standing) -> bool:
    # Money that arrives for an attempt we had let go of is still money.
    return charge.status in IN_FLIGHT or (charge.status == "canceled" and isinstance(standing, Succeeded))


def _is_known(charge: Any, standing: Standing) -> bool:
    if isinstance(standing, Processing):
        return bool(charge.status == "processing")
    if isinstance(standing, RequiresAction):
        return bool(charge.status == "requires_action")
    return isinstance(standing, Unknown)


def _charge_values(charge: Any, standing: Standing, as_of: datetime, wall: datetime) -> Mapping[str, Any]:
    if isinstance(standing, Unknown):
        # What is under way, or waits for its customer, still does: only the answer to our question was lost.
        return {
            "status": "unknown" if charge.status == "planned" else charge.status,
            "resolve_after": wall + LOOK_UP_AFTER,
        }
    settled: dict[str, Any] = {"resolve_after": None, "next_action_at": None}
    if isinstance(standing, Succeeded):
        settled |= {"status": "succeeded", "succeeded_at": as_of, "gateway_charge_id": standing.gateway_charge_id}
        settled["next_action_at"] = standing.look_again_at
    elif isinstance(standing, Declined):
        settled |= {
            "status": "failed",
            "gateway_charge_id": standing.gateway_charge_id,
            "failure_code": standing.code,
            "decline_code": standing.decline_code,
            "failure_message": standing.message,
            "network_decline_code": standing.network_decline_code,
            "network_advice_code": standing.network_advice_code,
        }
    elif isinstance(standing, RequiresAction):
        settled |= {"status": "requires_action", "gateway_charge_id": standing.gateway_charge_id}
    elif isinstance(standing, Processing):
        asked_at = standing.settles_at if standing.settles_at and standing.settles_at > as_of else as_of + _ASK_AGAIN
        settled |= {
            "status": "processing",
            "gateway_charge_id": standing.gateway_charge_id,
            "next_action_at": asked_at,
        }
    else:
        settled |= {"status": "canceled"}
    return settled


def _intent_values(charge: Any, intent: Any, standing: Standing, as_of: datetime) -> Mapping[str, Any]:
    changed: dict[str, Any] = {"latest_charge_id": charge.id, "next_action": None}
    if isinstance(standing, Succeeded):
        changed |= {"status": "succeeded", "amount_received": intent.amount, "last_payment_error": None}
    elif isinstance(standing, Declined):
        changed |= {"status": "requires_payment_method", "last_payment_error": _payment_error(charge, standing)}
    elif isinstance(standing, RequiresAction):
        changed |= {"status": "requires_action", "next_action": dict(standing.next_action)}
    elif isinstance(standing, Processing):
        changed |= {"status": "processing"}
    elif isinstance(standing, IntentCanceled):
        changed |= {"status": "canceled", "canceled_at": as_of, "cancellation_reason": "abandoned"}
    elif isinstance(standing, NotConfirmed):
        changed |= {"status": "requires_payment_method"}
    return changed


def _payment_error(charge: Any, declined: Declined) -> dict[str, Any]:
    """Stripe's last_payment_error."""
    return {
        "type": "card_error",
        "code": declined.code,
        "decline_code": declined.decline_code or None,
        "message": declined.message,
        "charge": charge.id,
        "payment_method": charge.payment_method_id or None,
    }
