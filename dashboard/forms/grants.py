"""Granting credit to a customer."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import Price
from customers.models import GrantCategory
from dashboard.forms.fields import CurrencyField, MajorAmountField, SectionedForm, local_moment
from dashboard.forms.sales import price_label


class ChangeGrantForm(forms.Form):
    name = forms.CharField(label=_("Name"), required=False, max_length=100, help_text=_("Such as “Welcome credit”."))
    expires_at = local_moment(label=_("Expires"), required=False, help_text=_("Empty: never."))


class CreditGrantForm(SectionedForm):
    layout = (
        (_("Credit"), ("name", "amount", "currency", "category")),
        (_("When and in which order"), ("priority", "effective_at", "expires_at")),
        (_("For what"), ("price_ids",)),
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=100, help_text=_("Such as “Welcome credit”."))
    amount = MajorAmountField(label=_("Amount"))
    currency = CurrencyField()
    category = forms.ChoiceField(label=_("Kind"), choices=GrantCategory.choices, initial=GrantCategory.PROMOTIONAL)
    priority = forms.IntegerField(label=_("Priority"), initial=50, help_text=_("0 is spent first, 100 last."))
    effective_at = local_moment(label=_("From"), required=False, help_text=_("Empty: at once."))
    expires_at = local_moment(label=_("Expires"), required=False, help_text=_("Empty: never."))
    price_ids = forms.MultipleChoiceField(
        label=_("Prices"),
        required=False,
        help_text=_("None chosen: every metered price."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, prices: Sequence[Price] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["price_ids"].choices = [(p.pk, price_label(p)) for p in prices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["minor"] = MajorAmountField.minor(self, "amount", cleaned.get("currency", ""))
        return cleaned

    def grant_fields(self) -> dict[str, Any]:
        names = ("name", "currency", "category", "priority", "effective_at", "expires_at", "price_ids")
        return {name: self.cleaned_data[name] for name in names} | {"amount": self.cleaned_data["minor"]}
