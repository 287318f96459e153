from datetime import timedelta
from decimal import Decimal

import pytest

from engine.rules import subscribe, subscribing
from engine.rules.checks import check_plan
from engine.rules.previews import preview_subscribe
from engine.rules.renewal import plan_renewal
from engine.rules.subscribe import plan_subscribe, subscribed
from engine.types import BillingSettings, ItemRequest, RenewalPlan, SubscribePlan, SubscribeRequest
from invoicing.types import CustomerFacts, PendingItemFacts
from subscriptions.rules import discounts, periods, prices
from subscriptions.rules.amounts import QuantityInvalid
from subscriptions.types import CurrencyOptionFacts, DiscountUse, NewDiscount, NewItem, PromotionCodeFacts
from tests.factories.facts import GST, QST, RATES, YEARLY, amount_off, discount, percent_off, price, signup
from tests.factories.times import utc

APRIL_1, APRIL_11, APRIL_15, MAY_1 = utc(2026, 4, 1), utc(2026, 4, 11), utc(2026, 4, 15), utc(2026, 5, 1)
PRO = price(2000, id="pro")


def request(*items: ItemRequest, **fields) -> SubscribeRequest:
    return SubscribeRequest("acct_1", "cus_1", items or (ItemRequest("pro"),), **fields)


def planned(snapshot=None, asked=None, as_of=APRIL_1) -> SubscribePlan:
    plan = plan_subscribe(snapshot or signup([PRO]), asked or request(), as_of)
    check_plan(plan)
    return plan


def test_the_first_period_is_billed_at_once_and_waits_to_be_paid():
    plan = planned(asked=request(ItemRequest("pro", 3)))
    (invoice,) = plan.invoices
    assert (invoice.billing_reason, invoice.totals.total, invoice.finalize_now) == ("subscription_create", 6000, True)
    assert plan.items == (NewItem("pro", 3, APRIL_1, MAY_1),)
    assert (plan.state.status, plan.state.incomplete_expires_at) == ("incomplete", APRIL_1 + timedelta(hours=23))
    assert plan.state.next_action_at == plan.state.incomplete_expires_at
    assert [event.type for event in plan.events] == ["customer.subscription.created", "invoice.created"]


def test_its_lines_speak_of_the_rows_it_makes():
    (line,) = planned().invoices[0].lines
    assert (line.subscription_id, line.subscription_item_id) == ("#0", "#0")
    assert line.debit is not None
    assert line.debit.subscription_item_id == "#0"


def test_a_sent_invoice_waits_for_the_grace_and_leaves_the_subscription_active():
    plan = planned(asked=request(collection_method="send_invoice", days_until_due=14))
    assert plan.state.status == "active"
    assert plan.invoices[0].automatically_finalizes_at == APRIL_1 + timedelta(hours=1)
    assert plan.subscription.days_until_due == 14


@pytest.mark.parametrize(
    ("snapshot", "status"),
    [
        pytest.param(signup([price(0, id="pro")]), "active", id="a free plan"),
        pytest.param(signup([PRO], customer=CustomerFacts("cus_1", balance=-2000)), "active", id="paid by credit"),
        pytest.param(signup([PRO], customer=CustomerFacts("cus_1", balance=-1999)), "incomplete", id="a cent is left"),
        pytest.param(
            signup([PRO], settings=BillingSettings(minimum_charges={"cad": 2001})), "active", id="too small to charge"
        ),
    ],
)
def test_with_nothing_to_charge_it_is_active_at_once(snapshot, status):
    assert planned(snapshot).state.status == status


def test_a_trial_makes_an_invoice_of_0():
    plan = planned(asked=request(trial_period_days=14))
    (line,) = plan.invoices[0].lines
    assert (line.amount, line.description, line.period_end) == (0, "Trial period for Pro plan", APRIL_15)
    assert (plan.state.status, plan.state.billing_cycle_anchor, plan.state.trial_end) == (
        "trialing",
        APRIL_15,
        APRIL_15,
    )
    assert plan.state.next_action_at == utc(2026, 4, 12)


