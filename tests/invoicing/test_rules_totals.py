import pytest

from invoicing.rules.balance import apply_balance
from invoicing.rules.totals import invoice_totals
from invoicing.types import InvoiceTotals, TotalsDoNotAddUp
from subscriptions.types import DiscountAmount
from tests.factories.facts import line


def test_totals_are_sums_over_the_lines():
    totals = invoice_totals([line(1000, discount_amounts=(DiscountAmount("di", 100),)), line(-300)])
    assert totals == InvoiceTotals(lines_gross=700, total_discount=100, inclusive_tax=0, exclusive_tax=0, total=600)


def test_totals_that_do_not_add_up_cannot_be_built():
    with pytest.raises(TotalsDoNotAddUp):
        InvoiceTotals(lines_gross=1000, total_discount=100, inclusive_tax=0, exclusive_tax=0, total=901)


def test_a_draft_is_never_due_less_than_nothing():
    assert invoice_totals([line(-300)]).draft_amount_due == 0


@pytest.mark.parametrize(
    ("total", "balance", "applied", "due", "ending"),
    [
        pytest.param(1000, 0, 0, 1000, 0, id="no balance"),
        pytest.param(1000, -300, 300, 700, 0, id="credit of 300 is spent"),
        pytest.param(1000, -5000, 1000, 0, -4000, id="credit is spent up to the total"),
        pytest.param(1000, 200, -200, 1200, 0, id="200 owed is collected too"),
        pytest.param(-500, 0, -500, 0, -500, id="a negative total becomes credit"),
        pytest.param(-500, 200, -500, 0, -300, id="a negative total pays the 200 owed and leaves 300 of credit"),
        pytest.param(-500, -100, -500, 0, -600, id="a negative total adds to the credit"),
        pytest.param(0, -300, 0, 0, -300, id="nothing to pay spends nothing"),
        pytest.param(30, 0, 30, 0, 30, id="30 is below the minimum of 50: owed next time"),
        pytest.param(50, 0, 0, 50, 0, id="the minimum itself is charged"),
        pytest.param(100, -80, 100, 0, 20, id="80 of credit leave 20: owed next time"),
        pytest.param(30, 40, -40, 70, 0, id="30 and the 40 owed are enough to charge"),
    ],
)
def test_the_balance_settles_what_it_can(total, balance, applied, due, ending):
    settled = apply_balance(total, balance, minimum_charge=50)
    assert (settled.balance_applied, settled.amount_due, settled.ending_balance) == (applied, due, ending)
    assert settled.amount_due == total - settled.balance_applied
    assert sum(moved.amount for moved in settled.transactions) == applied
    for moved in settled.transactions:
        if moved.type == "applied_to_invoice":
            # Spending credit never crosses zero (a CHECK of the ledger).
            assert (moved.amount >= 0 >= moved.ending_balance) or (moved.amount <= 0 <= moved.ending_balance)
