"""Forms about meters."""

from django import forms
from django.utils.translation import gettext_lazy as _

FORMULA_WORDS = {
    "sum": _("sum of the values"),
    "count": _("number of events"),
    "max": _("highest value"),
    "last": _("last value"),
    "unique": _("different values"),
}


class MeterForm(forms.Form):
    display_name = forms.CharField(label=_("Name"), max_length=250)
    event_name = forms.CharField(
        label=_("Event name"), max_length=100, help_text=_("What your systems report, such as api_request.")
    )
    formula = forms.ChoiceField(label=_("What counts"), choices=list(FORMULA_WORDS.items()), initial="sum")
    customer_key = forms.CharField(label=_("Payload key of the customer"), max_length=100, initial="stripe_customer_id")
    value_key = forms.CharField(label=_("Payload key of the value"), max_length=100, initial="value")


class MeterEditForm(forms.Form):
    display_name = forms.CharField(label=_("Name"), max_length=250)
