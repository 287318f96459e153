"""A shop with a payment link, and a visitor with an ordinary browser."""

from types import SimpleNamespace

import pytest
from django.core.cache import cache

from tests.factories import catalog, merchants
from tests.factories.times import context, utc

QUEBEC = {
    "email": "zoe@example.com",
    "name": "Zoé Gagnon",
    "country": "CA",
    "line1": "4 rue Cartier",
    "line2": "",
    "city": "Québec",
    "state": "QC",
    "postal_code": "G1R 2S5",
    "promotion_code": "",
    "instrument": "pm_card_visa",
}


@pytest.fixture(autouse=True)
def _no_counts_left_over():
    cache.clear()


@pytest.fixture
def shop(db):
    """CA$20.00 a month with GST and QST for Quebec, sold by a link."""
    merchant = merchants.merchant()
    gst = catalog.tax_rate(merchant=merchant, display_name="GST", percentage="5", country="CA")
    qst = catalog.tax_rate(merchant=merchant, display_name="QST", percentage="9.975", country="CA", state="QC")
    box = catalog.product(merchant=merchant, name="Coffee box")
    price = catalog.price(merchant=merchant, product=box, amount=2000)
    link = catalog.payment_link(merchant=merchant, prices=[price], tax_rate_ids=[gst.id, qst.id])
    return SimpleNamespace(merchant=merchant, link=link, price=price, product=box, gst=gst, qst=qst)


@pytest.fixture
def checkout_url(shop, client):
    """The address of a fresh visit; its secret is in the client's cookies."""
    return client.get(f"/pay/{shop.link.id}").url


@pytest.fixture
def subscriber(shop, client):
    """Somebody who bought through the link and came into the portal by a mailed link."""
    from customers.models import Customer
    from invoicing.models import Invoice
    from subscriptions.models import Subscription

    url = client.get(f"/pay/{shop.link.id}").url
    client.post(url, QUEBEC)
    customer = Customer.objects.get(merchant=shop.merchant)
    sign_in_by_link(client, customer)
    return SimpleNamespace(
        customer=customer,
        subscription=Subscription.objects.get(customer=customer),
        invoice=Invoice.objects.get(customer=customer),
        merchant=shop.merchant,
    )


def sign_in_by_link(client, customer):
    """The mailed link, opened and confirmed."""
    from subscriptions.services.portal_sessions import open_portal_session

    far_ahead = context(recorded_at=utc(2100, 1, 1))  # the page compares the link's last minute with the real now
    _row, token = open_portal_session(ctx=far_ahead, merchant_id=customer.merchant_id, customer_id=customer.id)
    url = f"/portal/{customer.merchant_id}/link/{token}"
    client.post(url)
    return url
