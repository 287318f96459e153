"""/v1/invoiceitems, and what an item and a line of a draft have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from api.business_time import clocked, of_customer
from api.lookup import blanked_metadata, deleted, found, new_metadata
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    Fields,
    boolean,
    decimal,
    fields,
    hash_of,
    integer,
    text,
    timestamp,
)
from api.resources.customers import customer_of
from api.resources.pricing import (
    DISCOUNTS,
    PRICE_DATA,
    QUANTITY,
    TAX_RATES,
    OnePrice,
    discount_requests,
    inline_price,
    tax_rate_ids,
)
from catalog.selectors import prices
from engine.services import invoice_items as services
from engine.types.items import InvoiceItemChange, InvoiceItemRequest
from invoicing.models import Invoice, InvoiceItem
from invoicing.snapshots import invoice_item_snapshot

URL = "/v1/invoiceitems"
ITEM: Fields = fields(
    METADATA,
    amount=integer(),
    description=text(clearable=True, most=5000),
    discountable=boolean(),
    discounts=DISCOUNTS,
    period=hash_of({"start": timestamp(required=True), "end": timestamp(required=True)}),
    price_data=PRICE_DATA,
    pricing=hash_of({"price": text(required=True, most=200)}),
    quantity=QUANTITY,
    tax_rates=TAX_RATES,
    unit_amount_decimal=decimal(),
)
CREATE = fields(
    ITEM,
    currency=text(most=3),
    customer=text(most=200),
    invoice=text(most=200),
    subscription=text(most=200),
)
LIST = fields(PAGE, created=RANGE, customer=text(most=200), invoice=text(most=200), pending=boolean())


def price_of(call: Call, params: Mapping[str, Any], param: str = "") -> str:
    """The price that an item names, or the one that its price_data makes; blank for neither."""
    if "pricing" in params and "price_data" in params:
        raise OnePrice(param=_named(param, "price_data"))
    if "pricing" in params:
        named = f"{_named(param, 'pricing')}[price]"
        return found(prices(call.merchant_id), params["pricing"]["price"], "price", param=named).id
    return inline_price(call, params.get("price_data"), _named(param, "price_data"))


def item_request(call: Call, params: Mapping[str, Any], param: str = "") -> InvoiceItemRequest:
    """What a new item or line says. `param` is the name of what holds it, for errors: "lines[0]"."""
    values = {
        name: params[name]
        for name in ("amount", "currency", "discountable", "quantity", "unit_amount_decimal")
        if name in params
    }
    return InvoiceItemRequest(
        price_id=price_of(call, params, param),
        description=params.get("description") or "",
        period=_period(params),
        tax_rate_ids=tax_rate_ids(call, params.get("tax_rates"), _named(param, "tax_rates")),
        metadata=new_metadata(dict(params)),
        discounts=discount_requests(call, params.get("discounts"), _named(param, "discounts")),
        **values,
    )


def item_change(call: Call, params: Mapping[str, Any], row: Any, param: str = "") -> InvoiceItemChange:
    """What a change of an item, or of a line, says; `row` has the metadata as it stands."""
    values = {
        name: params[name] for name in ("amount", "discountable", "quantity", "unit_amount_decimal") if name in params
    }
    if "description" in params:
        values["description"] = params["description"] or ""
    if "tax_rates" in params:
        values["tax_rate_ids"] = tax_rate_ids(call, params["tax_rates"], _named(param, "tax_rates"))
    if "metadata" in params:
        values["metadata"] = blanked_metadata(row, dict(params))
    if "discounts" in params:
        values["discounts"] = discount_requests(call, params["discounts"], _named(param, "discounts"))
    return InvoiceItemChange(price_id=price_of(call, params, param) or None, period=_period(params), **values)


def _period(params: Mapping[str, Any]) -> Any:
    period = params.get("period")
    return (period["start"], period["end"]) if period else None


def _named(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name


def _items(call: Call) -> Any:
    return InvoiceItem.objects.filter(merchant_id=call.merchant_id, deleted_at__isnull=True)


def create(call: Call) -> Json:
    params = call.params
    invoice_id = params.get("invoice", "")
    if invoice_id:
        rows = Invoice.objects.filter(merchant_id=call.merchant_id)
        owner = found(rows, invoice_id, "invoice", param="invoice").customer_id
    if not invoice_id or "customer" in params:
        owner = customer_of(call, params.get("customer", ""), "customer").id
    item_id = services.create_invoice_item(
        ctx=of_customer(call, owner),
        merchant_id=call.merchant_id,
        customer_id=owner,
        invoice_id=invoice_id,
        subscription_id=params.get("subscription", ""),
        request=item_request(call, params),
    )
    return invoice_item_snapshot(InvoiceItem.objects.get(id=item_id))


def retrieve(call: Call) -> Json:
    return invoice_item_snapshot(found(_items(call), call.id, "invoiceitem"))


def update(call: Call) -> Json:
    row = found(_items(call), call.id, "invoiceitem")
    services.update_invoice_item(
        ctx=of_customer(call, row.customer_id),
        merchant_id=call.merchant_id,
        item_id=row.id,
        change=item_change(call, call.params, row),
    )
    return retrieve(call)


def delete(call: Call) -> Json:
    row = found(_items(call).select_related("customer"), call.id, "invoiceitem")
    ctx = clocked(call, row.customer.test_clock_id)
    services.delete_invoice_item(ctx=ctx, merchant_id=call.merchant_id, item_id=row.id)
    return deleted("invoiceitem", row.id)


def list_(call: Call) -> Json:
    params = call.params
    rows = in_range(_items(call), "created", params.get("created"))
    rows = rows.filter(**{f"{name}_id": params[name] for name in ("customer", "invoice") if name in params})
    if "pending" in params:
        rows = rows.filter(invoice_id="") if params["pending"] else rows.filter(~Q(invoice_id=""))
    return page(rows, call, lambda found: [invoice_item_snapshot(row) for row in found], url=URL)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, ITEM),
    Operation("DELETE", URL + "/{id}", delete),
]
