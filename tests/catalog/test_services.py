"""The catalog's use cases: what is written, what is told, what is refused."""

from decimal import Decimal

import pytest

from catalog import services
from catalog.models import PaymentLinkItem, Price, Product
from catalog.rules import NegativeUnitAmount
from catalog.selectors import CodeUnknown, NotInCatalog, coupon_for_code
from events.models import Event, ObjectVersion
from tests.factories import catalog as make
from tests.factories.merchants import merchant
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db


def test_creating_a_product_and_a_price_tells_the_outbox_with_both_bodies() -> None:
    shop = merchant()
    product = services.create_product(ctx=context(), merchant_id=shop.id, name="Coffee box")
    price = services.create_price(
        ctx=context(),
        merchant_id=shop.id,
        product_id=product.id,
        type="recurring",
        currency="CAD",
        unit_amount_decimal="1999",
        interval="month",
        interval_count=1,
    )
    assert list(Event.objects.order_by("id").values_list("type", "object_id")) == [
        ("product.created", product.id),
        ("price.created", price.id),
    ]
    body = ObjectVersion.objects.get(object_id=price.id).body
    assert (body["unit_amount"], body["currency"], body["recurring"]["interval"]) == (1999, "cad", "month")


def test_an_update_that_changes_nothing_is_told_to_nobody() -> None:
    shop = merchant()
    product = services.create_product(ctx=context(), merchant_id=shop.id, name="Coffee box")
    services.update_product(ctx=context(), merchant_id=shop.id, product_id=product.id, name="Coffee box")
    assert Event.objects.count() == 1


def test_an_update_bumps_the_version_and_tells_what_it_was() -> None:
    shop = merchant()
    product = services.create_product(ctx=context(), merchant_id=shop.id, name="Coffee box")
    services.update_product(ctx=context(utc(2024, 2, 1)), merchant_id=shop.id, product_id=product.id, name="Tea box")
    event = Event.objects.get(type="product.updated")
    assert (event.object_version, event.previous_attributes) == (2, {"name": "Coffee box"})


def test_the_money_of_a_price_never_changes() -> None:
    shop = merchant()
    price = make.price(merchant=shop)
    with pytest.raises(services.PriceMoneyIsFixed):
        services.update_price(ctx=context(), merchant_id=shop.id, price_id=price.id, unit_amount_decimal=Decimal(1))


def test_a_refused_price_leaves_nothing_behind() -> None:
    shop = merchant()
    product = make.product(merchant=shop)
    with pytest.raises(NegativeUnitAmount):
        services.create_price(
            ctx=context(),
            merchant_id=shop.id,
            product_id=product.id,
            type="one_time",
            currency="cad",
            unit_amount_decimal="-5",
        )
    assert (Price.objects.count(), Event.objects.count()) == (0, 0)


def test_a_lookup_key_in_use_is_refused_by_name() -> None:
    shop = merchant()
    make.price(merchant=shop, lookup_key="basic")
    product = make.product(merchant=shop, name="Other")
    with pytest.raises(services.AlreadyTaken) as refused:
        services.create_price(
            ctx=context(),
            merchant_id=shop.id,
            product_id=product.id,
            type="one_time",
            currency="cad",
            unit_amount_decimal="5",
            lookup_key="basic",
        )
    assert refused.value.param == "lookup_key"


def test_another_merchants_product_is_not_there() -> None:
    ours, theirs = merchant(), merchant(name="Ailleurs", prefix="AIL")
    product = make.product(merchant=theirs)
    with pytest.raises(NotInCatalog):
        services.update_product(ctx=context(), merchant_id=ours.id, product_id=product.id, name="Ours now")
    assert Product.objects.get().name == product.name


def test_a_payment_link_sells_prices_of_one_currency_in_order() -> None:
    shop = merchant()
    box, setup = make.price(merchant=shop), make.price(merchant=shop, amount=500)
    link = services.create_payment_link(
        ctx=context(), merchant_id=shop.id, items=[(box.id, 1), (setup.id, 2)], name="Box"
    )
    items = PaymentLinkItem.objects.filter(payment_link=link).order_by("position")
    assert [(item.price_id, item.quantity) for item in items] == [(box.id, 1), (setup.id, 2)]
    euro = make.price(merchant=shop, currency="eur")
    with pytest.raises(services.MixedCurrencies):
        services.create_payment_link(ctx=context(), merchant_id=shop.id, items=[(box.id, 1), (euro.id, 1)])


def test_a_code_is_found_in_any_case_until_it_expires() -> None:
    shop = merchant()
    coupon = services.create_coupon(ctx=context(), merchant_id=shop.id, percent_off=Decimal(20), api_id="welcome")
    services.create_promotion_code(
        ctx=context(), merchant_id=shop.id, coupon_id=coupon.id, code="summer-24", expires_at=utc(2024, 9, 1)
    )
    found, code = coupon_for_code(shop.id, "Summer-24", as_of=NEW_YEAR)
    assert (found.id, code.code if code else "") == (coupon.id, "SUMMER-24")
    assert coupon_for_code(shop.id, "welcome", as_of=NEW_YEAR) == (coupon, None)
    with pytest.raises(CodeUnknown):
        coupon_for_code(shop.id, "SUMMER-24", as_of=utc(2024, 9, 1))


def test_a_deleted_coupon_cannot_be_redeemed_any_more() -> None:
    shop = merchant()
    coupon = services.create_coupon(ctx=context(), merchant_id=shop.id, percent_off=Decimal(20), api_id="welcome")
    services.delete_coupon(ctx=context(), merchant_id=shop.id, coupon_id=coupon.id)
    with pytest.raises(CodeUnknown):
        coupon_for_code(shop.id, "welcome", as_of=NEW_YEAR)
