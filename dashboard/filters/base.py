"""Search and choices that every list's filter bar is made of."""

from functools import reduce
from operator import or_
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

FROM, TO = _("From"), _("To")


class ListFilter(django_filters.FilterSet):
    """`q` looks into `search_fields`; an id pasted whole finds its row."""

    search_fields: tuple[str, ...] = ()
    placeholder = _("Search")
    q = django_filters.CharFilter(
        method="search", label=_("Search"), widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"})
    )

    def search(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        text = value.strip()
        matches = [Q(**{f"{field}__icontains": text}) for field in self.search_fields]
        return queryset.filter(reduce(or_, matches, Q(pk=text))) if text else queryset


def choice(label: Any, choices: Any, **kwargs: Any) -> django_filters.ChoiceFilter:
    """A drop-down whose empty choice is its label."""
    return django_filters.ChoiceFilter(
        label=label,
        choices=choices,
        empty_label=label,
        widget=forms.Select(attrs={"class": "form-select", "aria-label": label}),
        **kwargs,
    )


def yes_no(label: Any, yes: Any, no: Any, **kwargs: Any) -> django_filters.TypedChoiceFilter:
    return django_filters.TypedChoiceFilter(
        label=label,
        choices=(("", label), ("1", yes), ("0", no)),
        coerce=lambda text: text == "1",
        widget=forms.Select(attrs={"class": "form-select", "aria-label": label}),
        **kwargs,
    )


def date_from(label: Any = FROM) -> django_filters.DateFilter:
    return _date(label, "gte")


def date_to(label: Any = TO) -> django_filters.DateFilter:
    return _date(label, "lte")


def _date(label: Any, lookup: str) -> django_filters.DateFilter:
    return django_filters.DateFilter(
        field_name="created",
        lookup_expr=f"date__{lookup}",
        label=label,
        widget=forms.DateInput(attrs={"type": "date", "class": "form-control", "aria-label": label, "title": label}),
    )
