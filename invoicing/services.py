"""Use cases of the paper that touch nothing above it."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.selectors import events_of_object
from events.types import EventRow
from events.writes import record_events
from invoicing.models import NumberSeries


class NumbersOnlyGoUp(OstinatoError):
    code = "parameter_invalid"
    param = "next_number"
    message_id = gettext_noop("The next number is at least %(least)s: numbers only go up.")


class PrefixTaken(OstinatoError):
    code = "resource_already_exists"
    param = "prefix"
    message_id = gettext_noop("The prefix “%(prefix)s” belongs to another series.")


def set_number_series(
    *, ctx: Context, merchant_id: str, billing_entity_id: str, prefix: str, next_number: int
) -> NumberSeries:
    """Prefix and next number of an entity's invoices. Raises `NumbersOnlyGoUp`, `PrefixTaken`."""
    with transaction.atomic():
        rows = NumberSeries.objects.select_for_update(no_key=True)
        series = rows.get(merchant_id=merchant_id, billing_entity_id=billing_entity_id)
        if next_number < series.next_number:
            raise NumbersOnlyGoUp(least=series.next_number)
        before = {"prefix": series.prefix, "next_number": series.next_number}
        after = {"prefix": prefix, "next_number": next_number}
        if before == after:
            return series
        series.prefix, series.next_number = prefix, next_number
        try:
            with transaction.atomic():
                series.save(update_fields=["prefix", "next_number"])
        except IntegrityError as error:
            raise PrefixTaken(prefix=prefix) from error
        record_events(ctx, [_series_changed(series, before, after)])
    return series


def _series_changed(series: NumberSeries, before: dict[str, Any], after: dict[str, Any]) -> EventRow:
    """The row is locked, so its next version can be read from the outbox."""
    told = events_of_object(series.merchant_id, series.id).order_by("-object_version")
    version = (told.values_list("object_version", flat=True).first() or 0) + 1
    return EventRow(
        merchant_id=series.merchant_id,
        type="number_series.updated",
        object_type="number_series",
        object_id=series.id,
        object_version=version,
        previous_attributes={name: value for name, value in before.items() if value != after[name]},
        body={"id": series.id, "object": "number_series"} | after,
    )
