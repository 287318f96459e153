"""/v1/subscription_schedules"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.business_time import clocked
from api.lookup import found, new_metadata
from api.paging import in_range, page
from api.payment_tokens import method_id
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    text,
    timestamp,
)
from api.resources.customers import customer_of
from api.resources.price_data import INTERVALS
from api.resources.pricing import (
    DISCOUNTS,
    INVOICE_ITEMS,
    TAX_RATES,
    discount_requests,
    item_fields,
    new_items,
    tax_rate_ids,
)
from api.resources.subscriptions import subscription_of
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.services import schedules as services
from engine.types.schedules import PhaseRequest, ScheduleRequest, ScheduleUpdate
from subscriptions import selectors
from subscriptions.models import SubscriptionSchedule
from subscriptions.snapshots import schedule_snapshot

URL = "/v1/subscription_schedules"
AUTOMATIC_TAX = hash_of({"enabled": choice("false", required=True)})
INVOICE_SETTINGS = hash_of({"days_until_due": integer(least=0, most=3650), "issuer": hash_of({"type": choice("self")})})
DEFAULT_SETTINGS = hash_of(
    {
        "automatic_tax": AUTOMATIC_TAX,
        "billing_cycle_anchor": choice("automatic", "phase_start"),
        "collection_method": choice("charge_automatically", "send_invoice"),
        "default_payment_method": text(most=200),
        "description": text(clearable=True, most=500),
        "invoice_settings": INVOICE_SETTINGS,
    }
)
PHASE = hash_of(
    fields(
        METADATA,
        add_invoice_items=INVOICE_ITEMS,
        automatic_tax=AUTOMATIC_TAX,
        invoice_settings=INVOICE_SETTINGS,
        billing_cycle_anchor=choice("automatic", "phase_start"),
        collection_method=choice("charge_automatically", "send_invoice"),
        currency=text(most=3),
        default_payment_method=text(most=200),
        default_tax_rates=TAX_RATES,
        description=text(most=500),
        discounts=DISCOUNTS,
        duration=hash_of(
            {"interval": choice(*INTERVALS, required=True), "interval_count": integer(least=1, most=1000)}
        ),
        end_date=timestamp("now"),
        items=list_of(item_fields(), required=True, most=20),
        iterations=integer(least=1, most=1000),
        proration_behavior=choice("always_invoice", "create_prorations", "none"),
        start_date=timestamp("now"),
        trial=boolean(),
        trial_end=timestamp(),
    )
)
PHASES = list_of(PHASE, most=60)
CREATE = fields(
    METADATA,
    billing_mode=hash_of({"type": choice("flexible", required=True)}),
    customer=text(most=200),
    default_settings=DEFAULT_SETTINGS,
    end_behavior=choice("cancel", "release"),
    from_subscription=text(most=200),
    phases=PHASES,
    start_date=timestamp("now"),
)
UPDATE = fields(
    METADATA,
    default_settings=DEFAULT_SETTINGS,
    end_behavior=choice("cancel", "release"),
    phases=PHASES,
    proration_behavior=choice("always_invoice", "create_prorations", "none"),
)
LIST = fields(
    PAGE,
    canceled_at=RANGE,
    completed_at=RANGE,
    created=RANGE,
    customer=text(most=200),
    released_at=RANGE,
    scheduled=boolean(),
)
_AS_SENT = (
    "billing_cycle_anchor",
    "collection_method",
    "currency",
    "description",
    "end_date",
    "iterations",
    "proration_behavior",
    "trial",
    "trial_end",
)


class CustomerOrSubscription(OstinatoError):
    code = "parameter_missing"
    param = "customer"
    message_id = gettext_noop(
        "A schedule is for a customer, or made from a subscription: customer or from_subscription."
    )


class PhaseEndTwice(OstinatoError):
    code = "parameters_exclusive"
    message_id = gettext_noop("A phase ends in one way: end_date, duration or iterations.")


def schedule_of(call: Call, given: str, param: str = "id") -> SubscriptionSchedule:
    return found(selectors.schedules(call.merchant_id), given, "subscription_schedule", param=param)


def create(call: Call) -> Json:
    ctx, request = schedule_request(call, call.params)
    return schedule_snapshot(services.create_schedule(ctx=ctx, request=request))


def schedule_request(call: Call, params: dict[str, Any]) -> tuple[Context, ScheduleRequest]:
    """A new schedule, and the time it is made in."""
    if ("customer" in params) == ("from_subscription" in params):
        raise CustomerOrSubscription
    if "from_subscription" in params:
        row = subscription_of(call, params["from_subscription"], "from_subscription")
        ctx, customer_id, start = clocked(call, row.test_clock_id), "", None
    else:
        customer = customer_of(call, params["customer"], "customer")
        ctx, customer_id = clocked(call, customer.test_clock_id), customer.id
        start = params.get("start_date") if isinstance(params.get("start_date"), datetime) else None
    request = ScheduleRequest(
        merchant_id=call.merchant_id,
        customer_id=customer_id,
        phases=_phases(call, ctx, customer_id, params.get("phases", ())),
        start_date=start,
        from_subscription=params.get("from_subscription", ""),
        end_behavior=params.get("end_behavior", "release"),
        metadata=new_metadata(params),
        default_settings=_defaults(call, ctx, customer_id, params),
    )
    return ctx, request


def _defaults(call: Call, ctx: Context, customer_id: str, params: dict[str, Any]) -> dict[str, Any]:
    """The default settings that were sent, by our names."""
    given = params.get("default_settings", {})
    said = {name: given[name] for name in ("billing_cycle_anchor", "collection_method") if name in given}
    if "description" in given:
        said["description"] = given["description"] or ""
    if "days_until_due" in given.get("invoice_settings", {}):
        said["days_until_due"] = given["invoice_settings"]["days_until_due"]
    if "default_payment_method" in given and customer_id:
        said["default_payment_method_id"] = method_id(
            ctx,
            call.merchant_id,
            customer_id,
            given["default_payment_method"],
            param="default_settings[default_payment_method]",
        )
    return said


def _phases(call: Call, ctx: Context, customer_id: str, phases: Sequence[dict[str, Any]]) -> tuple[PhaseRequest, ...]:
    requests = []
    given = call.params.get("default_settings", {})
    anchor = {name: given[name] for name in ("billing_cycle_anchor",) if name in given}
    for number, phase in enumerate(phases):
        param = f"phases[{number}]"
        if sum(name in phase for name in ("duration", "end_date", "iterations")) > 1:
            raise PhaseEndTwice(param=f"{param}[end_date]")
        values = anchor | {name: phase[name] for name in _AS_SENT if name in phase}
        if "duration" in phase:
            values["duration"] = (phase["duration"]["interval"], phase["duration"].get("interval_count", 1))
        if "start_date" in phase:
            values["start"] = ctx.as_of if phase["start_date"] == "now" else phase["start_date"]
        if phase.get("end_date") == "now":
            values["end_date"] = ctx.as_of
        if "days_until_due" in phase.get("invoice_settings", {}):
            values["days_until_due"] = phase["invoice_settings"]["days_until_due"]
        requests.append(_phase(call, ctx, customer_id, phase, param, values))
    return tuple(requests)


def _phase(
    call: Call, ctx: Context, customer_id: str, phase: dict[str, Any], param: str, values: dict[str, Any]
) -> PhaseRequest:
    if "discounts" in phase:
        values["discounts"] = discount_requests(call, phase["discounts"], f"{param}[discounts]")
    if "default_tax_rates" in phase:
        values["default_tax_rate_ids"] = tax_rate_ids(call, phase["default_tax_rates"], f"{param}[default_tax_rates]")
    if "default_payment_method" in phase and customer_id:
        values["default_payment_method_id"] = method_id(
            ctx,
            call.merchant_id,
            customer_id,
            phase["default_payment_method"],
            param=f"{param}[default_payment_method]",
        )
    return PhaseRequest(
        items=new_items(call, phase["items"], f"{param}[items]"),
        add_invoice_items=new_items(call, phase.get("add_invoice_items", ()), f"{param}[add_invoice_items]"),
        metadata=new_metadata(phase),
        **values,
    )


def retrieve(call: Call) -> Json:
    return schedule_snapshot(schedule_of(call, call.id))


def update(call: Call) -> Json:
    row = schedule_of(call, call.id)
    ctx = clocked(call, row.test_clock_id)
    return schedule_snapshot(services.update_schedule(ctx=ctx, request=schedule_update(call, ctx, row, call.params)))


def schedule_update(call: Call, ctx: Context, row: SubscriptionSchedule, params: dict[str, Any]) -> ScheduleUpdate:
    """What of a schedule is to become otherwise. Phases that are over may be sent along, as they were."""
    values: dict[str, Any] = {name: params[name] for name in ("end_behavior", "proration_behavior") if name in params}
    if "metadata" in params:
        given = params["metadata"] or dict.fromkeys(row.metadata)
        values["metadata"] = {key: value or "" for key, value in given.items()}
    if "phases" in params:
        over = {datetime.fromisoformat(phase["start"]) for phase in row.phases[: row.current_phase or 0]}
        standing = [phase for phase in params["phases"] if phase.get("start_date") not in over]
        values["phases"] = _phases(call, ctx, row.customer_id, standing)
    if "default_settings" in params:
        values["default_settings"] = _defaults(call, ctx, row.customer_id, params)
    return ScheduleUpdate(merchant_id=call.merchant_id, schedule_id=row.id, **values)


def release(call: Call) -> Json:
    row = schedule_of(call, call.id)
    released = services.release_schedule(
        ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, schedule_id=row.id, **call.params
    )
    return schedule_snapshot(released)


def cancel(call: Call) -> Json:
    row = schedule_of(call, call.id)
    services.cancel_schedule(
        ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, schedule_id=row.id, **call.params
    )
    return schedule_snapshot(schedule_of(call, row.id))


def list_(call: Call) -> Json:
    rows = selectors.schedules(call.merchant_id)
    for name in ("canceled_at", "completed_at", "created", "released_at"):
        rows = in_range(rows, name, call.params.get(name))
    if "customer" in call.params:
        rows = rows.filter(customer_id=call.params["customer"])
    if call.params.get("scheduled"):
        rows = rows.filter(status="not_started")
    return page(rows, call, lambda found: [schedule_snapshot(row) for row in found], url=URL)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("POST", URL + "/{id}/cancel", cancel, fields(invoice_now=boolean(), prorate=boolean())),
    Operation("POST", URL + "/{id}/release", release, fields(preserve_cancel_date=boolean())),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = SubscriptionSchedule.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: schedule_snapshot(row) for row in rows}


LOADERS = {"schedule": load, "subscription_schedule": load}
