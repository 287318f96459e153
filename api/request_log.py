"""The log of requests: one row each, without what is secret, and without waiting for the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from api.models import ApiRequest
from core.ids import new_id

PARAMS_MAX = 8000
TEXT_MAX = 500
# Names of parameters whose values nobody reads in a log.
_SECRET = ("secret", "password", "token", "number", "cvc", "account_number", "routing_number", "iban", "api_key")


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as the log keeps it. `duration_ms` is the time from the door to the answer."""

    merchant_id: str
    request_id: str
    key_id: str
    method: str
    path: str
    params: Mapping[str, Any]
    status: int
    body: Mapping[str, Any]
    idempotency_key: str
    replayed: bool
    user_agent: str
    duration_ms: int
    created: datetime


def write(entry: Entry) -> None:
    """One statement. A crash of the database may lose the last moments of the log, and nothing else."""
    error = entry.body.get("error") if entry.status >= 400 else None
    error = error if isinstance(error, Mapping) else {}
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
            " INSERT INTO api_apirequest (id, merchant_id, request_id, key_id, method, path, params, status,"
            " error_code, error_message, idempotency_key, replayed, user_agent, duration_ms, created)"
            " SELECT %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, %s, %s FROM quick",
            [
                new_id("log"),
                entry.merchant_id,
                entry.request_id,
                entry.key_id,
                entry.method[:10],
                _clean(entry.path)[:500],
                json.dumps(kept_params(entry.params)),
                entry.status,
                str(error.get("code") or error.get("type") or "")[:100],
                _clean(str(error.get("message") or ""))[:1000],
                _clean(entry.idempotency_key)[:255],
                entry.replayed,
                _clean(entry.user_agent)[:200],
                entry.duration_ms,
                entry.created,
            ],
        )


def requests_of(merchant_id: str) -> QuerySet[ApiRequest]:
    """A merchant's requests."""
    return ApiRequest.objects.filter(merchant_id=merchant_id)


def kept_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with secrets covered and long texts cut; too many of them are only counted."""
    kept = {_clean(name)[:200]: _kept(name, value) for name, value in params.items()}
    if len(json.dumps(kept)) > PARAMS_MAX:
        return {"…": f"{len(params)} parameters"}
    return kept


def _kept(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_clean(inner)[:200]: _kept(inner, one) for inner, one in value.items()}
    if name.lower() in _SECRET or name.lower().endswith(("_secret", "_token")):
        return "[redacted]"
    return _clean(str(value))[:TEXT_MAX]


def _clean(text: str) -> str:
    """What PostgreSQL takes."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
