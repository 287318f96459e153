"""Events and webhook endpoints. Nothing is delivered by itself: somebody flushes, and may mangle, lose or reorder."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.fake_stripe.books import Account, Books, Json
from tests.fake_stripe.errors import invalid
from tests.fake_stripe.routing import Call, listed, route


@route("GET", "/v1/events")
def list_events(call: Call) -> Json:
    return listed(call, "event", type=call.params.get("type"))


@route("GET", "/v1/events/{id}")
def read_event(call: Call) -> Json:
    return call.books.find(call.account, "event", call.args["id"])


@route("POST", "/v1/webhook_endpoints")
def create_endpoint(call: Call) -> Json:
    url = call.params.get("url", "")
    if not url.startswith(("http://", "https://")):
        raise invalid("url", f"Invalid URL: {url}", "url_invalid")
    made = call.books.add(
        call.account,
        "webhook_endpoint",
        "we",
        api_version=call.params.get("api_version"),
        application=None,
        description=call.params.get("description"),
        enabled_events=call.params.get("enabled_events", ["*"]),
        livemode=False,
        metadata=call.params.get("metadata", {}),
        secret=call.books.new_id("whsec"),
        status="enabled",
        url=url,
    )
    return made


@route("GET", "/v1/webhook_endpoints")
def list_endpoints(call: Call) -> Json:
    page = listed(call, "webhook_endpoint")
    page["data"] = [{name: value for name, value in row.items() if name != "secret"} for row in page["data"]]
    return page


@route("GET", "/v1/webhook_endpoints/{id}")
def read_endpoint(call: Call) -> Json:
    found = call.books.find(call.account, "webhook_endpoint", call.args["id"])
    return {name: value for name, value in found.items() if name != "secret"}


@route("POST", "/v1/webhook_endpoints/{id}")
def update_endpoint(call: Call) -> Json:
    found = call.books.find(call.account, "webhook_endpoint", call.args["id"])
    found |= {name: call.params[name] for name in ("url", "enabled_events") if name in call.params}
    return {name: value for name, value in found.items() if name != "secret"}


@route("DELETE", "/v1/webhook_endpoints/{id}")
def delete_endpoint(call: Call) -> Json:
    call.books.find(call.account, "webhook_endpoint", call.args["id"])
    del call.account.objects["webhook_endpoint"][call.args["id"]]
    return {"id": call.args["id"], "object": "webhook_endpoint", "deleted": True}


# --- delivering ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint."""

    event: Json
    url: str
    secret: str


def pending(books: Books, account: Account) -> list[Delivery]:
    """What waits, in the order in which it happened; taking it takes it off the list."""
    with books.lock:
        endpoints = [row for row in account.objects["webhook_endpoint"].values() if row["status"] == "enabled"]
        found = []
        for event in account.objects["event"].values():
            if not event["pending_webhooks"]:
                continue
            event["pending_webhooks"] = 0
            found += [
                Delivery(json.loads(json.dumps(event)), row["url"], row["secret"])
                for row in endpoints
                if "*" in row["enabled_events"] or event["type"] in row["enabled_events"]
            ]
        return found


def again(books: Books, account: Account, event_id: str) -> None:
    """Put an event back among those that wait."""
    with books.lock:
        books.find(account, "event", event_id)["pending_webhooks"] = 1


def deliver(delivery: Delivery, *, mangle: str = "", timestamp: int | None = None) -> int:
    """POST it, signed: the status that came back, 0 without an answer.

    `mangle`: "body" (changed after signing), "signature", "secret" (signed by somebody else), "unsigned".
    """
    body = json.dumps(delivery.event)
    at = int(time.time()) if timestamp is None else timestamp
    secret = "whsec_of_somebody_else" if mangle == "secret" else delivery.secret
    signature = signed(body, secret, at)
    headers = {"Content-Type": "application/json", "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}
    if mangle != "unsigned":
        headers["Stripe-Signature"] = signature[:-4] + "0000" if mangle == "signature" else signature
    if mangle == "body":
        body = body.replace('"livemode": false', '"livemode": true ')
    return post(delivery.url, body.encode(), headers)


def signed(body: str, secret: str, at: int) -> str:
    mac = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def post(url: str, body: bytes, headers: dict[str, Any]) -> int:
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0