def test_a_trial_of_two_days_is_announced_at_once():
    plan = planned(asked=request(trial_period_days=2))
    assert "customer.subscription.trial_will_end" in [event.type for event in plan.events]
    assert plan.state.trial_will_end_sent_at == APRIL_1


def test_a_trial_does_not_use_up_a_once_coupon():
    plan = planned(signup([PRO], [percent_off(50, "once")]), request(coupon_ids=("50pc",), trial_period_days=14))
    assert plan.discounts_used == ()
    assert len(plan.discounts) == 1


def test_a_stub_before_the_anchor_is_prorated():
    plan = planned(asked=request(billing_cycle_anchor=MAY_1), as_of=APRIL_11)
    (line,) = plan.invoices[0].lines
    # 20 of 30 days.
    assert (line.amount, line.period_start, line.period_end) == (1333, APRIL_11, MAY_1)


def test_a_free_stub_makes_no_invoice():
    plan = planned(asked=request(billing_cycle_anchor=MAY_1, proration_behavior="none"), as_of=APRIL_11)
    assert plan.invoices == ()
    assert (plan.state.status, plan.state.next_action_at) == ("active", MAY_1)


def test_a_prices_default_cycle_day_makes_a_stub():
    plan = planned(signup([price(3000, id="pro", cycle_day=1)]), as_of=APRIL_11)
    assert plan.invoices[0].totals.total == 2000
    assert (plan.state.billing_cycle_anchor, plan.state.anchor_day_of_month) == (MAY_1, 1)


def test_discounts_stack_in_order_and_a_once_coupon_is_used_up():
    snapshot = signup([PRO], [amount_off(500, "once", id="five"), percent_off(20, id="twenty")])
    plan = planned(snapshot, request(coupon_ids=("five", "twenty")))
    assert plan.invoices[0].totals.total == 1200
    assert plan.discounts == (
        NewDiscount("five", "", 0, APRIL_1, None),
        NewDiscount("twenty", "", 1, APRIL_1, None),
    )
    assert plan.discounts_used == (DiscountUse("#0", APRIL_1, 0),)


def test_a_promotion_code_gives_its_coupon():
    snapshot = signup(
        [PRO], [percent_off(25, id="quarter")], promotion_code=PromotionCodeFacts("promo_1", "HI", "quarter")
    )
    plan = planned(snapshot, request(promotion_code="hi"))
    assert plan.invoices[0].totals.total == 1500
    assert plan.discounts[0].promotion_code_id == "promo_1"


def test_the_customers_discount_counts_when_there_is_no_other():
    own = discount(percent_off(10))
    assert planned(signup([PRO], customer_discounts=(own,))).invoices[0].totals.total == 1800
    with_coupon = signup([PRO], [percent_off(50)], customer_discounts=(own,))
    assert planned(with_coupon, request(coupon_ids=("50pc",))).invoices[0].totals.total == 1000


def test_quebec_taxes_are_added():
    plan = planned(signup([PRO], tax_rates=RATES), request(default_tax_rate_ids=(GST.id, QST.id)))
    # 2000: GST 100, QST 199.5 -> 200.
    assert (plan.invoices[0].totals.exclusive_tax, plan.invoices[0].totals.total) == (300, 2300)


def test_a_one_time_price_goes_on_the_first_invoice_only():
    setup = price(5000, None, id="setup", product="Set-up")
    snapshot, asked = signup([PRO, setup]), request(add_invoice_items=(ItemRequest("setup"),))
    assert planned(snapshot, asked).invoices[0].totals.total == 7000
    renewal = plan_renewal(subscribed(snapshot, asked, APRIL_1), MAY_1)
    assert isinstance(renewal, RenewalPlan)
    assert renewal.invoices[0].totals.total == 2000


def test_what_the_customer_owes_already_goes_on_the_first_invoice():
    waiting = PendingItemFacts("ii_1", "cad", 300, APRIL_1, APRIL_1)
    assert planned(signup([PRO], pending_items=(waiting,))).invoices[0].totals.total == 2300


