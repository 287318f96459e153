"""What credit grants pay: metered lines, in Stripe's order, after discounts and before tax."""

from dataclasses import replace
from decimal import Decimal

import pytest

from customers.types import CreditGrantFacts
from invoicing.rules.credit_grants import spend_grants
from invoicing.rules.tax import tax_lines
from invoicing.rules.totals import invoice_totals
from invoicing.types import DiscountAmount, PlannedLine, TaxRateFacts
from tests.factories.times import utc

JAN, FEB, MARCH = utc(2024, 1, 1), utc(2024, 2, 1), utc(2024, 3, 1)


def line(amount, price="price_calls", discount=0, **fields):
    taken = (DiscountAmount("di_1", discount),) if discount else ()
    return PlannedLine("subscription", price, "cad", amount, JAN, FEB, price_id=price, discount_amounts=taken, **fields)


def grant(grant_id, balance, **fields):
    return CreditGrantFacts(**{
        "id": grant_id, "customer_id": "cus_1", "currency": "cad", "balance": balance,
        "effective_at": JAN, "created": JAN,
    } | fields)  # fmt: skip


def spend(lines, *grants, at=FEB, metered=("price_calls", "price_storage")):
    return spend_grants(lines, metered, grants, currency="cad", at=at)


def paid(lines):
    return [line.credit_amount for line in lines]


def used(lines):
    totals = {}
    for one in lines:
        for credit in one.credit_amounts:
            totals[credit.credit_grant_id] = totals.get(credit.credit_grant_id, 0) + credit.amount
    return totals


@pytest.mark.parametrize(
    ("lines", "grants", "wanted"),
    [
        pytest.param([line(1000)], [grant("a", 400)], [400], id="what there is"),
        pytest.param([line(1000)], [grant("a", 4000)], [1000], id="never more than the line"),
        pytest.param([line(1000, discount=300)], [grant("a", 4000)], [700], id="after discounts: 1000 - 300"),
        pytest.param([line(1000, "price_seat")], [grant("a", 400)], [0], id="a seat is not metered"),
        pytest.param([line(-1000), line(500)], [grant("a", 400)], [0, 400], id="a credit line is left alone"),
        pytest.param([line(1000), line(3000)], [grant("a", 400)], [100, 300], id="in proportion 1 : 3"),
        pytest.param(
            [line(1000), line(1000, "price_storage")],
            [grant("a", 400, price_ids=frozenset({"price_storage"}))],
            [0, 400],
            id="only the prices it is for",
        ),
        pytest.param([line(1000)], [grant("a", 400, effective_at=MARCH)], [0], id="not begun"),
        pytest.param([line(1000)], [grant("a", 400, expires_at=FEB)], [0], id="expired that instant"),
        pytest.param([line(1000)], [grant("a", 400, currency="usd")], [0], id="another currency"),
    ],
)
def test_what_a_grant_pays(lines, grants, wanted):
    assert paid(spend(lines, *grants)) == wanted


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"priority": 51}, id="priority"),
        pytest.param({"expires_at": MARCH}, id="what expires earliest"),
        pytest.param({"category": "paid"}, id="promotional first"),
        pytest.param({"effective_at": utc(2024, 1, 2)}, id="effective first"),
        pytest.param({"created": utc(2024, 1, 2)}, id="created first"),
    ],
)
def test_the_order_of_spending(later):
    first = {"priority": 50, "expires_at": utc(2024, 2, 2), "category": "promotional"}
    # The id says the opposite, and later criteria too where they can.
    one, other = grant("b", 600, **first), grant("a", 600, **first | later)
    assert used(spend([line(1000)], other, one)) == {"b": 600, "a": 400}


def test_priority_wins_over_expiry():
    soon = grant("soon", 600, priority=60, expires_at=utc(2024, 2, 2))
    assert used(spend([line(1000)], soon, grant("first", 600, priority=10))) == {"first": 600, "soon": 400}


def test_tax_is_on_what_credit_leaves():
    """1000 - 400 = 600; 5 % of 600 = 30; 630 in all."""
    lines = [replace(line(1000), tax_rate_ids=("txr_1",))]
    rates = {"txr_1": TaxRateFacts("txr_1", "GST", Decimal(5))}
    taxed = tax_lines(spend(lines, grant("a", 400)), rates, tax_exempt="none", rounding="per_invoice")
    totals = invoice_totals(taxed)
    assert (totals.credit_grants_applied, totals.exclusive_tax, totals.total) == (400, 30, 630)
