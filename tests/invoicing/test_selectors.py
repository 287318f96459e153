"""Reads of invoices: scoped by merchant, in a fixed number of queries."""

import pytest

from invoicing.selectors import (
    InvoiceNotFound,
    invoice_by_hosted_token,
    invoice_by_id,
    invoice_lines,
    invoices,
    lines_of,
)
from invoicing.snapshots import invoice_snapshot
from tests.factories.catalog import price, tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import utc

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """A shop with two paid invoices of two taxed lines each."""
    shop = merchant()
    rate = tax_rate(merchant=shop)
    prices = [price(merchant=shop), price(merchant=shop, amount=500)]
    for day in (1, 2):
        owner = customer(merchant=shop, payment_method="pm_card_visa")
        subscription(customer=owner, prices=prices, default_tax_rate_ids=(rate.id,), at=utc(2024, 1, day))
    return shop


def test_the_latest_come_first(shop):
    assert [invoice.number for invoice in invoices(shop.id)] == ["INV-0002", "INV-0001"]


def test_another_merchants_invoice_is_not_found(shop):
    with pytest.raises(InvoiceNotFound):
        invoice_by_id(merchant(prefix="B").id, invoices(shop.id)[0].id)


def test_a_blank_token_opens_no_draft():
    shop = merchant(grace=3600)
    subscription(customer=customer(merchant=shop), prices=[price(merchant=shop)], collection_method="send_invoice")
    with pytest.raises(InvoiceNotFound):
        invoice_by_hosted_token("")


def test_lines_with_their_taxes_take_two_queries(shop, django_assert_num_queries):
    invoice = invoices(shop.id)[0]
    with django_assert_num_queries(2):
        lines = invoice_lines(invoice)
        assert [(line.amount, [tax.amount for tax in line.taxes.all()]) for line in lines] == [
            (1000, [50]),
            (500, [25]),
        ]


def test_lines_of_many_take_two_queries_too(shop, django_assert_num_queries):
    ids = [invoice.id for invoice in invoices(shop.id)]
    with django_assert_num_queries(2):
        found = lines_of(ids)
    assert {invoice_id: len(lines) for invoice_id, lines in found.items()} == dict.fromkeys(ids, 2)


def test_a_model_and_a_row_tell_the_same(shop):
    from events.copying import Row
    from invoicing.models import Invoice

    invoice = invoices(shop.id)[0]
    row = Row(Invoice.objects.values().get(id=invoice.id))
    assert invoice_snapshot(invoice) == invoice_snapshot(row)
    body = invoice_snapshot(invoice)
    assert (body["subtotal"], body["total"], body["status"]) == (1500, 1575, "paid")
