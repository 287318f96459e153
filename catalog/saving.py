"""A row of the catalog written and told to the outbox in one step."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model

from catalog import rules, snapshots
from catalog.models import Coupon, Meter, PaymentLink, Price, Product, PromotionCode, TaxRate
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant


class AlreadyTaken(OstinatoError):
    code = "resource_already_exists"
    message_id = gettext_noop("“%(value)s” is already in use.")


def create_row(ctx: Context, model: Any, merchant_id: str, fields: dict[str, Any]) -> Any:
    """A new row, told as created. Raises `AlreadyTaken`."""
    row = model(merchant_id=merchant_id, created=ctx.as_of, recorded_at=ctx.recorded_at, **fields)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _tell(ctx, row, "created", previous=None)
    except IntegrityError as error:
        raise _taken(error, fields) from error
    return row


def _taken(error: IntegrityError, fields: dict[str, Any]) -> OstinatoError:
    for name in ("api_id", "lookup_key", "external_id", "code", "event_name"):
        told = "one_active_meter_per_event" if name == "event_name" else name
        if fields.get(name) and told in str(error):
            return AlreadyTaken(param="id" if name == "api_id" else name, value=fields[name])
    raise error


def update_row(ctx: Context, row: Any, fields: dict[str, Any], allowed: frozenset[str]) -> Any:
    """Set the fields that differ; nothing is written or told when none does."""
    unknown = set(fields) - allowed
    assert not unknown, f"not changeable: {unknown}"
    changed = {name: getattr(row, name) for name, value in fields.items() if getattr(row, name) != value}
    if not changed:
        return row
    for name in changed:
        setattr(row, name, fields[name])
    try:
        with transaction.atomic():
            save_row(ctx, row, "updated", previous=changed)
    except IntegrityError as error:
        raise _taken(error, fields) from error
    return row


def save_row(ctx: Context, row: Any, verb: str, *, previous: dict[str, Any] | None) -> None:
    """Write a row that the caller locked, in its next version, and tell it."""
    row.version += 1
    row.recorded_at = ctx.recorded_at
    row.save()
    _tell(ctx, row, verb, previous=previous)


def tell_deleted(ctx: Context, row: Any) -> None:
    """A row that its caller takes away in the same transaction."""
    row.version += 1
    _tell(ctx, row, "deleted", previous=None)


def _tell(ctx: Context, row: Any, verb: str, *, previous: dict[str, Any] | None) -> None:
    livemode = Merchant.objects.values_list("livemode", flat=True).get(id=row.merchant_id)
    body = _body(ctx, row, livemode=livemode)
    record_events(
        ctx,
        [
            EventRow(
                merchant_id=row.merchant_id,
                type=f"{body['object']}.{verb}",
                object_type=body["object"],
                object_id=row.id,
                object_version=row.version,
                previous_attributes=previous,
                body=body,
            )
        ],
    )


def _body(ctx: Context, row: Model, *, livemode: bool) -> dict[str, Any]:
    match row:
        case Product():
            return snapshots.product_snapshot(row, livemode=livemode)
        case Price():
            return snapshots.price_snapshot(row, livemode=livemode)
        case Meter():
            return snapshots.meter_snapshot(row, livemode=livemode)
        case Coupon():
            valid = rules.coupon_is_valid(
                max_redemptions=row.max_redemptions,
                times_redeemed=row.times_redeemed,
                redeem_by=row.redeem_by,
                deleted=row.deleted_at is not None,
                as_of=ctx.as_of,
            )
            return snapshots.coupon_snapshot(row, livemode=livemode, valid=valid)
        case PromotionCode():
            return snapshots.promotion_code_snapshot(row, livemode=livemode)
        case TaxRate():
            return snapshots.tax_rate_snapshot(row, livemode=livemode)
        case PaymentLink():
            return snapshots.payment_link_snapshot(row, livemode=livemode)
    raise TypeError(f"no snapshot for {type(row).__name__}")
