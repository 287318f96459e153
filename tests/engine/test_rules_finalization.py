from dataclasses import replace

import pytest

from engine.rules.checks import check_plan
from engine.rules.finalization import plan_finalization, plan_finalizations
from engine.types import BillingSettings, FinalizationPlan, FinalizationSnapshot, RefusedPlan
from invoicing.types import CustomerFacts, InvoiceFacts, PlannedBalanceTransaction
from tests.factories.times import utc

NOW, IN_14_DAYS, IN_30_DAYS = utc(2026, 4, 1), utc(2026, 4, 15), utc(2026, 5, 1)


def draft(total: int = 1000, **fields) -> InvoiceFacts:
    values = {"status": "draft", "billing_reason": "subscription_cycle", "collection_method": "charge_automatically"}
    return InvoiceFacts("in_1", "acct_1", "cus_1", "be_1", currency="cad", total=total, **(values | fields))


def snapshot(invoice=None, *, balance=0, **fields) -> FinalizationSnapshot:
    customer = CustomerFacts("cus_1", balance=balance, default_payment_method_id="pm_customer")
    values = {"settings": BillingSettings(minimum_charges={"cad": 50})} | fields
    return FinalizationSnapshot(invoice or draft(), customer, **values)


def planned(given) -> FinalizationPlan:
    plan = plan_finalization(given, NOW)
    assert isinstance(plan, FinalizationPlan)
    check_plan(plan)
    return plan


def test_a_draft_is_opened_and_its_first_attempt_is_due_at_once():
    plan = planned(snapshot())
    assert (plan.status, plan.amount_due, plan.amount_remaining, plan.paid_at) == ("open", 1000, 1000, None)
    assert (plan.next_payment_attempt, plan.next_action_at, plan.due_date) == (NOW, NOW, None)
    assert plan.payment_method_id == "pm_customer"
    assert [event.type for event in plan.events] == ["invoice.finalized"]


@pytest.mark.parametrize(
    ("total", "balance", "transactions"),
    [
        pytest.param(0, 0, (), id="nothing to pay"),
        pytest.param(1000, -1500, (PlannedBalanceTransaction("applied_to_invoice", 1000, -500),), id="credit"),
        pytest.param(-1000, 0, (PlannedBalanceTransaction("invoice_too_small", -1000, -1000),), id="negative"),
        pytest.param(30, 0, (PlannedBalanceTransaction("invoice_too_small", 30, 30),), id="too small to charge"),
    ],
)
def test_with_nothing_left_to_collect_it_is_paid(total, balance, transactions):
    plan = planned(snapshot(draft(total), balance=balance))
    assert (plan.status, plan.amount_due, plan.paid_at, plan.next_action_at) == ("paid", 0, NOW, None)
    assert plan.balance_transactions == transactions
    assert "invoice.paid" in [event.type for event in plan.events]


@pytest.mark.parametrize(
    ("invoice", "days", "due"),
    [
        pytest.param(draft(collection_method="send_invoice"), 14, IN_14_DAYS, id="the subscription's 14 days"),
        pytest.param(draft(collection_method="send_invoice"), None, IN_30_DAYS, id="the merchant's 30 days"),
        pytest.param(
            draft(collection_method="send_invoice", due_date=utc(2026, 4, 9)),
            14,
            utc(2026, 4, 9),
            id="a date of its own",
        ),
    ],
)
def test_a_sent_invoice_waits_for_its_due_date(invoice, days, due):
    plan = planned(snapshot(invoice, days_until_due=days))
    assert (plan.due_date, plan.next_action_at, plan.next_payment_attempt) == (due, due, None)
    assert "invoice.sent" in [event.type for event in plan.events]


def test_the_invoices_own_method_is_charged_before_the_subscriptions():
    chosen = snapshot(draft(default_payment_method_id="pm_own"), subscription_payment_method_id="pm_sub")
    assert planned(chosen).payment_method_id == "pm_own"
    assert planned(replace(chosen, invoice=draft())).payment_method_id == "pm_sub"


def test_the_legal_facts_are_passed_through_as_they_are():
    plan = planned(snapshot(seller_snapshot={"legal_name": "Ostinato inc."}, customer_snapshot={"name": "Ada"}))
    assert (plan.seller_snapshot, plan.customer_snapshot) == ({"legal_name": "Ostinato inc."}, {"name": "Ada"})


def test_an_invoice_is_finalized_once():
    refused = plan_finalization(snapshot(draft(status="open")), NOW)
    assert isinstance(refused, RefusedPlan)
    assert refused.code == "invoice_not_editable"


def test_two_drafts_of_one_customer_spend_one_balance():
    both = [snapshot(draft(700), balance=-1000), snapshot(draft(700), balance=-1000)]
    plans = [plan for plan in plan_finalizations(both, NOW) if isinstance(plan, FinalizationPlan)]
    assert [(plan.balance_applied, plan.amount_due) for plan in plans] == [(700, 0), (300, 400)]
