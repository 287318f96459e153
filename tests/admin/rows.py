"""At least three rows of every model of ours, so that each page of the staff admin has something to show.

Rows are made from the models' own fields, without the rules of the rooms: the pages must bear any row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from events.models import XidField
from tests.factories.times import NEW_YEAR

# Rows of these need a partition first; the admin leaves partitioned tables aside.
PARTITIONED = frozenset({"UsageEvent"})
SPECIAL: dict[str, dict[str, Any]] = {
    "Merchant": {"parent": None, "default_currency": "cad", "country": "CA", "livemode": False},
    "BillingEntity": {"country": "CA"},
    "Price": {"type": "recurring", "interval": "month", "interval_count": 1},
    "Coupon": {"percent_off": Decimal(20), "amount_off": None, "duration_in_months": None, "duration": "once"},
    "Invoice": {"number": None, "number_value": None, "status": "draft"},
    "RecoveryPolicy": {"visa_attempts_per_30_days": 15},
    "CustomerBalanceTransaction": {"type": "adjustment"},
    "BalanceTransaction": {"amount": 500, "fee": 20, "net": 480},
    "CreditGrant": {"currency": "cad", "amount": 500, "balance": 500},
}
_serial = count(1)


def our_models() -> Iterator[type[models.Model]]:
    for room in settings.OUR_APPS:
        for model in apps.get_app_config(room).get_models():
            if model.__name__ not in PARTITIONED:
                yield model


def make_rows(times: int) -> None:
    """`times` rows of each model, each pointing at rows of its own."""
    for model in our_models():
        for _ in range(times):
            make(model)


def make(model: type[models.Model]) -> models.Model:
    values = {
        field.name: _value(field, model)
        for field in model._meta.concrete_fields
        if field.name not in SPECIAL.get(model.__name__, {}) and _needs_value(field)
    }
    return model._default_manager.create(**values | SPECIAL.get(model.__name__, {}))


def _needs_value(field: models.Field) -> bool:
    if isinstance(field, XidField | models.AutoField | models.FileField):
        return False
    if field.has_default():
        return field.unique and not field.primary_key
    return field.is_relation or not field.null


def _value(field: models.Field, model: type[models.Model]) -> Any:
    n = next(_serial)
    if field.is_relation:
        return None if field.null and field.related_model is model else make(field.related_model)  # type: ignore[arg-type]
    if isinstance(field, ArrayField):
        return []
    if field.choices:
        return field.choices[0][0]
    if field.name in ("currency", "default_currency"):
        return "cad"
    if isinstance(field, models.DateTimeField):
        return NEW_YEAR + timedelta(days=n)
    if isinstance(field, models.EmailField):
        return f"row{n}@example.com"
    if isinstance(field, models.FloatField):
        return float(n)
    if isinstance(field, models.DecimalField):
        return Decimal(n % 100)
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.IntegerField):
        return n
    if isinstance(field, models.JSONField):
        return {"n": n}
    return f"{field.name}{n}"[: getattr(field, "max_length", None) or 100]
