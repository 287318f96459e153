"""/v1/credit_notes"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from api.business_time import clocked, clocked_reading
from api.lookup import blanked_metadata, found, new_metadata
from api.paging import in_range, page, page_of
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    choice,
    decimal,
    fields,
    hash_of,
    integer,
    list_of,
    metadata,
    text,
    timestamp,
)
from api.resources.invoices import invoice_of
from api.resources.payments import refunds_of_caller
from api.resources.pricing import TAX_RATES, tax_rate_ids
from catalog import selectors as selectors_of_catalog
from core.errors import OstinatoError, gettext_noop
from core.money import parse_unit_amount
from engine.services import credit_notes as services
from invoicing import selectors
from invoicing.facts import tax_rate_facts
from invoicing.models import CreditNote, CreditNoteLine
from invoicing.rules.credit_notes import CreditedLineRequest, CreditNoteRequest
from invoicing.rules.linked_refunds import LinkedRefund
from invoicing.snapshots import credit_note_snapshot

URL = "/v1/credit_notes"
LINE = hash_of(
    {
        "amount": integer(least=0),
        "description": text(most=5000),
        "invoice_line_item": text(most=200),
        "metadata": metadata(),
        "quantity": integer(least=1),
        "tax_rates": TAX_RATES,
        "type": choice("custom_line_item", "invoice_line_item", required=True),
        "unit_amount": integer(least=0),
        "unit_amount_decimal": decimal(),
    }
)
REFUND = hash_of(
    {"amount_refunded": integer(least=1), "refund": text(required=True, most=200), "type": choice("refund")}
)
_WHAT = fields(
    amount=integer(least=0),
    credit_amount=integer(least=0),
    invoice=text(required=True, most=200),
    lines=list_of(LINE),
    out_of_band_amount=integer(least=0),
    refund_amount=integer(least=0),
    refunds=list_of(REFUND, most=20),
)
CREATE = fields(
    METADATA,
    _WHAT,
    effective_at=timestamp(),
    email_type=choice("none"),  # no mail tells of a credit note
    memo=text(most=5000),
    reason=choice("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
)
LIST = fields(PAGE, created=RANGE, customer=text(most=200), invoice=text(most=200))


class LineAmountMissing(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("A custom line has a description and either a unit amount or a decimal one.")


class RatesOfInvoiceLine(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("A line of the invoice is credited with its own taxes: tax rates are for custom lines.")


def _request(call: Call) -> CreditNoteRequest:
    params = call.params
    amounts = {
        name: params[name]
        for name in ("amount", "credit_amount", "out_of_band_amount", "refund_amount")
        if name in params
    }
    lines = tuple(_line(call, line, f"lines[{number}]") for number, line in enumerate(params.get("lines", ())))
    refunds = tuple(_refund(call, one, f"refunds[{number}]") for number, one in enumerate(params.get("refunds", ())))
    return CreditNoteRequest(lines=lines, refunds=refunds, **amounts)


def _line(call: Call, line: dict[str, Any], param: str) -> CreditedLineRequest:
    rates = tax_rate_ids(call, line.get("tax_rates"), f"{param}[tax_rates]")
    if line["type"] == "invoice_line_item":
        if rates:
            raise RatesOfInvoiceLine(param=f"{param}[tax_rates]")
        return CreditedLineRequest(
            invoice_line_id=line.get("invoice_line_item", ""),
            amount=line.get("amount"),
            quantity=line.get("quantity"),
            metadata=new_metadata(line),
        )
    if "description" not in line or ("unit_amount" in line) == ("unit_amount_decimal" in line):
        raise LineAmountMissing(param=f"{param}[unit_amount]")
    rows = selectors_of_catalog.tax_rates(call.merchant_id).in_bulk(rates)
    facts = tuple(tax_rate_facts(rows[rate]) for rate in rates)
    return CreditedLineRequest(
        description=line["description"],
        amount=line.get("unit_amount"),
        unit_amount_decimal=_unit_amount(line, param),
        quantity=line.get("quantity"),
        tax_rates=facts,
        metadata=new_metadata(line),
    )


def _refund(call: Call, one: dict[str, Any], param: str) -> LinkedRefund:
    refund = found(refunds_of_caller(call), one["refund"], "refund", param=f"{param}[refund]")
    return LinkedRefund(refund.id, one.get("amount_refunded"), param)


def _unit_amount(line: dict[str, Any], param: str) -> Decimal | None:
    try:
        return parse_unit_amount(line["unit_amount_decimal"]) if "unit_amount_decimal" in line else None
    except OstinatoError as error:
        error.param = f"{param}[unit_amount_decimal]"
        raise


def _words(call: Call) -> dict[str, Any]:
    """What the note says, whatever it credits."""
    params = call.params
    texts = {name: params.get(name, "") for name in ("memo", "reason")}
    return texts | {"effective_at": params.get("effective_at"), "metadata": new_metadata(params)}


def _note(call: Call) -> CreditNote:
    return found(selectors.credit_notes(call.merchant_id), call.id, "credit note")


def _shown(rows: Sequence[CreditNote]) -> list[Json]:
    """Credit notes with their lines: one query, whatever their number."""
    lines: dict[str, list[CreditNoteLine]] = {row.id: [] for row in rows}
    for line in CreditNoteLine.objects.filter(credit_note_id__in=lines).order_by("position", "id"):
        lines[line.credit_note_id].append(line)
    return [credit_note_snapshot(row, lines[row.id]) for row in rows]


def create(call: Call) -> Json:
    invoice = invoice_of(call, call.params["invoice"], "invoice")
    note_id = services.create_credit_note(
        ctx=clocked(call, invoice.test_clock_id),
        merchant_id=call.merchant_id,
        invoice_id=invoice.id,
        request=_request(call),
        **_words(call),
    )
    return _shown([CreditNote.objects.get(id=note_id)])[0]


def retrieve(call: Call) -> Json:
    return _shown([_note(call)])[0]


def update(call: Call) -> Json:
    row, params = _note(call), call.params
    values: dict[str, Any] = {"memo": params["memo"] or ""} if "memo" in params else {}
    if "metadata" in params:
        values["metadata"] = blanked_metadata(row, params)
    ctx = clocked(call, row.test_clock_id)
    services.update_credit_note(ctx=ctx, merchant_id=call.merchant_id, credit_note_id=row.id, **values)
    return _shown([_note(call)])[0]


def void(call: Call) -> Json:
    row = _note(call)
    services.void_credit_note(ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, credit_note_id=row.id)
    return _shown([_note(call)])[0]


def list_(call: Call) -> Json:
    rows = in_range(selectors.credit_notes(call.merchant_id), "created", call.params.get("created"))
    rows = rows.filter(**{f"{name}_id": call.params[name] for name in ("customer", "invoice") if name in call.params})
    return page(rows, call, _shown, url=URL)


def list_lines(call: Call) -> Json:
    lines: Json = _shown([_note(call)])[0]["lines"]
    return page_of(lines["data"], call, url=lines["url"])


def preview(call: Call) -> Json:
    """What would be created, in its very shape."""
    invoice = invoice_of(call, call.params["invoice"], "invoice")
    note, lines = services.previewed_rows(
        ctx=clocked_reading(call, invoice.test_clock_id),
        merchant_id=call.merchant_id,
        invoice_id=invoice.id,
        request=_request(call),
        **_words(call),
    )
    body = credit_note_snapshot(note, lines)
    return body | {"lines": body["lines"] | {"url": f"{URL}/preview/lines"}}


def preview_lines(call: Call) -> Json:
    lines: Json = preview(call)["lines"]
    return page_of(lines["data"], call, url=lines["url"])


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/preview", preview, CREATE),
    Operation("GET", URL + "/preview/lines", preview_lines, fields(CREATE, PAGE)),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, fields(METADATA, memo=text(clearable=True, most=5000))),
    Operation("POST", URL + "/{id}/void", void),
    Operation("GET", URL + "/{id}/lines", list_lines, PAGE),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    return {body["id"]: body for body in _shown(list(selectors.credit_notes(merchant_id).filter(id__in=ids)))}


LOADERS = {"credit_note": load}
