"""Setup intents: a method made ready for later charges. What attaches it is called by whoever confirms."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from payments.events import told
from payments.models import SetupIntent, SetupIntentStatus
from payments.snapshots import setup_intent_snapshot

_OVER = (SetupIntentStatus.SUCCEEDED, SetupIntentStatus.CANCELED)


class SetupIntentNotFound(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("There is no such setup of a payment method.")


class SetupIntentOver(OstinatoError):
    code = "setup_intent_unexpected_state"
    message_id = gettext_noop("This SetupIntent can no longer be changed: it has a status of %(status)s.")


def create_setup_intent(*, ctx: Context, merchant_id: str, payment_method_id: str = "", **fields: Any) -> SetupIntent:
    """A new one, to be confirmed. `fields` are the row's: customer_id, usage, description, metadata, …"""
    waits = SetupIntentStatus.REQUIRES_CONFIRMATION if payment_method_id else SetupIntentStatus.REQUIRES_PAYMENT_METHOD
    with transaction.atomic():
        row = SetupIntent.objects.create(
            merchant_id=merchant_id,
            status=waits,
            payment_method_id=payment_method_id,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
            **fields,
        )
        _tell(ctx, row, "created")
    return row


def update_setup_intent(*, ctx: Context, merchant_id: str, setup_intent_id: str, **fields: Any) -> SetupIntent:
    """Other words, customer or method, while it waits. Raises `SetupIntentNotFound`, `SetupIntentOver`."""
    if set(fields) - {"description", "metadata"}:
        _check_waits(merchant_id, setup_intent_id)
    if "payment_method_id" in fields:
        fields["status"] = SetupIntentStatus.REQUIRES_CONFIRMATION
    return _move(ctx, merchant_id, setup_intent_id, "", fields)


def succeed_setup_intent(
    *, ctx: Context, merchant_id: str, setup_intent_id: str, payment_method_id: str
) -> SetupIntent:
    """Its method is attached and ready. Raises `SetupIntentOver`."""
    fields = {
        "status": SetupIntentStatus.SUCCEEDED,
        "payment_method_id": payment_method_id,
        "last_setup_error": None,
    }
    return _move(ctx, merchant_id, setup_intent_id, "succeeded", fields, waiting=True)


def fail_setup_intent(*, ctx: Context, merchant_id: str, setup_intent_id: str, error: dict[str, Any]) -> SetupIntent:
    """The method was refused: another one is needed. Raises `SetupIntentOver`."""
    fields = {
        "status": SetupIntentStatus.REQUIRES_PAYMENT_METHOD,
        "payment_method_id": "",
        "last_setup_error": error,
    }
    return _move(ctx, merchant_id, setup_intent_id, "setup_failed", fields, waiting=True)


def cancel_setup_intent(*, ctx: Context, merchant_id: str, setup_intent_id: str, reason: str = "") -> SetupIntent:
    """Given up. Raises `SetupIntentNotFound`, `SetupIntentOver`."""
    fields = {"status": SetupIntentStatus.CANCELED, "cancellation_reason": reason}
    return _move(ctx, merchant_id, setup_intent_id, "canceled", fields, waiting=True)


def _check_waits(merchant_id: str, setup_intent_id: str) -> None:
    status = SetupIntent.objects.filter(merchant_id=merchant_id, id=setup_intent_id).values_list("status", flat=True)
    if status and status[0] in _OVER:
        raise SetupIntentOver(status=status[0])


def _move(
    ctx: Context, merchant_id: str, setup_intent_id: str, verb: str, fields: dict[str, Any], waiting: bool = False
) -> SetupIntent:
    with transaction.atomic():
        rows = SetupIntent.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, id=setup_intent_id)
        row = rows.first()
        if row is None:
            raise SetupIntentNotFound
        if waiting and row.status in _OVER:
            raise SetupIntentOver(status=row.status)
        changed = [name for name, value in fields.items() if getattr(row, name) != value]
        if not changed and not verb:
            return row
        for name in changed:
            setattr(row, name, fields[name])
        row.version += 1
        row.save(update_fields=[*changed, "version"])
        if verb:
            _tell(ctx, row, verb)
    return row


def _tell(ctx: Context, row: SetupIntent, verb: str) -> None:
    kept = Merchant.objects.values_list("keep_event_bodies", flat=True).get(id=row.merchant_id)
    event = EventRow(
        merchant_id=row.merchant_id,
        type=f"setup_intent.{verb}",
        object_type="setup_intent",
        object_id=row.id,
        object_version=row.version,
        customer_id=row.customer_id or "",
        test_clock_id=row.customer.test_clock_id if row.customer else None,
        body=setup_intent_snapshot(row),
    )
    record_events(ctx, [told(event, kept)])
