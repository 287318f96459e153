"""/v1/billing/alerts: told once when a customer's use of a meter comes to a threshold."""

from __future__ import annotations

from collections.abc import Callable

from api.lookup import found
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import PAGE, choice, fields, hash_of, integer, list_of, text
from api.resources.customers import customer_of
from catalog import selectors
from usage import alerts
from usage.models import AlertStatus, UsageAlert
from usage.snapshots import alert_snapshot

URL = "/v1/billing/alerts"
_FILTER = hash_of({"customer": text(most=200), "type": choice("customer", required=True)})
CREATE = fields(
    alert_type=choice("usage_threshold", required=True),
    title=text(required=True, most=256),
    usage_threshold=hash_of(
        {
            "filters": list_of(_FILTER, most=1),
            "gte": integer(required=True, least=1, most=10**15),
            "meter": text(required=True, most=200),
            "recurrence": choice("one_time", required=True),
        },
        required=True,
    ),
)
LIST = fields(PAGE, alert_type=choice("usage_threshold"), meter=text(most=200))


def shown(call: Call, row: UsageAlert) -> Json:
    return alert_snapshot(row, livemode=call.livemode)


def create(call: Call) -> Json:
    said = call.params["usage_threshold"]
    meter = found(selectors.meters(call.merchant_id), said["meter"], "meter", param="usage_threshold[meter]")
    owners = [one["customer"] for one in said.get("filters", ()) if "customer" in one]
    param = "usage_threshold[filters][0][customer]"
    owner = customer_of(call, owners[0], param).id if owners else None
    row = alerts.create_alert(ctx=call.ctx, meter=meter, title=call.params["title"], gte=said["gte"], customer_id=owner)
    return shown(call, row)


def retrieve(call: Call) -> Json:
    return shown(call, found(alerts.alerts(call.merchant_id), call.id, "alert"))


def list_(call: Call) -> Json:
    rows = alerts.alerts(call.merchant_id)
    if "meter" in call.params:
        rows = rows.filter(meter_id=call.params["meter"])
    return page(rows, call, lambda found: [shown(call, row) for row in found], url=URL)


def _switched(status: str) -> Callable[[Call], Json]:
    def answer(call: Call) -> Json:
        row = found(alerts.alerts(call.merchant_id), call.id, "alert")
        return shown(call, alerts.switch_alert(merchant_id=call.merchant_id, alert_id=row.id, status=status))

    return answer


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}/activate", _switched(AlertStatus.ACTIVE)),
    Operation("POST", URL + "/{id}/archive", _switched(AlertStatus.ARCHIVED)),
    Operation("POST", URL + "/{id}/deactivate", _switched(AlertStatus.INACTIVE)),
]
