"""/v1/credit_notes"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.business_time import clocked, clocked_reading
from api.lookup import blanked_metadata, found, new_metadata
from api.paging import in_range, page, page_of
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, RANGE, choice, fields, hash_of, integer, list_of, text
from api.resources.invoices import invoice_of
from api.resources.pricing import TAX_RATES, tax_rate_ids
from catalog import selectors as selectors_of_catalog
from core.errors import OstinatoError, gettext_noop
from engine.services import credit_notes as services
from invoicing import selectors
from invoicing.facts import tax_rate_facts
from invoicing.models import CreditNote, CreditNoteLine
from invoicing.rules.credit_notes import CreditedLineRequest, CreditNoteRequest
from invoicing.snapshots import credit_note_snapshot

URL = "/v1/credit_notes"
LINE = hash_of(
    {
        "amount": integer(least=0),
        "description": text(most=5000),
        "invoice_line_item": text(most=200),
        "quantity": integer(least=1),
        "tax_rates": TAX_RATES,
        "type": choice("custom_line_item", "invoice_line_item", required=True),
        "unit_amount": integer(least=0),
    }
)
_WHAT = fields(
    amount=integer(least=0),
    credit_amount=integer(least=0),
    invoice=text(required=True, most=200),
    lines=list_of(LINE),
    out_of_band_amount=integer(least=0),
    refund_amount=integer(least=0),
)
CREATE = fields(
    METADATA,
    _WHAT,
    memo=text(most=5000),
    reason=choice("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
)
LIST = fields(PAGE, created=RANGE, customer=text(most=200), invoice=text(most=200))


class LineAmountMissing(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("A custom line has a description and a unit amount.")


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
    return CreditNoteRequest(lines=lines, **amounts)


def _line(call: Call, line: dict[str, Any], param: str) -> CreditedLineRequest:
    rates = tax_rate_ids(call, line.get("tax_rates"), f"{param}[tax_rates]")
    if line["type"] == "invoice_line_item":
        if rates:
            raise RatesOfInvoiceLine(param=f"{param}[tax_rates]")
        return CreditedLineRequest(
            invoice_line_id=line.get("invoice_line_item", ""), amount=line.get("amount"), quantity=line.get("quantity")
        )
    if "unit_amount" not in line or "description" not in line:
        raise LineAmountMissing(param=f"{param}[unit_amount]")
    amount = line["unit_amount"] * line.get("quantity", 1)
    rows = selectors_of_catalog.tax_rates(call.merchant_id).in_bulk(rates)
    facts = tuple(tax_rate_facts(rows[rate]) for rate in rates)
    return CreditedLineRequest(description=line["description"], amount=amount, tax_rates=facts)


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
        reason=call.params.get("reason", ""),
        memo=call.params.get("memo", ""),
        metadata=new_metadata(call.params),
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
        memo=call.params.get("memo", ""),
        reason=call.params.get("reason", ""),
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
