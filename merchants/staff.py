"""What every page of the staff admin shares: read-only rows, money in words, lists that stay quick when tables grow.

Staff look at everything and change almost nothing here: a change that skips the use cases skips their checks, their
events and their versions. It lives in the lowest room that has people in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.admin import display
from django.core.paginator import Paginator
from django.db.models import BigIntegerField, DecimalField, Model
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import get_language
from unfold.admin import ModelAdmin, TabularInline

from core.money import UnknownCurrency
from core.money_format import format_money, format_unit_amount

Column = str | Callable[[Any], Any]
COUNT_AT_MOST = 10_000


class BoundedPaginator(Paginator):
    """Counts to ten thousand and no further: a full count of a table with millions of rows takes seconds."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[:COUNT_AT_MOST].count()


def in_words(amount: int | Decimal | None, currency: str) -> str:
    """Minor units as money in the reader's locale; the bare figure where the currency is not one."""
    if amount is None:
        return "–"
    locale = get_language() or "en"
    try:
        if isinstance(amount, Decimal):
            return format_unit_amount(amount, currency, locale)
        return format_money(amount, currency, locale)
    except UnknownCurrency:
        return f"{amount} {currency}".strip()


def money(name: str, *, currency: str = "currency") -> Callable[[Any], str]:
    """A column that shows the field `name` as money; it sorts as the field does."""

    @display(description=name.replace("_", " "), ordering=name)
    def column(row: Any) -> str:
        return in_words(getattr(row, name), getattr(row, currency))

    column.__name__ = name
    return column


class StaffAdmin(ModelAdmin):
    """A list that asks few questions of the database, however many rows there are.

    `money_fields` are shown as money on the detail page; `currency_field` names their currency. Ids grow with time,
    so the newest come first by primary key, without a sort.
    """

    money_fields: Sequence[str] = ()
    currency_field = "currency"
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50
    ordering: Sequence[str] = ("-pk",)
    compressed_fields = True
    warn_unsaved_form = True

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:
        """The id and every column; money as words when nobody may change it."""
        names = [field.name for field in self.opts.concrete_fields]
        chosen: Sequence[Any] = self.fields or names
        hidden = set(self.exclude or ())
        return [self._as_money(name) for name in chosen if name not in hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:
        fixed = [name for name in ("id", "created", "recorded_at", "version") if self._has(name)]
        moneys = [name for name in self.get_fields(request, obj) if callable(name)]
        return [*super().get_readonly_fields(request, obj), *fixed, *moneys]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """What belongs to a row, once there is one."""
        return super().get_inlines(request, obj) if obj is not None else ()

    def _has(self, name: str) -> bool:
        return any(field.name == name for field in self.opts.concrete_fields)

    def _as_money(self, name: Any) -> Any:
        return money(name, currency=self.currency_field) if name in self.money_fields else name


class ReadOnlyMixin:
    """Nothing is added, changed or deleted, whatever permissions somebody has."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, StaffAdmin):
    """To look at."""

    actions = None


_TOLD_FIRST = ("name", "customer", "subscription", "invoice", "product", "price", "type", "kind", "status", "merchant")
_SECRET = re.compile(r"secret|token|hash|password|_key$|^key$|ciphertext")


def plain_page(model: type[Model]) -> type[ReadOnlyAdmin]:
    """A read-only page made from the model's own columns, for a table that nobody has given one yet.

    Columns whose names speak of secrets are left out.
    """
    fields = {field.name: field for field in model._meta.concrete_fields}
    secret = [name for name in fields if _SECRET.search(name)]
    moneys = [
        name
        for name, field in fields.items()
        if "amount" in name and "currency" in fields and isinstance(field, BigIntegerField | DecimalField)
    ]
    shown = [name for name in _TOLD_FIRST if name in fields]
    related = [name for name in shown if fields[name].is_relation]
    ids = [name for name, field in fields.items() if name.endswith("_id") and not field.is_relation]
    attributes: dict[str, Any] = {
        "list_display": [
            model._meta.pk.name,
            *shown,
            *(money(name) for name in moneys[:2]),
            *(name for name in ("created",) if name in fields),
        ],
        "list_select_related": related or False,
        "money_fields": moneys,
        "exclude": secret,
        "search_fields": [f"{name}__exact" for name in ["pk", *ids]] + [f"{name}__id__exact" for name in related],
        "list_filter": [name for name in ("status", "kind", "type") if name in fields and fields[name].choices],
    }
    return type(f"{model.__name__}Admin", (ReadOnlyAdmin,), attributes)


class ReadOnlyInline(ReadOnlyMixin, TabularInline):
    """Rows that belong to the one shown, with what they point at fetched along (`select_related`)."""

    extra = 0
    max_num = 0
    can_delete = False
    select_related: Iterable[str] = ()
    show_change_link = True
    hide_title = True

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:
        return list(self.fields or ())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*self.select_related)
