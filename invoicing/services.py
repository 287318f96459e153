"""Use cases of the paper that touch nothing above it."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
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
        series.prefix, series.next_number = prefix, next_number
        try:
            with transaction.atomic():
                series.save(update_fields=["prefix", "next_number"])
        except IntegrityError as error:
            raise PrefixTaken(prefix=prefix) from error
    return series
