"""What a credit note takes back of an invoice, line by line, and where the money goes (SEMANTICS, Invoices).

Every line is credited from what is left of it: a part of its gross takes the same part of its discounts, of the
credit grants and of each tax that are left, so that the last part takes exactly the rest. Nothing is ever taxed
anew: the taxes are those of the invoice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from core.errors import OstinatoError, gettext_noop
from core.money import AllocationMode, allocate, check_amount, share, times
from invoicing.rules.linked_refunds import LinkedRefund, linked_parts
from invoicing.rules.tax import taxes_on
from invoicing.types import TaxRateFacts
from subscriptions.types import PlannedTax

CREDITABLE_STATUSES = ("open", "paid", "uncollectible")


class InvoiceNotCreditable(OstinatoError):
    code = "invoice_not_open"
    param = "invoice"
    message_id = gettext_noop("The invoice is %(status)s: only an open, paid or uncollectible one can be credited.")


class AmountOrLines(OstinatoError):
    code = "parameter_missing"
    param = "amount"
    message_id = gettext_noop("Say either an amount or the lines to credit.")


class CreditNotPositive(OstinatoError):
    code = "parameter_invalid_integer"
    param = "amount"
    message_id = gettext_noop("A credit note is for more than zero.")


class CreditedMoreThanBilled(OstinatoError):
    code = "amount_too_large"
    param = "amount"
    amounts = ("amount", "left")
    message_id = gettext_noop("The credit note is for %(amount)s, more than the %(left)s left of the invoice.")


class LineCreditedMoreThanBilled(OstinatoError):
    code = "amount_too_large"
    param = "lines"
    amounts = ("amount", "left")
    message_id = gettext_noop("The line “%(line)s” would be credited by %(amount)s; %(left)s of it are left.")


class LineCreditedTooOften(OstinatoError):
    code = "amount_too_large"
    param = "lines[quantity]"
    message_id = gettext_noop("The line “%(line)s” is for %(left)s units; %(quantity)s would be credited.")


class LineNotCreditable(OstinatoError):
    code = "resource_missing"
    param = "lines[invoice_line_item]"
    message_id = gettext_noop("There is no line %(line)s on this invoice that can be credited.")


class MoneyDoesNotAddUp(OstinatoError):
    code = "parameter_invalid_integer"
    param = "refund_amount"
    amounts = ("given", "wanted")
    message_id = gettext_noop(
        "What is refunded, credited and settled outside makes %(given)s; it has to make %(wanted)s, what was paid."
    )


class RefundMoreThanPaid(OstinatoError):
    code = "amount_too_large"
    param = "refund_amount"
    amounts = ("left",)
    message_id = gettext_noop("At most %(left)s were paid in a way that can be refunded.")


@dataclass(frozen=True, slots=True)
class LineLeft:
    """An invoice's line, less what credit notes took back of it. Never negative, but for a line that is a credit.

    `taken` is what came off before tax: discounts, credit grants and the inclusive tax that an exempt customer
    did not pay. `quantity` and `billed` (gross) are those of the whole line.
    """

    id: str
    description: str
    amount: int
    taken: int
    taxes: tuple[PlannedTax, ...]
    quantity: int = 1
    billed: int = 0

    @property
    def exclusive_tax(self) -> int:
        return sum(tax.amount for tax in self.taxes if not tax.inclusive)

    @property
    def total(self) -> int:
        return self.amount - self.taken + self.exclusive_tax


@dataclass(frozen=True, slots=True)
class CreditableInvoice:
    """An invoice as credit notes see it. `credited` is what those that stand took back of its total."""

    id: str
    status: str
    total: int
    amount_remaining: int
    credited: int
    lines: tuple[LineLeft, ...]
    refundable: int = 0  # what its charges could still send back
    refunds: Mapping[str, int] = field(default_factory=dict)  # by id, what of those made is on no credit note


@dataclass(frozen=True, slots=True)
class CreditedLineRequest:
    """One line to credit, by `amount` (gross of discounts, without exclusive tax) or by `quantity`.

    Without `invoice_line_id` it is a line of its own: `description`, `amount` of one unit (or `unit_amount_decimal`, in
    parts of a minor unit), and what `tax_rates` add to it or find inside it.
    """

    invoice_line_id: str = ""
    amount: int | None = None
    quantity: int | None = None
    description: str = ""
    tax_rates: tuple[TaxRateFacts, ...] = ()
    unit_amount_decimal: Decimal | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreditNoteRequest:
    """What to credit: `amount` (with all taxes) or `lines`; and where what was paid already goes.

    `refund_amount` is refunded now, beside what `refunds` sent back before.

    `rest_to` names the one of the three amounts to which all of it goes that they leave open: who credits lines does
    not know the total before it is planned.
    """

    amount: int | None = None
    lines: tuple[CreditedLineRequest, ...] = ()
    refund_amount: int = 0
    refunds: tuple[LinkedRefund, ...] = ()
    credit_amount: int = 0
    out_of_band_amount: int = 0
    rest_to: Literal["", "refund_amount", "credit_amount", "out_of_band_amount"] = ""


@dataclass(frozen=True, slots=True)
class PlannedCreditLine:
    """A line of the credit note; all amounts are what is given back. total = amount - taken + exclusive tax."""

    invoice_line_id: str
    description: str
    amount: int
    taken: int
    taxes: tuple[PlannedTax, ...] = ()
    quantity: int = 1
    unit_amount: Decimal | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def exclusive_tax(self) -> int:
        return sum(tax.amount for tax in self.taxes if not tax.inclusive)

    @property
    def total(self) -> int:
        return self.amount - self.taken + self.exclusive_tax


@dataclass(frozen=True, slots=True)
class PlannedCreditNote:
    """A credit note to write, or to show. `pre_payment_amount` lowers what is due, the rest gives back.

    `refund_amount` is all that goes back by refunds; `linked`, (refund id, part), was sent back before.
    """

    lines: tuple[PlannedCreditLine, ...]
    subtotal: int  # gross
    taken: int
    inclusive_tax: int
    exclusive_tax: int
    total: int
    pre_payment_amount: int
    post_payment_amount: int
    refund_amount: int
    credit_amount: int
    out_of_band_amount: int
    linked: tuple[tuple[str, int], ...] = ()

    @property
    def to_refund(self) -> int:
        """What is refunded now."""
        return self.refund_amount - sum(part for _, part in self.linked)

    @property
    def type(self) -> str:
        if not self.post_payment_amount:
            return "pre_payment"
        return "mixed" if self.pre_payment_amount else "post_payment"


def plan_credit_note(invoice: CreditableInvoice, request: CreditNoteRequest) -> PlannedCreditNote:
    """The credit note that `request` asks for; a preview is the same call.

    What is still due is lowered first; what goes beyond it was paid, and goes back as the request says. Raises
    `InvoiceNotCreditable`, `AmountOrLines`, `CreditNotPositive`, `CreditedMoreThanBilled`,
    `LineCreditedMoreThanBilled`, `LineCreditedTooOften`, `LineNotCreditable`, `RefundNotOfInvoice`,
    `LinkedMoreThanRefunded`, `MoneyDoesNotAddUp`, `RefundMoreThanPaid`.
    """
    if invoice.status not in CREDITABLE_STATUSES:
        raise InvoiceNotCreditable(status=invoice.status)
    if (request.amount is None) == (not request.lines):
        raise AmountOrLines
    left = invoice.total - invoice.credited
    if request.amount is not None:
        lines = _spread(invoice.lines, _within(request.amount, left))
    else:
        lines = _asked_for(invoice.lines, request.lines)
    total = _within(sum(line.total for line in lines), left)
    # An invoice that is written off is still owed: a credit note lowers it like an open one.
    before = 0 if invoice.status == "paid" else min(total, invoice.amount_remaining)
    linked = linked_parts(invoice.refunds, request.refunds)
    sent = sum(part for _, part in linked)
    request = _with_rest(request, total - before - sent)
    _check_money(request, sent, total - before, invoice.refundable)
    return PlannedCreditNote(
        lines=lines,
        subtotal=sum(line.amount for line in lines),
        taken=sum(line.taken for line in lines),
        inclusive_tax=sum(tax.amount for line in lines for tax in line.taxes if tax.inclusive),
        exclusive_tax=sum(line.exclusive_tax for line in lines),
        total=total,
        pre_payment_amount=before,
        post_payment_amount=total - before,
        refund_amount=request.refund_amount + sent,
        credit_amount=request.credit_amount,
        out_of_band_amount=request.out_of_band_amount,
        linked=linked,
    )


def credit_note_number(invoice_number: str, sequence: int) -> str:
    """ "INV-0007", 1 -> "INV-0007-CN-01", as Stripe numbers them."""
    return f"{invoice_number}-CN-{sequence:02d}"


def line_left(line: LineLeft, credited: Iterable[PlannedCreditLine]) -> LineLeft:
    """The line without what `credited` took back of it."""
    given = list(credited)
    by_rate: dict[tuple[str, bool], list[PlannedTax]] = {}
    for one in given:
        for tax in one.taxes:
            by_rate.setdefault((tax.tax_rate_id, tax.inclusive), []).append(tax)
    return replace(
        line,
        amount=line.amount - sum(one.amount for one in given),
        taken=line.taken - sum(one.taken for one in given),
        taxes=tuple(_less(tax, by_rate.get((tax.tax_rate_id, tax.inclusive), ())) for tax in line.taxes),
        billed=line.billed or line.amount,
    )


def _less(tax: PlannedTax, given: Sequence[PlannedTax]) -> PlannedTax:
    return replace(
        tax,
        amount=tax.amount - sum(one.amount for one in given),
        taxable_amount=tax.taxable_amount - sum(one.taxable_amount for one in given),
    )


def _within(amount: int, left: int) -> int:
    if check_amount(amount) <= 0:
        raise CreditNotPositive
    if amount > left:
        raise CreditedMoreThanBilled(amount=amount, left=max(left, 0))
    return amount


def _with_rest(request: CreditNoteRequest, paid: int) -> CreditNoteRequest:
    if not request.rest_to:
        return request
    named = request.refund_amount + request.credit_amount + request.out_of_band_amount
    return replace(request, **{request.rest_to: getattr(request, request.rest_to) + max(0, paid - named)})


def _check_money(request: CreditNoteRequest, sent: int, paid: int, refundable: int) -> None:
    """What was paid already goes somewhere, to the last minor unit; `sent` of it went by refunds before."""
    parts = (sent, request.refund_amount, request.credit_amount, request.out_of_band_amount)
    if any(part < 0 for part in parts) or sum(parts) != paid:
        raise MoneyDoesNotAddUp(given=sum(parts), wanted=paid)
    if request.refund_amount > refundable:
        raise RefundMoreThanPaid(left=refundable)


def _spread(lines: Sequence[LineLeft], amount: int) -> tuple[PlannedCreditLine, ...]:
    """`amount`, taxes included, over what is left of the lines in proportion; lines that are credits are left alone."""
    weights = [max(line.total, 0) for line in lines]
    totals = allocate(amount, weights, AllocationMode.LARGEST_REMAINDER)
    return tuple(_by_total(line, total) for line, total in zip(lines, totals, strict=True) if total)


def _by_total(line: LineLeft, total: int) -> PlannedCreditLine:
    """The part of the line whose total is `total`: its gross is what its discounts and taxes leave."""
    taken, taxes = share(line.taken, total, line.total), _part_of_taxes(line, total, line.total)
    exclusive = sum(tax.amount for tax in taxes if not tax.inclusive)
    return PlannedCreditLine(line.id, line.description, total + taken - exclusive, taken, taxes)


def _asked_for(lines: Sequence[LineLeft], asked: Sequence[CreditedLineRequest]) -> tuple[PlannedCreditLine, ...]:
    left = {line.id: line for line in lines}
    planned = []
    for one in asked:
        if not one.invoice_line_id:
            planned.append(replace(_own_line(one), metadata=one.metadata))
            continue
        line = left.get(one.invoice_line_id)
        if line is None or line.billed < 0:
            raise LineNotCreditable(line=one.invoice_line_id)
        credited = _by_gross(line, one)
        left[line.id] = line_left(line, [credited])
        planned.append(replace(credited, metadata=one.metadata))
    return tuple(planned)


def _own_line(one: CreditedLineRequest) -> PlannedCreditLine:
    quantity = 1 if one.quantity is None else one.quantity
    unit_amount = one.unit_amount_decimal if one.amount is None else Decimal(one.amount)
    if unit_amount is None or unit_amount <= 0 or quantity <= 0:
        raise CreditNotPositive(param="lines[unit_amount]")
    amount = check_amount(times(unit_amount, quantity))
    taxes = taxes_on(amount, one.tax_rates)
    return PlannedCreditLine("", one.description, amount, 0, taxes, quantity, unit_amount)


def _by_gross(line: LineLeft, one: CreditedLineRequest) -> PlannedCreditLine:
    """The part of the line that has this gross, or that is this many of its units; all that is left by default."""
    if one.amount is not None and one.quantity is not None:
        raise AmountOrLines(param="lines[amount]")
    quantity = one.quantity if one.quantity is not None else 1
    if one.quantity is not None:
        _check_quantity(line, one.quantity)
        gross = share(line.billed, one.quantity, line.quantity)
        # Two roundings up may ask for a minor unit that is not there.
        gross = min(gross, line.amount) if gross - line.amount <= 1 else gross
    else:
        gross = line.amount if one.amount is None else one.amount
    if gross < 0 or (gross == 0 and line.billed):
        raise CreditNotPositive(param="lines[amount]")
    if gross > line.amount:
        raise LineCreditedMoreThanBilled(line=line.description or line.id, amount=gross, left=line.amount)
    if gross == 0:
        return PlannedCreditLine(line.id, line.description, 0, 0, (), quantity)
    taken = share(line.taken, gross, line.amount)
    return PlannedCreditLine(
        line.id, line.description, gross, taken, _part_of_taxes(line, gross, line.amount), quantity
    )


def _check_quantity(line: LineLeft, quantity: int) -> None:
    if quantity <= 0:
        raise CreditNotPositive(param="lines[quantity]")
    if quantity > line.quantity:
        raise LineCreditedTooOften(line=line.description or line.id, quantity=quantity, left=line.quantity)


def _part_of_taxes(line: LineLeft, part: int, whole: int) -> tuple[PlannedTax, ...]:
    """Each tax's share: the exclusive ones together are rounded once, then dealt out over the rates."""
    parts: Mapping[int, int] = {}
    for inclusive in (False, True):
        chosen = {index: tax.amount for index, tax in enumerate(line.taxes) if tax.inclusive is inclusive}
        together = share(sum(chosen.values()), part, whole)
        dealt = allocate(together, list(chosen.values()), AllocationMode.LARGEST_REMAINDER)
        parts = {**parts, **dict(zip(chosen, dealt, strict=True))}
    return tuple(
        replace(tax, amount=parts[index], taxable_amount=share(tax.taxable_amount, part, whole))
        for index, tax in enumerate(line.taxes)
    )
