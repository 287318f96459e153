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
from invoicing.rules.numbering import check_customer_prefix, customer_prefix


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
        series = rows.get(merchant_id=merchant_id, billing_entity_id=billing_entity_id, customer_id="")
        return _renumber(ctx, series, prefix, next_number)


def set_customer_numbers(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    billing_entity_id: str,
    prefix: str | None = None,
    next_number: int | None = None,
) -> NumberSeries:
    """Prefix and next number of one customer's own invoices; None leaves a thing as it is.

    They count while the merchant numbers per customer. The caller holds the customer's row.
    Raises `CustomerPrefixInvalid`, `NumbersOnlyGoUp`, `PrefixTaken`.
    """
    if prefix is not None:
        check_customer_prefix(prefix)
    with transaction.atomic():
        series, _ = NumberSeries.objects.select_for_update(no_key=True).get_or_create(
            merchant_id=merchant_id,
            customer_id=customer_id,
            defaults={
                "billing_entity_id": billing_entity_id,
                "prefix": customer_prefix(customer_id),
                "created": ctx.as_of,
                "recorded_at": ctx.recorded_at,
            },
        )
        wanted = series.next_number if next_number is None else next_number
        try:
            return _renumber(ctx, series, series.prefix if prefix is None else prefix, wanted)
        except NumbersOnlyGoUp as error:
            error.param = "next_invoice_sequence"
            raise
        except PrefixTaken as error:
            error.param = "invoice_prefix"
            raise


def _renumber(ctx: Context, series: NumberSeries, prefix: str, next_number: int) -> NumberSeries:
    with transaction.atomic():
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
