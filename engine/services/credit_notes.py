"""Credit notes: what is taken back of an invoice, before it is paid and after.

1. Lock the invoice (and what it belongs to); ask the rule.
2. Nothing may be under way for the old amount: open intents are canceled.
3. Write the note with its lines, lower what is due, give to the balance, promise the refunds; commit.
4. Only then ask the gateways. A worker that dies in between leaves refunds that `resolve_refunds` finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.services import adjust_balance
from engine.selectors import bodies_kept
from engine.services.collect import cancel_at_gateway
from engine.services.refund import promise_refund, send_refund
from engine.services.settlement import Settlement, hold
from events.copying import Row, new_row
from events.types import EventRow
from events.writes import record_events
from invoicing.models import CreditNote, CreditNoteLine
from invoicing.rules.credit_notes import (
    CreditableInvoice,
    CreditNoteRequest,
    PlannedCreditNote,
    credit_note_number,
    plan_credit_note,
)
from invoicing.selectors import InvoiceNotFound, credit_note_by_id, credit_note_lines, invoice_by_id, lines_left
from invoicing.snapshots import credit_note_snapshot, refunds_of_note
from invoicing.writes import insert_credit_note, move_credit_note
from payments import writes as payments
from payments.cancellation import cancel_intents
from payments.disputes import money_at_bank
from payments.models import Charge
from payments.selectors import refunds_of_invoice
from subscriptions.facts import taxes_to_json

T = TypeVar("T")
REASONS = ("", "duplicate", "fraudulent", "order_change", "product_unsatisfactory")
# What a gateway is told of a refund: it knows fewer reasons than a credit note.
_REFUND_REASONS = {"duplicate": "duplicate", "fraudulent": "fraudulent"}


class UnknownReason(OstinatoError):
    code = "parameter_invalid_enum"
    param = "reason"
    message_id = gettext_noop("“%(reason)s” is not a reason for a credit note.")


class CreditNoteNotVoidable(OstinatoError):
    code = "credit_note_not_voidable"
    param = "credit_note"
    message_id = gettext_noop("Only a credit note that lowers an open invoice can be voided.")


def create_credit_note(
    *,
    ctx: Context,
    merchant_id: str,
    invoice_id: str,
    request: CreditNoteRequest,
    reason: str = "",
    memo: str = "",
    metadata: Mapping[str, str] | None = None,
    effective_at: datetime | None = None,
) -> str:
    """Credit an invoice; what it refunds is sent after the commit. Returns the credit note's id.

    `effective_at` is the date printed on its paper; None: the day it is made.

    Raises `InvoiceNotFound`, `UnknownReason`, `PaymentInFlight` and what `plan_credit_note` does; nothing is
    written then.
    """
    if reason not in REASONS:
        raise UnknownReason(reason=reason)
    with transaction.atomic(durable=True):
        work = hold(ctx, [invoice_id])
        invoice = _mine(work, merchant_id, invoice_id)
        charges = _charges_to_refund(invoice)
        planned = plan_credit_note(_creditable(invoice, charges), request)
        canceled = _cancel_intent(ctx, work, invoice) if planned.pre_payment_amount else []
        words = {"reason": reason, "memo": memo, "metadata": dict(metadata or {}), "effective_at": effective_at}
        note, lines = _rows(ctx, invoice, planned, words)
        promised = _promise_refunds(ctx, charges, planned.to_refund, _REFUND_REASONS.get(reason, ""))
        _put_refunds(note, [*planned.linked, *promised])
        work.credit(invoice, planned.pre_payment_amount, planned.post_payment_amount)
        work.write()
        if planned.credit_amount:
            note["balance_transaction_id"] = adjust_balance(
                ctx=ctx,
                merchant_id=merchant_id,
                customer_id=invoice.customer_id,
                amount=-planned.credit_amount,
                currency=invoice.currency,
                description=note.number,
                credit_note_id=note.id,
            ).id
        insert_credit_note(note, lines)
        record_events(ctx, [_event("credit_note.created", note, lines)])
    cancel_at_gateway(ctx, canceled)
    for refund_id, _ in promised:
        send_refund(ctx, refund_id)
    return str(note.id)


def preview_credit_note(*, merchant_id: str, invoice_id: str, request: CreditNoteRequest) -> PlannedCreditNote:
    """What `create_credit_note` would make of the same request now; nothing is written."""
    return plan_credit_note(creditable_invoice(merchant_id=merchant_id, invoice_id=invoice_id), request)


def creditable_invoice(*, merchant_id: str, invoice_id: str) -> CreditableInvoice:
    """The invoice as a credit note would find it now: what is left of its lines, and what could be refunded."""
    invoice = invoice_by_id(merchant_id, invoice_id)
    charges = Charge.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id, status="succeeded")
    return _creditable(invoice, _with_us(list(charges)))


def previewed_rows(
    *, ctx: Context, merchant_id: str, invoice_id: str, request: CreditNoteRequest, **words: Any
) -> tuple[Row, list[Row]]:
    """The note and the lines that `create_credit_note` would write, shown only. `words` are its reason, memo, metadata
    and effective_at. Raises what it does."""
    planned = preview_credit_note(merchant_id=merchant_id, invoice_id=invoice_id, request=request)
    note, lines = _rows(ctx, invoice_by_id(merchant_id, invoice_id), planned, words)
    _put_refunds(note, planned.linked)
    return note, lines


def update_credit_note(
    *,
    ctx: Context,
    merchant_id: str,
    credit_note_id: str,
    memo: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Another memo, other metadata (merged; a blank value removes its key). Raises `CreditNoteNotFound`."""
    credit_note_by_id(merchant_id, credit_note_id)
    with transaction.atomic():
        note = Row(CreditNote.objects.select_for_update(no_key=True).filter(id=credit_note_id).values().get())
        wanted: dict[str, Any] = {} if memo is None else {"memo": memo}
        if metadata is not None:
            merged = {**note.metadata, **metadata}
            wanted["metadata"] = {key: value for key, value in merged.items() if value != ""}
        previous = {name: note[name] for name, value in wanted.items() if note[name] != value}
        if previous:
            move_credit_note(note, **wanted)
            record_events(ctx, [_event("credit_note.updated", note, credit_note_lines(note.id), previous)])


