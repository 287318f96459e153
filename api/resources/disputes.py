"""/v1/disputes: what cardholders contest, and what is said against it at the processor."""

from __future__ import annotations

from collections.abc import Sequence

from api.business_time import clocked
from api.lookup import found
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, RANGE, boolean, fields, hash_of, merged_metadata, text
from engine.services import disputes as services
from payments.disputes import describe_dispute, disputes
from payments.models import Dispute
from payments.movements import movements_of
from payments.snapshots import dispute_snapshot
from payments.types import EVIDENCE, EVIDENCE_FILES

URL = "/v1/disputes"
LIST = fields(PAGE, charge=text(most=200), created=RANGE, payment_intent=text(most=200))
_TEXT = text(most=services.MOST_CHARACTERS, clearable=True)
UPDATE = fields(METADATA, evidence=hash_of(dict.fromkeys(EVIDENCE + EVIDENCE_FILES, _TEXT)), submit=boolean())


def _dispute(call: Call) -> Dispute:
    return found(disputes(call.merchant_id), call.id, "dispute")


def _shown(rows: Sequence[Dispute]) -> list[Json]:
    """Disputes with what they moved: one query, whatever their number."""
    moved = movements_of(rows[0].merchant_id, [row.id for row in rows]) if rows else {}
    return [dispute_snapshot(row, moved.get(row.id, ())) for row in rows]


def list_(call: Call) -> Json:
    rows = in_range(disputes(call.merchant_id), "created", call.params.get("created"))
    names = [name for name in ("charge", "payment_intent") if name in call.params]
    return page(rows.filter(**{f"{name}_id": call.params[name] for name in names}), call, _shown, url=URL)


def retrieve(call: Call) -> Json:
    return _shown([_dispute(call)])[0]


def update(call: Call) -> Json:
    """Evidence is handed in unless `submit` is false; metadata alone says nothing to a bank."""
    row, params = _dispute(call), call.params
    ctx = clocked(call, row.test_clock_id)
    metadata = merged_metadata(row.metadata, params["metadata"]) if "metadata" in params else None
    if "evidence" in params or params.get("submit"):
        services.submit_evidence(
            ctx=ctx,
            merchant_id=call.merchant_id,
            dispute_id=row.id,
            evidence={name: said or "" for name, said in params.get("evidence", {}).items()},
            submit=params.get("submit", True),
        )
    if metadata is not None:
        describe_dispute(ctx=ctx, merchant_id=call.merchant_id, dispute_id=row.id, metadata=metadata)
    return retrieve(call)


def close(call: Call) -> Json:
    row = _dispute(call)
    services.close_dispute(ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, dispute_id=row.id)
    return retrieve(call)


OPERATIONS = [
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("POST", URL + "/{id}/close", close),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    return {body["id"]: body for body in _shown(list(disputes(merchant_id).filter(id__in=ids)))}


LOADERS = {"dispute": load}
