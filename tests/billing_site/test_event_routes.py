"""The house's own routes: a fact goes to everybody whom it concerns, and the pages that mails name are there."""

from dataclasses import replace

import pytest
from django.urls import reverse

from billing_site.event_routes import CONSUMERS
from events.tasks import consumers
from events.types import EventRow
from insights.models import MrrMovement
from notifications.models import Message
from subscriptions.snapshots import subscription_snapshot
from tests.events.outbox import drain, tell
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context
from tests.invoicing.paper import BILLED, paper_invoice
from tests.notifications.stories import subscription


@pytest.mark.django_db(transaction=True)
def test_a_paid_invoice_and_a_new_subscription_reach_mail_and_figures():
    shop = merchant()
    ada = customer(merchant=shop)
    row = subscription(customer=ada, price=price(merchant=shop))
    about = EventRow(shop.id, "customer.subscription.created", "subscription", row.id, 1, ada.id)
    paid = EventRow(shop.id, "invoice.paid", "invoice", paper_invoice(merchant=shop, customer=ada).id, 1, ada.id)
    tell(replace(about, body=subscription_snapshot(row, row.items.all())), paid, ctx=context(BILLED))
    for consumer in CONSUMERS:
        drain(consumer, wall=BILLED)
        drain(consumer, wall=BILLED)
    assert Message.objects.get().kind == "receipt"
    assert MrrMovement.objects.get().amount == 2000


def test_the_task_finds_the_routes_by_their_setting():
    assert consumers() is CONSUMERS


@pytest.mark.parametrize("name", ["hosted_invoice", "portal_login"])
def test_the_pages_that_mails_name_exist(name):
    assert reverse(name, args=["x"])
