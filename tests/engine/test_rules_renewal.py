from dataclasses import replace
from datetime import timedelta

import pytest

from core.periods import Period
from engine.rules.renewal import MAX_PERIODS_PER_ITEM, plan_renewal
from engine.types import BillingSettings, RefusedPlan, RenewalPlan
from invoicing.types import CustomerFacts, PendingItemFacts
from subscriptions.types import DiscountUse, ItemAdvance
from tests.factories.facts import (
    GST,
    QST,
    RATES,
    YEARLY,
    amount_off,
    discount,
    item,
    monthly_subscription,
    percent_off,
    price,
    renewal,
    subscription,
)
from tests.factories.times import utc

APRIL_1, MAY_1, JUNE_1, JULY_1 = utc(2026, 4, 1), utc(2026, 5, 1), utc(2026, 6, 1), utc(2026, 7, 1)
WITH_CARD = CustomerFacts("cus_1", default_payment_method_id="pm_1")


def planned(snapshot, as_of) -> RenewalPlan:
    plan = plan_renewal(snapshot, as_of)
    assert isinstance(plan, RenewalPlan)
    return plan


def pending(amount: int, **fields) -> PendingItemFacts:
    return PendingItemFacts("ii_1", "cad", amount, APRIL_1, APRIL_1, subscription_id="sub_1", **fields)


def test_before_its_time_nothing_is_due():
    plan = planned(renewal(), MAY_1 - timedelta(seconds=1))
    assert (plan.invoices, plan.item_advances, plan.events) == ((), (), ())
    assert plan.state.next_action_at == MAY_1


def test_a_renewal_bills_the_period_to_come_and_advances():
    plan = planned(renewal(monthly_subscription(price(2000), quantity=2)), MAY_1)
    (invoice,) = plan.invoices
    (line,) = invoice.lines
    assert (line.amount, line.description) == (4000, "2 × Pro plan (at CA$20.00 / month)")
    assert Period(line.period_start, line.period_end) == Period(MAY_1, JUNE_1)
    assert line.debit is not None
    assert (line.debit.start, line.debit.end, line.debit.amount) == (MAY_1, JUNE_1, 4000)
    assert (invoice.period_start, invoice.period_end) == (APRIL_1, MAY_1)
    assert plan.item_advances == (ItemAdvance("si_1", MAY_1, JUNE_1),)
    assert plan.state.next_action_at == JUNE_1
    assert [event.type for event in plan.events] == ["customer.subscription.updated", "invoice.created"]


def test_a_renewal_stays_a_draft_for_the_merchants_grace():
    (invoice,) = planned(renewal(), MAY_1).invoices
    assert invoice.automatically_finalizes_at == MAY_1 + timedelta(hours=1)
    assert invoice.next_action_at == invoice.automatically_finalizes_at
    assert not invoice.finalize_now


def test_without_a_grace_it_is_finalized_in_the_same_breath():
    (invoice,) = planned(renewal(settings=BillingSettings(finalization_grace_seconds=0)), MAY_1).invoices
    assert invoice.finalize_now
    assert invoice.automatically_finalizes_at is None


def test_a_renewal_applies_discounts_and_then_tax():
    taxed = monthly_subscription(price(10000), default_tax_rate_ids=("txr_gst", "txr_qst"))
    snapshot = renewal(
        taxed, discounts=(discount(percent_off(20)), discount(amount_off(500), position=1)), tax_rates=RATES
    )
    (invoice,) = planned(snapshot, MAY_1).invoices
    # 10000 - 2000 - 500 = 7500; GST 375; QST 748.125 -> 748.
    assert (invoice.totals.total_discount, invoice.totals.exclusive_tax, invoice.totals.total) == (2500, 1123, 8623)
    assert invoice.lines[0].debit is not None
    assert (invoice.lines[0].debit.gross_amount, invoice.lines[0].debit.amount) == (10000, 7500)


def test_a_line_explains_how_it_came_about():
    taxed = monthly_subscription(price(10000), default_tax_rate_ids=("txr_gst",))
    (invoice,) = planned(renewal(taxed, discounts=(discount(percent_off(20)),), tax_rates=RATES), MAY_1).invoices
    told = invoice.lines[0].explanation
    assert (told["kind"], told["unit_amount_decimal"], told["quantity"], told["amount"]) == (
        "period",
        "10000",
        1,
        10000,
    )
    assert told["discounts"] == [{"amount": 2000, "coupon": "20pc", "name": "", "percent_off": "20"}]
    assert told["taxes"] == [
        {
            "tax_rate": "txr_gst",
            "display_name": "GST",
            "percentage": "5",
            "inclusive": False,
            "base": 8000,
            "amount": 400,
            "reason": "standard_rated",
        }
    ]


