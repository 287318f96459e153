"""What a gateway's answer changes on a charge and its intent. Pure: rows in, changed in place; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from payments.rules import LOOK_UP_AFTER
from payments.types import (
    Authorized,
    Declined,
    IntentCanceled,
    NotConfirmed,
    Processing,
    RequiresAction,
    Standing,
    Succeeded,
    Unknown,
)

IN_FLIGHT = frozenset({"planned", "processing", "requires_action", "authorized", "unknown"})

# A processing debit whose day is not known, or has passed without an answer, is asked after daily.
_ASK_AGAIN = timedelta(days=1)

# A charge in flight, in the words of `PaymentOutcome.status`: one that is planned is somebody's to send right now.
OUTCOME_OF_STATUS = {
    "planned": "processing",
    "processing": "processing",
    "requires_action": "requires_action",
    "authorized": "authorized",
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
    if isinstance(standing, Authorized):
        return bool(charge.status == "authorized")
    return isinstance(standing, Unknown)


def _charge_values(charge: Any, standing: Standing, as_of: datetime, wall: datetime) -> Mapping[str, Any]:
    if isinstance(standing, Unknown):
        # What is under way, or waits for its customer, still does: only the answer to our question was lost.
        return {
            "status": "unknown" if charge.status == "planned" else charge.status,
            "resolve_after": wall + LOOK_UP_AFTER,
        }
    if isinstance(standing, Authorized):
        return _held_values(charge, standing, as_of)
    settled: dict[str, Any] = {"resolve_after": None, "next_action_at": None}
    if isinstance(standing, Succeeded):
        settled |= {"status": "succeeded", "succeeded_at": as_of, "gateway_charge_id": standing.gateway_charge_id}
        settled["next_action_at"] = standing.look_again_at
        if charge.authorized_at is not None:
            settled["amount_captured"] = charge.amount if standing.captured is None else standing.captured
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


def _held_values(charge: Any, standing: Authorized, as_of: datetime) -> Mapping[str, Any]:
    """What is promised of it (a capture, or to let go) stays so, and is looked after until it is done."""
    until = standing.capture_before
    return {
        "status": "authorized",
        "gateway_charge_id": standing.gateway_charge_id,
        "authorized_at": charge.authorized_at or as_of,
        "next_action_at": until if until and until > as_of else as_of + _ASK_AGAIN,
        "resolve_after": None if charge.amount_to_capture is None else charge.resolve_after,
    }


def _intent_values(charge: Any, intent: Any, standing: Standing, as_of: datetime) -> Mapping[str, Any]:
    changed: dict[str, Any] = {"latest_charge_id": charge.id, "next_action": None}
    if isinstance(standing, Succeeded):
        received = intent.amount if charge.amount_captured is None else charge.amount_captured
        changed |= {"status": "succeeded", "amount_received": received, "last_payment_error": None}
    elif isinstance(standing, Authorized):
        changed |= {"status": "requires_capture", "last_payment_error": None}
    elif isinstance(standing, Declined):
        changed |= {"status": "requires_payment_method", "last_payment_error": _payment_error(charge, standing)}
    elif isinstance(standing, RequiresAction):
        changed |= {"status": "requires_action", "next_action": dict(standing.next_action)}
    elif isinstance(standing, Processing):
        changed |= {"status": "processing"}
    elif isinstance(standing, IntentCanceled):
        by_itself = "automatic" if charge.authorized_at else "abandoned"
        reason = intent.cancellation_reason if charge.amount_to_capture == 0 else by_itself
        changed |= {"status": "canceled", "canceled_at": as_of, "cancellation_reason": reason}
    elif isinstance(standing, NotConfirmed):
        changed |= {"status": "requires_payment_method"}
    return changed


def _payment_error(charge: Any, declined: Declined) -> dict[str, Any]:
    """Stripe's last_payment_error."""
    reason = {"decline_code": declined.decline_code} if declined.decline_code else {}
    return reason | {
        "type": "card_error",
        "code": declined.code,
        "message": declined.message,
        "charge": charge.id,
        "payment_method": charge.payment_method_id or None,
    }
