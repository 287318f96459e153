"""/v1/invoiceitems"""

from __future__ import annotations

from django.db.models import Q

from api.business_time import clocked
from api.lookup import found, new_metadata
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, RANGE, boolean, fields, hash_of, integer, text
from api.resources.customers import customer_of
from api.resources.pricing import PRICE_DATA, QUANTITY, TAX_RATES, price_ids, tax_rate_ids
from engine.services import invoices as services
from invoicing.models import InvoiceItem
from invoicing.snapshots import invoice_item_snapshot

URL = "/v1/invoiceitems"
CREATE = fields(
    METADATA,
    amount=integer(),
    currency=text(most=3),
    customer=text(required=True, most=200),
    description=text(most=5000),
    discountable=boolean(),
    price_data=PRICE_DATA,
    pricing=hash_of({"price": text(required=True, most=200)}),
    quantity=QUANTITY,
    subscription=text(most=200),
    tax_rates=TAX_RATES,
)
LIST = fields(PAGE, created=RANGE, customer=text(most=200), invoice=text(most=200), pending=boolean())


def create(call: Call) -> Json:
    params = call.params
    customer = customer_of(call, params["customer"], "customer")
    priced = {"price": params["pricing"]["price"]} if "pricing" in params else {}
    if "price_data" in params:
        priced["price_data"] = params["price_data"]
    [price_id] = price_ids(call, [priced], "pricing") if priced else [""]
    values = {
        name: params[name]
        for name in ("amount", "currency", "description", "discountable", "quantity")
        if name in params
    }
    item_id = services.create_invoice_item(
        ctx=clocked(call, customer.test_clock_id),
        merchant_id=call.merchant_id,
        customer_id=customer.id,
        price_id=price_id,
        subscription_id=params.get("subscription", ""),
        tax_rate_ids=tax_rate_ids(call, params.get("tax_rates"), "tax_rates"),
        metadata=new_metadata(params),
        **values,
    )
    return invoice_item_snapshot(InvoiceItem.objects.get(id=item_id))


def retrieve(call: Call) -> Json:
    rows = InvoiceItem.objects.filter(merchant_id=call.merchant_id, deleted_at__isnull=True)
    return invoice_item_snapshot(found(rows, call.id, "invoiceitem"))


def list_(call: Call) -> Json:
    params = call.params
    rows = InvoiceItem.objects.filter(merchant_id=call.merchant_id, deleted_at__isnull=True)
    rows = in_range(rows, "created", params.get("created"))
    rows = rows.filter(**{f"{name}_id": params[name] for name in ("customer", "invoice") if name in params})
    if "pending" in params:
        rows = rows.filter(invoice_id="") if params["pending"] else rows.filter(~Q(invoice_id=""))
    return page(rows, call, lambda found: [invoice_item_snapshot(row) for row in found], url=URL)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
]
