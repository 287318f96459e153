"""The reference and the account of a bank transfer."""

from types import SimpleNamespace

import pytest
from stdnum import iso11649

from invoicing.rules.transfers import bank_lines, number_of_reference, payment_reference, transfer_of

DETAILS = "Beneficiary: Érable et Cie inc.\nIBAN: FR76 3000 6000 0112 3456 7890 189\n\nDesjardins, Montréal\n"


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        ("ERABLE-0042", "RF72 ERAB LE00 42"),
        ("EC-0042", "RF07 EC00 42"),
        ("2024/000123", "RF49 2024 0001 23"),
        ("é-7", "RF09 7"),
        ("A" * 20 + "-0000001", "RF61 AAAA AAAA AAAA AA00 0000 1"),  # the last 21 of 27
    ],
)
def test_the_reference_is_the_numbers_with_check_digits_that_banks_know(number, reference) -> None:
    assert payment_reference(number) == reference
    assert iso11649.is_valid(reference)


def test_two_digits_that_changed_places_are_found_by_the_bank() -> None:
    assert not iso11649.is_valid(payment_reference("EC-0042").replace("EC00 42", "EC00 24"))


def test_the_account_is_told_line_by_line() -> None:
    assert bank_lines(DETAILS) == (
        ("Beneficiary", "Érable et Cie inc."),
        ("IBAN", "FR76 3000 6000 0112 3456 7890 189"),
        ("", "Desjardins, Montréal"),
    )


@pytest.mark.parametrize(
    ("fields", "printed"),
    [
        ({}, True),
        ({"status": "uncollectible"}, True),
        ({"status": "paid", "amount_remaining": 0}, False),
        ({"status": "void"}, False),
        ({"status": "draft", "number": None}, False),
        ({"collection_method": "charge_automatically"}, False),
        ({"seller_snapshot": {"bank_details": "  "}}, False),
        ({"seller_snapshot": {}}, False),  # finalized before sellers could say it
    ],
)
def test_it_is_printed_on_what_is_sent_and_owed_where_the_seller_takes_transfers(fields, printed) -> None:
    invoice = {
        "status": "open",
        "collection_method": "send_invoice",
        "amount_remaining": 1000,
        "number": "EC-0042",
        "seller_snapshot": {"bank_details": DETAILS},
    }
    assert (transfer_of(SimpleNamespace(**invoice | fields)) is not None) == printed


@pytest.mark.parametrize(
    ("text", "number"),
    [("RF07 EC00 42", "EC0042"), ("rf07ec0042", "EC0042"), ("RF08 EC00 42", ""), ("EC-0042", ""), ("", "")],
)
def test_a_reference_tells_the_number_it_is_of(text, number) -> None:
    assert number_of_reference(text) == number
