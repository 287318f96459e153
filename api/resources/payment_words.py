"""What is written on charges and refunds at /v1, and what cannot be taken back through them."""

from __future__ import annotations

from typing import Any

from api.business_time import clocked
from api.lookup import found, sent
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, fields, merged_metadata, text
from api.resources.payments import CHARGES, REFUNDS, refund_body, refunds_of_caller
from core.errors import OstinatoError, gettext_noop
from payments import describing, selectors
from payments.snapshots import charge_snapshot

_WORDS = fields(METADATA, description=text(clearable=True))


class RefundNotCancelable(OstinatoError):
    code = "refund_not_cancelable"
    message_id = gettext_noop("Only a refund that waits for the customer can be canceled; this one is %(status)s.")


def _changes(row: Any, params: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = sent(params, "description")
    if "metadata" in params:
        changes["metadata"] = merged_metadata(row.metadata, params["metadata"])
    return changes


def update_charge(call: Call) -> Json:
    row = found(selectors.charges(call.merchant_id), call.id, "charge")
    changed = describing.describe_charge(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        charge_id=row.id,
        **_changes(row, call.params),
    )
    return charge_snapshot(changed)


def update_refund(call: Call) -> Json:
    row = found(refunds_of_caller(call), call.id, "refund")
    describing.describe_refund(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        refund_id=row.id,
        **_changes(row, call.params),
    )
    return refund_body(refunds_of_caller(call).get(id=row.id))


def cancel_refund(call: Call) -> Json:
    row = refund_body(found(refunds_of_caller(call), call.id, "refund"))
    raise RefundNotCancelable(status=row["status"])


OPERATIONS = [
    Operation("POST", CHARGES + "/{id}", update_charge, _WORDS),
    Operation("POST", REFUNDS + "/{id}", update_refund, METADATA),
    Operation("POST", REFUNDS + "/{id}/cancel", cancel_refund),
]
