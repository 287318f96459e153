"""Discounts on customers, what promotion codes ask for, and the last coupon taken by two people at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from catalog.models import Coupon
from core.errors import OstinatoError
from engine.services.discounts import CouponOrCode, DiscountNotFound, delete_discount, give_discount
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice
from events.models import Event
from invoicing.models import Invoice
from subscriptions.models import Discount
from subscriptions.rules.discounts import (
    CouponNotFound,
    PromotionCodeBelowMinimum,
    PromotionCodeFirstTimeOnly,
    PromotionCodeInvalid,
)
from tests.factories.catalog import coupon, price, promotion_code
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db


@pytest.fixture
def payer():
    return customer(merchant=merchant(), payment_method="pm_card_visa")


def give(payer, **fields):
    return give_discount(ctx=context(), merchant_id=payer.merchant_id, customer_id=payer.id, **fields)


def total_of_one_off(payer, amount):
    owner = {"merchant_id": payer.merchant_id, "customer_id": payer.id}
    create_invoice_item(ctx=context(), **owner, currency="cad", amount=amount)
    return Invoice.objects.get(id=create_invoice(ctx=context(), **owner)).total


def test_a_customers_discount_counts_on_one_off_invoices(payer):
    give(payer, coupon_id=coupon(merchant=payer.merchant, percent_off=20, duration="forever").id)
    assert total_of_one_off(payer, 10000) == 8000


def test_another_takes_its_place(payer):
    first = give(payer, coupon_id=coupon(merchant=payer.merchant, percent_off=20, duration="forever").id)
    second = coupon(merchant=payer.merchant, amount_off=500, duration="repeating", duration_in_months=3)
    give(payer, coupon_id=second.id)
    assert Discount.objects.get(id=first).deleted_at == NEW_YEAR
    assert Discount.objects.get(deleted_at=None).end == utc(2024, 4, 1)
    assert total_of_one_off(payer, 10000) == 9500
    types = list(Event.objects.filter(type__contains="discount").order_by("id").values_list("type", flat=True))
    assert types == ["customer.discount.created", "customer.discount.updated"]


def test_taken_away_it_counts_no_more_and_is_gone(payer):
    given = give(payer, coupon_id=coupon(merchant=payer.merchant, duration="forever").id)
    where = {"ctx": context(), "merchant_id": payer.merchant_id, "discount_id": given}
    delete_discount(**where)
    assert total_of_one_off(payer, 10000) == 10000
    with pytest.raises(DiscountNotFound):
        delete_discount(**where)


def test_what_is_refused(payer):
    for fields, error in (
        ({}, CouponOrCode),
        ({"coupon_id": "none"}, CouponNotFound),
        ({"promotion_code": "NONE"}, PromotionCodeInvalid),
    ):
        with pytest.raises(error):
            give(payer, **fields)


def test_a_code_for_the_first_purchase_only(payer):
    promotion_code(coupon=coupon(merchant=payer.merchant), code="FIRST", first_time_transaction=True)
    monthly = price(merchant=payer.merchant)
    subscription(customer=payer, prices=[monthly], promotion_code="first")
    assert Invoice.objects.get().total == 800
    with pytest.raises(PromotionCodeFirstTimeOnly):
        subscription(customer=payer, prices=[price(merchant=payer.merchant)], promotion_code="first")


@pytest.mark.parametrize(("currency", "quantity", "fits"), [("cad", 2, True), ("cad", 1, False), ("usd", 9, False)])
def test_a_code_for_larger_purchases(payer, currency, quantity, fits):
    promotion_code(
        coupon=coupon(merchant=payer.merchant), code="BIG", minimum_amount=2000, minimum_amount_currency=currency
    )
    wanted = {"customer": payer, "prices": [price(merchant=payer.merchant)], "quantity": quantity}
    if fits:
        subscription(**wanted, promotion_code="BIG")
        return
    with pytest.raises(PromotionCodeBelowMinimum):
        subscription(**wanted, promotion_code="BIG")
    assert not Discount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_take_the_last_coupon():
    shop = merchant()
    last = coupon(merchant=shop, max_redemptions=1)
    people = [customer(merchant=shop, email=f"{name}@example.com") for name in ("ada", "bo")]

    def take(person):
        try:
            give(person, coupon_id=last.id)
        except OstinatoError as error:
            return error.code
        finally:
            connection.close()
        return "given"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, people)) == ["coupon_expired", "given"]
    assert Coupon.objects.get().times_redeemed == 1
    assert Discount.objects.count() == 1