def void_credit_note(*, ctx: Context, merchant_id: str, credit_note_id: str) -> None:
    """What it had taken off an open invoice is due again. Raises `CreditNoteNotFound`, `CreditNoteNotVoidable`,
    `PaymentInFlight`."""
    invoice_id = credit_note_by_id(merchant_id, credit_note_id).invoice_id
    with transaction.atomic(durable=True):
        work = hold(ctx, [invoice_id])
        invoice = work.invoices[invoice_id]
        note = Row(CreditNote.objects.select_for_update(no_key=True).filter(id=credit_note_id).values().get())
        lowers_what_is_due = note.status == "issued" and note.post_payment_amount == 0
        if not lowers_what_is_due or invoice.status not in ("open", "uncollectible"):
            raise CreditNoteNotVoidable
        canceled = _cancel_intent(ctx, work, invoice)
        move_credit_note(note, status="void", voided_at=ctx.as_of)
        work.credit(invoice, -note.pre_payment_amount)
        work.write()
        record_events(ctx, [_event("credit_note.voided", note, credit_note_lines(note.id), {"status": "issued"})])
    cancel_at_gateway(ctx, canceled)


def _mine(work: Settlement, merchant_id: str, invoice_id: str) -> Row:
    invoice = work.invoices.get(invoice_id)
    if invoice is None or invoice.merchant_id != merchant_id:
        raise InvoiceNotFound
    return invoice


def _creditable(invoice: Any, charges: Sequence[Any]) -> CreditableInvoice:
    return CreditableInvoice(
        id=invoice.id,
        status=invoice.status,
        total=invoice.total,
        amount_remaining=invoice.amount_remaining,
        credited=invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount,
        lines=lines_left(invoice.id),
        refundable=sum(charge.amount - charge.amount_refunded for charge in charges),
        refunds=_refunds_left(invoice),
    )


def _refunds_left(invoice: Any) -> dict[str, int]:
    """What of each refund of the invoice's payments is on no credit note yet. Two queries."""
    made = refunds_of_invoice(invoice.merchant_id, invoice.id)
    left = {refund.id: refund.amount for refund in made}
    issued = CreditNote.objects.filter(merchant_id=invoice.merchant_id, invoice_id=invoice.id, status="issued")
    for note in issued:
        for refund_id, amount in refunds_of_note(note):
            if refund_id in left:
                left[refund_id] -= amount
    return left


