"""Another plan or another quantity for one item of a subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from engine.rules.checkout import MOST_AT_ONCE
from portal.forms.address import PaperForm
from portal.plans import Plan


class ConfirmForm(PaperForm):
    """`at` is the instant that was previewed: confirming charges what was shown."""

    at = forms.DateTimeField(required=False, widget=forms.HiddenInput)


class ChangeForm(ConfirmForm):
    """`bounds_of` gives the quantities that may be chosen of a price; None: it stays what it is."""

    price = forms.ChoiceField(label=_("Plan"), widget=forms.RadioSelect)
    quantity = forms.IntegerField(
        label=_("Quantity"),
        min_value=1,
        max_value=MOST_AT_ONCE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(
        self,
        *args: Any,
        plans: list[Plan],
        bounds_of: Callable[[str], tuple[int, int | None] | None],
        quantity_now: int,
        fixed_quantity: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.bounds_of, self.quantity_now = bounds_of, quantity_now
        self.fields["quantity"].disabled = fixed_quantity
        self.plans = plans
        self.fields["price"].choices = [(plan.price_id, plan.name) for plan in plans]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        price, quantity = cleaned.get("price"), cleaned.get("quantity")
        if price and quantity and quantity != self.quantity_now:
            bounds = self.bounds_of(price)
            if bounds is None:
                self.add_error("quantity", gettext("The quantity of this plan cannot be changed here."))
            elif not bounds[0] <= quantity <= (bounds[1] or quantity):
                self.add_error("quantity", self._outside(*bounds))
        return cleaned

    @staticmethod
    def _outside(least: int, most: int | None) -> str:
        if most is None:
            return gettext("Choose %(least)s or more.") % {"least": least}
        return gettext("Choose from %(least)s to %(most)s.") % {"least": least, "most": most}

    def chosen_price(self) -> str:
        return str(self["price"].value() or "")
