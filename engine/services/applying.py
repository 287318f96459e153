"""What a processor told us, made true: each object is read anew from it, and things only move forward.

Each function takes (ctx, merchant id, the processor's id of the object) and says whether it was one of ours. What
cannot be read now raises, and is told again later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from django.db import transaction

from core.context import Context
from core.ids import new_id
from customers.models import TestClock
from engine.services.refund import record_foreign_refund, settle_refund
from engine.services.sending import call_of
from engine.services.settlement import settle_answers
from events.copying import Row
from payments import writes as payments
from payments.disputes import store_dispute
from payments.gateways import gateway_named
from payments.gateways.base import Gateway, GatewayUnreachable, NoSuchGatewayObject
from payments.models import Charge, GatewaySetup, PaymentIntent, Refund
from payments.payouts import store_payout
from payments.rules import standing_of_attempt, told_of_attempt
from payments.selectors import gateway_charges_of, in_flight, last_attempts
from payments.services import forget_gateway_customer, note_method
from payments.setups import finish_setup
from payments.types import Declined, GatewayIntent, GatewayRefund, Succeeded, Unknown

logger = logging.getLogger(__name__)

GATEWAY = "stripe"
Apply = Callable[[Context, str, str], bool]


def _gateway() -> Gateway:
    return gateway_named(GATEWAY)


def apply_intent(ctx: Context, merchant_id: str, gateway_intent_id: str) -> bool:
    """How an intent stands now; money that came without us asking is money too."""
    found = _gateway().retrieve(call_of(ctx, merchant_id, f"{gateway_intent_id}/look"), gateway_intent_id)
    if isinstance(found, Unknown):
        raise GatewayUnreachable(reason=found.reason)
    intent = _ours(merchant_id, found)
    if intent is None:
        return False
    ctx = in_business_time(ctx, _clock_of(intent))
    charge = in_flight([intent.id]).get(intent.id)
    if charge is not None:
        _apply_to(ctx, intent, charge, found)
    elif isinstance(found.standing, Succeeded) and intent.status != "succeeded":
        _adopt(ctx, intent, found.standing)
    return True


def _ours(merchant_id: str, found: GatewayIntent) -> PaymentIntent | None:
    intent = PaymentIntent.objects.filter(
        merchant_id=merchant_id, gateway=GATEWAY, id=found.metadata.get("payment_intent", "")
    ).first()
    if intent is None:
        return None
    if not intent.gateway_intent_id:
        with transaction.atomic(durable=True):
            payments.store_gateway_intent_ids([(intent.id, found.gateway_intent_id)])
        return intent
    if intent.gateway_intent_id != found.gateway_intent_id:
        logger.error("%s carries the name of %s, which is another", found.gateway_intent_id, intent.id)
        return None
    return intent


def _apply_to(ctx: Context, intent: PaymentIntent, charge: Row | Charge, found: GatewayIntent) -> None:
    earlier = gateway_charges_of([intent.id]).get(intent.id, set()) - {charge.gateway_charge_id}
    arrived = charge.status in ("processing", "requires_action")
    standing = told_of_attempt(standing_of_attempt(found, earlier, arrived=arrived), charge.status)
    if isinstance(standing, Declined) and charge.status == "planned" and not standing.gateway_charge_id:
        return  # an authentication that failed before this attempt: not this one's answer
    if standing is not None:
        settle_answers(ctx, {charge.id: standing})


def _adopt(ctx: Context, intent: PaymentIntent, standing: Succeeded) -> None:
    """The intent is paid though no attempt of ours is under way: one we had let go of, or none of ours at all."""
    let_go = Charge.objects.filter(payment_intent_id=intent.id, status="canceled").order_by("-attempt").first()
    if let_go is None:
        with transaction.atomic(durable=True):
            row = payments.lock_intents([intent.id])[intent.id]
            attempt = last_attempts([intent.id]).get(intent.id, 0) + 1
            charge = payments.plan_charge(
                ctx, new_id("ch"), row, attempt=attempt, off_session=False, clock_id=_clock_of(intent)
            )
            charge["called_at"] = ctx.recorded_at
            payments.insert_charges([charge])
        let_go = Charge.objects.get(id=charge.id)
    settle_answers(ctx, {let_go.id: standing})


def apply_refund(ctx: Context, merchant_id: str, gateway_refund_id: str) -> bool:
    """One of ours moves; one that was made at the processor itself is written down."""
    told = _gateway().read_refund(call_of(ctx, merchant_id, f"{gateway_refund_id}/look"), gateway_refund_id)
    refund = Refund.objects.filter(merchant_id=merchant_id, id=told.metadata.get("refund", "")).first()
    if refund is not None:
        settle_refund(in_business_time(ctx, refund.test_clock_id), refund.id, told.refund)
        return True
    charge = _charge_of(ctx, merchant_id, told.gateway_intent_id)
    if charge is None or told.refund.status == "failed":
        return charge is not None and _settle_known(ctx, charge, told.refund)
    record_foreign_refund(in_business_time(ctx, charge.test_clock_id), charge.id, told)
    return True


def _settle_known(ctx: Context, charge: Charge, told: GatewayRefund) -> bool:
    """One that failed before we heard of it never was; one that we knew gives its amount back."""
    known = Refund.objects.filter(charge_id=charge.id, gateway_refund_id=told.gateway_refund_id).first()
    if known is not None:
        settle_refund(in_business_time(ctx, known.test_clock_id), known.id, told)
    return True


def apply_dispute(ctx: Context, merchant_id: str, gateway_dispute_id: str) -> bool:
    told = _gateway().read_dispute(call_of(ctx, merchant_id, f"{gateway_dispute_id}/look"), gateway_dispute_id)
    charge = _charge_of(ctx, merchant_id, told.gateway_intent_id)
    if charge is None:
        return False
    store_dispute(in_business_time(ctx, charge.test_clock_id), charge.id, told)
    return True


def apply_payout(ctx: Context, merchant_id: str, gateway_payout_id: str) -> bool:
    told = _gateway().read_payout(call_of(ctx, merchant_id, f"{gateway_payout_id}/look"), gateway_payout_id)
    store_payout(ctx, merchant_id, GATEWAY, told)
    return True


def apply_method(ctx: Context, merchant_id: str, gateway_method_id: str) -> bool:
    """A card that its issuer replaced, or a method that was detached over there."""
    told = _gateway().retrieve_method(call_of(ctx, merchant_id, f"{gateway_method_id}/look"), gateway_method_id)
    return note_method(ctx=ctx, merchant_id=merchant_id, gateway=GATEWAY, facts=told)


def apply_setup(ctx: Context, merchant_id: str, gateway_setup_id: str) -> bool:
    """A customer who closed the browser too early has stored the card all the same."""
    setup = GatewaySetup.objects.filter(
        merchant_id=merchant_id, gateway=GATEWAY, gateway_setup_id=gateway_setup_id
    ).first()
    if setup is None:
        return False
    finish_setup(ctx=ctx, merchant_id=merchant_id, setup_id=setup.id)
    return True


def apply_customer(ctx: Context, merchant_id: str, gateway_customer_id: str) -> bool:
    call = call_of(ctx, merchant_id, f"{gateway_customer_id}/look")
    if not _gateway().customer_is_gone(call, gateway_customer_id):
        return False
    return forget_gateway_customer(ctx=ctx, merchant_id=merchant_id, gateway_customer_id=gateway_customer_id)


BY_OBJECT: dict[str, Apply] = {
    "payment_intent": apply_intent,
    "refund": apply_refund,
    "dispute": apply_dispute,
    "payout": apply_payout,
    "payment_method": apply_method,
    "checkout.session": apply_setup,
    "customer": apply_customer,
}


def _charge_of(ctx: Context, merchant_id: str, gateway_intent_id: str) -> Charge | None:
    """Our charge that an intent of the processor's was paid with; None for one that is not ours."""
    if not gateway_intent_id:
        return None
    try:
        found = _gateway().retrieve(call_of(ctx, merchant_id, f"{gateway_intent_id}/look"), gateway_intent_id)
    except NoSuchGatewayObject:
        return None
    if isinstance(found, Unknown):
        raise GatewayUnreachable(reason=found.reason)
    intent = _ours(merchant_id, found)
    if intent is None:
        return None
    paid = Charge.objects.filter(payment_intent_id=intent.id, status="succeeded").first()
    if paid is None and isinstance(found.standing, Succeeded):
        # What is told of the money came before the news of the money itself.
        apply_intent(ctx, merchant_id, gateway_intent_id)
        paid = Charge.objects.filter(payment_intent_id=intent.id, status="succeeded").first()
    return paid


def _clock_of(intent: PaymentIntent) -> str | None:
    return intent.customer.test_clock_id if intent.customer else None


def in_business_time(ctx: Context, clock_id: str | None) -> Context:
    """What is on a test clock happens in that clock's time."""
    if clock_id is None:
        return ctx
    return replace(ctx, as_of=TestClock.objects.get(id=clock_id).frozen_time)
