from decimal import Decimal

import pytest

from invoicing.rules.tax import UnknownTaxRate, tax_lines
from invoicing.rules.totals import invoice_totals
from invoicing.types import TaxRateFacts
from subscriptions.types import DiscountAmount
from tests.factories.facts import GST, QST, line

VAT_25_ON_TOP = TaxRateFacts("txr_25x", "VAT", Decimal(25))
VAT_25_INSIDE = TaxRateFacts("txr_25i", "VAT", Decimal(25), inclusive=True)
TEN_INSIDE = TaxRateFacts("txr_10i", "GST", Decimal(10), inclusive=True)
FIVE_INSIDE = TaxRateFacts("txr_5i", "Levy", Decimal(5), inclusive=True)
RATES = {rate.id: rate for rate in (GST, QST, VAT_25_ON_TOP, VAT_25_INSIDE, TEN_INSIDE, FIVE_INSIDE)}


def taxed(*lines, exempt="none", rounding="per_invoice"):
    return tax_lines(lines, RATES, tax_exempt=exempt, rounding=rounding)


def amounts(line):
    return [tax.amount for tax in line.taxes]


@pytest.mark.parametrize(
    ("amount", "rates", "taxes", "base", "total"),
    [
        pytest.param(500, [VAT_25_ON_TOP], [125], 500, 625, id="25 % on 500 = 125, 625 together"),
        pytest.param(500, [VAT_25_INSIDE], [100], 400, 500, id="25 % inside 500 = 100"),
        pytest.param(10000, [GST, QST], [500, 998], 10000, 11498, id="Quebec: 5 % = 500, 9.975 % = 997.5 -> 998"),
        pytest.param(11500, [TEN_INSIDE, FIVE_INSIDE], [1000, 500], 10000, 11500, id="10 % and 5 % inside 11500"),
        pytest.param(
            11000, [TEN_INSIDE, VAT_25_ON_TOP], [1000, 2500], 10000, 13500, id="inside first, 25 % on the net"
        ),
        pytest.param(0, [GST], [0], 0, 0, id="nothing to tax"),
        pytest.param(-500, [VAT_25_ON_TOP], [-125], -500, -625, id="a one-off credit gives its tax back"),
        pytest.param(1000, [], [], None, 1000, id="no rate"),
    ],
)
def test_inclusive_rates_are_taken_out_first_and_exclusive_ones_are_on_the_net(amount, rates, taxes, base, total):
    (one,) = taxed(line(amount, *rates))
    assert amounts(one) == taxes
    assert {tax.taxable_amount for tax in one.taxes} <= {base}
    assert invoice_totals([one]).total == total


def test_a_discount_comes_off_before_tax():
    (one,) = taxed(line(10000, VAT_25_ON_TOP, discount_amounts=(DiscountAmount("di", 2000),)))
    assert amounts(one) == [2000]
    assert invoice_totals([one]).total == 10000


@pytest.mark.parametrize(
    ("rounding", "taxes", "sum_of_taxes"),
    [
        pytest.param("per_line", [9091, 455], 9546, id="9090.91 -> 9091, 454.55 -> 455: 9546"),
        pytest.param("per_invoice", [9091, 454], 9545, id="9545.45 -> 9545, dealt out as 9091 + 454"),
    ],
)
def test_100000_and_5000_with_10_percent_inside(rounding, taxes, sum_of_taxes):
    lines = taxed(line(100000, TEN_INSIDE), line(5000, TEN_INSIDE), rounding=rounding)
    assert [amounts(one) for one in lines] == [[tax] for tax in taxes]
    assert invoice_totals(lines).inclusive_tax == sum_of_taxes
    assert sum(one.taxes[0].taxable_amount for one in lines) == 105000 - sum_of_taxes


def test_rounding_is_once_per_rate_over_the_lines_that_carry_it():
    # GST on 3 x 110 = 330: 16.5 -> 17, not 3 x 5.5 -> 18; QST on two of them: 220 x 9.975 % = 21.945 -> 22.
    lines = taxed(line(110, GST, QST), line(110, GST, QST), line(110, GST))
    assert sum(one.taxes[0].amount for one in lines) == 17
    assert sum(one.taxes[1].amount for one in lines[:2]) == 22


@pytest.mark.parametrize(("exempt", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")])
def test_an_exempt_customer_does_not_pay_the_tax_inside_a_price(exempt, reason):
    (one,) = taxed(line(10000, TEN_INSIDE), exempt=exempt)
    totals = invoice_totals([one])
    assert (totals.total, totals.inclusive_tax_backed_out, totals.inclusive_tax) == (9091, 909, 0)
    assert [(tax.amount, tax.taxable_amount, tax.taxability_reason) for tax in one.taxes] == [(0, 9091, reason)]


def test_an_exempt_customer_pays_no_tax_on_top():
    (one,) = taxed(line(10000, GST, QST), exempt="exempt")
    assert invoice_totals([one]).total == 10000
    assert amounts(one) == [0, 0]


def test_given_taxes_of_a_credit_are_not_reckoned_again():
    (before,) = taxed(line(1000, VAT_25_ON_TOP))
    credit = line(-1000, taxes=before.taxes, taxes_are_given=True)
    assert taxed(credit) == (credit,)


def test_a_rate_that_is_gone_is_refused():
    with pytest.raises(UnknownTaxRate):
        tax_lines(
            [line(1000, TaxRateFacts("txr_gone", "Old", Decimal(1)))], RATES, tax_exempt="none", rounding="per_line"
        )


def test_a_tie_between_lines_is_decided_by_what_they_are_and_not_by_their_order():
    # 100 % inside 1 and 3 = 0.5 + 1.5: the odd cent could go to either, and the second line is taxed again.
    half_inside = TaxRateFacts("txr_half", "Half", Decimal(100), inclusive=True)
    on_top = TaxRateFacts("txr_top", "Top", Decimal(100))
    table = {half_inside.id: half_inside, on_top.id: on_top}
    lines = [line(1, half_inside), line(3, half_inside, on_top)]
    totals = [
        invoice_totals(tax_lines(ordered, table, tax_exempt="none", rounding="per_invoice"))
        for ordered in (lines, lines[::-1])
    ]
    assert totals[0] == totals[1]
