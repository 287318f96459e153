"""Another plan or another quantity for one item of a subscription."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from engine.rules.checkout import MOST_AT_ONCE
from portal.forms.address import PaperForm
from portal.plans import Plan


class ChangeForm(PaperForm):
    """`at` is the instant that was previewed: confirming charges what was shown."""

    price = forms.ChoiceField(label=_("Plan"), widget=forms.RadioSelect)
    quantity = forms.IntegerField(
        label=_("Quantity"),
        min_value=1,
        max_value=MOST_AT_ONCE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    at = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, plans: list[Plan], fixed_quantity: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["quantity"].disabled = fixed_quantity
        self.plans = plans
        self.fields["price"].choices = [(plan.price_id, plan.name) for plan in plans]  # type: ignore[attr-defined]

    def chosen_price(self) -> str:
        return str(self["price"].value() or "")
