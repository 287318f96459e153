"""Forms about subscription schedules."""

from django import forms
from django.utils.translation import gettext_lazy as _


class CancelScheduleForm(forms.Form):
    prorate = forms.BooleanField(label=_("Credit the unused rest of the period"), required=False, initial=True)
    invoice_now = forms.BooleanField(label=_("Invoice at once what is pending"), required=False, initial=True)
