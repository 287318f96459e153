"""Upgrades, downgrades and ends in the middle of things."""

import pytest

from engine.services.cancel import cancel_subscription, schedule_cancel, undo_cancel
from engine.services.change import change_subscription, preview_change
from engine.services.invoices import void_invoice
from engine.services.pay import record_payment
from engine.types import ChangeRequest, ItemChange
from invoicing.models import Invoice, InvoiceItem, InvoiceLine
from subscriptions.models import BilledPeriod, SubscriptionItem
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day, paper

pytestmark = pytest.mark.django_db


@pytest.fixture
def april():
    """10.00 a month from 1 April: thirty days."""
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    return subscription(customer=owner, prices=[price(merchant=shop, amount=1000)], at=utc(2024, 4, 1))


def to_price(row, amount, moment, behavior="create_prorations"):
    other = price(merchant=row.merchant, amount=amount)
    item = row.items.get(deleted_at=None)
    request = ChangeRequest(row.merchant_id, row.id, (ItemChange(item.id, other.id),), behavior)
    preview = preview_change(ctx=context(moment), request=request)
    result = change_subscription(ctx=context(moment), request=request)
    return preview, result


def waiting():
    return list(InvoiceItem.objects.filter(invoice_id="").order_by("id").values_list("amount", flat=True))


def test_up_and_down_again_credits_each_charge_by_itself(april):
    to_price(april, 2000, utc(2024, 4, 11))
    assert waiting() == [-667, 1333]  # 20 of 30 days
    to_price(april, 1000, utc(2024, 4, 21))
    assert waiting() == [-667, 1333, -667, 333]  # half of the 1333 charged on the 11th
    day(utc(2024, 5, 1))
    invoice = Invoice.objects.get(billing_reason="subscription_cycle")
    assert (invoice.status, invoice.total) == ("paid", 1000 - 667 + 1333 - 667 + 333)
    assert waiting() == []
    debits = BilledPeriod.objects.filter(invoice_id=invoice.id)
    assert debits.count() == 3  # the period and the two charges that were pending


def test_always_invoice_charges_what_the_preview_showed(april):
    preview, result = to_price(april, 4000, utc(2024, 4, 16), "always_invoice")
    invoice = Invoice.objects.get(id=result.invoice_id)
    assert (preview.due_now, invoice.total) == (1500, 1500)  # -500 + 2000
    assert (invoice.status, result.payment.status) == ("paid", "succeeded")
    day(utc(2024, 5, 1))
    assert paper()[-1][2] == 4000


def test_more_units_from_the_next_period_on_without_prorations(april):
    item = april.items.get()
    request = ChangeRequest(april.merchant_id, april.id, (ItemChange(item.id, quantity=3),), "none")
    change_subscription(ctx=context(utc(2024, 4, 10)), request=request)
    assert waiting() == []
    day(utc(2024, 5, 1))
    assert paper()[-1][2] == 3000
    assert SubscriptionItem.objects.get().sequence == 1


def test_a_second_product_is_added_and_taken_away(april):
    extra = price(merchant=april.merchant, amount=600)
    request = ChangeRequest(april.merchant_id, april.id, (ItemChange(price_id=extra.id),))
    change_subscription(ctx=context(utc(2024, 4, 16)), request=request)
    assert waiting() == [300]
    day(utc(2024, 5, 1))
    assert paper()[-1][2] == 1000 + 600 + 300
    added = april.items.get(price=extra)
    removal = ChangeRequest(april.merchant_id, april.id, (ItemChange(added.id, deleted=True),))
    change_subscription(ctx=context(utc(2024, 5, 16, 12)), request=removal)  # half of 31 days
    day(utc(2024, 6, 1))
    assert paper()[-1][2] == 1000 - 300


def test_cancel_at_period_end_stops_there_and_can_be_undone_before(april):
    ids = {"merchant_id": april.merchant_id, "subscription_id": april.id}
    schedule_cancel(ctx=context(utc(2024, 4, 10)), **ids)
    undo_cancel(ctx=context(utc(2024, 4, 12)), **ids)
    day(utc(2024, 5, 1))
    assert len(paper()) == 2  # it renewed
    schedule_cancel(ctx=context(utc(2024, 5, 10)), feedback="too_expensive", **ids)
    day(utc(2024, 6, 1))
    april.refresh_from_db()
    assert (april.status, april.ended_at, april.cancellation_feedback) == (
        "canceled",
        utc(2024, 6, 1),
        "too_expensive",
    )
    assert len(paper()) == 2


def test_a_year_cut_at_1_july_gives_back_what_is_left():
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    yearly = price(merchant=shop, amount=12000, interval="year")
    row = subscription(customer=owner, prices=[yearly], at=utc(2024, 1, 1))
    schedule_cancel(
        ctx=context(utc(2024, 1, 1)), merchant_id=shop.id, subscription_id=row.id, cancel_at=utc(2024, 7, 1)
    )
    assert waiting() == [-6033]  # 12000 * 184 / 366: what stays charged is 5967
    day(utc(2024, 7, 1))
    row.refresh_from_db()
    owner.refresh_from_db()
    assert (row.status, owner.balance) == ("canceled", -6033)


def test_canceled_at_once_with_credit_and_last_invoice(april):
    result = cancel_subscription(
        ctx=context(utc(2024, 4, 16)),
        merchant_id=april.merchant_id,
        subscription_id=april.id,
        prorate=True,
        invoice_now=True,
    )
    last = Invoice.objects.get(id=result.invoice_id)
    assert (last.total, last.status) == (-500, "paid")
    april.customer.refresh_from_db()
    assert april.customer.balance == -500
    day(utc(2024, 5, 1))
    assert len(paper()) == 2


def test_canceled_at_once_without_anything_leaves_what_is_pending(april):
    to_price(april, 2000, utc(2024, 4, 11))
    cancel_subscription(ctx=context(utc(2024, 4, 16)), merchant_id=april.merchant_id, subscription_id=april.id)
    assert waiting() == [-667, 1333]
    assert InvoiceLine.objects.count() == 1


class TestDeferredCredits:
    """`unpaid_proration` defer: nothing is given back of what was not paid."""

    @pytest.fixture
    def unpaid(self):
        shop = merchant(unpaid_proration="defer")
        row = subscription(
            customer=customer(merchant=shop),
            prices=[price(merchant=shop, amount=1000)],
            at=utc(2024, 4, 1),
            collection_method="send_invoice",
        )
        to_price(row, 2000, utc(2024, 4, 16))
        return row, Invoice.objects.get()

    def test_wait_for_the_payment(self, unpaid):
        row, first = unpaid
        assert sorted(waiting()) == [-500, 1000]
        assert InvoiceItem.objects.get(amount=-500).held_for_invoice_id == first.id
        record_payment(
            ctx=context(utc(2024, 4, 20)), merchant_id=row.merchant_id, invoice_id=first.id, amount=1000, note=""
        )
        day(utc(2024, 5, 1))
        assert paper()[-1][2] == 2000 + 1000 - 500

    def test_are_dropped_when_the_invoice_is_void(self, unpaid):
        row, first = unpaid
        void_invoice(ctx=context(utc(2024, 4, 20)), merchant_id=row.merchant_id, invoice_id=first.id)
        day(utc(2024, 5, 1))
        assert paper()[-1][2] == 2000 + 1000
