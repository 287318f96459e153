"""The command that explains an invoice."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from invoicing.models import Invoice
from tests.factories.catalog import price, tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import membership, merchant, user
from tests.factories.signups import subscription

pytestmark = pytest.mark.django_db


def explained(*args):
    out = StringIO()
    call_command("explain_invoice", *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def paid():
    shop = merchant()
    gst = tax_rate(merchant=shop)
    payer = customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=payer, prices=[price(merchant=shop)], quantity=2, default_tax_rate_ids=(gst.id,))
    return Invoice.objects.get()


def test_it_says_how_the_amount_came_about(paid):
    text = explained(paid.number, "--locale", "en")
    for sentence in ("2 × CA$10.00 = CA$20.00.", "GST 5% on CA$20.00: +CA$1.00.", "The total is CA$21.00."):
        assert sentence in text


def test_as_json_and_in_french(paid):
    told = json.loads(explained(paid.id, "--json", "--locale", "fr-ca").replace("\xa0", " "))
    assert told["lines"][0]["sentences"][0] == "2 × 10,00 $ = 20,00 $."
    assert told["totals"][-1] == "21,00 $ est dû."
    assert told["total"] == 2100


def test_a_number_of_two_merchants_needs_the_merchant(paid):
    other = merchant(name="Other")
    payer = customer(merchant=other, payment_method="pm_card_visa")
    subscription(customer=payer, prices=[price(merchant=other)])
    with pytest.raises(CommandError, match="say --merchant"):
        explained("INV-0001")
    assert "The total is CA$10.00." in explained("INV-0001", "--merchant", other.id, "--locale", "en")


def test_no_such_invoice():
    with pytest.raises(CommandError, match="there is no invoice"):
        explained("INV-9999")


def test_the_dashboard_says_the_same(paid, client):
    owner = user()
    membership(user=owner, merchant=paid.merchant)
    client.force_login(owner)
    page = client.get(reverse("dashboard:invoice", args=[paid.id])).content.decode()
    assert "How was this worked out?" in page
    assert "2 × CA$10.00 = CA$20.00." in page
