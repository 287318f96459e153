"""Whatever is credited, it is never more than was billed, and with what is left it makes the invoice."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, strategies as st

from core.errors import OstinatoError
from invoicing.rules.credit_notes import (
    CreditableInvoice,
    CreditedLineRequest,
    CreditNoteRequest,
    LineLeft,
    line_left,
    plan_credit_note,
)
from subscriptions.types import PlannedTax


@st.composite
def lines(draw):
    amount = draw(st.integers(-5000, 20000))
    taken = draw(st.integers(0, amount)) if amount > 0 else 0
    net = amount - taken
    rates = draw(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=3))
    taxes = tuple(
        PlannedTax(f"txr_{index}", "Tax", Decimal(rate), inclusive, net, net * rate // 100)
        for index, (rate, inclusive) in enumerate(rates)
    )
    return LineLeft(f"il_{draw(st.integers(0, 10**9))}", "Line", amount, taken, taxes, draw(st.integers(1, 9)), amount)


@st.composite
def stories(draw):
    billed = draw(st.lists(lines(), min_size=1, max_size=4, unique_by=lambda line: line.id))
    by_amount = st.integers(1, 25000).map(lambda amount: CreditNoteRequest(amount=amount))
    which = st.sampled_from([line.id for line in billed])
    by_line = st.builds(CreditedLineRequest, which, amount=st.integers(1, 20000))
    by_quantity = st.builds(CreditedLineRequest, which, quantity=st.integers(1, 9))
    by_lines = st.lists(st.one_of(by_line, by_quantity), min_size=1, max_size=3).map(
        lambda asked: CreditNoteRequest(lines=tuple(asked))
    )
    return billed, draw(st.lists(st.one_of(by_amount, by_lines), max_size=6))


@given(stories())
def test_credited_and_left_make_what_was_billed(story):
    billed, requests = story
    total = sum(line.total for line in billed)
    invoice = CreditableInvoice("in_1", "open", total, max(total, 0), 0, tuple(billed))
    credited = []
    for request in requests:
        try:
            planned = plan_credit_note(invoice, request)
        except OstinatoError:
            continue
        assert planned.total == planned.subtotal - planned.taken + planned.exclusive_tax
        assert planned.total == planned.pre_payment_amount + planned.post_payment_amount
        assert all(part >= 0 for line in planned.lines for part in (line.amount, line.taken, line.total))
        credited.extend(planned.lines)
        invoice = replace(
            invoice,
            credited=invoice.credited + planned.total,
            amount_remaining=invoice.amount_remaining - planned.pre_payment_amount,
            lines=tuple(
                line_left(line, [one for one in planned.lines if one.invoice_line_id == line.id])
                for line in invoice.lines
            ),
        )
    assert invoice.credited <= max(total, 0)
    assert sum(line.total for line in invoice.lines) + sum(line.total for line in credited) == total
    for before, after in zip(billed, invoice.lines, strict=True):
        if before.amount > 0:
            assert 0 <= after.amount <= before.amount
            assert 0 <= after.taken <= before.taken
            assert all(tax.amount >= 0 for tax in after.taxes)


@given(stories())
def test_what_is_left_can_always_be_credited_to_the_last_cent(story):
    billed, _ = story
    total = sum(line.total for line in billed)
    if total <= 0:
        return
    invoice = CreditableInvoice("in_1", "open", total, total, 0, tuple(billed))
    assert plan_credit_note(invoice, CreditNoteRequest(amount=total)).total == total
