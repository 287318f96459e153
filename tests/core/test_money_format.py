from decimal import Decimal

import pytest

from core import money_format
from core.money import UnknownCurrency

NBSP = "\u00a0"  # no-break space
THIN = "\u202f"  # narrow no-break space


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (123456, "cad", "en", "CA$1,234.56"),
        (123456, "cad", "en-ca", "$1,234.56"),
        (123456, "cad", "fr-ca", f"1{NBSP}234,56{NBSP}$"),
        (123456, "cad", "fr_CA", f"1{NBSP}234,56{NBSP}$"),
        (123456, "eur", "fr", f"1{THIN}234,56{NBSP}€"),
        (-1250, "usd", "en", "-$12.50"),
        (500, "jpy", "en", "¥500"),
        (5, "kwd", "fr", f"0,005{NBSP}KWD"),
        (10**15 - 1, "usd", "en", "$9,999,999,999,999.99"),
    ],
)
def test_money_is_shown_in_the_readers_locale(minor, currency, locale, text):
    assert money_format.format_money(minor, currency, locale) == text


def test_decimals_are_the_currencys_and_not_babels_display_digits():
    assert money_format.format_money(123456, "huf", "en").endswith("1,234.56")


@pytest.mark.parametrize("locale", ["xx-yy", "", "../../etc", "nonsense"])
def test_an_unknown_locale_reads_english(locale):
    assert money_format.format_money(1250, "usd", locale) == "$12.50"


def test_an_unknown_region_reads_its_language():
    assert money_format.format_money(1250, "eur", "fr-zz") == f"12,50{NBSP}€"


def test_money_in_an_unknown_currency_is_refused():
    with pytest.raises(UnknownCurrency):
        money_format.format_money(1, "zzz", "en")


@pytest.mark.parametrize(
    ("unit_amount", "currency", "locale", "text"),
    [
        pytest.param("0.05", "usd", "en", "$0.0005", id="0.05 cents"),
        pytest.param("1000", "usd", "en", "$10.00", id="never fewer decimals than the currency has"),
        pytest.param("0.000000000001", "usd", "en", "$0.00000000000001", id="the twelfth decimal of a cent"),
        pytest.param("12.5", "jpy", "en", "¥12.5", id="half a yen"),
        pytest.param("0.05", "cad", "fr-ca", f"0,0005{NBSP}$", id="in French"),
        pytest.param("999999999999999.123456789012", "usd", "en", "$9,999,999,999,999.99123456789012", id="27 digits"),
    ],
)
def test_a_unit_amount_keeps_all_its_decimals(unit_amount, currency, locale, text):
    assert money_format.format_unit_amount(Decimal(unit_amount), currency, locale) == text


@pytest.mark.parametrize(
    ("percentage", "locale", "text"),
    [
        ("9.975", "en", "9.975%"),
        ("9.975", "fr-ca", f"9,975{NBSP}%"),
        ("20.00", "en", "20%"),
        ("-2.5", "en", "-2.5%"),
        ("0", "en", "0%"),
    ],
)
def test_a_percentage_keeps_all_its_decimals(percentage, locale, text):
    assert money_format.format_percentage(Decimal(percentage), locale) == text


@pytest.mark.parametrize(
    ("quantity", "locale", "text"), [(12345, "en", "12,345"), ("12345.50", "fr-ca", f"12{NBSP}345,5")]
)
def test_a_quantity_is_grouped(quantity, locale, text):
    assert money_format.format_quantity(Decimal(quantity), locale) == text
