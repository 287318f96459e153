"""What a credit note takes back, and where the money goes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from invoicing.rules.credit_notes import (
    AmountOrLines,
    CreditableInvoice,
    CreditedLineRequest,
    CreditedMoreThanBilled,
    CreditNoteRequest,
    CreditNotPositive,
    InvoiceNotCreditable,
    LineCreditedMoreThanBilled,
    LineCreditedTooOften,
    LineLeft,
    LineNotCreditable,
    MoneyDoesNotAddUp,
    RefundMoreThanPaid,
    credit_note_number,
    line_left,
    plan_credit_note,
)
from subscriptions.types import PlannedTax


def tax(amount, rate="9.975", *, base=10000, inclusive=False):
    return PlannedTax(f"txr_{rate}", "Tax", Decimal(rate), inclusive, base, amount)


# 100.00 with GST 5.00 and QST 9.98 on top: 114.98.
QUEBEC = LineLeft("il_1", "Pro", 10000, 0, (tax(500, "5"), tax(998)), 4, 10000)
# 30.00 less a discount of 3.00, 25 % inside the rest: 27.00.
SWEDEN = LineLeft("il_2", "Box", 3000, 300, (tax(540, "25", base=2160, inclusive=True),), 3, 3000)


def invoice(*lines, status="open", paid=0, **fields):
    total = sum(line.total for line in lines)
    fields = {"amount_remaining": 0 if status == "paid" else total - paid, "refundable": paid} | fields
    return CreditableInvoice("in_1", status, total, credited=0, lines=lines, **fields)


def line(line_id="il_1", **fields):
    return CreditedLineRequest(line_id, **fields)


@pytest.mark.parametrize(
    ("amount", "subtotal", "exclusive_tax"),
    [
        pytest.param(11498, 10000, 1498, id="all of 10000 + 500 + 998"),
        pytest.param(5749, 5000, 749, id="half: 1498 / 2 = 749, 5749 - 749 = 5000"),
        pytest.param(1, 1, 0, id="one cent carries no tax"),
    ],
)
def test_an_amount_counts_its_taxes(amount, subtotal, exclusive_tax):
    planned = plan_credit_note(invoice(QUEBEC), CreditNoteRequest(amount=amount))
    assert (planned.total, planned.subtotal, planned.exclusive_tax) == (amount, subtotal, exclusive_tax)


@pytest.mark.parametrize(
    ("asked", "gross", "taken", "exclusive", "inclusive"),
    [
        pytest.param(line(amount=5000), 5000, 0, 749, 0, id="half of il_1: 5000 + 749"),
        pytest.param(line(quantity=1), 2500, 0, 375, 0, id="1 of 4: 2500 + round(1498 / 4) = 375"),
        pytest.param(line(), 10000, 0, 1498, 0, id="all that is left when nothing is said"),
        pytest.param(line("il_2", amount=1000), 1000, 100, 0, 180, id="a third: 1000 - 100, 540 / 3 inside"),
        pytest.param(line("il_2", quantity=2), 2000, 200, 0, 360, id="2 of 3"),
        pytest.param(line("", description="Sorry", amount=700), 700, 0, 0, 0, id="a line of its own has no tax"),
    ],
)
def test_a_line_takes_its_share_of_discount_and_tax(asked, gross, taken, exclusive, inclusive):
    planned = plan_credit_note(invoice(QUEBEC, SWEDEN), CreditNoteRequest(lines=(asked,)))
    assert (planned.subtotal, planned.taken, planned.exclusive_tax, planned.inclusive_tax) == (
        gross,
        taken,
        exclusive,
        inclusive,
    )
    assert planned.total == gross - taken + exclusive


@pytest.mark.parametrize(
    ("of", "request_", "before", "after"),
    [
        pytest.param(invoice(QUEBEC), CreditNoteRequest(amount=1498), 1498, 0, id="open: lowers what is due"),
        pytest.param(
            invoice(QUEBEC, paid=10000),
            CreditNoteRequest(amount=2000, refund_amount=502),
            1498,
            502,
            id="partly paid: 1498 were due, 502 of the 10000 paid go back",
        ),
        pytest.param(
            invoice(QUEBEC, status="paid", paid=11498),
            CreditNoteRequest(amount=1000, refund_amount=500, credit_amount=300, out_of_band_amount=200),
            0,
            1000,
            id="paid: 500 + 300 + 200 = 1000",
        ),
        pytest.param(
            invoice(QUEBEC, status="uncollectible"), CreditNoteRequest(amount=11498), 11498, 0, id="written off"
        ),
    ],
)
def test_what_is_due_is_lowered_first(of, request_, before, after):
    planned = plan_credit_note(of, request_)
    assert (planned.pre_payment_amount, planned.post_payment_amount) == (before, after)


PAID = invoice(QUEBEC, status="paid", paid=11498)


@pytest.mark.parametrize(
    ("of", "request_", "error"),
    [
        pytest.param(invoice(QUEBEC, status="draft"), CreditNoteRequest(amount=1), InvoiceNotCreditable, id="a draft"),
        pytest.param(invoice(QUEBEC, status="void"), CreditNoteRequest(amount=1), InvoiceNotCreditable, id="void"),
        pytest.param(invoice(QUEBEC), CreditNoteRequest(), AmountOrLines, id="neither amount nor lines"),
        pytest.param(invoice(QUEBEC), CreditNoteRequest(amount=1, lines=(line(),)), AmountOrLines, id="both"),
        pytest.param(invoice(QUEBEC), CreditNoteRequest(amount=0), CreditNotPositive, id="nothing"),
        pytest.param(invoice(QUEBEC), CreditNoteRequest(amount=-5), CreditNotPositive, id="less than nothing"),
        pytest.param(invoice(QUEBEC), CreditNoteRequest(amount=11499), CreditedMoreThanBilled, id="a cent too much"),
        pytest.param(
            replace(invoice(QUEBEC), credited=11000),
            CreditNoteRequest(amount=499),
            CreditedMoreThanBilled,
            id="11498 - 11000 = 498 are left",
        ),
        pytest.param(
            invoice(QUEBEC), CreditNoteRequest(lines=(line(amount=10001),)), LineCreditedMoreThanBilled, id="line"
        ),
        pytest.param(invoice(QUEBEC), CreditNoteRequest(lines=(line(quantity=5),)), LineCreditedTooOften, id="5 of 4"),
        pytest.param(
            invoice(QUEBEC),
            CreditNoteRequest(lines=(line(amount=6000), line(amount=6000))),
            LineCreditedMoreThanBilled,
            id="one line twice",
        ),
        pytest.param(invoice(QUEBEC), CreditNoteRequest(lines=(line("il_9"),)), LineNotCreditable, id="no such line"),
        pytest.param(PAID, CreditNoteRequest(amount=1000), MoneyDoesNotAddUp, id="paid, and nobody says where to"),
        pytest.param(PAID, CreditNoteRequest(amount=10, refund_amount=11), MoneyDoesNotAddUp, id="11 is not 10"),
        pytest.param(
            PAID, CreditNoteRequest(amount=10, refund_amount=20, credit_amount=-10), MoneyDoesNotAddUp, id="negative"
        ),
        pytest.param(
            invoice(QUEBEC), CreditNoteRequest(amount=10, refund_amount=10), MoneyDoesNotAddUp, id="nothing was paid"
        ),
        pytest.param(
            replace(PAID, refundable=5), CreditNoteRequest(amount=10, refund_amount=10), RefundMoreThanPaid, id="5 left"
        ),
    ],
)
def test_what_is_refused(of, request_, error):
    with pytest.raises(error):
        plan_credit_note(of, request_)


def test_the_last_credit_takes_the_rest():
    """4 x 1 of 4: 375 three times, then what is left of 1498."""
    left, taxes = QUEBEC, []
    for _ in range(4):
        planned = plan_credit_note(invoice(left), CreditNoteRequest(lines=(line(quantity=1),)))
        taxes.append(planned.exclusive_tax)
        left = line_left(left, planned.lines)
    assert sum(taxes) == 1498
    assert (left.amount, left.total) == (0, 0)


def test_credit_notes_carry_their_invoices_number():
    assert [credit_note_number("INV-0007", sequence) for sequence in (1, 12)] == ["INV-0007-CN-01", "INV-0007-CN-12"]


CARD, BALANCE = "refund_amount", "credit_amount"


@pytest.mark.parametrize(
    ("paid", "request_", "before", "refund", "credit"),
    [
        pytest.param(
            11498, CreditNoteRequest(lines=(line(quantity=1),), rest_to="refund_amount"), 0, 2875, 0, id="all"
        ),
        pytest.param(10000, CreditNoteRequest(amount=5000, rest_to=BALANCE), 1498, 0, 3502, id="1498 were due"),
        pytest.param(
            11498,
            CreditNoteRequest(amount=5000, refund_amount=2000, rest_to="credit_amount"),
            0,
            2000,
            3000,
            id="split",
        ),
        pytest.param(0, CreditNoteRequest(amount=5000, rest_to=CARD), 5000, 0, 0, id="nothing was paid"),
    ],
)
def test_all_that_was_paid_goes_where_the_rest_is_to_go(paid, request_, before, refund, credit):
    """One of four units: 2500 + 125 + 250 = 2875."""
    of = invoice(QUEBEC, status="open" if paid < 11498 else "paid", paid=paid)
    planned = plan_credit_note(replace(of, refundable=paid), request_)
    assert (planned.pre_payment_amount, planned.refund_amount, planned.credit_amount) == (before, refund, credit)
