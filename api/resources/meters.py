"""/v1/billing/meters and /v1/billing/meter_events: what is counted, and each use of it."""

from __future__ import annotations

from api.lookup import found
from api.paging import page, page_of
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import PAGE, choice, fields, hash_of, integer, map_of, text, timestamp
from api.resources.customers import customer_of
from catalog import selectors, services
from catalog.models import Meter
from catalog.snapshots import meter_snapshot
from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch, json_number
from engine.services.reporting import report_usage
from usage.selectors import meter_event_summaries
from usage.services import cancel_meter_event
from usage.types import MeterEvent

METERS, EVENTS = "/v1/billing/meters", "/v1/billing/meter_events"
ADJUSTMENTS = "/v1/billing/meter_event_adjustments"
_KEY = text(required=True, most=100)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
CREATE = fields(
    customer_mapping=hash_of({"type": choice("by_id", required=True), "event_payload_key": _KEY}),
    default_aggregation=hash_of(
        {"formula": choice("count", "last", "max", "sum", "unique", required=True)}, required=True
    ),
    display_name=text(required=True, most=250),
    event_name=text(required=True, most=100),
    event_time_window=choice("day", "hour"),
    value_settings=hash_of({"event_payload_key": _KEY}),
)
CREATE_EVENT = fields(
    event_name=text(required=True, most=100),
    identifier=text(most=100),
    payload=map_of(text(most=500), required=True),
    timestamp=timestamp(),
)
ADJUST = fields(
    cancel=hash_of({"identifier": text(required=True, most=100)}, required=True),
    event_name=text(required=True, most=100),
    type=choice("cancel", required=True),
)
SUMMARIES = fields(
    customer=text(required=True, most=200),
    ending_before=text(most=200),
    end_time=timestamp(required=True),
    limit=integer(least=1, most=100),
    start_time=timestamp(required=True),
    starting_after=text(most=200),
    value_grouping_window=choice("day", "hour"),
)


class DuplicateMeterEvent(OstinatoError):
    code = "duplicate_meter_event"
    param = "identifier"
    message_id = gettext_noop("An event already exists with identifier %(identifier)s.")


class SummaryNotAligned(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("%(name)s lies on a whole %(step)s in UTC.")


def _meter(call: Call) -> Meter:
    return found(selectors.meters(call.merchant_id), call.id, "billing meter")


def create(call: Call) -> Json:
    params = call.params
    keys = {}
    if "customer_mapping" in params:
        keys["customer_key"] = params["customer_mapping"]["event_payload_key"]
    if "value_settings" in params:
        keys["value_key"] = params["value_settings"]["event_payload_key"]
    if "event_time_window" in params:
        keys["event_time_window"] = params["event_time_window"]
    row = services.create_meter(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        display_name=params["display_name"],
        event_name=params["event_name"],
        formula=params["default_aggregation"]["formula"],
        **keys,
    )
    return meter_snapshot(row, livemode=call.livemode)


def retrieve(call: Call) -> Json:
    return meter_snapshot(_meter(call), livemode=call.livemode)


def update(call: Call) -> Json:
    row = _meter(call)
    if "display_name" in call.params:
        row = services.update_meter(
            ctx=call.ctx, merchant_id=call.merchant_id, meter_id=row.id, display_name=call.params["display_name"]
        )
    return meter_snapshot(row, livemode=call.livemode)


def deactivate(call: Call) -> Json:
    return _set_status(call, "inactive")


def reactivate(call: Call) -> Json:
    return _set_status(call, "active")


def _set_status(call: Call, status: str) -> Json:
    row = services.set_meter_status(ctx=call.ctx, merchant_id=call.merchant_id, meter_id=_meter(call).id, status=status)
    return meter_snapshot(row, livemode=call.livemode)


def list_(call: Call) -> Json:
    rows = selectors.meters(call.merchant_id)
    if "status" in call.params:
        rows = rows.filter(status=call.params["status"])
    return page(rows, call, lambda found: [meter_snapshot(row, livemode=call.livemode) for row in found], url=METERS)


def create_event(call: Call) -> Json:
    """One use, counted in its customer's own time."""
    params = call.params
    event = MeterEvent(params["event_name"], params["payload"], params.get("identifier", ""), params.get("timestamp"))
    [outcome] = report_usage(ctx=call.ctx, merchant_id=call.merchant_id, events=[event])
    if outcome.error is not None:
        raise outcome.error
    if outcome.status == "duplicate":
        raise DuplicateMeterEvent(identifier=outcome.identifier)
    return {
        "object": "billing.meter_event",
        "created": epoch(outcome.reported_at),
        "event_name": event.event_name,
        "identifier": outcome.identifier,
        "payload": dict(event.payload),
        "timestamp": epoch(outcome.timestamp),
    }


def adjust_event(call: Call) -> Json:
    """An event that is canceled counts nothing from now on; done at once."""
    params = call.params
    cancel_meter_event(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        event_name=params["event_name"],
        identifier=params["cancel"]["identifier"],
    )
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": dict(params["cancel"]),
        "event_name": params["event_name"],
        "livemode": call.livemode,
        "status": "complete",
        "type": "cancel",
    }


def list_summaries(call: Call) -> Json:
    """The latest first, each window with what was counted in it."""
    meter = _meter(call)
    params = call.params
    _check_aligned(params)
    summaries = meter_event_summaries(
        call.merchant_id,
        meter.id,
        customer_of(call, params["customer"], "customer").id,
        params["start_time"],
        params["end_time"],
        grouping=params.get("value_grouping_window", ""),
    )
    data = [
        {
            "id": f"mtrusg_{meter.id.removeprefix('mtr_')}_{int(one.start.timestamp())}",
            "object": "billing.meter_event_summary",
            "aggregated_value": json_number(one.value),
            "end_time": epoch(one.end),
            "meter": meter.id,
            "start_time": epoch(one.start),
        }
        for one in reversed(summaries)
        if one.value or len(summaries) == 1
    ]
    return page_of(data, call, url=f"{METERS}/{meter.id}/event_summaries")


def _check_aligned(params: Json) -> None:
    """Both ends lie on whole minutes, or on the hours or days that the summaries are by."""
    step = params.get("value_grouping_window", "minute")
    for name in ("start_time", "end_time"):
        if params[name].timestamp() % _SECONDS[step]:
            raise SummaryNotAligned(param=name, name=name, step=step)


OPERATIONS = [
    Operation("POST", METERS, create, CREATE),
    Operation("GET", METERS, list_, fields(PAGE, status=choice("active", "inactive"))),
    Operation("GET", METERS + "/{id}", retrieve),
    Operation("POST", METERS + "/{id}", update, fields(display_name=text(most=250))),
    Operation("POST", METERS + "/{id}/deactivate", deactivate),
    Operation("POST", METERS + "/{id}/reactivate", reactivate),
    Operation("GET", METERS + "/{id}/event_summaries", list_summaries, SUMMARIES),
    Operation("POST", EVENTS, create_event, CREATE_EVENT),
    Operation("POST", ADJUSTMENTS, adjust_event, ADJUST),
]
