"""Payments that stand for themselves: confirmed, captured, canceled.

As with an invoice's: what is about to be asked is committed first, the gateway is asked outside any transaction, and
what got no answer stays unknown until `engine.services.resolve` has looked. Attempts, answers, refunds and disputes are
those of every payment; only there is no invoice behind it, no retry and no dunning.
"""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import PaymentMethod
from engine.selectors import bodies_kept
from engine.services.collect import cancel_at_gateway, let_go_of
from engine.services.paying_first import PaymentOutcomeUnknown
from engine.services.resolve import resolve_charges
from engine.services.sending import capture_at_gateway, send
from engine.services.settlement import outcome_of, settle_answers
from engine.types import PaymentOutcome
from events.copying import Row
from payments import writes as payments
from payments.intents import WAITING, clock_of
from payments.models import Charge, PaymentIntent
from payments.rules import LOOK_UP_AFTER
from payments.selectors import PaymentIntentNotFound, in_flight, last_attempts
from payments.services import admit_method


class IntentOver(OstinatoError):
    code = "payment_intent_unexpected_state"
    message_id = gettext_noop("You cannot confirm this PaymentIntent because it has a status of %(status)s.")


class IntentNeedsMethod(OstinatoError):
    code = "payment_intent_unexpected_state"
    param = "payment_method"
    message_id = gettext_noop(
        "You cannot confirm this PaymentIntent because it's missing a payment method. Give it a payment_method."
    )


class IntentUnderWay(OstinatoError):
    code = "payment_intent_unexpected_state"
    message_id = gettext_noop("A payment of this PaymentIntent is under way: wait for its outcome.")


class IntentNotCancelable(OstinatoError):
    code = "payment_intent_unexpected_state"
    message_id = gettext_noop("You cannot cancel this PaymentIntent because it has a status of %(status)s.")


class NothingToCapture(OstinatoError):
    code = "payment_intent_unexpected_state"
    message_id = gettext_noop(
        "This PaymentIntent could not be captured because it has a status of %(status)s. Only a PaymentIntent with one"
        " of the following statuses may be captured: requires_capture."
    )


class CaptureTooLarge(OstinatoError):
    code = "amount_too_large"
    param = "amount_to_capture"
    amounts = ("held",)
    message_id = gettext_noop("The amount to capture is more than the %(held)s that were authorized.")


class MethodOfAnother(OstinatoError):
    code = "payment_method_unexpected_state"
    param = "payment_method"
    message_id = gettext_noop(
        "The PaymentMethod supplied (%(method)s) belongs to a Customer. Please include the Customer in the `customer`"
        " parameter on the PaymentIntent."
    )


class MethodUsedUp(OstinatoError):
    code = "payment_method_unexpected_state"
    param = "payment_method"
    message_id = gettext_noop(
        "The provided PaymentMethod was used before without being attached to a Customer, or was detached from one: it"
        " may not be used again."
    )


class MethodTypeNotAllowed(OstinatoError):
    code = "payment_intent_incompatible_payment_method"
    param = "payment_method"
    message_id = gettext_noop(
        "The PaymentMethod (%(method)s) is of type %(type)s, which is not among this PaymentIntent's"
        " payment_method_types."
    )


class CaptureNeedsCard(OstinatoError):
    code = "payment_intent_incompatible_payment_method"
    param = "capture_method"
    message_id = gettext_noop("A payment by %(type)s cannot be captured later: leave capture_method automatic.")


def confirm_intent(
    *, ctx: Context, merchant_id: str, payment_intent_id: str, payment_method_id: str = "", off_session: bool = False
) -> PaymentOutcome:
    """One attempt, with the method named or the intent's own. One that waits for its customer is shown again.

    Raises `PaymentIntentNotFound`, `IntentOver`, `IntentNeedsMethod`, `IntentUnderWay`, `MethodOfAnother`,
    `MethodUsedUp`, `CaptureNeedsCard`; `PaymentOutcomeUnknown` when the answer was lost, and asking did not help.
    """
    found = _found(merchant_id, payment_intent_id)
    method = _usable(found, payment_method_id or found.payment_method_id)
    if method is not None and method.customer_id is None:
        admit_method(ctx, method, found.customer_id or "")
    with transaction.atomic(durable=True):
        intent = payments.lock_intents([payment_intent_id])[payment_intent_id]
        charge = in_flight([intent.id]).get(intent.id)
        if charge is not None and charge.status == "requires_action":
            return outcome_of(charge)
        if charge is not None and charge.status != "authorized":
            raise IntentUnderWay
        if intent.status not in WAITING:
            raise IntentOver(status=intent.status)
        if method is None:
            raise IntentNeedsMethod
        if intent.capture_method == "manual" and method.type != "card":
            raise CaptureNeedsCard(type=method.type)
        planned = _plan(ctx, intent, method.id, off_session)
    [outcome] = settle_answers(ctx, send(ctx, [planned]))
    return _known(ctx, outcome)


