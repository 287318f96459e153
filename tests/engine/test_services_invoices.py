"""One-off invoices and the ends of any invoice."""

import pytest

from engine.rules.items import AmountOrPrice
from engine.services.finalize import InvoiceAlreadyFinalized, finalize_invoice
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import (
    InvoiceAlreadyVoid,
    InvoiceHasPayments,
    InvoiceNotDeletable,
    InvoiceNotOpen,
    create_invoice,
    delete_draft,
    mark_uncollectible,
    void_invoice,
)
from engine.services.pay import pay_invoice, record_payment
from events.models import Event
from invoicing.models import Invoice, InvoiceItem, InvoiceLine
from invoicing.selectors import InvoiceNotFound
from payments.models import PaymentIntent
from subscriptions.models import BilledPeriod
from subscriptions.rules.prices import CustomerCurrencyMismatch, PriceNotOneTime
from tests.factories.catalog import one_time_price, price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db

CTX = context(utc(2024, 1, 10))


@pytest.fixture
def owner():
    return customer(merchant=merchant(grace=3600), payment_method="pm_card_visa")


@pytest.fixture
def unpaid():
    """The open first invoice of a customer whose card declines, and who has a credit of 2.00."""
    shop = merchant()
    payer = customer(merchant=shop, payment_method="pm_card_chargeCustomerFail", balance=-200, currency="cad")
    subscription(customer=payer, prices=[price(merchant=shop)])
    return Invoice.objects.get()


def ids(invoice):
    return {"merchant_id": invoice.merchant_id, "invoice_id": invoice.id}


def draft_of(owner, amount=700):
    create_invoice_item(
        ctx=CTX, merchant_id=owner.merchant_id, customer_id=owner.id, currency="cad", amount=amount, description="Help"
    )
    return Invoice.objects.get(id=create_invoice(ctx=CTX, merchant_id=owner.merchant_id, customer_id=owner.id))


class TestOneOff:
    def test_items_become_a_draft_then_a_paid_invoice(self, owner):
        extra = one_time_price(merchant=owner.merchant, amount=250)
        create_invoice_item(ctx=CTX, merchant_id=owner.merchant_id, customer_id=owner.id, price_id=extra.id, quantity=2)
        draft = draft_of(owner)
        assert (draft.status, draft.total, draft.next_action_at) == ("draft", 1200, utc(2024, 1, 10, 1))
        finalize_invoice(ctx=CTX, **ids(draft))
        draft.refresh_from_db()
        assert (draft.status, draft.number, draft.amount_paid) == ("paid", "INV-0001", 1200)
        assert not InvoiceItem.objects.filter(invoice_id="").exists()

    def test_a_draft_is_finalized_once(self, owner):
        draft = draft_of(owner)
        finalize_invoice(ctx=CTX, **ids(draft))
        with pytest.raises(InvoiceAlreadyFinalized):
            finalize_invoice(ctx=CTX, **ids(draft))

    def test_a_deleted_draft_gives_its_items_back(self, owner):
        draft = draft_of(owner)
        delete_draft(ctx=CTX, **ids(draft))
        assert not Invoice.objects.exists()
        assert not InvoiceLine.objects.exists()
        assert InvoiceItem.objects.get().invoice_id == ""
        assert Event.objects.filter(type="invoice.deleted").count() == 1

    def test_an_amount_or_a_price_but_not_both(self, owner):
        with pytest.raises(AmountOrPrice):
            create_invoice_item(ctx=CTX, merchant_id=owner.merchant_id, customer_id=owner.id)

    def test_a_recurring_price_is_no_item(self, owner):
        monthly = price(merchant=owner.merchant)
        with pytest.raises(PriceNotOneTime):
            create_invoice_item(ctx=CTX, merchant_id=owner.merchant_id, customer_id=owner.id, price_id=monthly.id)

    def test_another_currency_than_the_customers_is_refused(self, owner):
        owner.currency = "cad"
        owner.save()
        with pytest.raises(CustomerCurrencyMismatch):
            create_invoice_item(
                ctx=CTX, merchant_id=owner.merchant_id, customer_id=owner.id, currency="eur", amount=100
            )

    def test_a_draft_of_a_subscription_is_not_deleted(self):
        shop = merchant(grace=3600)
        subscription(customer=customer(merchant=shop), prices=[price(merchant=shop)], collection_method="send_invoice")
        with pytest.raises(InvoiceNotDeletable):
            delete_draft(ctx=CTX, **ids(Invoice.objects.get()))


class TestVoid:
    def test_keeps_the_number_reverses_what_was_billed_and_gives_credit_back(self, unpaid):
        void_invoice(ctx=CTX, **ids(unpaid))
        unpaid.refresh_from_db()
        assert (unpaid.status, unpaid.number, unpaid.next_action_at) == ("void", "INV-0001", None)
        assert BilledPeriod.objects.get().reversed_at == CTX.as_of
        assert PaymentIntent.objects.get().status == "canceled"
        unpaid.customer.refresh_from_db()
        assert unpaid.customer.balance == -200
        assert Event.objects.filter(type="invoice.voided").count() == 1

    def test_twice_is_refused_by_name(self, unpaid):
        void_invoice(ctx=CTX, **ids(unpaid))
        with pytest.raises(InvoiceAlreadyVoid):
            void_invoice(ctx=CTX, **ids(unpaid))

    def test_of_a_paid_one_is_refused(self, owner):
        draft = draft_of(owner)
        finalize_invoice(ctx=CTX, **ids(draft))
        with pytest.raises(InvoiceNotOpen):
            void_invoice(ctx=CTX, **ids(draft))

    def test_of_a_partly_paid_one_is_refused(self, unpaid):
        record_payment(ctx=CTX, amount=100, note="", **ids(unpaid))
        with pytest.raises(InvoiceHasPayments):
            void_invoice(ctx=CTX, **ids(unpaid))

    def test_of_another_merchants_is_not_found(self, unpaid):
        with pytest.raises(InvoiceNotFound):
            void_invoice(ctx=CTX, merchant_id=merchant(prefix="B").id, invoice_id=unpaid.id)


class TestUncollectible:
    def test_is_not_tried_again_but_may_be_paid(self, unpaid):
        mark_uncollectible(ctx=CTX, **ids(unpaid))
        unpaid.refresh_from_db()
        assert (unpaid.status, unpaid.next_payment_attempt) == ("uncollectible", None)
        from tests.factories.customers import payment_method

        good = payment_method(customer=unpaid.customer)
        outcome = pay_invoice(ctx=CTX, payment_method_id=good.id, **ids(unpaid))
        unpaid.refresh_from_db()
        assert (outcome.status, unpaid.status) == ("succeeded", "paid")

    def test_only_of_an_open_one(self, unpaid):
        mark_uncollectible(ctx=CTX, **ids(unpaid))
        with pytest.raises(InvoiceNotOpen):
            mark_uncollectible(ctx=CTX, **ids(unpaid))


def test_an_item_of_a_one_time_price_in_packages_costs_its_packages():
    shop = merchant()
    owner = customer(merchant=shop)
    packed = one_time_price(merchant=shop, amount=500, transform_quantity={"divide_by": 5, "round": "up"})
    create_invoice_item(ctx=context(), merchant_id=shop.id, customer_id=owner.id, price_id=packed.id, quantity=6)
    assert InvoiceItem.objects.get().amount == 1000
