"""/v1/webhook_endpoints"""

from __future__ import annotations

from api.lookup import deleted, found, new_metadata
from api.models import EndpointStatus, WebhookEndpoint
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, boolean, fields, list_of, merged_metadata, text
from api.resources.events import API_VERSION
from api.webhooks import endpoints as services
from api.webhooks.rules import EVENTS_MAX
from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch

URL = "/v1/webhook_endpoints"
_EVENTS = list_of(text(most=100), most=EVENTS_MAX)
CREATE = fields(
    METADATA,
    url=text(required=True, most=2048),
    enabled_events=list_of(text(most=100), required=True, most=EVENTS_MAX),
    description=text(clearable=True),
    api_version=text(most=40),
    connect=boolean(),
)
UPDATE = fields(
    METADATA, url=text(most=2048), enabled_events=_EVENTS, description=text(clearable=True), disabled=boolean()
)


class OtherVersion(OstinatoError):
    code = "api_version_invalid"
    param = "api_version"
    message_id = gettext_noop("Events are told in the version %(version)s only: leave api_version out.")


class NoConnect(OstinatoError):
    code = "parameter_invalid"
    param = "connect"
    message_id = gettext_noop("There are no connected accounts here: leave connect out.")


def create(call: Call) -> Json:
    params = call.params
    version = params.get("api_version", "")
    if version not in ("", API_VERSION):
        raise OtherVersion(version=API_VERSION)
    if params.get("connect"):
        raise NoConnect
    row, secret = services.create_endpoint(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        livemode=call.livemode,
        url=params["url"],
        enabled_events=params["enabled_events"],
        description=params.get("description") or "",
        api_version=version,
        metadata=new_metadata(params),
    )
    return shown(row, livemode=call.livemode) | {"secret": secret}


def retrieve(call: Call) -> Json:
    return shown(_found(call), livemode=call.livemode)


def update(call: Call) -> Json:
    row = _found(call)
    values: Json = {name: call.params[name] for name in ("url", "enabled_events") if name in call.params}
    if "description" in call.params:
        values["description"] = call.params["description"] or ""
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    changed = services.update_endpoint(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        livemode=call.livemode,
        endpoint_id=row.id,
        disabled=call.params.get("disabled"),
        **values,
    )
    return shown(changed, livemode=call.livemode)


def delete(call: Call) -> Json:
    services.delete_endpoint(ctx=call.ctx, merchant_id=call.merchant_id, endpoint_id=call.id)
    return deleted("webhook_endpoint", call.id)


def list_(call: Call) -> Json:
    rows = services.endpoints(call.merchant_id)
    return page(rows, call, lambda rows: [shown(row, livemode=call.livemode) for row in rows], url=URL)


def shown(row: WebhookEndpoint, *, livemode: bool) -> Json:
    """The endpoint without its secret, which its creation alone tells."""
    return {
        "id": row.id,
        "object": "webhook_endpoint",
        "api_version": row.api_version or None,
        "application": None,
        "created": epoch(row.created),
        "description": row.description or None,
        "enabled_events": list(row.enabled_events),
        "livemode": livemode,
        "metadata": dict(row.metadata),
        "status": EndpointStatus(row.status).value,
        "url": row.url,
    }


def _found(call: Call) -> WebhookEndpoint:
    return found(services.endpoints(call.merchant_id), call.id, "webhook endpoint")


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, PAGE),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("DELETE", URL + "/{id}", delete),
]
