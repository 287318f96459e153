"""Prices that a request made for itself and that was refused after all."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import ProtectedError

from catalog.models import Price
from catalog.saving import tell_deleted
from core.context import Context


def discard_prices(*, ctx: Context, merchant_id: str, price_ids: Sequence[str]) -> None:
    """Take these prices back, and say so. One that somebody uses by now stays."""
    for price in Price.objects.filter(merchant_id=merchant_id, id__in=price_ids).order_by("id"):
        try:
            with transaction.atomic():
                tell_deleted(ctx, price)
                price.delete()
        except ProtectedError:
            continue
