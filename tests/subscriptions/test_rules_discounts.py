import pytest

from subscriptions.rules import discounts
from subscriptions.rules.discounts import Discountable, active_discounts, discount_end, spread_discounts, used_up
from subscriptions.types import DiscountAmount, PromotionCodeFacts
from tests.factories.facts import amount_off, discount, percent_off
from tests.factories.times import utc

NOW = utc(2026, 4, 1)


def taken(stack, *amounts):
    """How much each line loses."""
    spread = spread_discounts(stack, [Discountable(amount) for amount in amounts], "cad")
    return [sum(one.amount for one in line) for line in spread]


@pytest.mark.parametrize(
    ("stack", "lines", "off"),
    [
        pytest.param([percent_off(20), amount_off(500)], [10000], [2500], id="10000 - 20 % - 500 = 7500"),
        pytest.param([amount_off(500), percent_off(20)], [10000], [2400], id="10000 - 500 - 20 % = 7600"),
        pytest.param([amount_off(500)], [1000, 2000], [166, 334], id="500 over 1000, 2000 = 166, 334"),
        pytest.param([amount_off(500)], [300], [300], id="never more than the line"),
        pytest.param([amount_off(100)], [1000, -500, 1000], [50, 0, 50], id="a credit line is left alone"),
        pytest.param([percent_off(10)], [333, 333], [33, 33], id="10 % of each: 33.3 -> 33"),
        pytest.param([percent_off(100), amount_off(500)], [1000], [1000], id="nothing left for the second"),
        pytest.param([percent_off("33.3333")], [10000], [3333], id="33.3333 % of 10000 = 3333.33"),
        pytest.param([], [1000], [0], id="no discount"),
        pytest.param([amount_off(500)], [0, 0], [0, 0], id="nothing to take from"),
    ],
)
def test_discounts_come_off_in_the_order_of_the_stack(stack, lines, off):
    assert taken([discount(coupon) for coupon in stack], *lines) == off


def test_a_coupon_for_products_leaves_other_products_alone():
    coupon = percent_off(50, applies_to_product_ids=frozenset({"prod_a"}))
    spread = spread_discounts([discount(coupon)], [Discountable(1000, "prod_a"), Discountable(1000, "prod_b")], "cad")
    assert spread == [(DiscountAmount("di_50pc", 500),), ()]


def test_a_line_that_is_not_discountable_is_not_discounted_again():
    assert spread_discounts([discount(percent_off(50))], [Discountable(1000, discountable=False)], "cad") == [()]


def test_an_items_discount_is_for_that_item():
    own = discount(percent_off(50), subscription_item_id="si_1")
    lines = [Discountable(1000, subscription_item_id="si_1"), Discountable(1000, subscription_item_id="si_2")]
    assert spread_discounts([own], lines, "cad") == [(DiscountAmount("di_50pc", 500),), ()]


@pytest.mark.parametrize(
    ("fields", "at", "active"),
    [
        pytest.param({}, NOW, True, id="forever"),
        pytest.param({"consumed_at": utc(2026, 3, 1)}, NOW, False, id="a once coupon that is used up"),
        pytest.param({"end": utc(2026, 4, 1, 0, 0, 1)}, NOW, True, id="a second before its end"),
        pytest.param({"end": NOW}, NOW, False, id="at its end"),
        pytest.param({"start": utc(2026, 4, 2)}, NOW, False, id="not begun"),
    ],
)
def test_an_invoice_that_begins_inside_is_discounted(fields, at, active):
    assert bool(active_discounts([discount(percent_off(10), **fields)], [], at)) is active


def test_the_customers_discount_counts_only_when_the_subscription_has_none():
    own, customers = discount(percent_off(10)), discount(percent_off(50))
    assert active_discounts([own], [customers], NOW) == (own,)
    assert active_discounts([], [customers], NOW) == (customers,)


def test_the_stack_is_in_order_of_position():
    first, second = discount(percent_off(10), position=0), discount(amount_off(5), position=1)
    assert active_discounts([second, first], [], NOW) == (first, second)


@pytest.mark.parametrize(
    ("coupon", "end"),
    [
        pytest.param(percent_off(10, "repeating", duration_in_months=3), utc(2026, 4, 30), id="31 January + 3 months"),
        pytest.param(percent_off(10, "repeating", duration_in_months=1), utc(2026, 2, 28), id="31 January + 1 month"),
        pytest.param(percent_off(10, "once"), None, id="once ends by being used"),
        pytest.param(percent_off(10), None, id="forever"),
    ],
)
def test_a_repeating_discount_ends_by_the_calendar(coupon, end):
    assert discount_end(coupon, utc(2026, 1, 31), "UTC") == end


def test_only_a_once_discount_that_took_something_is_used_up():
    once, forever = discount(percent_off(10, "once"), id="di_once"), discount(percent_off(10), id="di_forever")
    lines = [(DiscountAmount("di_once", 5), DiscountAmount("di_forever", 5))]
    assert used_up([once, forever], lines) == ["di_once"]
    assert used_up([once, forever], [(), (DiscountAmount("di_forever", 5),)]) == []


@pytest.mark.parametrize(
    ("coupon", "error"),
    [
        pytest.param(percent_off(10, redeem_by=NOW), discounts.CouponExpired, id="its last moment is over"),
        pytest.param(percent_off(10, max_redemptions=2, times_redeemed=2), discounts.CouponUsedUp, id="2 of 2"),
        pytest.param(amount_off(500, currency="eur"), discounts.CouponCurrencyMismatch, id="EUR off CAD"),
        pytest.param(percent_off(10, deleted=True), discounts.CouponNotFound, id="deleted"),
    ],
)
def test_a_coupon_that_cannot_be_given_is_refused(coupon, error):
    with pytest.raises(error):
        discounts.check_redeemable(coupon, "cad", NOW)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({"active": False}, discounts.PromotionCodeInvalid, id="switched off"),
        pytest.param({"customer_id": "cus_2"}, discounts.PromotionCodeInvalid, id="somebody else's"),
        pytest.param({"expires_at": NOW}, discounts.PromotionCodeExpired, id="expired"),
        pytest.param({"max_redemptions": 1, "times_redeemed": 1}, discounts.PromotionCodeExpired, id="used up"),
    ],
)
def test_a_code_that_cannot_be_used_is_refused(fields, error):
    with pytest.raises(error):
        discounts.check_promotion_code(PromotionCodeFacts("promo_1", "SPRING", "c", **fields), "cus_1", NOW)
