"""Subscribing: what is written, what is paid, what is refused with nothing written."""

import threading

import pytest
from django.db import connection

from catalog.writes import CouponFullyRedeemed
from customers.models import Customer
from customers.selectors import CustomerNotFound, PaymentMethodNotFound
from engine.rules.subscribing import PriceNotFound
from engine.services.paying_first import NothingToPayWith
from engine.services.subscribe import preview_subscribe, subscribe
from engine.types import ItemRequest, SubscribeRequest
from events.models import Event
from invoicing.models import Invoice
from payments.models import Charge, PaymentIntent
from subscriptions.models import BilledPeriod, Discount, Subscription
from tests.factories.catalog import coupon, price, promotion_code, tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db


def request_of(owner, *prices, **fields):
    items = tuple(ItemRequest(price.id) for price in prices)
    return SubscribeRequest(merchant_id=owner.merchant_id, customer_id=owner.id, items=items, **fields)


def sign_up(owner, *prices, **fields):
    return subscribe(ctx=context(), request=request_of(owner, *prices, **fields))


class TestFirstInvoice:
    def test_is_finalized_and_paid_at_once(self):
        shop = merchant(grace=3600)
        owner = customer(merchant=shop, payment_method="pm_card_visa")
        result = sign_up(owner, price(merchant=shop))
        assert (result.status, result.payment.status) == ("active", "succeeded")
        invoice = Invoice.objects.get(id=result.invoice_id)
        assert (invoice.status, invoice.number, invoice.amount_paid) == ("paid", "INV-0001", 1000)
        assert invoice.seller_snapshot["legal_name"] == "Érable & Cie inc."
        assert invoice.customer_snapshot["name"] == "Ada Tremblay"
        assert len(invoice.hosted_token) > 30

    def test_that_is_declined_leaves_it_incomplete_for_23_hours(self):
        shop = merchant()
        owner = customer(merchant=shop, payment_method="pm_card_chargeCustomerFail")
        result = sign_up(owner, price(merchant=shop))
        assert (result.status, result.payment.status) == ("incomplete", "declined")
        assert Subscription.objects.get().next_action_at == utc(2024, 1, 1, 23)

    def test_without_a_payment_method_is_refused_and_nothing_written(self):
        shop = merchant()
        with pytest.raises(NothingToPayWith):
            sign_up(customer(merchant=shop), price(merchant=shop))
        assert not Subscription.objects.exists()
        assert not Invoice.objects.exists()

    def test_without_a_payment_method_waits_when_asked_to(self):
        shop = merchant()
        result = sign_up(customer(merchant=shop), price(merchant=shop), payment_behavior="default_incomplete")
        assert (result.status, result.payment) == ("incomplete", None)

    def test_under_default_incomplete_is_not_charged(self):
        shop = merchant()
        owner = customer(merchant=shop, payment_method="pm_card_visa")
        result = sign_up(owner, price(merchant=shop), payment_behavior="default_incomplete")
        assert (result.status, result.payment) == ("incomplete", None)
        assert PaymentIntent.objects.get().status == "requires_payment_method"
        assert not Charge.objects.exists()

    def test_that_is_sent_waits_an_hour_and_the_subscription_is_active(self):
        shop = merchant(grace=3600)
        result = sign_up(customer(merchant=shop), price(merchant=shop), collection_method="send_invoice")
        assert (result.status, Invoice.objects.get().status) == ("active", "draft")

    def test_of_a_trial_is_0_and_the_first_period_is_the_trial(self):
        shop = merchant()
        result = sign_up(customer(merchant=shop), price(merchant=shop), trial_period_days=14)
        assert result.status == "trialing"
        invoice = Invoice.objects.get()
        assert (invoice.total, invoice.status) == (0, "paid")
        assert BilledPeriod.objects.get().end == utc(2024, 1, 15)

    def test_spends_the_customers_credit_first(self):
        shop = merchant()
        owner = customer(merchant=shop, payment_method="pm_card_visa", balance=-400, currency="cad")
        sign_up(owner, price(merchant=shop))
        invoice = Invoice.objects.get()
        assert (invoice.balance_applied, invoice.amount_due, invoice.amount_paid) == (400, 600, 600)
        assert Customer.objects.get(id=owner.id).balance == 0

    def test_wholly_paid_by_credit_activates_at_once(self):
        shop = merchant()
        owner = customer(merchant=shop, balance=-5000, currency="cad")
        result = sign_up(owner, price(merchant=shop))
        assert (result.status, result.payment) == ("active", None)

    def test_has_the_tax_and_the_discount(self):
        shop = merchant()
        owner = customer(merchant=shop, payment_method="pm_card_visa")
        rates = (tax_rate(merchant=shop).id, tax_rate(merchant=shop, percentage="9.975", display_name="QST").id)
        fifth_off = coupon(merchant=shop, percent_off=20)
        sign_up(owner, price(merchant=shop, amount=12500), default_tax_rate_ids=rates, coupon_ids=(fifth_off.id,))
        invoice = Invoice.objects.get()
        # 12500 - 20 % = 10000; 5 % = 500, 9.975 % = 997.5 -> 998
        assert (invoice.total_discount, invoice.exclusive_tax, invoice.total) == (2500, 1498, 11498)
        assert Discount.objects.get().consumed_invoice_id == invoice.id


