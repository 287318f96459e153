"""/v1/quotes"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.business_time import clocked
from api.lookup import blanked_metadata, found, new_metadata
from api.paging import page, page_of, whole_list
from api.protocol.operation import Call, Download, Json, Operation
from api.protocol.schema import METADATA, PAGE, boolean, choice, fields, hash_of, integer, list_of, text, timestamp
from api.resources.customers import CUSTOM_FIELDS, customer_of
from api.resources.prices import shown as shown_prices
from api.resources.pricing import (
    DISCOUNTS,
    QUANTITY,
    RECURRING_PRICE_DATA,
    TAX_RATES,
    OnePrice,
    discount_requests,
    price_ids,
    tax_rate_ids,
)
from api.resources.subscriptions import load_discounts
from catalog.models import Price, TaxRate
from catalog.snapshots import tax_rate_snapshot
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import TestClock
from engine.rules.quotes import item_of
from engine.services import quotes as services
from engine.services.quote_acceptance import accept_quote
from engine.types import ItemRequest
from engine.types.quotes import QuoteChange, QuoteLine
from invoicing.pdf.quote import quote_pdf
from subscriptions import quote_snapshots as snapshots, selectors
from subscriptions.models import Quote

URL = "/v1/quotes"
_LINE = {
    "discounts": DISCOUNTS,
    "price": text(most=200),
    "price_data": RECURRING_PRICE_DATA,
    "quantity": QUANTITY,
    "tax_rates": TAX_RATES,
}
_TERMS = fields(
    METADATA,
    automatic_tax=hash_of({"enabled": choice("false", required=True)}),
    collection_method=choice("charge_automatically", "send_invoice"),
    customer=text(most=200),
    default_tax_rates=TAX_RATES,
    description=text(clearable=True, most=500),
    discounts=DISCOUNTS,
    expires_at=timestamp(),
    footer=text(clearable=True, most=500),
    header=text(clearable=True, most=50),
    invoice_settings=hash_of(
        {
            "custom_fields": CUSTOM_FIELDS,
            "days_until_due": integer(least=0, most=3650),
            "description": text(clearable=True, most=1500),
            "footer": text(clearable=True, most=5000),
            "issuer": hash_of({"type": choice("self", required=True)}),
        }
    ),
    subscription_data=hash_of(
        fields(
            METADATA,
            billing_mode=hash_of({"type": choice("flexible", required=True)}),
            description=text(clearable=True, most=500),
            effective_date=timestamp(clearable=True),
            trial_period_days=integer(clearable=True, least=0, most=730),
        )
    ),
)
CREATE = fields(
    _TERMS,
    from_quote=hash_of({"is_revision": boolean(), "quote": text(required=True, most=200)}),
    line_items=list_of(hash_of(_LINE), most=20),
    test_clock=text(most=200),
)
UPDATE = fields(_TERMS, line_items=list_of(hash_of(_LINE | {"id": text(most=200)}), most=20))
LIST = fields(
    PAGE,
    customer=text(most=200),
    status=choice("accepted", "canceled", "draft", "open"),
    test_clock=text(most=200),
)
_COLUMNS = ("collection_method", "description", "expires_at", "footer", "header")


class CopyAlone(OstinatoError):
    code = "parameters_exclusive"
    param = "from_quote"
    message_id = gettext_noop("A copy takes the other quote's terms: beside from_quote only expires_at may be said.")


class ClockOfAnother(OstinatoError):
    code = "parameter_invalid"
    param = "test_clock"
    message_id = gettext_noop("The customer is not on this test clock.")


def quote_of(call: Call) -> Quote:
    return found(selectors.quotes(call.merchant_id), call.id, "quote")


def create(call: Call) -> Json:
    params = call.params
    if "from_quote" in params:
        return _copy(call)
    clock_id = params.get("test_clock")
    if clock_id:
        found(TestClock.objects.filter(merchant_id=call.merchant_id), clock_id, "test_clock", param="test_clock")
    if "customer" in params:
        own = customer_of(call, params["customer"], "customer").test_clock_id
        if clock_id and own != clock_id:
            raise ClockOfAnother
        clock_id = own
    change = _change(call, None)
    row = services.create_quote(
        ctx=clocked(call, clock_id), merchant_id=call.merchant_id, change=change, test_clock_id=clock_id
    )
    return shown(call, [row])[0]


def _copy(call: Call) -> Json:
    params = call.params
    if params.keys() - {"from_quote", "expires_at"}:
        raise CopyAlone
    source = found(
        selectors.quotes(call.merchant_id), params["from_quote"]["quote"], "quote", param="from_quote[quote]"
    )
    change = QuoteChange(columns={"expires_at": params["expires_at"]} if "expires_at" in params else {})
    row = services.clone_quote(
        ctx=clocked(call, source.test_clock_id),
        merchant_id=call.merchant_id,
        quote_id=source.id,
        is_revision=params["from_quote"].get("is_revision", False),
        change=change,
    )
    return shown(call, [row])[0]


def update(call: Call) -> Json:
    row = quote_of(call)
    ctx = clocked(call, row.test_clock_id)
    changed = services.update_quote(ctx=ctx, merchant_id=call.merchant_id, quote_id=row.id, change=_change(call, row))
    return shown(call, [changed])[0]


def _change(call: Call, row: Quote | None) -> QuoteChange:
    params = call.params
    return QuoteChange(
        lines=_lines(call, row) if "line_items" in params else None,
        discounts=discount_requests(call, params["discounts"]) if "discounts" in params else None,
        columns=_columns(call, row),
    )


def _columns(call: Call, row: Quote | None) -> dict[str, Any]:
    params = call.params
    columns: dict[str, Any] = {name: params[name] or "" for name in _COLUMNS if name in params}
    if "customer" in params:
        columns["customer_id"] = customer_of(call, params["customer"], "customer").id
    if "default_tax_rates" in params:
        columns["default_tax_rate_ids"] = list(tax_rate_ids(call, params["default_tax_rates"], "default_tax_rates"))
    if "metadata" in params:
        columns["metadata"] = blanked_metadata(row, params) if row else new_metadata(params)
    invoice = params.get("invoice_settings", {})
    if "days_until_due" in invoice:
        columns["days_until_due"] = invoice["days_until_due"]
    if "custom_fields" in invoice:
        columns["invoice_custom_fields"] = invoice["custom_fields"] or []
    columns |= {f"invoice_{name}": invoice[name] or "" for name in ("description", "footer") if name in invoice}
    data = params.get("subscription_data", {})
    if "description" in data:
        columns["subscription_description"] = data["description"] or ""
    columns |= {name: data[name] for name in ("effective_date", "trial_period_days") if name in data}
    if "metadata" in data:
        columns["subscription_metadata"] = {key: value or "" for key, value in (data["metadata"] or {}).items()}
    return columns


def _lines(call: Call, row: Quote | None) -> tuple[QuoteLine, ...]:
    """The whole of the lines; one that names a standing line keeps what it does not say otherwise."""
    given = call.params["line_items"]
    standing = {line["id"]: line for line in row.lines} if row else {}
    ids = price_ids(call, given, "line_items")
    lines = []
    for number, (line, price_id) in enumerate(zip(given, ids, strict=True)):
        kept = item_of(standing[line["id"]]) if line.get("id") in standing else ItemRequest("")
        if not (price_id or kept.price_id):
            raise OnePrice(param=f"line_items[{number}][price]")
        where = f"line_items[{number}]"
        rates, discounts = kept.tax_rate_ids, kept.discounts
        if "tax_rates" in line:
            rates = tax_rate_ids(call, line["tax_rates"], f"{where}[tax_rates]")
        if "discounts" in line:
            discounts = discount_requests(call, line["discounts"], f"{where}[discounts]")
        quantity = line.get("quantity", kept.quantity)
        item = ItemRequest(price_id or kept.price_id, quantity, rates, kept.metadata, discounts)
        lines.append(QuoteLine(item, line.get("id", "")))
    return tuple(lines)


def retrieve(call: Call) -> Json:
    return shown(call, [quote_of(call)])[0]


def list_(call: Call) -> Json:
    params = call.params
    rows = selectors.quotes(call.merchant_id)
    names = {"customer": "customer_id", "status": "status", "test_clock": "test_clock_id"}
    rows = rows.filter(**{column: params[name] for name, column in names.items() if name in params})
    if not params.keys() & {"customer", "test_clock"}:
        rows = rows.filter(test_clock_id__isnull=True)  # as with subscriptions
    return page(rows, call, lambda found: shown(call, found), url=URL)


def _acted(call: Call, act: Any, **more: Any) -> Json:
    row = quote_of(call)
    ctx: Context = clocked(call, row.test_clock_id)
    return shown(call, [act(ctx=ctx, merchant_id=call.merchant_id, quote_id=row.id, **more)])[0]


def finalize(call: Call) -> Json:
    return _acted(call, services.finalize_quote, **call.params)


def accept(call: Call) -> Json:
    return _acted(call, accept_quote)


def cancel(call: Call) -> Json:
    return _acted(call, services.cancel_quote)


def pdf(call: Call) -> Json:
    content, name = quote_pdf(merchant_id=call.merchant_id, quote_id=quote_of(call).id)
    return Download(content, name, "application/pdf")


def list_line_items(call: Call) -> Json:
    row = quote_of(call)
    return page_of(_items(call, [row])[row.id][0], call, url=f"{URL}/{row.id}/line_items")


def list_upfront_line_items(call: Call) -> Json:
    row = quote_of(call)
    return page_of(_items(call, [row])[row.id][1], call, url=f"{URL}/{row.id}/computed_upfront_line_items")


def shown(call: Call, rows: Sequence[Quote]) -> list[Json]:
    """Quotes; with their lines, discounts and breakdowns where these were asked for."""
    bodies = [snapshots.quote_snapshot(row) for row in rows]
    asked = {path.removeprefix("data.") for path in call.expand}
    if any("line_items" in path for path in asked):
        items = _items(call, rows)
        for row, body in zip(rows, bodies, strict=True):
            lines, upfront = items[row.id]
            body["line_items"] = whole_list(lines, url=f"{URL}/{row.id}/line_items")
            body["computed"]["upfront"]["line_items"] = whole_list(
                upfront, url=f"{URL}/{row.id}/computed_upfront_line_items"
            )
    if any(path.startswith("discounts") for path in asked):
        told = _discounts(call, rows)
        for body in bodies:
            body["discounts"] = [told.get(one, one) for one in body["discounts"]]
    if any("breakdown" in path for path in asked):
        _put_breakdowns(call, rows, bodies)
    return bodies


def _items(call: Call, rows: Sequence[Quote]) -> dict[str, tuple[list[Json], list[Json]]]:
    """By quote its lines and those of the first invoice: one query for all prices."""
    ids = {line["price"] for row in rows for line in row.lines}
    prices = list(Price.objects.filter(merchant_id=call.merchant_id, id__in=ids).select_related("product"))
    told = {row.id: body for row, body in zip(prices, shown_prices(call, prices), strict=True)}
    names = {row.id: row.product.name for row in prices}

    def item(row: Quote, line: Mapping[str, Any], totals: Mapping[str, Any], line_id: str) -> Json:
        price = dict(told[line["price"]])
        return snapshots.item_snapshot(
            line, totals, line_id=line_id, name=names[line["price"]], currency=row.currency, price=price
        )

    found = {}
    for row in rows:
        upfront = {one["line"]: one for one in row.computed.get("upfront_lines", ())}
        found[row.id] = (
            [item(row, line, row.computed["lines"][line["id"]], line["id"]) for line in row.lines],
            [item(row, line, upfront[line["id"]], f"{line['id']}_upfront") for line in row.lines],
        )
    return found


def _discounts(call: Call, rows: Sequence[Quote]) -> dict[str, Json]:
    """All discounts that these quotes offer or rest on, by id."""
    found: dict[str, Json] = {}
    standing = set()
    for row in rows:
        for kept in [*row.discounts, *(one for line in row.lines for one in line["discounts"])]:
            found[kept["id"]] = snapshots.discount_snapshot(row, kept)
        standing |= {one["discount"] for one in row.discounts if one["discount"]}
        for totals in _totals(row):
            standing |= {one["discount"] for one in totals["discounts"]}
    return found | load_discounts(call.merchant_id, sorted(standing - set(found)))


def _totals(row: Quote) -> list[Mapping[str, Any]]:
    computed = row.computed
    return [computed["all"], computed["upfront"], *([computed["recurring"]] if computed["recurring"] else [])]


def _put_breakdowns(call: Call, rows: Sequence[Quote], bodies: Sequence[Json]) -> None:
    discounts = _discounts(call, rows)
    ids = {one["rate"] for row in rows for totals in _totals(row) for one in totals["taxes"]}
    rates = {
        row.id: tax_rate_snapshot(row, livemode=call.livemode)
        for row in TaxRate.objects.filter(merchant_id=call.merchant_id, id__in=ids)
    }
    for row, body in zip(rows, bodies, strict=True):
        places = [body, body["computed"]["upfront"], body["computed"]["recurring"]]
        for totals, place in zip(_totals(row), places, strict=False):
            place["total_details"]["breakdown"] = {
                "discounts": [
                    {"amount": one["amount"], "discount": discounts[one["discount"]]}
                    for one in totals["discounts"]
                    if one["discount"] in discounts
                ],
                "taxes": [
                    {name: one[name] for name in ("amount", "taxable_amount", "taxability_reason")}
                    | {"rate": rates[one["rate"]]}
                    for one in totals["taxes"]
                    if one["rate"] in rates
                ],
            }


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("POST", URL + "/{id}/finalize", finalize, fields(expires_at=timestamp())),
    Operation("POST", URL + "/{id}/accept", accept),
    Operation("POST", URL + "/{id}/cancel", cancel),
    Operation("GET", URL + "/{id}/pdf", pdf, media_type="application/pdf"),
    Operation("GET", URL + "/{id}/line_items", list_line_items, PAGE),
    Operation("GET", URL + "/{id}/computed_upfront_line_items", list_upfront_line_items, PAGE),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Quote.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: snapshots.quote_snapshot(row) for row in rows}


LOADERS = {"quote": load}
