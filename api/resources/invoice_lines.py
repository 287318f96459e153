"""/v1/invoices/:id/lines, add_lines, update_lines, remove_lines."""

from __future__ import annotations

from typing import Any

from api.business_time import clocked
from api.lookup import NoSuchObject, blanked_metadata, found
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import PAGE, choice, fields, hash_of, list_of, metadata, text
from api.resources.invoice_items import ITEM, item_change, item_request
from engine.services import invoice_lines as services
from invoicing import selectors
from invoicing.models import Invoice, InvoiceLine
from invoicing.snapshots import invoice_snapshot, line_snapshot

URL = "/v1/invoices"
ADD = fields(
    invoice_metadata=metadata(),
    lines=list_of(hash_of(fields(ITEM, invoice_item=text(most=200))), required=True, most=250),
)
UPDATE = fields(
    invoice_metadata=metadata(),
    lines=list_of(hash_of(fields(ITEM, id=text(required=True, most=200))), required=True, most=250),
)
REMOVE = fields(
    invoice_metadata=metadata(),
    lines=list_of(
        hash_of({"behavior": choice("delete", "unassign", required=True), "id": text(required=True, most=200)}),
        required=True,
        most=250,
    ),
)


def _invoice(call: Call) -> Invoice:
    return found(selectors.invoices(call.merchant_id), call.id, "invoice")


def _of_invoice(call: Call, row: Invoice) -> dict[str, Any]:
    """Who, when and which invoice, with its metadata when that is sent too."""
    told = {}
    if "invoice_metadata" in call.params:
        told["metadata"] = blanked_metadata(row, {"metadata": call.params["invoice_metadata"]})
    ctx = clocked(call, row.test_clock_id)
    return {"ctx": ctx, "merchant_id": call.merchant_id, "invoice_id": row.id, **told}


def _lines(call: Call, row: Invoice) -> Any:
    return InvoiceLine.objects.filter(merchant_id=call.merchant_id, invoice=row).prefetch_related("taxes")


def add(call: Call) -> Json:
    row = _invoice(call)
    lines = [
        line["invoice_item"] if "invoice_item" in line else item_request(call, line, f"lines[{number}]")
        for number, line in enumerate(call.params["lines"])
    ]
    services.add_lines(**_of_invoice(call, row), lines=lines)
    return invoice_snapshot(_invoice(call))


def update(call: Call) -> Json:
    row = _invoice(call)
    known = {line.id: line for line in _lines(call, row)}
    changes = []
    for number, line in enumerate(call.params["lines"]):
        if line["id"] not in known:
            raise NoSuchObject(param=f"lines[{number}][id]", what="line item", id=line["id"])
        changes.append((line["id"], item_change(call, line, known[line["id"]], f"lines[{number}]")))
    services.update_lines(**_of_invoice(call, row), changes=changes)
    return invoice_snapshot(_invoice(call))


def remove(call: Call) -> Json:
    row = _invoice(call)
    lines = [(line["id"], line["behavior"] == "delete") for line in call.params["lines"]]
    services.remove_lines(**_of_invoice(call, row), lines=lines)
    return invoice_snapshot(_invoice(call))


def update_one(call: Call) -> Json:
    row = _invoice(call)
    line = found(_lines(call, row), call.ids["line"], "line item")
    services.update_lines(**_of_invoice(call, row), changes=[(line.id, item_change(call, call.params, line))])
    line = found(_lines(call, row), line.id, "line item")
    return line_snapshot(line, line.taxes.all())


def list_(call: Call) -> Json:
    row = _invoice(call)
    rows = _lines(call, row)
    limit = call.params.get("limit", 10)
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after:
        rows = rows.filter(position__gt=found(rows, after, "line item", param="starting_after").position)
    if before:
        rows = rows.filter(position__lt=found(rows, before, "line item", param="ending_before").position)
        lines = list(rows.order_by("-position", "-id")[: limit + 1])
        shown = lines[:limit][::-1]
    else:
        lines = list(rows.order_by("position", "id")[: limit + 1])
        shown = lines[:limit]
    data = [line_snapshot(line, line.taxes.all()) for line in shown]
    return {"object": "list", "url": f"{URL}/{row.id}/lines", "has_more": len(lines) > limit, "data": data}


OPERATIONS = [
    Operation("POST", URL + "/{id}/add_lines", add, ADD),
    Operation("POST", URL + "/{id}/update_lines", update, UPDATE),
    Operation("POST", URL + "/{id}/remove_lines", remove, REMOVE),
    Operation("GET", URL + "/{id}/lines", list_, PAGE),
    Operation("POST", URL + "/{id}/lines/{line}", update_one, ITEM),
]
