"""What may be written about a customer."""

import pytest

from core.money import AmountTooLarge
from customers import rules
from customers.locales import UnknownLocale, locales_after, parse_locale


@pytest.mark.parametrize(("text", "stored"), [("ca", "CA"), (" FR ", "FR"), ("gb", "GB"), ("XK", "XK")])
def test_a_country_is_stored_as_its_upper_case_code(text, stored):
    assert rules.parse_country(text) == stored


@pytest.mark.parametrize("text", ["", "UK", "EU", "ZZ", "CAN", "Canada", "C", "SU", "1A", "É"])
def test_what_is_no_country_is_refused_by_name(text):
    with pytest.raises(rules.UnknownCountry) as refused:
        rules.parse_country(text)
    assert refused.value.param == "country"


def test_countries_are_offered_in_the_readers_words_and_alphabet():
    french = [name for _code, name in rules.country_choices("fr-ca")]
    assert french.index("Algérie") < french.index("États-Unis") < french.index("France")
    assert ("CA", "Canada") in rules.country_choices("en")
    assert len(french) == len(rules.country_choices("en")) == 250


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("fr_CA", "fr-ca"),
        ("fr-ca", "fr-ca"),
        ("EN", "en"),
        ("de-DE", "de-de"),
        ("fr-zz", "fr-fr"),
        ("zh-CN", "zh-hans-cn"),
    ],
)
def test_a_locale_is_stored_as_django_writes_it(text, stored):
    assert parse_locale(text) == stored


@pytest.mark.parametrize("text", ["", "xx", "../etc", "français", "e", "-", "en-" + "x" * 500])
def test_what_is_no_language_is_refused(text):
    with pytest.raises(UnknownLocale):
        parse_locale(text)


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        ("ca_gst_hst", "123456782 RT 0001", "123456782RT0001"),
        ("ca_qst", "1234567890 tq 0001", "1234567890TQ0001"),
        ("ca_bn", "123456782", "123456782"),
        ("eu_vat", "FR 40 303 265 045", "FR40303265045"),
        ("gb_vat", "GB 980 7806 84", "980780684"),
        ("us_ein", "12-3456789", "123456789"),
        ("za_vat", "4123456789", "4123456789"),
    ],
)
def test_a_tax_number_is_stored_compact(type_, value, stored):
    assert rules.parse_tax_id(type_, value) == stored


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("ca_gst_hst", "123456789RT0001"),  # the check digit is wrong
        ("ca_gst_hst", "123456782"),  # a business number alone is no GST account
        ("ca_qst", "1234567890"),
        ("ca_qst", "١٢٣٤٥٦٧٨٩٠TQ0001"),  # digits, but not ASCII
        ("eu_vat", "FR 40 303 265 046"),
        ("eu_vat", ""),
        ("us_ein", "x" * 500),
    ],
)
def test_a_wrong_tax_number_is_refused(type_, value):
    with pytest.raises(rules.InvalidTaxId):
        rules.parse_tax_id(type_, value)


@pytest.mark.parametrize("type_", ["", "ca_xyz", "os.path", "eu_vat\0"])
def test_an_unknown_kind_of_tax_number_is_refused(type_):
    with pytest.raises(rules.UnknownTaxIdType):
        rules.parse_tax_id(type_, "123")


def test_every_kind_of_tax_number_finds_its_checker():
    for type_ in rules.tax_id_types():
        with pytest.raises(rules.InvalidTaxId):
            rules.parse_tax_id(type_, "?")


@pytest.mark.parametrize(("country", "first"), [("CA", "ca_gst_hst"), ("FR", "eu_vat"), ("US", "us_ein")])
def test_the_kinds_of_the_readers_country_come_first(country, first):
    offered = rules.tax_id_types(country)
    assert offered[0] == first
    assert len(offered) == len(set(offered))


@pytest.mark.parametrize(
    ("fields", "error", "param"),
    [
        ({"name": "x" * 251}, rules.TextTooLong, "name"),
        ({"postal_code": "x" * 21}, rules.TextTooLong, "postal_code"),
        ({"name": "A\0B"}, rules.ControlCharacters, "name"),
        ({"email": "a@b.ca\r\nBcc: all@b.ca"}, rules.ControlCharacters, "email"),
        ({"country": "Canada"}, rules.UnknownCountry, "country"),
        ({"preferred_locale": "klingon"}, UnknownLocale, "preferred_locale"),
        ({"tax_exempt": "always"}, rules.UnknownTaxExemption, "tax_exempt"),
    ],
)
def test_a_wrong_field_is_named(fields, error, param):
    with pytest.raises(error) as refused:
        rules.clean_fields(fields)
    assert refused.value.param == param


def test_fields_are_trimmed_and_those_not_sent_stay_out():
    assert rules.clean_fields({"name": " Ada ", "country": "ca"}) == {"name": "Ada", "country": "CA"}
    assert rules.clean_fields({"country": "", "preferred_locale": ""}) == {"country": "", "preferred_locale": ""}


def test_the_balance_moves_by_the_amount_and_never_by_nothing():
    assert rules.ending_balance(-500, 200) == -300
    with pytest.raises(rules.NothingToAdjust):
        rules.ending_balance(0, 0)
    with pytest.raises(AmountTooLarge):
        rules.ending_balance(10**15 - 1, 1)


def test_previous_values_are_those_that_changed():
    assert rules.changed_values({"a": 1, "b": None}, {"a": 1, "b": 2}, ["a", "b"]) == {"b": None}


@pytest.mark.parametrize(
    ("sent", "spoken"),
    [(["de-CH", "fr-CA", "en"], "fr-ca"), (["en_GB"], "en-gb"), (["de", "it"], "de"), ([], "")],
)
def test_of_the_languages_wished_for_the_first_known_one_is_spoken(sent, spoken):
    assert rules.clean_fields({"preferred_locales": sent}) == {"preferred_locales": sent, "preferred_locale": spoken}


def test_a_language_that_is_none_is_named_by_its_place():
    with pytest.raises(UnknownLocale) as refused:
        rules.clean_fields({"preferred_locales": ["fr", "klingon"]})
    assert refused.value.param == "preferred_locales[1]"


def test_a_language_that_is_chosen_comes_first_and_the_others_stay():
    assert locales_after("fr-ca", ["de-CH", "fr-CA"]) == ["fr-ca", "de-CH"]
    assert locales_after("", ["de-CH"]) == []
