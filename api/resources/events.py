"""/v1/events: what happened, each with its object as of that moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from api.lookup import found
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import PAGE, RANGE, boolean, fields, list_of, text
from api.webhooks.event_types import UNTOLD, WITHIN
from api.webhooks.pending import by_delivery, pending_webhooks
from core.json_values import epoch
from engine.rules.arrears import USAGE_DISCARDED
from events.models import Event, ObjectVersion
from events.selectors import events

URL = "/v1/events"
API_VERSION = "2026-08-26.dahlia"  # the shapes that our snapshots follow
LIST = fields(
    PAGE,
    created=RANGE,
    delivery_success=boolean(),
    related_object=text(most=200),
    type=text(most=100),
    types=list_of(text(most=100), most=20),
)


def retrieve(call: Call) -> Json:
    return _listed([found(outward(call.merchant_id), call.id, "event")])[0]


def outward(merchant_id: str) -> QuerySet[Event]:
    """What a merchant's integrations are told, the latest first."""
    return events(merchant_id).exclude(object_type__in=WITHIN).exclude(type__in=UNTOLD)


def _listed(rows: list[Event]) -> list[Json]:
    """Events with the number of endpoints that have yet to take each."""
    waiting = pending_webhooks(rows)
    return [body | {"pending_webhooks": waiting[body["id"]]} for body in shown(rows)]


def list_(call: Call) -> Json:
    params = call.params
    rows = in_range(outward(call.merchant_id), "created", params.get("created"))
    wanted = [*([params["type"]] if "type" in params else ()), *params.get("types", ())]
    if wanted:
        rows = rows.filter(_types(wanted))
    if "related_object" in params:
        rows = rows.filter(object_id=params["related_object"])
    if "delivery_success" in params:
        rows = by_delivery(rows, call.merchant_id, whole=params["delivery_success"])
    return page(rows, call, _listed, url=URL)


def _types(wanted: Sequence[str]) -> Q:
    """Types by name, or all below a prefix: "invoice.*"."""
    condition = Q()
    for one in wanted:
        condition |= Q(type__startswith=one[:-1]) if one.endswith(".*") else Q(type=one)
    return condition


def shown(rows: Sequence[Event]) -> list[Json]:
    """Events with their objects: one query for all bodies, those before a change among them."""
    keys = Q()
    for row in rows:
        versions = [row.object_version - 1, row.object_version] if _is_update(row) else [row.object_version]
        keys |= Q(merchant_id=row.merchant_id, object_id=row.object_id, version__in=versions)
    known = ObjectVersion.objects.filter(keys) if rows else ()
    bodies = {(one.object_id, one.version): one.body for one in known}
    return [
        _event(
            row, bodies.get((row.object_id, row.object_version)), bodies.get((row.object_id, row.object_version - 1))
        )
        for row in rows
    ]


def _is_update(row: Event) -> bool:
    return row.type.endswith(".updated") and row.object_version > 1


def _event(row: Event, body: Any, body_before: Any) -> Json:
    # A merchant may keep no bodies: the event then names its object only.
    data: Json = {"object": body or {"id": row.object_id, "object": row.object_type}}
    if row.type == "invoice.created" and body:
        data["object"] = as_drafted(body)
    if row.type == USAGE_DISCARDED:  # ours: how much was used and is not billed
        data["previous_attributes"] = row.previous_attributes
    elif row.type.endswith(".updated"):
        previous = previous_attributes(body_before, body) if body and body_before else None
        if previous or row.previous_attributes is not None:
            data["previous_attributes"] = previous or row.previous_attributes
    return {
        "id": row.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": epoch(row.created),
        "data": data,
        "pending_webhooks": 0,
        "request": {
            "id": row.request_id if row.actor.startswith("api:") else None,
            "idempotency_key": row.idempotency_key or None,
        },
        "type": row.type,
    }


def as_drafted(invoice: Json) -> Json:
    """An invoice as it was created: a draft, also where the same transaction finalized it (and so made one version).

    Whoever hears `invoice.created` goes by its status, as at Stripe.
    """
    if invoice["status"] == "draft":
        return invoice
    undone = dict.fromkeys(("number", "effective_at", "ending_balance"))
    return invoice | {
        **undone,
        "amount_paid": 0,
        "amount_remaining": invoice["amount_due"],
        "attempt_count": 0,
        "attempted": False,
        "status": "draft",
        "status_transitions": dict.fromkeys(invoice["status_transitions"]),
    }


_FREE_KEYS = ("metadata", "currency_options")
_LEFT_OUT = frozenset({"business_name", "individual_name"})  # told only where there is one


def previous_attributes(before: Json, after: Json) -> Json:
    """What `after` says otherwise, as it was: of a nested object the parts that changed, of an array all of it.

    A part that only one of the two tells (lines, which the run leaves out) did not change; a free key did, and what
    is left out where there is none.
    """
    changed: Json = {}
    for name in before.keys() & after.keys() | _LEFT_OUT & (before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if name in _FREE_KEYS and isinstance(was, dict) and isinstance(now, dict):
            changed[name] = {key: was.get(key) for key in was | now if was.get(key) != now.get(key)}
        elif isinstance(was, dict) and isinstance(now, dict):
            changed[name] = previous_attributes(was, now) or was
        else:
            changed[name] = was
    return changed


OPERATIONS = [Operation("GET", URL, list_, LIST), Operation("GET", URL + "/{id}", retrieve)]
