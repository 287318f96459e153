"""What a price may be: each wrong one is refused by name, at the parameter that is wrong."""

from decimal import Decimal

import pytest

from catalog.rules import check_price, prices
from core.errors import OstinatoError

MONTHLY = {"type": "recurring", "currency": "cad", "interval": "month", "interval_count": 1}
OPEN = {"up_to": "inf", "unit_amount_decimal": "600"}


def tiered(*tiers, mode="volume", **fields):
    return MONTHLY | {"billing_scheme": "tiered", "tiers_mode": mode, "tiers": list(tiers)} | fields


def tier(up_to, unit="700"):
    return {"up_to": up_to, "unit_amount_decimal": unit}


def test_tiers_are_kept_as_exact_text_and_the_last_has_no_end():
    checked = check_price(tiered({"up_to": "5", "unit_amount_decimal": "0.5", "flat_amount_decimal": 100}, OPEN))
    assert checked["tiers"] == [
        {"up_to": 5, "unit_amount_decimal": "0.5", "flat_amount_decimal": "100"},
        {"up_to": None, "unit_amount_decimal": "600", "flat_amount_decimal": None},
    ]
    assert checked["unit_amount_decimal"] == 0


def test_other_currencies_have_their_own_amounts():
    options = {"EUR": {"unit_amount_decimal": "900", "tax_behavior": "inclusive"}}
    checked = check_price(MONTHLY | {"unit_amount_decimal": "1000", "currency_options": options})
    assert checked["currency_options"]["eur"]["unit_amount_decimal"] == "900"


METERED = MONTHLY | {"usage_type": "metered", "meter_id": "mtr_1"}


@pytest.mark.parametrize(
    ("fields", "error", "param"),
    [
        pytest.param(tiered(), prices.TiersMissing, "tiers", id="no tier"),
        pytest.param(tiered(OPEN, mode=""), prices.TiersMissing, "tiers", id="no mode"),
        pytest.param(tiered(tier(5), tier(10)), prices.LastTierNotOpen, "tiers[1][up_to]", id="a gap at the end"),
        pytest.param(tiered(tier("inf"), OPEN), prices.LastTierNotOpen, "tiers[0][up_to]", id="two without end"),
        pytest.param(tiered(tier(5), tier(5), OPEN), prices.TiersOverlap, "tiers[1][up_to]", id="an empty tier"),
        pytest.param(tiered(tier(10), tier(5), OPEN), prices.TiersOverlap, "tiers[1][up_to]", id="an overlap"),
        pytest.param(tiered(tier(0), OPEN), prices.TierEndInvalid, "tiers[0][up_to]", id="a tier up to 0"),
        pytest.param(tiered(tier("x"), OPEN), prices.TierEndInvalid, "tiers[0][up_to]", id="a tier up to x"),
        pytest.param(tiered({"up_to": "inf"}), prices.TierEmpty, "tiers[0]", id="a tier without amounts"),
        pytest.param(tiered(tier("inf", "-1")), prices.NegativeUnitAmount, "tiers[0][unit_amount]", id="below 0"),
        pytest.param(
            tiered(OPEN, unit_amount_decimal="5"), prices.UnitAmountNotForTiers, "unit_amount", id="both amounts"
        ),
        pytest.param(
            MONTHLY | {"unit_amount_decimal": "5", "tiers": [OPEN]}, prices.TiersNotForPerUnit, "tiers", id="per unit"
        ),
        pytest.param(MONTHLY, prices.UnitAmountMissing, "unit_amount", id="no amount at all"),
        pytest.param(
            tiered(OPEN, transform_quantity={"divide_by": 5, "round": "up"}),
            prices.TransformNotForTiers,
            "transform_quantity",
            id="packages of tiers",
        ),
        pytest.param(
            MONTHLY | {"unit_amount_decimal": "5", "transform_quantity": {"divide_by": 0, "round": "up"}},
            prices.TransformInvalid,
            "transform_quantity",
            id="packages of 0",
        ),
        pytest.param(
            MONTHLY | {"unit_amount_decimal": "5", "usage_type": "metered"},
            prices.MeterMissing,
            "recurring[meter]",
            id="metered by nothing",
        ),
        pytest.param(
            MONTHLY | {"unit_amount_decimal": "5", "meter_id": "mtr_1"},
            prices.MeterNotForLicensed,
            "recurring[meter]",
            id="a meter for nothing",
        ),
        pytest.param(
            MONTHLY | {"percentage": Decimal(3)}, prices.PercentageInvalid, "percentage", id="a percentage of nothing"
        ),
        pytest.param(METERED | {"percentage": Decimal(101)}, prices.PercentageInvalid, "percentage", id="over 100 %"),
        pytest.param(
            MONTHLY | {"unit_amount_decimal": "5", "minimum_amount": -1},
            prices.MinimumAmountInvalid,
            "minimum_amount",
            id="a minimum below 0",
        ),
        pytest.param(
            MONTHLY | {"unit_amount_decimal": "5", "currency_options": {"cad": {"unit_amount_decimal": "5"}}},
            prices.CurrencyOptionRepeats,
            "currency_options",
            id="its own currency again",
        ),
        pytest.param(
            tiered(OPEN, currency_options={"eur": {"tiers": [tier(5)]}}),
            prices.LastTierNotOpen,
            "currency_options[eur][tiers][0][up_to]",
            id="a gap in another currency",
        ),
        pytest.param(
            MONTHLY | {"unit_amount_decimal": "5", "billing_scheme": "guess"},
            prices.OptionNotKnown,
            "billing_scheme",
            id="an unknown scheme",
        ),
    ],
)
def test_a_wrong_price_is_refused_by_name(fields, error, param):
    with pytest.raises(OstinatoError) as refused:
        check_price(fields)
    assert (type(refused.value), refused.value.param) == (error, param)


def test_a_percentage_and_a_package_are_fine_where_they_belong():
    assert check_price(METERED | {"percentage": Decimal("2.9")})["unit_amount_decimal"] == 0
    packed = check_price(MONTHLY | {"unit_amount_decimal": 1000, "transform_quantity": {"divide_by": 5, "round": "up"}})
    assert packed["transform_quantity"] == {"divide_by": 5, "round": "up"}
