"""Changing drafts, and what may still change afterwards."""

import pytest

from customers.selectors import PaymentMethodNotFound
from engine.rules.scheduling import DueDatePassed
from engine.services.editing import InvoiceNotEditable, UnknownCollectionMethod, update_invoice
from engine.services.finalize import finalize_invoice
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice
from events.models import Event
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db

NOON = context(utc(2024, 1, 10, 12))


@pytest.fixture
def draft():
    payer = customer(merchant=merchant(grace=3600))
    owner = {"merchant_id": payer.merchant_id, "customer_id": payer.id}
    create_invoice_item(ctx=NOON, **owner, currency="cad", amount=700)
    made = create_invoice(ctx=NOON, **owner, collection_method="send_invoice", auto_advance=False)
    return Invoice.objects.get(id=made)


def change(invoice, ctx=NOON, **fields):
    update_invoice(ctx=ctx, merchant_id=invoice.merchant_id, invoice_id=invoice.id, **fields)
    invoice.refresh_from_db()


def test_a_draft_in_what_is_no_amount(draft):
    change(draft, description="March", footer="Thanks", due_date=utc(2024, 2, 1), metadata={"po": "7", "x": "1"})
    change(draft, metadata={"x": ""})
    assert (draft.description, draft.footer, draft.metadata) == ("March", "Thanks", {"po": "7"})
    assert (draft.due_date, draft.total, draft.version) == (utc(2024, 2, 1), 700, 3)
    assert Event.objects.filter(type="invoice.updated").count() == 2


def test_a_draft_that_is_to_advance_waits_its_grace(draft):
    change(draft, auto_advance=True)
    assert draft.next_action_at == utc(2024, 1, 10, 13)
    change(draft, auto_advance=False)
    assert draft.next_action_at is None


def test_the_same_again_tells_nothing(draft):
    change(draft, description="")
    assert not Event.objects.filter(type="invoice.updated").exists()


def test_a_finalized_one_only_in_its_memo_and_metadata(draft):
    finalize_invoice(ctx=NOON, merchant_id=draft.merchant_id, invoice_id=draft.id)
    change(draft, metadata={"po": "8"}, description="Thank you")
    assert (draft.metadata, draft.description) == ({"po": "8"}, "Thank you")
    for fields in ({"due_date": utc(2024, 3, 1)}, {"footer": "New"}, {"default_tax_rate_ids": ["txr_1"]}):
        with pytest.raises(InvoiceNotEditable):
            change(draft, **fields)


def test_what_is_refused(draft):
    for fields, error in (
        ({"collection_method": "barter"}, UnknownCollectionMethod),
        ({"due_date": utc(2024, 1, 1)}, DueDatePassed),
        ({"default_payment_method_id": "pm_none"}, PaymentMethodNotFound),
    ):
        with pytest.raises(error):
            change(draft, **fields)
    with pytest.raises(InvoiceNotFound):
        update_invoice(ctx=NOON, merchant_id="acct_other", invoice_id=draft.id, description="x")
    assert draft.version == 1