def _put_refunds(note: Row, refunds: Sequence[tuple[str, int]]) -> None:
    note.update(refund_ids=[one for one, _ in refunds], refund_amounts=[amount for _, amount in refunds])


def _with_us(charges: Sequence[T]) -> list[T]:
    """Without those whose money a bank took back because of a dispute: there is nothing to send a second time."""
    at_bank = money_at_bank([charge.id for charge in charges if charge.disputed])  # type: ignore[attr-defined]
    return [charge for charge in charges if charge.id not in at_bank]  # type: ignore[attr-defined]


def _charges_to_refund(invoice: Row) -> list[Row]:
    """The invoice's charges that took money and still have it, locked, the oldest first."""
    paid = Charge.objects.filter(merchant_id=invoice.merchant_id, invoice_id=invoice.id, status="succeeded")
    locked = payments.lock_charges(paid.values_list("id", flat=True))
    return sorted(_with_us(list(locked.values())), key=lambda charge: (charge.created, charge.id))


def _promise_refunds(ctx: Context, charges: Sequence[Row], amount: int, reason: str) -> list[tuple[str, int]]:
    """(refund id, amount), spread over the charges, the oldest first: the rule saw that they hold as much."""
    ids = []
    for charge in charges:
        part = min(amount, charge.amount - charge.amount_refunded)
        if part > 0:
            ids.append((str(promise_refund(ctx, charge, part, reason, "").id), part))
            amount -= part
    assert amount == 0, "the rule let more be refunded than was charged"
    return ids


def _cancel_intent(ctx: Context, work: Settlement, invoice: Row) -> list[str]:
    """An open intent is for what was due before. Raises `PaymentInFlight`."""
    kept = bodies_kept({invoice.merchant_id})
    canceled = cancel_intents(ctx, [invoice.id], {invoice.id: invoice.test_clock_id}, kept)
    if canceled:
        invoice["payment_intent_id"] = ""
    return canceled


def _rows(ctx: Context, invoice: Any, planned: PlannedCreditNote, words: Mapping[str, Any]) -> tuple[Row, list[Row]]:
    # Counted under the invoice's lock; voided ones keep their numbers.
    sequence = CreditNote.objects.filter(merchant_id=invoice.merchant_id, invoice_id=invoice.id).count() + 1
    amounts = (
        "subtotal",
        "taken",
        "inclusive_tax",
        "exclusive_tax",
        "total",
        "pre_payment_amount",
        "post_payment_amount",
        "refund_amount",
        "credit_amount",
        "out_of_band_amount",
    )
    note = new_row(
        CreditNote,
        id=new_id("cn"),
        merchant_id=invoice.merchant_id,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        sequence=sequence,
        number=credit_note_number(invoice.number, sequence),
        type=planned.type,
        currency=invoice.currency,
        test_clock_id=invoice.test_clock_id,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
        **{name: getattr(planned, name) for name in amounts},
        **words,
    )
    lines = [
        new_row(
            CreditNoteLine,
            id=new_id("cnli"),
            merchant_id=invoice.merchant_id,
            credit_note_id=note.id,
            invoice_line_id=line.invoice_line_id,
            position=position,
            description=line.description,
            quantity=line.quantity,
            unit_amount=line.unit_amount,
            amount=line.amount,
            taken=line.taken,
            exclusive_tax=line.exclusive_tax,
            taxes=taxes_to_json(line.taxes),
            metadata=dict(line.metadata),
        )
        for position, line in enumerate(planned.lines)
    ]
    return note, lines


def _event(type_: str, note: Row, lines: Sequence[Any], previous: dict[str, Any] | None = None) -> EventRow:
    return EventRow(
        merchant_id=note.merchant_id,
        type=type_,
        object_type="credit_note",
        object_id=note.id,
        object_version=note.version,
        customer_id=note.customer_id,
        body=credit_note_snapshot(note, lines) if bodies_kept([note.merchant_id]) else None,
        previous_attributes=previous,
        test_clock_id=note.test_clock_id,
    )
