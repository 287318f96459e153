"""error_if_incomplete: no subscription, no invoice and no number unless the money came."""

from datetime import timedelta

import pytest

from catalog.models import Coupon
from engine.models import PendingSubscribe
from engine.rules.requests import subscribe_request_from_json
from engine.services.paying_first import (
    AuthenticationNeeded,
    FirstPaymentFailed,
    NothingToPayWith,
    PaymentOutcomeUnknown,
    finish_pending_subscribes,
)
from engine.services.resolve import resolve_unknown
from engine.services.subscribe import subscribe
from engine.types import ItemRequest, SubscribeRequest
from invoicing.models import Invoice, NumberSeries
from payments.models import Charge, PaymentIntent, Refund
from subscriptions.models import Discount, Subscription
from tests.factories.catalog import coupon, price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return merchant()


def sign_up(shop, instrument, **fields):
    owner = customer(merchant=shop, payment_method=instrument)
    request = SubscribeRequest(
        merchant_id=shop.id,
        customer_id=owner.id,
        items=(ItemRequest(price(merchant=shop).id, 2),),
        payment_behavior="error_if_incomplete",
        metadata={"from": "the shop"},
        **fields,
    )
    return subscribe(ctx=context(), request=request)


def nothing_exists():
    return (
        not Subscription.objects.exists()
        and not Invoice.objects.exists()
        and NumberSeries.objects.get().next_number == 1
    )


def test_paid_it_is_as_any_other(shop):
    result = sign_up(shop, "pm_card_visa")
    assert (result.status, result.payment.status) == ("active", "succeeded")
    invoice = Invoice.objects.get()
    assert (invoice.id, invoice.status, invoice.amount_paid, invoice.number) == (
        result.invoice_id,
        "paid",
        2000,
        "INV-0001",
    )
    intent = PaymentIntent.objects.get()
    assert (intent.invoice_id, intent.id, intent.status) == (invoice.id, invoice.payment_intent_id, "succeeded")
    assert Charge.objects.get().invoice_id == invoice.id
    assert Subscription.objects.get().metadata == {"from": "the shop"}
    assert PendingSubscribe.objects.get().status == "complete"


def test_declined_leaves_nothing_and_says_why(shop):
    with pytest.raises(FirstPaymentFailed) as refused:
        sign_up(shop, "pm_card_chargeCustomerFail")
    assert "declined" in str(refused.value)
    assert nothing_exists()
    assert PaymentIntent.objects.get().status == "canceled"
    assert PendingSubscribe.objects.get().status == "failed"


def test_an_authentication_that_nobody_can_do_now_is_an_error(shop):
    with pytest.raises(AuthenticationNeeded):
        sign_up(shop, "pm_card_threeDSecure2Required")
    assert nothing_exists()
    assert PaymentIntent.objects.get().status == "canceled"


def test_without_a_method_nothing_is_even_tried(shop):
    with pytest.raises(NothingToPayWith):
        sign_up(shop, "")
    assert nothing_exists()
    assert not PendingSubscribe.objects.exists()


def test_a_trial_needs_no_payment(shop):
    result = sign_up(shop, "", trial_period_days=7)
    assert (result.status, result.payment) == ("trialing", None)


def test_money_for_a_signup_that_is_refused_after_all_goes_back(shop, monkeypatch):
    last = coupon(merchant=shop, max_redemptions=1)
    from engine.services import paying_first

    honest = paying_first.send

    def somebody_else_takes_it(ctx, charge_ids):
        answers = honest(ctx, charge_ids)
        Coupon.objects.update(times_redeemed=1)
        return answers

    monkeypatch.setattr(paying_first, "send", somebody_else_takes_it)
    with pytest.raises(Exception) as refused:
        sign_up(shop, "pm_card_visa", coupon_ids=(last.id,))
    assert refused.value.code
    assert nothing_exists()
    assert not Discount.objects.exists()
    assert (Refund.objects.get().amount, Refund.objects.get().status) == (1600, "succeeded")


def test_a_lost_answer_is_gone_on_with_once_it_is_known(shop):
    with pytest.raises(PaymentOutcomeUnknown):
        sign_up(shop, "pm_sandbox_timeoutAfterCharge")
    assert nothing_exists()
    again = subscribe_request_from_json(PendingSubscribe.objects.get().request)
    with pytest.raises(PaymentOutcomeUnknown):  # a second click does not pay a second time
        subscribe(ctx=context(), request=again)
    assert Charge.objects.count() == 1
    later = context(NEW_YEAR, recorded_at=NEW_YEAR + timedelta(minutes=10))
    resolve_unknown(ctx=later)
    assert finish_pending_subscribes(ctx=later) == 1
    assert (Subscription.objects.get().status, Invoice.objects.get().status) == ("active", "paid")
    assert finish_pending_subscribes(ctx=later) == 0