def test_an_items_own_tax_rates_win_over_the_subscriptions():
    own = item(price(10000), APRIL_1, MAY_1, tax_rate_ids=(QST.id,))
    (invoice,) = planned(renewal(subscription([own], default_tax_rate_ids=(GST.id,)), tax_rates=RATES), MAY_1).invoices
    assert invoice.totals.exclusive_tax == 998


def test_three_missed_months_make_three_invoices():
    plan = planned(renewal(), JULY_1)
    assert [invoice.period_end for invoice in plan.invoices] == [MAY_1, JUNE_1, JULY_1]
    assert plan.item_advances == (ItemAdvance("si_1", JULY_1, utc(2026, 8, 1)),)


def test_beyond_sixty_missed_periods_a_person_decides():
    daily = subscription([item(price(100, replace(YEARLY, unit="day")), APRIL_1, utc(2026, 4, 2))])
    on_the_bound = APRIL_1 + timedelta(days=MAX_PERIODS_PER_ITEM)
    assert len(planned(renewal(daily), on_the_bound).invoices) == 60
    refused = plan_renewal(renewal(daily), on_the_bound + timedelta(days=1))
    assert isinstance(refused, RefusedPlan)
    assert (refused.code, refused.object_id) == ("too_many_missed_periods", "sub_1")
    assert refused.params["most"] == 60


def test_a_tax_rate_that_is_gone_refuses_the_plan_and_not_the_run():
    refused = plan_renewal(renewal(monthly_subscription(default_tax_rate_ids=("txr_gone",))), MAY_1)
    assert isinstance(refused, RefusedPlan)
    assert refused.code == "resource_missing"


def test_items_that_end_together_share_an_invoice_and_others_wait():
    monthly = item(price(1000), APRIL_1, MAY_1)
    yearly = item(price(9000, YEARLY, product="Support"), APRIL_1, utc(2027, 4, 1), id="si_2")
    snapshot = renewal(subscription([monthly, yearly]))
    assert [line.amount for line in planned(snapshot, MAY_1).invoices[0].lines] == [1000]
    after_a_year = planned(snapshot, utc(2027, 4, 1)).invoices
    assert [sum(line.amount for line in invoice.lines) for invoice in after_a_year] == [1000] * 11 + [10000]


def test_pending_items_go_on_the_first_invoice():
    plan = planned(renewal(pending_items=(pending(250),)), JUNE_1)
    assert [invoice.totals.total for invoice in plan.invoices] == [1250, 1000]
    assert plan.invoices[0].lines[1].invoice_item_id == "ii_1"


def test_a_free_price_renews_with_a_line_of_0():
    (invoice,) = planned(renewal(monthly_subscription(price(0))), MAY_1).invoices
    assert [line.amount for line in invoice.lines] == [0]


def test_a_once_coupon_is_used_up_by_the_first_invoice():
    plan = planned(renewal(discounts=(discount(percent_off(50, "once"), id="di_1"),)), JUNE_1)
    assert [invoice.totals.total for invoice in plan.invoices] == [500, 1000]
    assert plan.discounts_used == (DiscountUse("di_1", MAY_1, 0),)


def test_a_repeating_coupon_discounts_the_invoices_that_begin_inside():
    inside = discount(percent_off(50, "repeating", duration_in_months=2), APRIL_1, end=JUNE_1)
    assert [invoice.totals.total for invoice in planned(renewal(discounts=(inside,)), JULY_1).invoices] == [
        500,
        1000,
        1000,
    ]


def test_an_unpaid_subscription_makes_drafts_that_nobody_finalizes():
    (invoice,) = planned(renewal(monthly_subscription(status="unpaid")), MAY_1).invoices
    assert (invoice.auto_advance, invoice.automatically_finalizes_at, invoice.next_action_at) == (False, None, None)


def test_a_past_due_subscription_goes_on_billing():
    plan = planned(renewal(monthly_subscription(status="past_due")), MAY_1)
    assert (len(plan.invoices), plan.state.status) == (1, "past_due")


def test_at_the_end_of_the_period_a_canceled_subscription_bills_what_is_pending_and_ends():
    ending = monthly_subscription(cancel_at_period_end=True, cancel_at=MAY_1, canceled_at=utc(2026, 4, 9))
    plan = planned(renewal(ending, pending_items=(pending(250),)), JUNE_1)
    assert [invoice.totals.total for invoice in plan.invoices] == [250]
    assert (plan.state.status, plan.state.ended_at, plan.state.next_action_at) == ("canceled", MAY_1, None)
    assert plan.state.canceled_at == utc(2026, 4, 9)
    assert plan.events[0].type == "customer.subscription.deleted"
    assert plan.events[0].previous_attributes == {"status": "active"}


