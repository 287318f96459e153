"""Decisions about payments, pure: keys, what an answer means, what a look-up found, how much may go back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from core.errors import OstinatoError, gettext_noop
from payments.types import (
    REPLAYED_ERROR,
    Declined,
    GatewayIntent,
    IntentCanceled,
    NotConfirmed,
    Processing,
    RequiresAction,
    Standing,
    Succeeded,
    Unknown,
)

# Gateways forget idempotency keys after a day: past this age a key protects nothing, so nothing is sent with it.
KEY_LIFETIME = timedelta(hours=20)

# After a server error, how long its work is given before the gateway's books count as its last word.
ERROR_SETTLES_AFTER = timedelta(minutes=10)

# How long an unanswered call is left alone before the gateway is asked what became of it.
LOOK_UP_AFTER = timedelta(minutes=1)


class NothingToRefund(OstinatoError):
    code = "charge_not_refundable"
    param = "charge"
    message_id = gettext_noop("This charge took no money, so there is nothing to give back.")


class RefundMoreThanCharged(OstinatoError):
    code = "amount_too_large"
    param = "amount"
    amounts = ("left", "charged")
    message_id = gettext_noop("The refund is more than what is left of the charge (%(left)s of %(charged)s).")


class RefundNotPositive(OstinatoError):
    code = "parameter_invalid_integer"
    param = "amount"
    message_id = gettext_noop("A refund is more than zero.")


class ChargeAlreadyRefunded(OstinatoError):
    code = "charge_already_refunded"
    param = "charge"
    message_id = gettext_noop("This charge was refunded in full already.")


class ChargeDisputed(OstinatoError):
    code = "charge_disputed"
    param = "charge"
    message_id = gettext_noop("The cardholder disputes this charge: the bank took the money back already.")


def charge_key(payment_intent_id: str, attempt: int) -> str:
    """The idempotency key of one attempt: from what is stored alone, so a restarted worker makes the same one."""
    return f"{payment_intent_id}/attempt/{attempt}"


def intent_key(payment_intent_id: str, attempt: int = 1) -> str:
    """The idempotency key under which the intent is created at the gateway, for the attempt that finds none there.

    An intent that nobody has confirmed takes nothing, so a later attempt may make one anew: its method may be of
    another type, and the first key may be worth nothing (`key_is_dead`).
    """
    return f"{payment_intent_id}/create" if attempt == 1 else f"{payment_intent_id}/create/{attempt}"


def key_is_dead(standing: Standing, first_used_at: datetime, wall: datetime) -> bool:
    """Whether the gateway gives its stored error to whatever comes under the key that was first sent at that wall time.

    Only of a call whose look-up has just found that nothing was taken. A server that answered with an error may still
    be at work, so it is left some time.
    """
    replayed = isinstance(standing, Unknown) and standing.reason == REPLAYED_ERROR
    return replayed and wall - first_used_at >= ERROR_SETTLES_AFTER


def key_is_alive(first_used_at: datetime, wall: datetime) -> bool:
    """Whether the gateway surely still knows a key that was first sent at that wall time."""
    return wall - first_used_at < KEY_LIFETIME


def standing_of_attempt(intent: GatewayIntent, known_charge_ids: Collection[str], *, arrived: bool = False) -> Standing:
    """What a look-up says about the attempt whose answer was lost; `known_charge_ids` are those of earlier ones.

    A declined charge that an earlier attempt already brought home is not this attempt's: this one never arrived,
    unless it is known to have (it was processing, or waits for its customer). Success always counts, whoever's
    attempt it was: the money is there.
    """
    if isinstance(intent.standing, Succeeded) or arrived:
        return intent.standing
    if isinstance(intent.standing, Declined) and (
        not intent.latest_charge_id or intent.latest_charge_id in known_charge_ids
    ):
        return NotConfirmed()
    return intent.standing


def told_of_attempt(standing: Standing, charge_status: str) -> Standing | None:
    """What news of an intent may move on its charge in flight; None: nothing, whoever works on it will say.

    That nothing was taken is no news of a charge that its worker may be sending at this moment.
    """
    if isinstance(standing, Succeeded | Declined | RequiresAction | Processing):
        return standing
    if isinstance(standing, IntentCanceled) and charge_status in ("requires_action", "processing", "unknown"):
        return standing
    return None


def nothing_was_taken(standing: Standing) -> bool:
    return isinstance(standing, NotConfirmed | IntentCanceled)


def amount_taken(charge: Any) -> int:
    """What a charge that succeeded took: what was captured of it, where it was authorized first."""
    return int(charge.amount if charge.amount_captured is None else charge.amount_captured)


def told_when_paid(charge: Any) -> str:
    """What is told of a charge that was authorized or paid: what was authorized first had succeeded then."""
    return "captured" if charge.authorized_at and charge.status == "succeeded" else "succeeded"


def told_when_let_go(intent: Any) -> str:
    """What is told of an authorization that took nothing: it ran out, or went back with its canceled intent."""
    return "expired" if intent.cancellation_reason == "automatic" else "refunded"


def refundable(amount: int | None, *, charged: int, refunded: int, status: str) -> int:
    """The amount of a refund: what is asked, or all that is left.

    Raises `NothingToRefund`, `ChargeAlreadyRefunded`, `RefundNotPositive` or `RefundMoreThanCharged`.
    """
    if status != "succeeded":
        raise NothingToRefund
    left = charged - refunded
    if left == 0:
        raise ChargeAlreadyRefunded
    wanted = left if amount is None else amount
    if wanted <= 0:
        raise RefundNotPositive
    if wanted > left:
        raise RefundMoreThanCharged(left=left, charged=charged)
    return wanted


def split_payment(amount: int, amount_remaining: int) -> tuple[int, int]:
    """What a payment from outside settles and what is over: 1500 on 1000 -> (1000, 500)."""
    applied = min(amount, amount_remaining)
    return applied, amount - applied


HOSTED, INSTRUMENTS, NO_WAY = "hosted", "instruments", "none"


def way_to_add(gateway: str, *, livemode: bool, demo: bool = False) -> str:
    """How a customer stores a way to pay: on the processor's page, or by a test instrument's name, in a sandbox only.

    A live merchant without a processor of its own has no way: its invoices are paid by bank transfer.
    """
    if gateway != "sandbox":
        return HOSTED
    return INSTRUMENTS if demo or not livemode else NO_WAY


# The statuses of a dispute in which the bank holds the money: refunding it as well would pay twice.
MONEY_AT_BANK = ("needs_response", "under_review", "lost")


# How far a dispute has come. The bank's word is the last one, and a dispute that is lost may still be won on appeal.
_DISPUTE_STEPS = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "warning_closed": 2,
    "needs_response": 3,
    "under_review": 4,
    "prevented": 5,
    "lost": 5,
    "won": 6,
}


def dispute_moves_forward(before: str, after: str) -> bool:
    """Whether what is told of a dispute is not older than what is known. The same step may bring other details."""
    return _DISPUTE_STEPS.get(after, 0) >= _DISPUTE_STEPS.get(before, 0)


_PAYOUT_STEPS = {"pending": 0, "in_transit": 1, "paid": 2, "failed": 3, "canceled": 3}


def payout_moves_forward(before: str, after: str) -> bool:
    """pending, in transit, paid; and failed or canceled after any of them."""
    return _PAYOUT_STEPS.get(after, 0) > _PAYOUT_STEPS.get(before, 0)
