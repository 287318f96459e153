"""Prepaid usage: a grant pays metered lines at finalization, before tax, and comes back with a voided invoice."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from customers import rules
from customers.granting import create_credit_grant, expire_credit_grant, void_credit_grant
from customers.models import CreditGrant, CreditGrantTransaction
from customers.selectors import CreditGrantNotFound, credit_summary
from customers.services import adjust_balance
from engine.services.change import change_subscription, preview_change
from engine.services.finalize import run_finalizations
from engine.services.invoices import void_invoice
from engine.services.renew import run_renewals
from engine.services.upcoming import preview_upcoming
from engine.types import ChangeRequest, ItemChange
from events.models import Event
from invoicing.models import Invoice, InvoiceLine
from subscriptions.models import Discount, Subscription
from tests.factories.catalog import coupon, price, tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc
from tests.factories.usage import meter, metered_price, report
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db

FEB_1 = utc(2024, 2, 1)


def user(*, card="pm_card_visa", grace=3600, **fields):
    """A seat at 20.00 and calls at 0.10, GST 5 % on both; 100 calls in January."""
    shop = merchant(grace=grace)
    owner = customer(merchant=shop, payment_method=card)
    calls = metered_price(meter=meter(merchant=shop))
    gst = tax_rate(merchant=shop, percentage="5")
    subscription(
        customer=owner, prices=[price(merchant=shop, amount=2000), calls], default_tax_rate_ids=(gst.id,), **fields
    )
    report(owner, 100, utc(2024, 1, 10))
    return owner, calls


def grant(owner, amount=400, **fields):
    fields = {"merchant_id": owner.merchant_id, "customer_id": owner.id, "currency": "cad"} | fields
    return create_credit_grant(ctx=context(NEW_YEAR), amount=amount, **fields)


def february():
    day(FEB_1)
    day(utc(2024, 2, 1, 1))
    return Invoice.objects.get(billing_reason="subscription_cycle")


def test_what_will_come_is_shown_with_its_credits_and_the_balance():
    """2000 + (1000 - 400) = 2600, 5 % = 130; 500 of the 2730 from the balance. As the invoice says afterwards."""
    owner, _ = user()
    grant(owner)
    adjust_balance(
        ctx=context(NEW_YEAR), merchant_id=owner.merchant_id, customer_id=owner.id, amount=-500, currency="cad"
    )
    sub = Subscription.objects.get()
    _, shown = preview_upcoming(ctx=context(utc(2024, 1, 20)), merchant_id=owner.merchant_id, subscription_id=sub.id)
    assert (shown.credits, shown.tax, shown.total, shown.amount_due) == (400, 130, 2730, 2230)
    invoice = february()
    assert (invoice.total, invoice.amount_due) == (shown.total, shown.amount_due)


def test_a_change_shows_what_credits_pay_now_and_what_is_left_of_them():
    """Usage of 1000 is billed at once as its price goes: the grant of 1200 pays it, 200 and the balance are left."""
    owner, calls = user()
    grant(owner, 1200)
    sub = Subscription.objects.get()
    request = ChangeRequest(
        sub.merchant_id,
        sub.id,
        (ItemChange(sub.items.get(price=calls).id, deleted=True),),
        proration_behavior="always_invoice",
    )
    at = context(utc(2024, 1, 20))
    shown = preview_change(ctx=at, request=request)
    assert (shown.invoice_now.credits, shown.due_now, shown.next_invoice.amount_due) == (1000, 0, 2100)
    done = change_subscription(ctx=at, request=request)
    invoice = Invoice.objects.get(id=done.invoice_id)
    assert (invoice.credit_grants_applied, invoice.amount_due) == (1000, 0)


def test_a_grant_pays_usage_before_tax_and_nothing_else():
    """2000 + (1000 - 400) = 2600; 5 % = 130."""
    owner, _ = user()
    given = grant(owner)
    invoice = february()
    assert (invoice.lines_gross, invoice.credit_grants_applied, invoice.exclusive_tax) == (3000, 400, 130)
    assert (invoice.total, invoice.amount_paid, invoice.status) == (2730, 2730, "paid")
    given.refresh_from_db()
    assert given.balance == 0
    [usage] = InvoiceLine.objects.filter(invoice=invoice, quantity=100)
    entries = CreditGrantTransaction.objects.filter(credit_grant=given).order_by("sequence")
    paid = {"credit_grant": given.id, "amount": 400}
    assert usage.credit_amounts == [{**paid, "transaction": entries[1].id}]
    assert usage.explanation["credit_grants"] == [{**paid, "name": ""}]
    assert [(entry.type, entry.amount, entry.ending_balance) for entry in entries] == [
        ("credits_granted", 400, 400),
        ("credits_applied", -400, 0),
    ]
    assert Event.objects.filter(type__startswith="billing.credit_grant.").count() == 2


def test_without_a_grace_the_same():
    owner, _ = user(grace=0)
    grant(owner)
    assert february().total == 2730


def test_discounts_come_first():
    """20 % off: 800 of usage is left, 300 of credit, 500 + 1600 = 2100, 5 % = 105."""
    shop_owner, _ = user()
    Discount.objects.create(
        merchant_id=shop_owner.merchant_id,
        customer=shop_owner,
        coupon=coupon(merchant=shop_owner.merchant, percent_off=20, duration="forever"),
        start=NEW_YEAR,
        created=NEW_YEAR,
        recorded_at=NEW_YEAR,
    )
    grant(shop_owner, 300)
    invoice = february()
    assert (invoice.total_discount, invoice.credit_grants_applied, invoice.total) == (600, 300, 2205)


def test_a_voided_invoice_gives_its_credit_back():
    owner, _ = user(collection_method="send_invoice")
    given = grant(owner)
    invoice = february()
    assert invoice.status == "open"
    void_invoice(ctx=context(FEB_1), merchant_id=owner.merchant_id, invoice_id=invoice.id)
    given.refresh_from_db()
    assert given.balance == 400
    assert given.transactions.order_by("-sequence").first().type == "credits_application_invoice_voided"
    assert credit_summary(owner.merchant_id, owner.id, FEB_1) == {"cad": (400, 400)}


def test_what_expired_is_not_spent():
    owner, _ = user()
    given = grant(owner, expires_at=utc(2024, 1, 31))
    assert february().credit_grants_applied == 0
    # Written off on its day, in the ledger too.
    assert given.transactions.order_by("-sequence").first().created == utc(2024, 1, 31)
    assert credit_summary(owner.merchant_id, owner.id, FEB_1) == {"cad": (0, 0)}  # Stripe: one entry per currency
    with pytest.raises(rules.GrantNotChangeable):
        expire_credit_grant(ctx=context(FEB_1), merchant_id=owner.merchant_id, credit_grant_id=given.id)


def test_a_grant_is_ended_once():
    owner = customer(merchant=merchant())
    one, other = grant(owner), grant(owner)
    expire_credit_grant(ctx=context(FEB_1), merchant_id=owner.merchant_id, credit_grant_id=one.id)
    void_credit_grant(ctx=context(FEB_1), merchant_id=owner.merchant_id, credit_grant_id=other.id)
    assert sorted(CreditGrant.objects.values_list("balance", flat=True)) == [0, 0]
    for given in (one, other):  # a reader of the outbox waits for the versions in between
        told = Event.objects.filter(object_id=given.id).order_by("object_version")
        given.refresh_from_db()
        assert list(told.values_list("object_version", flat=True)) == list(range(1, given.version + 1)) == [1, 2]
    with pytest.raises(rules.GrantNotChangeable):
        void_credit_grant(ctx=context(FEB_1), merchant_id=owner.merchant_id, credit_grant_id=other.id)
    with pytest.raises(CreditGrantNotFound):
        void_credit_grant(ctx=context(FEB_1), merchant_id="acct_other", credit_grant_id=other.id)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"amount": 0}, rules.GrantNotPositive),
        ({"priority": 101}, rules.PriorityOutOfRange),
        ({"category": "gift"}, rules.UnknownGrantCategory),
        ({"expires_at": NEW_YEAR}, rules.GrantExpiresFirst),
    ],
)
def test_what_is_no_grant(fields, error):
    with pytest.raises(error):
        grant(customer(merchant=merchant()), **fields)
    assert not CreditGrant.objects.exists()


def test_the_database_keeps_a_balance_above_zero():
    given = grant(customer(merchant=merchant()))
    with pytest.raises(DatabaseError), transaction.atomic():
        CreditGrant.objects.filter(id=given.id).update(balance=-1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_spend_one_grant_once():
    """Two subscriptions of one customer, 10.00 of usage each, and 15.00 of credit."""
    shop = merchant(grace=3600)
    owner = customer(merchant=shop, payment_method="")
    counted = meter(merchant=shop)
    for _ in range(2):
        subscription(customer=owner, prices=[metered_price(meter=counted)], collection_method="send_invoice")
    report(owner, 100, utc(2024, 1, 10))
    given = grant(owner, 1500)
    day(FEB_1)
    assert Invoice.objects.filter(status="draft", total=1000).count() == 2

    def work(_):
        try:
            return run_finalizations(ctx=context(utc(2024, 2, 1, 1)), chunk_size=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    given.refresh_from_db()
    assert given.balance == 0
    assert sorted(Invoice.objects.values_list("credit_grants_applied", flat=True)) == [500, 1000]


@pytest.mark.django_db(transaction=True)
def test_two_workers_spend_one_balance_once():
    """Two subscriptions of one customer, 10.00 each, and 15.00 that the shop owes: 10.00 and 5.00 are paid by it."""
    shop = merchant()
    owner = customer(merchant=shop, payment_method="")
    for _ in range(2):
        subscription(customer=owner, prices=[price(merchant=shop)], collection_method="send_invoice", at=NEW_YEAR)
    adjust_balance(
        ctx=context(utc(2024, 1, 5)), merchant_id=shop.id, customer_id=owner.id, amount=-1500, currency="cad"
    )

    def work(_):
        try:
            return run_renewals(ctx=context(FEB_1), chunk_size=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    renewed = Invoice.objects.filter(billing_reason="subscription_cycle")
    assert sorted(renewed.values_list("balance_applied", "amount_due")) == [(500, 500), (1000, 0)]
    owner.refresh_from_db()
    assert owner.balance == 0
