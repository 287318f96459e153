"""Forms about a draft's lines: added, changed, taken off."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from catalog.models import Price
from core.errors import OstinatoError
from core.money import currency_exponent, parse_unit_amount
from dashboard.forms.fields import LocalDecimalField
from dashboard.forms.sales import price_label
from engine.types.items import InvoiceItemChange, InvoiceItemRequest


class LineWordsForm(forms.Form):
    """Of a line that a subscription bills only the words can be changed."""

    description = forms.CharField(label=_("Description"), max_length=500, help_text=_("Printed on the invoice."))

    def change(self) -> InvoiceItemChange:
        return InvoiceItemChange(description=self.cleaned_data["description"])


class DraftLineForm(forms.Form):
    """A line: so many of a one-time price, or so many at an amount each (below zero: a credit)."""

    price_id = forms.ChoiceField(label=_("One-time price"), required=False)
    unit_amount = LocalDecimalField(required=False)
    quantity = forms.IntegerField(label=_("Quantity"), min_value=0, initial=1)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=500, help_text=_("Printed on the invoice.")
    )

    def __init__(self, *args: Any, currency: str, prices: Sequence[Price] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["unit_amount"].label = _("Amount each, in %(currency)s") % {"currency": currency.upper()}
        choices = [("", "–"), *((price.pk, price_label(price)) for price in prices)]
        self.fields["price_id"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["unit"] = self._unit(cleaned.get("unit_amount"))
        if cleaned.get("price_id") and cleaned["unit"] is not None and "unit_amount" in self.changed_data:
            self.add_error("unit_amount", _("Either a price or an amount."))
        return cleaned

    def _unit(self, amount: Decimal | None) -> Decimal | None:
        """In minor units, fractions of them too."""
        if amount is None:
            return None
        try:
            return parse_unit_amount(amount.scaleb(currency_exponent(self.currency)))
        except OstinatoError as error:
            self.add_error("unit_amount", gettext(error.message_id) % error.params)
            return None

    def line(self) -> InvoiceItemRequest:
        data = self.cleaned_data
        return InvoiceItemRequest(
            unit_amount_decimal=None if data["price_id"] else data["unit"],
            price_id=data["price_id"],
            quantity=data["quantity"],
            description=data["description"],
        )

    def change(self) -> InvoiceItemChange:
        """Only what differs from the line as it is: an amount that is left alone stays to the cent."""
        data, touched = self.cleaned_data, set(self.changed_data)
        return InvoiceItemChange(
            price_id=(data["price_id"] or None) if "price_id" in touched else None,
            unit_amount_decimal=data["unit"] if "unit_amount" in touched else None,
            quantity=data["quantity"] if touched & {"quantity", "price_id", "unit_amount"} else None,
            description=data["description"] if "description" in touched else None,
        )

    @staticmethod
    def field_of_param(param: str) -> str:
        names = {"amount": "unit_amount", "unit_amount_decimal": "unit_amount", "price": "price_id"}
        return names.get(param, param)


class RemoveLineForm(forms.Form):
    what = forms.ChoiceField(
        label=_("What becomes of it"),
        choices=(
            ("waits", _("it waits for the next invoice")),
            ("gone", _("it is never billed")),
        ),
        widget=forms.RadioSelect,
        initial="waits",
    )