def test_an_end_without_anything_pending_makes_no_invoice():
    plan = planned(renewal(monthly_subscription(cancel_at_period_end=True)), MAY_1)
    assert (plan.invoices, plan.item_advances, plan.state.status) == ((), (), "canceled")


def test_an_end_inside_the_period_to_come_is_billed_only_up_to_it():
    # 12000 a year from 1 January 2024 to 1 July: 182 of 366 days = 5967.2 -> 5967.
    yearly = item(price(12000, YEARLY), utc(2023, 1, 1), utc(2024, 1, 1))
    plan = planned(renewal(subscription([yearly], cancel_at=utc(2024, 7, 1))), utc(2024, 1, 1))
    (line,) = plan.invoices[0].lines
    assert (line.amount, line.period_end) == (5967, utc(2024, 7, 1))
    assert plan.state.next_action_at == utc(2024, 7, 1)


def test_an_incomplete_subscription_expires_with_its_invoice():
    expiring = monthly_subscription(status="incomplete", incomplete_expires_at=APRIL_1 + timedelta(hours=23))
    plan = planned(renewal(expiring), MAY_1)
    assert (plan.state.status, plan.void_latest_invoice, plan.invoices) == ("incomplete_expired", True, ())


def on_trial(**fields):
    trial = {"status": "trialing", "trial_start": APRIL_1, "trial_end": MAY_1, "billing_cycle_anchor": MAY_1}
    return monthly_subscription(**(trial | fields))


def test_the_end_of_a_trial_is_announced_three_days_before_once():
    plan = planned(renewal(on_trial()), utc(2026, 4, 28))
    assert [event.type for event in plan.events] == ["customer.subscription.trial_will_end"]
    assert plan.state.trial_will_end_sent_at == utc(2026, 4, 28)
    assert plan.state.next_action_at == MAY_1
    again = replace(on_trial(), trial_will_end_sent_at=utc(2026, 4, 28))
    assert planned(renewal(again), utc(2026, 4, 29)).events == ()


def test_a_trial_ends_with_the_first_paid_period():
    plan = planned(renewal(on_trial(), customer=WITH_CARD), MAY_1)
    assert (plan.state.status, plan.invoices[0].totals.total) == ("active", 1000)
    assert plan.item_advances == (ItemAdvance("si_1", MAY_1, JUNE_1),)


def test_a_trial_with_a_fixed_anchor_ends_with_a_stub():
    plan = planned(renewal(on_trial(billing_cycle_anchor=utc(2026, 5, 16))), MAY_1)
    (line,) = plan.invoices[0].lines
    # 15 of the 30 days from 16 April to 16 May.
    assert (line.amount, line.period_end) == (500, utc(2026, 5, 16))
    assert (line.explanation["kind"], line.explanation["seconds"]) == ("stub", 15 * 86400)


@pytest.mark.parametrize(
    ("behavior", "customer", "status", "invoices"),
    [
        ("create_invoice", CustomerFacts("cus_1"), "active", 1),
        ("cancel", CustomerFacts("cus_1"), "canceled", 0),
        ("pause", CustomerFacts("cus_1"), "paused", 0),
        ("cancel", WITH_CARD, "active", 1),
    ],
)
def test_a_trial_without_a_payment_method_ends_as_its_settings_say(behavior, customer, status, invoices):
    plan = planned(renewal(on_trial(trial_missing_payment_method=behavior), customer=customer), MAY_1)
    assert (plan.state.status, len(plan.invoices)) == (status, invoices)


def test_a_cycle_on_the_31st_goes_through_a_leap_february():
    january = subscription([item(price(), utc(2023, 12, 31), utc(2024, 1, 31))], billing_cycle_anchor=utc(2023, 12, 31))
    ends = [invoice.lines[0].period_end for invoice in planned(renewal(january), utc(2024, 4, 1)).invoices]
    assert ends == [utc(2024, 2, 29), utc(2024, 3, 31), utc(2024, 4, 30)]


def test_a_cycle_that_aims_at_the_31st_returns_to_it_after_february():
    aiming = monthly_subscription(
        start=utc(2026, 2, 10), end=utc(2026, 2, 28), billing_cycle_anchor=utc(2026, 2, 28), anchor_day_of_month=31
    )
    assert planned(renewal(aiming), utc(2026, 2, 28)).state.next_action_at == utc(2026, 3, 31)
