from dataclasses import replace

import pytest

from engine.rules.checks import PlanDoesNotAddUp, check_plan
from engine.rules.renewal import plan_renewal
from engine.types import RenewalPlan
from invoicing.types import InvoiceTotals
from tests.factories.facts import GST, RATES, debit, monthly_subscription, price, renewal
from tests.factories.times import utc

MAY_1, JUNE_1 = utc(2026, 5, 1), utc(2026, 6, 1)


@pytest.fixture
def plan() -> RenewalPlan:
    made = plan_renewal(renewal(monthly_subscription(default_tax_rate_ids=(GST.id,)), tax_rates=RATES), MAY_1)
    assert isinstance(made, RenewalPlan)
    return made


def with_line(plan, **fields):
    (invoice,) = plan.invoices
    (line,) = invoice.lines
    return replace(plan, invoices=(replace(invoice, lines=(replace(line, **fields),)),))


def test_a_plan_of_the_planner_passes(plan):
    check_plan(plan)
    check_plan(plan, [debit(price(), utc(2026, 4, 1), MAY_1)])


def test_totals_that_are_not_the_lines_are_caught(plan):
    (invoice,) = plan.invoices
    totals = InvoiceTotals(lines_gross=999, total_discount=0, inclusive_tax=0, exclusive_tax=50, total=1049)
    with pytest.raises(PlanDoesNotAddUp):
        check_plan(replace(plan, invoices=(replace(invoice, totals=totals),)))


def test_a_tax_on_something_else_is_caught(plan):
    taxes = (replace(plan.invoices[0].lines[0].taxes[0], taxable_amount=999),)
    with pytest.raises(PlanDoesNotAddUp, match="taxed on something else"):
        check_plan(with_line(plan, taxes=taxes))


def test_another_currency_is_caught(plan):
    with pytest.raises(PlanDoesNotAddUp, match="eur"):
        check_plan(with_line(plan, currency="eur"))


def test_a_line_that_charges_something_else_than_its_billed_period_is_caught(plan):
    wrong = replace(plan.invoices[0].lines[0].debit, amount=1)
    with pytest.raises(PlanDoesNotAddUp, match="does not charge"):
        check_plan(with_line(plan, debit=wrong))


def test_a_period_that_is_billed_already_is_caught(plan):
    with pytest.raises(PlanDoesNotAddUp, match="billed twice"):
        check_plan(plan, [debit(price(), utc(2026, 4, 15), utc(2026, 5, 2))])


def test_a_period_billed_twice_in_one_plan_is_caught(plan):
    with pytest.raises(PlanDoesNotAddUp, match="billed twice"):
        check_plan(replace(plan, invoices=plan.invoices * 2))


def test_an_advance_beyond_what_is_billed_is_caught(plan):
    (advance,) = plan.item_advances
    further = replace(advance, current_period_end=utc(2026, 7, 1))
    with pytest.raises(PlanDoesNotAddUp, match="not billed"):
        check_plan(replace(plan, item_advances=(further,)))


def test_an_invoice_without_lines_is_caught(plan):
    with pytest.raises(PlanDoesNotAddUp, match="0 lines"):
        check_plan(replace(plan, invoices=(replace(plan.invoices[0], lines=()),)))


def test_an_ended_subscription_that_still_waits_is_caught(plan):
    with pytest.raises(PlanDoesNotAddUp, match="waits for nothing"):
        check_plan(replace(plan, state=replace(plan.state, status="canceled")))
