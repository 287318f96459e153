"""Every explanation that the planner keeps has its sentence, in both languages."""

from types import SimpleNamespace

import pytest

from invoicing.rules.explaining import explain_invoice

TAX = {
    "tax_rate": "txr_1",
    "display_name": "GST",
    "percentage": "5",
    "base": 900,
    "amount": 45,
    "reason": "standard_rated",
}
TIERS = [
    {"up_to": 5, "unit_amount_decimal": "700", "flat_amount_decimal": "0", "quantity": "5"},
    {"up_to": None, "unit_amount_decimal": "650", "flat_amount_decimal": "100", "quantity": "1"},
]
PRORATED = {"seconds": 445540, "of_seconds": 2678400, "from": "x", "to": "y"}


def invoice(**fields):
    amounts = dict.fromkeys(
        (
            "lines_gross",
            "total_discount",
            "credit_grants_applied",
            "inclusive_tax_backed_out",
            "exclusive_tax",
            "inclusive_tax",
            "total",
            "balance_applied",
            "starting_balance",
            "amount_due",
            "pre_payment_credit_notes_amount",
            "post_payment_credit_notes_amount",
        ),
        0,
    )
    return SimpleNamespace(
        **amounts | {"id": "in_1", "number": "INV-0001", "currency": "cad", "billing_reason": ""} | fields
    )


def told(explanation, locale="en"):
    line = SimpleNamespace(description="Pro", amount=0, explanation=explanation)
    return list(explain_invoice(invoice(), [line], locale).lines[0].sentences)


@pytest.mark.parametrize(
    ("explanation", "sentences"),
    [
        pytest.param({}, [], id="nothing is known"),
        pytest.param(
            {"kind": "period", "unit_amount_decimal": "1000", "quantity": 2, "amount": 2000},
            ["2 × CA$10.00 = CA$20.00."],
            id="a price",
        ),
        pytest.param({"kind": "trial", "quantity": 1, "amount": 0}, ["Free during the trial."], id="a trial"),
        pytest.param(
            {
                "kind": "stub",
                "unit_amount_decimal": "1000",
                "quantity": 1,
                "seconds": 10,
                "of_seconds": 40,
                "amount": 250,
            },
            ["10 of 40 seconds of the period are billed: CA$2.50."],
            id="a stub of before its whole amount was kept",
        ),
        pytest.param(
            {"kind": "period", "quantity": 6, "amount": 4250, "tiers_mode": "graduated", "tiers": TIERS},
            [
                "6 units at graduated tiers make CA$42.50.",
                "5 at CA$7.00 (up to 5).",
                "1 at CA$6.50 plus CA$1.00 (up to any number).",
            ],
            id="tiers",
        ),
        pytest.param(
            {"kind": "proration_credit", "charged": 1000, "amount": -166, "billed_period": "bp_1", **PRORATED},
            [
                "Of CA$10.00 charged for this period, 445,540 of 2,678,400 seconds are left: "
                "CA$1.66 goes back (billed period bp_1)."
            ],
            id="a credit names the billed period",
        ),
        pytest.param(
            {"kind": "proration_debit", "whole_amount": 3252, "amount": 541, "quantity": 1, **PRORATED},
            ["Of CA$32.52 for the whole period, 445,540 of 2,678,400 seconds are left: CA$5.41."],
            id="a debit",
        ),
        pytest.param(
            {
                "kind": "usage_late",
                "usage": "15",
                "unit_amount_decimal": "10",
                "used_from": "2024-01-01T00:00:00+00:00",
                "used_to": "2024-02-01T00:00:00+00:00",
                "whole_amount": 150,
                "billed_before": 120,
                "amount": 30,
            },
            [
                "This was reported after its period had been billed.",
                "15 were used from 1 Jan 2024 00:00 to 1 Feb 2024 00:00.",
                "15 × CA$0.10 = CA$1.50.",
                "CA$1.20 of it was billed before.",
            ],
            id="late usage",
        ),
        pytest.param(
            {
                "discounts": [{"amount": 100, "name": "Ten", "percent_off": "10"}, {"amount": 5}],
                "credit_grants": [{"credit_grant": "credgr_1", "amount": 20}],
                "taxes": [TAX | {"inclusive": False}],
                "tax_rounding": "per_invoice",
            },
            [
                "Ten, 10% off: −CA$1.00.",
                "Discount: −CA$0.05.",
                "Credit credgr_1 pays CA$0.20.",
                "GST 5% on CA$9.00: +CA$0.45.",
                "Tax is rounded once for each rate over the whole invoice.",
            ],
            id="what comes off and what comes on",
        ),
        pytest.param(
            {
                "discounts": [{"amount": -149, "name": "Ten", "percent_off": "10"}],
                "taxes": [TAX | {"inclusive": False, "base": -843, "amount": -42}],
            },
            ["Ten, 10% off: +CA$1.49.", "GST 5% on -CA$8.43: −CA$0.42."],
            id="a credit gives its discount and its tax back",
        ),
        pytest.param(
            {"taxes": [TAX | {"inclusive": True, "reason": "reverse_charge", "amount": 0}]},
            ["GST 5% is not charged: reverse charge."],
            id="reverse charge",
        ),
    ],
)
def test_a_line_in_sentences(explanation, sentences):
    assert told(explanation) == sentences
    assert len(told(explanation, "fr-ca")) == len(sentences)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"total": 1000, "balance_applied": 400, "starting_balance": -400}, "The customer's balance pays CA$4.00."),
        (
            {"total": 1000, "balance_applied": -300, "starting_balance": 300},
            "CA$3.00 that the customer owed before is collected with it.",
        ),
        ({"total": -500, "balance_applied": -500}, "CA$5.00 goes to the customer's balance."),
        ({"total": 30, "balance_applied": 30}, "CA$0.30 goes to the customer's balance."),
    ],
)
def test_what_the_balance_did(fields, sentence):
    assert sentence in explain_invoice(invoice(**fields), []).totals


def test_french_says_it_in_french():
    told_in_french = explain_invoice(invoice(lines_gross=1000, total=1000, amount_due=1000), [], "fr-ca")
    assert tuple(told.replace("\xa0", " ") for told in told_in_french.totals) == (
        "Les lignes font 10,00 $.",
        "Le total est de 10,00 $.",
        "10,00 $ est dû.",
    )
