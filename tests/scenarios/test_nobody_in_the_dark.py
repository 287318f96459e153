"""Every retry and every end of a recovery has its mail: nobody is retried or canceled in silence."""

from datetime import timedelta

import pytest

from billing_site.event_routes import CONSUMERS
from dunning.models import RecoveryPolicy
from dunning.writes import ensure_default_policies
from invoicing.models import Invoice
from notifications.models import Message
from payments.models import Charge
from payments.services import detach_payment_method
from subscriptions.models import Subscription
from tests.events.outbox import drain
from tests.factories.catalog import price
from tests.factories.customers import customer, payment_method
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db(transaction=True)
FEBRUARY = utc(2024, 2, 1)


def failing(instrument: str, end_behavior: str) -> Subscription:
    """A paid subscription of 1 January whose method is refused from then on."""
    shop = merchant()
    ensure_default_policies(context(), {shop.id})
    RecoveryPolicy.objects.filter(merchant=shop).update(end_behavior=end_behavior)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    row = subscription(customer=owner, prices=[price(merchant=shop)], at=utc(2024, 1, 1))
    bad = payment_method(customer=owner, instrument=instrument)
    owner.default_payment_method_id = bad.id
    owner.save(update_fields=["default_payment_method_id"])
    return row


def live_through_february() -> None:
    for number in range(31):
        moment = FEBRUARY + timedelta(days=number)
        day(moment)
        for consumer in CONSUMERS:
            drain(consumer, wall=moment)


def heard(*kinds: str) -> list[Message]:
    return list(Message.objects.filter(kind__in=kinds).order_by("created", "recorded_at", "id"))


def refusals() -> list[Charge]:
    return list(Charge.objects.filter(status="failed").order_by("created", "id"))


@pytest.mark.parametrize(
    ("end_behavior", "status", "last_word"),
    [
        ("cancel", "canceled", "subscription_ended"),
        ("unpaid", "unpaid", "subscription_unpaid"),
        ("past_due", "past_due", ""),
    ],
)
def test_each_try_of_a_recovery_and_its_end_are_told(end_behavior, status, last_word):
    row = failing("pm_card_chargeCustomerFail", end_behavior)
    live_through_february()
    row.refresh_from_db()
    assert row.status == status

    told = heard("payment_failed")
    of_first = [charge for charge in refusals() if charge.created < utc(2024, 3, 1)]
    assert len(of_first) == 8  # the renewal and seven retries in two weeks
    assert [mail.created for mail in told if mail.created < utc(2024, 3, 1)] == [c.created for c in of_first]
    for mail in told[:7]:
        assert "We will try again on" in mail.text
    assert "This was our last try." in told[7].text
    assert all("/fix/" in mail.text and "/fix/" in mail.html for mail in told)
    assert [mail.kind for mail in heard("subscription_ended", "subscription_unpaid")] == [last_word] * bool(last_word)
    if end_behavior == "cancel":
        assert "tried to collect the payment several times and could not" in heard("subscription_ended")[0].text


@pytest.mark.parametrize(
    ("instrument", "kind", "page"),
    [
        ("pm_card_visa_chargeDeclinedLostCard", "payment_failed", "/fix/"),
        ("pm_card_threeDSecure2Required", "payment_action_required", "/confirm/"),
    ],
)
def test_one_that_is_not_tried_again_says_until_when_and_then_that_it_ended(instrument, kind, page):
    row = failing(instrument, "cancel")
    live_through_february()
    row.refresh_from_db()
    assert row.status == "canceled"
    [mail] = heard("payment_failed", "payment_action_required")
    assert mail.kind == kind
    assert "If it is not paid by February 15, 2024, your subscription ends." in mail.text
    assert page in mail.text
    assert len(refusals()) == 1
    [end] = heard("subscription_ended")
    assert end.created == utc(2024, 2, 15)


def test_a_method_that_is_gone_is_asked_for():
    row = failing("pm_card_visa", "cancel")
    for method in row.customer.payment_methods.all():
        detach_payment_method(
            ctx=context(utc(2024, 1, 2)), merchant_id=row.merchant_id, customer_id=row.customer_id,
            payment_method_id=method.id,
        )  # fmt: skip
    day(FEBRUARY)
    for consumer in CONSUMERS:
        drain(consumer, wall=FEBRUARY)
    [mail] = heard("payment_failed")
    assert "There is no payment method that we could charge" in mail.text
    assert Invoice.objects.get(status="open").next_payment_attempt is None
