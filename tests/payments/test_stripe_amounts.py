"""Stripe's minor units against ISO 4217's (https://docs.stripe.com/currencies#special-cases)."""

import pytest

from payments.gateways.base import CurrencyNotSupported
from payments.gateways.stripe_amounts import from_stripe, to_stripe
from payments.gateways.stripe_intents import printable_descriptor


@pytest.mark.parametrize(
    ("ours", "currency", "theirs"),
    [
        pytest.param(1250, "cad", 1250, id="cents are cents"),
        pytest.param(1250, "jpy", 1250, id="no decimals in either"),
        pytest.param(1250, "isk", 125_000, id="ISO 0 decimals, Stripe 2"),
        pytest.param(1250, "ugx", 125_000, id="ISO 0 decimals, Stripe 2"),
        pytest.param(1200, "mga", 12, id="ISO 2 decimals, Stripe 0"),
        pytest.param(5120, "kwd", 5120, id="three decimals, the last one 0"),
    ],
)
def test_amounts_there_and_back(ours, currency, theirs):
    assert to_stripe(ours, currency) == theirs
    assert from_stripe(theirs, currency) == ours


@pytest.mark.parametrize(("amount", "currency"), [(1250, "mga"), (5125, "kwd")])
def test_what_stripe_cannot_write_is_refused_by_name(amount, currency):
    with pytest.raises(CurrencyNotSupported, match=currency.upper()):
        to_stripe(amount, currency)


def test_a_part_of_a_unit_that_does_not_exist_is_not_hidden():
    with pytest.raises(CurrencyNotSupported):
        from_stripe(125_050, "isk")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("ERABLE", "ERABLE"),
        ("Érable <& Cie>", "Erable & Cie"),
        ("a name that is much too long for a bank", "a name that is much to"),
        ("12345", ""),
        ("", ""),
    ],
)
def test_descriptors_are_what_a_bank_prints(text, printed):
    assert printable_descriptor(text) == printed
