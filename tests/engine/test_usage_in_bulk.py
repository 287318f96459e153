"""Metered subscriptions by the chunk: the number of questions to the database never grows with them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.services.finalize import run_finalizations
from engine.services.renew import run_renewals
from invoicing.models import Invoice
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.factories.usage import meter, metered_price, report

pytestmark = pytest.mark.django_db

FEBRUARY, MARCH, APRIL = utc(2024, 2, 1), utc(2024, 3, 1), utc(2024, 4, 1)


def queries_of(run) -> int:
    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured.captured_queries)


def users(shop, sold, count: int) -> list:
    owners = [customer(merchant=shop, payment_method="pm_card_visa", email=f"{n}@x.example") for n in range(count)]
    for owner in owners:
        subscription(customer=owner, prices=[sold])
    return owners


@pytest.mark.parametrize("grace", [0, 3600], ids=["finalized at once", "with its hour of grace"])
def test_the_usage_of_a_chunk_is_summed_in_one_query(grace):
    shop = merchant(grace=grace)
    sold = metered_price(meter=meter(merchant=shop))
    owners = users(shop, sold, 2)
    run_renewals(ctx=context(FEBRUARY))
    run_finalizations(ctx=context(utc(2024, 2, 1, 1)))
    for owner in owners:
        report(owner, 5, utc(2024, 2, 10))

    def month(at):
        run_renewals(ctx=context(at))
        run_finalizations(ctx=context(at.replace(hour=1)))

    few = queries_of(lambda: month(MARCH))
    owners += users(shop, sold, 10)
    run_renewals(ctx=context(MARCH))  # the new ones catch up
    run_finalizations(ctx=context(utc(2024, 3, 1, 2)))
    for owner in owners:
        report(owner, 5, utc(2024, 3, 10))
    assert queries_of(lambda: month(APRIL)) == few
    assert Invoice.objects.filter(created__gte=APRIL).values_list("total", flat=True).distinct().get() == 50
