"""What a price, coupon, code, product or tax rate must be."""

from decimal import Decimal
from typing import Any

import pytest

from catalog import rules
from core.errors import OstinatoError
from core.money import UnknownCurrency
from core.periods import InvalidIntervalCount, UnknownIntervalUnit
from tests.factories.times import utc

NOW = utc(2024, 5, 1)
MONTHLY: dict[str, Any] = {
    "type": "recurring",
    "currency": "CAD",
    "unit_amount_decimal": "1999",
    "interval": "month",
    "interval_count": 1,
}


def test_a_price_is_kept_with_its_currency_in_lower_case_and_its_amount_exact() -> None:
    fields = rules.check_price(MONTHLY | {"unit_amount_decimal": "0.000000000001"})
    assert (fields["currency"], fields["unit_amount_decimal"]) == ("cad", Decimal("0.000000000001"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"currency": "xyz"}, UnknownCurrency),
        ({"unit_amount_decimal": "-1"}, rules.NegativeUnitAmount),
        ({"interval_count": 0}, InvalidIntervalCount),
        ({"interval": "fortnight"}, UnknownIntervalUnit),
        ({"interval_count": 37}, rules.IntervalTooLong),
        ({"interval": "year", "interval_count": 4}, rules.IntervalTooLong),
        ({"trial_period_days": 731}, rules.TrialTooLong),
        ({"cycle_day": 32}, rules.CycleDayInvalid),
        ({"interval": "week", "cycle_day": 8}, rules.CycleDayInvalid),
        ({"interval": "day", "cycle_day": 1}, rules.CycleDayNotForInterval),
        ({"type": "one_time"}, rules.IntervalNotForOneTime),
    ],
)
def test_a_price_that_cannot_be_is_refused_by_name(changes: dict[str, Any], error: type[OstinatoError]) -> None:
    with pytest.raises(error):
        rules.check_price(MONTHLY | changes)


@pytest.mark.parametrize("changes", [{"interval_count": 36}, {"trial_period_days": 730}, {"cycle_day": 31}])
def test_a_price_at_the_bound_is_taken(changes: dict[str, Any]) -> None:
    assert rules.check_price(MONTHLY | changes)["type"] == "recurring"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, rules.CouponNeedsOneReduction),
        ({"percent_off": Decimal(20), "amount_off": 500, "currency": "cad"}, rules.CouponNeedsOneReduction),
        ({"amount_off": 500}, rules.CouponNeedsOneReduction),
        ({"percent_off": Decimal("100.01")}, rules.PercentOutOfRange),
        ({"percent_off": Decimal(0)}, rules.PercentOutOfRange),
        ({"amount_off": 0, "currency": "cad"}, rules.AmountOffNotPositive),
        ({"percent_off": Decimal(5), "duration": "repeating"}, rules.DurationInvalid),
        ({"percent_off": Decimal(5), "duration_in_months": 3}, rules.DurationInvalid),
        ({"percent_off": Decimal(5), "redeem_by": NOW}, rules.RedeemByPassed),
        ({"percent_off": Decimal(5), "max_redemptions": 0}, rules.RedemptionLimitInvalid),
    ],
)
def test_a_coupon_that_cannot_be_is_refused_by_name(fields: dict[str, Any], error: type[OstinatoError]) -> None:
    with pytest.raises(error):
        rules.check_coupon({"duration": "once"} | fields, as_of=NOW)


@pytest.mark.parametrize("descriptor", ["ABCD", "A" * 23, "CAFE*BOX", "12345"])
def test_a_statement_descriptor_that_no_bank_prints_is_refused(descriptor: str) -> None:
    with pytest.raises(rules.StatementDescriptorInvalid):
        rules.check_product({"name": "Coffee box", "statement_descriptor": descriptor})


@pytest.mark.parametrize("percentage", ["-1", "100.0001", "9.97501"])
def test_a_tax_percentage_out_of_range_or_too_fine_is_refused(percentage: str) -> None:
    with pytest.raises(rules.TaxPercentageInvalid):
        rules.check_tax_rate({"display_name": "QST", "percentage": Decimal(percentage)})


def test_a_promotion_code_is_the_same_code_in_any_case() -> None:
    assert rules.canonical_code(" summer-24 ") == "SUMMER-24"
