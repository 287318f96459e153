"""Rows of an amount in another currency, for prices and coupons that are sold in several."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from dashboard.forms.fields import CurrencyField, MajorAmountField

ROWS = 4


def add_rows(form: forms.Form, amount: type[MajorAmountField]) -> None:
    for n in range(ROWS):
        form.fields[f"option_{n}_currency"] = CurrencyField(label=_("Currency"), required=False)
        form.fields[f"option_{n}_amount"] = amount(label=_("Amount"), required=False)


def rows_of(form: forms.Form) -> list[tuple[BoundField, BoundField]]:
    """The bound rows, for the template."""
    return [(form[f"option_{n}_currency"], form[f"option_{n}_amount"]) for n in range(ROWS)]


def clean_rows(form: forms.Form, amount: type[MajorAmountField]) -> dict[str, Any]:
    """{currency: minor units} of the rows that were filled; a row half filled, or one twice, is said beside it."""
    found: dict[str, Any] = {}
    for n in range(ROWS):
        currency, given = (form.cleaned_data.get(f"option_{n}_{name}") for name in ("currency", "amount"))
        if not currency and given is None:
            continue
        if not currency or currency in found:
            form.add_error(f"option_{n}_currency", _("Say which currency, each once."))
        elif given is None:
            form.add_error(f"option_{n}_amount", _("Say how much."))
        else:
            found[currency] = amount.minor(form, f"option_{n}_amount", currency)
    return found
