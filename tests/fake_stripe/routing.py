"""Which function answers which request, and how lists and expansions are read."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fake_stripe.books import Account, Books, Json
from tests.fake_stripe.errors import Refusal, invalid


@dataclass
class Call:
    """One request, understood."""

    books: Books
    account: Account
    params: Json
    args: dict[str, str]
    url: str = ""  # the fake's own address, for pages that it serves


Handler = Callable[[Call], Json]
_ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    pattern = re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + "$")

    def register(handler: Handler) -> Handler:
        _ROUTES.append((method, pattern, handler))
        return handler

    return register


def handler_of(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    for wanted, pattern, handler in _ROUTES:
        match = pattern.match(path)
        if wanted == method and match:
            return handler, match.groupdict()
    raise Refusal(404, "invalid_request_error", "url_invalid", f"Unrecognized request URL ({method}: {path}).")


def listed(call: Call, kind: str, **filters: Any) -> Json:
    """A page, the newest first: `limit`, `starting_after`, `created[gte]`, and equality on what is given."""
    rows = list(reversed(call.account.objects[kind].values()))
    rows = [row for row in rows if all(value is None or row.get(name) == value for name, value in filters.items())]
    since = int(call.params.get("created", {}).get("gte", 0))
    rows = [row for row in rows if row["created"] >= since and not row.get("deleted")]
    after = call.params.get("starting_after")
    if after:
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise invalid("starting_after", f"No such {kind}: '{after}'", "resource_missing")
        rows = rows[ids.index(after) + 1 :]
    limit = int(call.params.get("limit", 10))
    if not 1 <= limit <= 100:
        raise invalid("limit", "The limit must be between 1 and 100.", "parameter_invalid_integer")
    return {
        "object": "list",
        "url": f"/v1/{kind}s",
        "has_more": len(rows) > limit,
        "data": [json.loads(json.dumps(row)) for row in rows[:limit]],
    }


_KIND_OF_PREFIX = {
    "cus": "customer",
    "pm": "payment_method",
    "pi": "payment_intent",
    "seti": "setup_intent",
    "ch": "charge",
    "py": "charge",
    "re": "refund",
    "dp": "dispute",
    "txn": "balance_transaction",
    "po": "payout",
}


def expanded(call: Call, body: Json) -> Json:
    """A copy with the paths of `expand[]` filled in."""
    body = json.loads(json.dumps(body))
    for path in call.params.get("expand") or []:
        _expand(call, body, path.split("."))
    return body


def _expand(call: Call, node: Any, path: list[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(call, item, path)
        return
    if not isinstance(node, dict) or path[0] not in node:
        return
    value = node[path[0]]
    if isinstance(value, str) and value.split("_")[0] in _KIND_OF_PREFIX:
        kind = _KIND_OF_PREFIX[value.split("_")[0]]
        value = node[path[0]] = json.loads(json.dumps(call.account.objects[kind].get(value)))
    if len(path) > 1:
        _expand(call, value, path[1:])