@pytest.mark.parametrize(
    ("snapshot", "asked", "error"),
    [
        pytest.param(signup([PRO]), request(ItemRequest("gone")), subscribing.PriceNotFound, id="no such price"),
        pytest.param(signup([price(1, id="pro", active=False)]), request(), prices.PriceInactive, id="archived"),
        pytest.param(
            signup([PRO, price(1, id="eur", currency="eur")]),
            request(ItemRequest("pro"), ItemRequest("eur")),
            prices.MixedCurrencies,
            id="two currencies",
        ),
        pytest.param(
            signup([PRO], customer=CustomerFacts("cus_1", currency="usd")),
            request(),
            prices.CustomerCurrencyMismatch,
            id="the customer is billed in USD",
        ),
        pytest.param(signup([PRO]), request(ItemRequest("pro", -1)), QuantityInvalid, id="a quantity of -1"),
        pytest.param(signup([PRO]), request(trial_period_days=731), periods.TrialTooLong, id="a trial of 731 days"),
        pytest.param(signup([PRO]), request(coupon_ids=("gone",)), discounts.CouponNotFound, id="no such coupon"),
        pytest.param(
            signup([PRO], [percent_off(10, redeem_by=APRIL_1)]),
            request(coupon_ids=("10pc",)),
            discounts.CouponExpired,
            id="a coupon past its date",
        ),
        pytest.param(
            signup([PRO], [percent_off(10)]), request(coupon_ids=("10pc", "10pc")), discounts.CouponTwice, id="twice"
        ),
        pytest.param(signup([PRO]), request(promotion_code="X"), discounts.PromotionCodeInvalid, id="no such code"),
        pytest.param(signup([PRO]), request(collection_method="barter"), subscribe.UnknownOption, id="barter"),
        pytest.param(signup([PRO]), request(days_until_due=5), subscribe.DaysUntilDueMisplaced, id="due when charged"),
        pytest.param(
            signup([PRO]), request(add_invoice_items=(ItemRequest("pro"),)), prices.PriceNotOneTime, id="it recurs"
        ),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_name(snapshot, asked, error):
    with pytest.raises(error):
        plan_subscribe(snapshot, asked, APRIL_1)


def test_mixed_intervals_have_their_own_first_periods():
    support = price(12000, YEARLY, id="support", product="Support")
    plan = planned(signup([PRO, support]), request(ItemRequest("pro"), ItemRequest("support")))
    assert [item.current_period_end for item in plan.items] == [MAY_1, utc(2027, 4, 1)]
    assert plan.invoices[0].totals.total == 14000


def test_the_preview_is_the_invoice_that_would_be_made():
    snapshot, asked = (
        signup([PRO], [percent_off(20)], tax_rates=RATES),
        request(coupon_ids=("20pc",), default_tax_rate_ids=(GST.id,)),
    )
    shown = preview_subscribe(snapshot, asked, APRIL_1)
    assert (shown.subtotal, shown.discount, shown.tax, shown.total, shown.amount_due) == (2000, 400, 80, 1680, 1680)
    assert shown.lines[0].discount_amount == 400


def test_the_preview_of_a_free_stub_is_empty():
    shown = preview_subscribe(signup([PRO]), request(billing_cycle_anchor=MAY_1, proration_behavior="none"), APRIL_11)
    assert (shown.lines, shown.amount_due, shown.currency) == ((), 0, "cad")


def test_prices_are_sold_in_the_customers_currency_where_all_of_them_are():
    euro = CurrencyOptionFacts("eur", Decimal(900))
    several = price(1000, currency_options=(euro,))
    plan = plan_subscribe(
        signup([several], customer=CustomerFacts("cus_1", currency="eur")),
        SubscribeRequest("acct_1", "cus_1", (ItemRequest(several.id),)),
        utc(2026, 4, 1),
    )
    assert (plan.subscription.currency, plan.invoices[0].totals.total) == ("eur", 900)


def test_a_metered_price_is_not_billed_in_advance():
    metered = price(10, usage_type="metered", meter_id="mtr_1")
    plan = plan_subscribe(
        signup([metered]), SubscribeRequest("acct_1", "cus_1", (ItemRequest(metered.id),)), utc(2026, 4, 1)
    )
    assert (plan.invoices, plan.state.status, plan.state.next_action_at) == ((), "active", utc(2026, 5, 1))
