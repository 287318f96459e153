"""The sandbox processor's side of the wire: its books and its idempotency store, committed by themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.ids import new_id
from events.copying import insert_rows, new_row
from events.statements import Statement
from payments.gateways.base import Call, IdempotencyKeyReused, NoSuchGatewayObject
from payments.models import SandboxObject, SandboxReply
from payments.types import (
    Authorized,
    Declined,
    IntentCanceled,
    NotConfirmed,
    Processing,
    RequiresAction,
    Standing,
    Succeeded,
    Unknown,
)

Json = dict[str, Any]

_KINDS: dict[str, type] = {
    "succeeded": Succeeded,
    "authorized": Authorized,
    "declined": Declined,
    "requires_action": RequiresAction,
    "processing": Processing,
    "unknown": Unknown,
    "not_confirmed": NotConfirmed,
    "canceled": IntentCanceled,
}
_MOMENTS = ("settles_at", "look_again_at", "capture_before")
_KIND_OF = {kind: name for name, kind in _KINDS.items()}


def standing_to_json(standing: Standing) -> Json:
    values = asdict(standing)
    for name in _MOMENTS:
        if values.get(name):
            values[name] = values[name].isoformat()
    return {"kind": _KIND_OF[type(standing)], **values}


def standing_from_json(stored: Mapping[str, Any]) -> Any:
    values = {name: value for name, value in stored.items() if name != "kind"}
    for name in _MOMENTS:
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    return _KINDS[stored["kind"]](**values)


@contextmanager
def own_transaction() -> Iterator[None]:
    """The processor's own commit.

    It does not wait for the disk: the write-ahead log is one sequence, so a crash that forgets this forgets
    everything that was committed after it, on our side of the wire too. The two never disagree.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
        yield


def answer_once(
    call: Call, operation: str, parameters: Mapping[str, Any], work: Callable[[], Json]
) -> tuple[Json, bool]:
    """Do `work` under the call's key, or give the first answer again: (answer, whether it is a replay).

    A failure that `work` returns is kept like a success; one that it raises leaves no trace. A second caller
    with the same key waits for the first. Raises `IdempotencyKeyReused` when the parameters differ.
    """
    fingerprint = _fingerprint(operation, parameters)
    with own_transaction():
        if not _take_key(call, fingerprint):
            held = SandboxReply.objects.get(merchant_id=call.merchant_id, idempotency_key=call.key)
            if held.parameters_hash != fingerprint:
                raise IdempotencyKeyReused
            return held.reply, True
        reply = work()
        SandboxReply.objects.filter(merchant_id=call.merchant_id, idempotency_key=call.key).update(reply=reply)
        return reply, False


def _take_key(call: Call, fingerprint: str) -> bool:
    """Whether the key is new; its row is ours to fill. Waits for a rival's commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_sandboxreply"
            " (id, merchant_id, idempotency_key, parameters_hash, reply, recorded_at)"
            " VALUES (%s, %s, %s, %s, '{}', %s) ON CONFLICT DO NOTHING RETURNING id",
            [new_id("sbr"), call.merchant_id, call.key, fingerprint, call.recorded_at],
        )
        return cursor.fetchone() is not None


def store_replies(replies: Sequence[tuple[Call, str, Mapping[str, Any], Json]]) -> set[Call]:
    """Keep (call, operation, parameters, answer) for keys that are new, and say which. Waits for a rival's commit."""
    if not replies:
        return set()
    rows = [
        (new_id("sbr"), call.merchant_id, call.key, _fingerprint(operation, parameters), json.dumps(answer))
        for call, operation, parameters, answer in sorted(replies, key=lambda row: (row[0].merchant_id, row[0].key))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_sandboxreply"
            " (id, merchant_id, idempotency_key, parameters_hash, reply, recorded_at)"
            " SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[])"
            " ON CONFLICT DO NOTHING RETURNING merchant_id, idempotency_key",
            [replies[0][0].recorded_at, *map(list, zip(*rows, strict=True))],
        )
        fresh = set(cursor.fetchall())
    return {row[0] for row in replies if (row[0].merchant_id, row[0].key) in fresh}


def _fingerprint(operation: str, parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([operation, parameters], sort_keys=True).encode()).hexdigest()


def open_accounts(kind: str, accounts: Sequence[tuple[Call, str, str, Json]]) -> None:
    """Many (call, id, customer, body) at once."""
    insert_rows(
        SandboxObject,
        [
            new_row(
                SandboxObject,
                id=object_id,
                merchant_id=call.merchant_id,
                customer_id=customer_id,
                kind=kind,
                body=body,
                created=call.at,
                recorded_at=call.recorded_at,
            )
            for call, object_id, customer_id, body in accounts
        ],
    )


def locked_many(kind: str, object_ids: Sequence[str]) -> dict[str, SandboxObject]:
    """Those of these objects that there are, locked in id order."""
    return {entry.id: entry for entry in _held.models(kind=kind, ids=object_ids)}


def many(object_ids: Iterable[str]) -> dict[str, SandboxObject]:
    """Those of these objects that there are."""
    return {entry.id: entry for entry in _objects.models(ids=object_ids)}


_objects = Statement(lambda ids: SandboxObject.objects.filter(id__any=ids))
_held = Statement(
    lambda kind, ids: SandboxObject.objects.filter(kind=kind, id__any=ids).order_by("id").select_for_update()
)


def open_account(call: Call, kind: str, object_id: str, customer_id: str, body: Json) -> SandboxObject:
    """A new object in the books."""
    return SandboxObject.objects.create(
        id=object_id,
        merchant_id=call.merchant_id,
        customer_id=customer_id,
        kind=kind,
        body=body,
        created=call.at,
        recorded_at=call.recorded_at,
    )


def locked(call: Call, kind: str, object_id: str) -> SandboxObject:
    """One object of this merchant's, locked. Raises `NoSuchGatewayObject`."""
    found = (
        SandboxObject.objects.select_for_update().filter(merchant_id=call.merchant_id, kind=kind, id=object_id).first()
    )
    if found is None:
        raise NoSuchGatewayObject(id=object_id)
    return found


def save_body(entry: SandboxObject) -> None:
    SandboxObject.objects.filter(id=entry.id).update(body=entry.body)


def first_with_metadata(call: Call, kind: str, customer_id: str, metadata: Mapping[str, str]) -> SandboxObject | None:
    """The customer's first object that carries all of `metadata`."""
    return (
        SandboxObject.objects.filter(
            merchant_id=call.merchant_id,
            customer_id=customer_id,
            kind=kind,
            body__metadata__contains=dict(metadata),
        )
        .order_by("created", "id")
        .first()
    )
