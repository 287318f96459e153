"""Forms about customers."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language, gettext_lazy as _

from customers.models import TaxExempt, TestClock
from customers.rules import country_choices, tax_id_types
from dashboard.forms.fields import CurrencyField, MajorAmountField, SectionedForm
from payments.gateways.sandbox_instruments import instrument_choices

BLANK = [("", "–")]


class CustomerForm(SectionedForm):
    layout = (
        (_("Who"), ("name", "email", "phone", "preferred_locale", "currency", "test_clock_id", "description")),
        (_("Address"), ("line1", "line2", "city", "state", "postal_code", "country")),
        (_("Tax"), ("tax_exempt", "tax_id_type", "tax_id_value")),
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=250)
    email = forms.CharField(label=_("E-mail"), max_length=512, widget=forms.EmailInput)
    phone = forms.CharField(label=_("Telephone"), required=False, max_length=40)
    preferred_locale = forms.ChoiceField(
        label=_("Language"), required=False, help_text=_("Of invoices and mails; the merchant's when empty.")
    )
    currency = CurrencyField(required=False, help_text=_("Fixed by the first invoice."))
    test_clock_id = forms.ChoiceField(label=_("Test clock"), required=False)
    description = forms.CharField(label=_("Notes"), required=False, max_length=350)
    line1 = forms.CharField(label=_("Street address"), required=False, max_length=200)
    line2 = forms.CharField(label=_("Apartment, suite"), required=False, max_length=200)
    city = forms.CharField(label=_("City"), required=False, max_length=100)
    state = forms.CharField(label=_("Province or state"), required=False, max_length=100)
    postal_code = forms.CharField(label=_("Postal code"), required=False, max_length=20)
    country = forms.ChoiceField(label=_("Country"), required=False)
    tax_exempt = forms.ChoiceField(label=_("Tax status"), choices=TaxExempt.choices, initial=TaxExempt.NONE)
    tax_id_type = forms.ChoiceField(label=_("Kind of tax number"), required=False)
    tax_id_value = forms.CharField(label=_("Tax number"), required=False, max_length=50)

    def __init__(self, *args: Any, clocks: list[TestClock] | None = None, new: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._choices("preferred_locale", list(settings.LANGUAGES))
        self._choices("country", country_choices(get_language() or "en"))
        self._choices("tax_id_type", [(t, t) for t in tax_id_types(self.initial.get("country", ""))])
        self._choices("test_clock_id", [(clock.pk, str(clock)) for clock in clocks or []])
        if not new:  # set once, or by acts of their own
            for name in ("currency", "test_clock_id", "tax_id_type", "tax_id_value"):
                del self.fields[name]
        elif not clocks:
            del self.fields["test_clock_id"]

    def _choices(self, name: str, choices: list) -> None:
        self.fields[name].choices = [*BLANK, *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("tax_id_value") and not cleaned.get("tax_id_type"):
            self.add_error("tax_id_type", _("Say which kind of number it is."))
        return cleaned


class TaxIdForm(forms.Form):
    type = forms.ChoiceField(label=_("Kind of tax number"))
    value = forms.CharField(label=_("Tax number"), max_length=50)

    def __init__(self, *args: Any, country: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["type"].choices = [(t, t) for t in tax_id_types(country)]  # type: ignore[attr-defined]


class NumbersForm(forms.Form):
    prefix = forms.RegexField(  # type: ignore[assignment]
        r"^[A-Z0-9]{3,12}$", label=_("Number prefix"), help_text=_("3 to 12 capital letters or digits.")
    )
    next_number = forms.IntegerField(label=_("Next number"), min_value=1, help_text=_("Numbers only go up."))


class BalanceForm(forms.Form):
    direction = forms.ChoiceField(
        label=_("What to do"),
        choices=(("credit", _("Give credit: the next invoices are lower")), ("debit", _("Add to what is owed"))),
        widget=forms.RadioSelect,
        initial="credit",
    )
    amount = MajorAmountField(label=_("Amount"))
    description = forms.CharField(label=_("Why"), required=False, max_length=350)

    def __init__(self, *args: Any, currency: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["amount"].label = _("Amount in %(currency)s") % {"currency": currency.upper()}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        minor = MajorAmountField.minor(self, "amount", self.currency)
        if minor is not None and minor <= 0:
            self.add_error("amount", _("The amount must be above zero."))
        elif minor is not None:
            # Stripe's sign: a negative balance is credit.
            cleaned["signed_amount"] = -minor if cleaned.get("direction") == "credit" else minor
        return cleaned


class InstrumentForm(forms.Form):
    instrument = forms.ChoiceField(label=_("Test instrument"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["instrument"].choices = instrument_choices()  # type: ignore[attr-defined]
