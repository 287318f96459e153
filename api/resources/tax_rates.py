"""/v1/tax_rates"""

from __future__ import annotations

from collections.abc import Sequence

from api.lookup import found, new_metadata, sent
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, RANGE, boolean, decimal, fields, merged_metadata, text
from catalog import selectors, services
from catalog.models import TaxRate
from catalog.snapshots import tax_rate_snapshot

URL = "/v1/tax_rates"
_TEXTS = ("country", "description", "jurisdiction", "state", "tax_type")
_COMMON = fields(
    METADATA,
    active=boolean(),
    country=text(clearable=True, most=2),
    description=text(clearable=True, most=250),
    jurisdiction=text(clearable=True, most=50),
    state=text(clearable=True, most=10),
    tax_type=text(clearable=True, most=20),
)
CREATE = fields(
    _COMMON,
    display_name=text(required=True, most=50),
    inclusive=boolean(required=True),
    percentage=decimal(required=True),
)
UPDATE = fields(_COMMON, display_name=text(most=50))
LIST = fields(PAGE, active=boolean(), created=RANGE, inclusive=boolean())


def create(call: Call) -> Json:
    row = services.create_tax_rate(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        metadata=new_metadata(call.params),
        **sent(call.params, "active", "display_name", "inclusive", "percentage", *_TEXTS),
    )
    return tax_rate_snapshot(row, livemode=call.livemode)


def retrieve(call: Call) -> Json:
    return tax_rate_snapshot(found(selectors.tax_rates(call.merchant_id), call.id, "tax rate"), livemode=call.livemode)


def update(call: Call) -> Json:
    row = found(selectors.tax_rates(call.merchant_id), call.id, "tax rate")
    values = sent(call.params, "active", "display_name", *_TEXTS)
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    changed = services.update_tax_rate(ctx=call.ctx, merchant_id=call.merchant_id, tax_rate_id=row.id, **values)
    return tax_rate_snapshot(changed, livemode=call.livemode)


def list_(call: Call) -> Json:
    rows = in_range(selectors.tax_rates(call.merchant_id), "created", call.params.get("created"))
    rows = rows.filter(**{name: call.params[name] for name in ("active", "inclusive") if name in call.params})
    return page(rows, call, lambda found: [tax_rate_snapshot(row, livemode=call.livemode) for row in found], url=URL)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = TaxRate.objects.filter(merchant_id=merchant_id, id__in=ids).select_related("merchant")
    return {row.id: tax_rate_snapshot(row, livemode=row.merchant.livemode) for row in rows}


LOADERS = {"default_tax_rates": load}
