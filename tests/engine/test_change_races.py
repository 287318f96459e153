"""A person and the run at the same subscription at the same instant: whoever is first, every fact holds."""

import pytest

from engine.rules.change import RenewalIsDueFirst
from engine.services.cancel import cancel_subscription
from engine.services.change import change_subscription
from engine.services.collect import run_collections
from engine.services.renew import run_renewals
from engine.types import ChangeRequest, ItemChange
from invoicing.models import Invoice
from payments.models import Charge
from subscriptions.models import BilledPeriod, Subscription
from tests.engine.test_pay_races import at_once, taken_at_the_gateway
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.facts import check_facts

pytestmark = pytest.mark.django_db(transaction=True)

FEBRUARY = utc(2024, 2, 1)


@pytest.fixture
def running():
    shop = merchant(grace=0)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    return subscription(customer=owner, prices=[price(merchant=shop, amount=1000)])


def test_a_change_that_races_a_renewal_bills_february_once(running):
    """From 1 to 3 at 10.00 at the very boundary: 10.00 and then 20.00 more. Whoever comes before the run is asked to
    wait for it."""
    change = ChangeRequest(
        running.merchant_id, running.id, (ItemChange(running.items.get().id, quantity=3),), "always_invoice"
    )

    def act():
        return change_subscription(ctx=context(FEBRUARY), request=change)

    renewed, changed = at_once(lambda: run_renewals(ctx=context(FEBRUARY)), act)
    assert not isinstance(renewed, Exception)
    if isinstance(changed, Exception):
        assert isinstance(changed, RenewalIsDueFirst)
        run_renewals(ctx=context(FEBRUARY))
        act()
    check_facts(running.merchant_id)
    billed = Invoice.objects.exclude(billing_reason="subscription_create")
    assert sum(billed.values_list("total", flat=True)) == 3000
    standing = BilledPeriod.objects.filter(start=FEBRUARY, reversed_at=None)
    assert list(standing.values_list("quantity", "amount")) == [(3, 3000)]


def test_a_cancellation_that_races_a_collection_charges_once_or_never(running):
    run_renewals(ctx=context(FEBRUARY))
    ids = {"merchant_id": running.merchant_id, "subscription_id": running.id}
    results = at_once(
        lambda: run_collections(ctx=context(FEBRUARY)),
        lambda: cancel_subscription(ctx=context(FEBRUARY), **ids),
    )
    assert not [result for result in results if isinstance(result, Exception)]
    run_collections(ctx=context(FEBRUARY))
    check_facts(running.merchant_id)
    assert Subscription.objects.get().status == "canceled"
    paid = Invoice.objects.filter(billing_reason="subscription_cycle", status="paid").count()
    assert taken_at_the_gateway() == [1000] * (1 + paid)
    assert Charge.objects.filter(status="succeeded").count() == 1 + paid