def _plan(ctx: Context, intent: Row, method_id: str, off_session: bool) -> str:
    """The next attempt, ours to send: its id. The caller holds the intent."""
    intent.update(payment_method_id=method_id, status="requires_confirmation", next_action=None)
    charge = payments.plan_charge(
        ctx,
        new_id("ch"),
        intent,
        attempt=last_attempts([intent.id]).get(intent.id, 0) + 1,
        off_session=off_session,
        clock_id=clock_of(intent.customer_id or ""),
    )
    charge.update(called_at=ctx.recorded_at, description=intent.description, metadata=dict(intent.metadata))
    intent["latest_charge_id"] = charge.id
    payments.insert_charges([charge])
    payments.update_intents([intent])
    return str(charge.id)


def capture_intent(
    *, ctx: Context, merchant_id: str, payment_intent_id: str, amount: int | None = None
) -> PaymentOutcome:
    """Take `amount` of what is held, or all of it; the rest goes back. Asked again it takes nothing twice.

    Raises `PaymentIntentNotFound`, `NothingToCapture`, `CaptureTooLarge`, `IntentUnderWay` while another amount is
    being captured, and `PaymentOutcomeUnknown`.
    """
    found = _found(merchant_id, payment_intent_id)
    with transaction.atomic(durable=True):
        intent = payments.lock_intents([found.id])[found.id]
        held = in_flight([intent.id]).get(intent.id)
        if intent.status != "requires_capture" or held is None:
            raise NothingToCapture(status=intent.status)
        wanted = held.amount if amount is None else amount
        if not 0 < wanted <= held.amount:
            raise CaptureTooLarge(held=held.amount)
        if held.amount_to_capture not in (None, wanted):
            raise IntentUnderWay
        _promise(ctx, held.id, wanted)
    [outcome] = settle_answers(ctx, {held.id: capture_at_gateway(ctx, held.id)})
    return _known(ctx, outcome)


def _promise(ctx: Context, charge_id: str, amount: int) -> None:
    """What is about to be asked; if its worker dies, `engine.services.resolve` asks. The caller holds the intent."""
    charge = payments.lock_charges([charge_id])[charge_id]
    charge.update(amount_to_capture=amount, resolve_after=ctx.recorded_at + LOOK_UP_AFTER)
    payments.update_charges([charge])


def cancel_intent(*, ctx: Context, merchant_id: str, payment_intent_id: str, reason: str = "") -> PaymentIntent:
    """Give it up; what was held goes back. A payment under way has to be waited for.

    Raises `PaymentIntentNotFound`, `IntentNotCancelable`, and `PaymentOutcomeUnknown` when the gateway did not say.
    """
    found = _found(merchant_id, payment_intent_id)
    with transaction.atomic(durable=True):
        intent = payments.lock_intents([found.id])[found.id]
        if intent.status in ("succeeded", "canceled"):
            raise IntentNotCancelable(status=intent.status)
        charge = in_flight([intent.id]).get(intent.id)
        if charge is None:
            kept = merchant_id in bodies_kept([merchant_id])
            clock = clock_of(intent.customer_id or "")
            payments.abandon_intent(ctx, intent.id, keep_body=kept, test_clock_id=clock, reason=reason)
        elif charge.status not in ("requires_action", "authorized") or charge.amount_to_capture:
            raise IntentNotCancelable(status="processing")
        else:
            # Promised first: whoever learns that it is canceled says why.
            intent["cancellation_reason"] = reason
            payments.update_intents([intent])
            _promise(ctx, charge.id, 0)
    if charge is None:
        cancel_at_gateway(ctx, [found.id])
    else:
        let_go_of(ctx, [charge])
    canceled = _found(merchant_id, found.id)
    if canceled.status != "canceled":
        raise PaymentOutcomeUnknown
    return canceled


def _found(merchant_id: str, payment_intent_id: str) -> PaymentIntent:
    found = PaymentIntent.objects.filter(merchant_id=merchant_id, id=payment_intent_id).first()
    if found is None or not found.terms:
        raise PaymentIntentNotFound  # an invoice's is paid with its invoice
    return found


def _usable(intent: PaymentIntent, method_id: str) -> PaymentMethod | None:
    """The method of the intent's customer, or one of nobody's that has not paid yet."""
    method = PaymentMethod.objects.filter(merchant_id=intent.merchant_id, id=method_id).first()
    if method is None:
        return None
    if method.detached_at is not None:
        raise MethodUsedUp
    if method.type not in intent.terms.get("payment_method_types", [method.type]):
        raise MethodTypeNotAllowed(method=method.id, type=method.type)
    if method.customer_id is None:
        if Charge.objects.filter(payment_method_id=method.id, status__in=["succeeded", "authorized"]).exists():
            raise MethodUsedUp
    elif method.customer_id != intent.customer_id:
        raise MethodOfAnother(method=method.id)
    return method


def _known(ctx: Context, outcome: PaymentOutcome) -> PaymentOutcome:
    """What got no answer is asked after once, for whoever waits."""
    charge = Charge.objects.get(id=outcome.charge_id)
    if _is_unanswered(charge):
        resolve_charges(ctx, [charge.id])
        charge = Charge.objects.get(id=charge.id)
    if _is_unanswered(charge):
        raise PaymentOutcomeUnknown
    return outcome_of(charge)


def _is_unanswered(charge: Charge) -> bool:
    return charge.status == "unknown" or (charge.status == "authorized" and charge.amount_to_capture is not None)