class TestDiscounts:
    def test_a_code_is_found_whatever_its_case_and_counted(self):
        shop = merchant()
        code = promotion_code(coupon=coupon(merchant=shop), code="WELCOME")
        sign_up(
            customer(merchant=shop, payment_method="pm_card_visa"), price(merchant=shop), promotion_code=" welcome "
        )
        code.refresh_from_db()
        assert (code.times_redeemed, code.coupon.times_redeemed) == (1, 1)

    def test_a_coupon_is_known_by_the_id_its_api_client_chose(self):
        shop = merchant()
        coupon(merchant=shop, api_id="SPRING")
        sign_up(customer(merchant=shop, payment_method="pm_card_visa"), price(merchant=shop), coupon_ids=("SPRING",))
        assert Invoice.objects.get().total == 800

    @pytest.mark.django_db(transaction=True)
    def test_two_people_at_once_cannot_both_take_the_last_redemption(self):
        shop = merchant()
        plan = price(merchant=shop)
        last = coupon(merchant=shop, max_redemptions=1)
        owners = [customer(merchant=shop, payment_method="pm_card_visa") for _ in range(2)]
        errors = []
        start = threading.Barrier(2)

        def take(owner):
            start.wait()
            try:
                sign_up(owner, plan, coupon_ids=(last.id,))
            except Exception as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=take, args=(owner,)) for owner in owners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(errors) == 1
        assert errors[0].code == "coupon_expired"
        assert Subscription.objects.count() == 1
        last.refresh_from_db()
        assert last.times_redeemed == 1


class TestRefusals:
    def test_another_merchants_customer_is_not_found(self):
        shop, other = merchant(), merchant(prefix="B")
        stranger = customer(merchant=other)
        request = SubscribeRequest(shop.id, stranger.id, (ItemRequest(price(merchant=shop).id),))
        with pytest.raises(CustomerNotFound):
            subscribe(ctx=context(), request=request)

    def test_another_merchants_price_is_not_found(self):
        shop, other = merchant(), merchant(prefix="B")
        with pytest.raises(PriceNotFound):
            sign_up(customer(merchant=shop), price(merchant=other))

    def test_another_customers_card_is_not_found(self):
        shop = merchant()
        owner, neighbour = customer(merchant=shop), customer(merchant=shop, payment_method="pm_card_visa")
        with pytest.raises(PaymentMethodNotFound):
            sign_up(owner, price(merchant=shop), default_payment_method_id=neighbour.default_payment_method_id)

    def test_a_used_up_coupon_leaves_nothing_written(self):
        shop = merchant()
        spent = coupon(merchant=shop, max_redemptions=1, times_redeemed=1)
        with pytest.raises(Exception) as refused:
            sign_up(customer(merchant=shop), price(merchant=shop), coupon_ids=(spent.id,))
        assert refused.value.code
        assert not Subscription.objects.exists()
        assert not Invoice.objects.exists()
        assert not Event.objects.exists()

    def test_the_counter_itself_refuses_by_name(self):
        from catalog.writes import redeem

        shop = merchant()
        spent = coupon(merchant=shop, max_redemptions=1, times_redeemed=1)
        with pytest.raises(CouponFullyRedeemed):
            redeem(shop.id, coupon_ids=[spent.id])


def test_a_preview_shows_what_subscribing_bills_and_writes_nothing():
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    request = request_of(owner, price(merchant=shop), coupon_ids=(coupon(merchant=shop).id,))
    preview = preview_subscribe(ctx=context(), request=request)
    assert not Invoice.objects.exists()
    subscribe(ctx=context(), request=request)
    assert (preview.total, preview.amount_due, len(preview.lines)) == (Invoice.objects.get().total, 800, 1)
