"""Payments for themselves, when workers die and days pass: what was promised is done, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.services import intents
from engine.services.resolve import resolve_unknown, settle_due
from events.models import Event
from payments.intents import NewIntent, create_intent
from payments.models import Charge, PaymentIntent, SandboxObject
from payments.services import create_payment_method
from tests.factories.merchants import merchant
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> PaymentIntent:
    """20.00 of nobody's, authorized at New Year."""
    shop, ctx = merchant(), context(NEW_YEAR)
    method = create_payment_method(ctx=ctx, merchant_id=shop.id, instrument="pm_card_visa")
    wanted = NewIntent(shop.id, 2000, "cad", payment_method_id=method.id, capture_method="manual")
    made = create_intent(ctx=ctx, wanted=wanted)
    intents.confirm_intent(ctx=ctx, merchant_id=shop.id, payment_intent_id=made.id)
    return PaymentIntent.objects.get(id=made.id)


class WorkerDied(BaseException):
    pass


def dies(*args: object, **kwargs: object) -> None:
    raise WorkerDied


def told() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def test_a_capture_whose_worker_died_is_asked_for_again_and_takes_once(monkeypatch, held) -> None:
    ctx = context(NEW_YEAR)
    with monkeypatch.context() as broken:
        broken.setattr(intents, "capture_at_gateway", dies)
        with pytest.raises(WorkerDied):
            intents.capture_intent(ctx=ctx, merchant_id=held.merchant_id, payment_intent_id=held.id, amount=1500)
    assert Charge.objects.get().amount_to_capture == 1500
    with pytest.raises(intents.IntentUnderWay):
        intents.capture_intent(ctx=ctx, merchant_id=held.merchant_id, payment_intent_id=held.id, amount=900)
    later = context(NEW_YEAR + timedelta(minutes=2))
    assert resolve_unknown(ctx=later).done == 1
    held.refresh_from_db()
    assert (held.status, held.amount_received, Charge.objects.get().amount_captured) == ("succeeded", 1500, 1500)
    assert resolve_unknown(ctx=context(NEW_YEAR + timedelta(hours=2))).done == 0
    assert told().count("charge.captured") == told().count("payment_intent.succeeded") == 1


def test_a_cancellation_whose_worker_died_is_asked_for_again(monkeypatch, held) -> None:
    ctx = context(NEW_YEAR)
    with monkeypatch.context() as broken:
        broken.setattr(intents, "let_go_of", dies)
        with pytest.raises(WorkerDied):
            intents.cancel_intent(ctx=ctx, merchant_id=held.merchant_id, payment_intent_id=held.id, reason="duplicate")
    with pytest.raises(intents.IntentUnderWay):
        intents.capture_intent(ctx=ctx, merchant_id=held.merchant_id, payment_intent_id=held.id)
    assert resolve_unknown(ctx=context(NEW_YEAR + timedelta(minutes=2))).done == 1
    held.refresh_from_db()
    assert (held.status, held.cancellation_reason) == ("canceled", "duplicate")
    assert told()[-2:] == ["charge.refunded", "payment_intent.canceled"]


def test_what_nobody_captures_runs_out_after_seven_days(held) -> None:
    settle_due(ctx=context(NEW_YEAR + timedelta(days=6)))
    held.refresh_from_db()
    assert held.status == "requires_capture"
    settle_due(ctx=context(NEW_YEAR + timedelta(days=7)))
    held.refresh_from_db()
    assert (held.status, held.cancellation_reason) == ("canceled", "automatic")
    assert told()[-2:] == ["charge.expired", "payment_intent.canceled"]
    assert SandboxObject.objects.get(kind="payment_intent").body["standing"]["kind"] == "canceled"
