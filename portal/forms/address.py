"""An address, country first: the country decides whether a region comes from a list and what its code is called."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy as _

from customers.rules import MAX_LENGTHS, country_choices
from portal.regions import postal_word, region_choices, region_word

ADDRESS_FIELDS = ("country", "line1", "line2", "city", "state", "postal_code")


class PaperForm(forms.Form):
    """Bootstrap's classes, and errors that a screen reader meets with their field."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            self.dress(field)

    def dress(self, field: forms.Field) -> None:
        if isinstance(field.widget, forms.Select) and not isinstance(field.widget, forms.RadioSelect):
            field.widget.attrs.setdefault("class", "form-select")
        elif isinstance(field.widget, forms.CheckboxInput):
            field.widget.attrs.setdefault("class", "form-check-input")
        elif not isinstance(field.widget, forms.RadioSelect | forms.HiddenInput):
            field.widget.attrs.setdefault("class", "form-control")

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error)
        if field in self.fields:  # also for a service's refusal, which comes after validation
            self.fields[field].widget.attrs["aria-invalid"] = "true"

    def focus_first_error(self) -> None:
        """The page opens at what is wrong: without it a reader of a long form sees nothing happen."""
        wrong = next((field for field in self.fields if field in self.errors), None)
        for name, field in self.fields.items():
            field.widget.attrs.pop("autofocus", None)
            if name == wrong:
                field.widget.attrs["autofocus"] = True

    def forget_errors(self, *, but: str = "") -> None:
        """Nobody pressed the button yet: of a form half filled in, at most one field is answered."""
        kept = self.errors.get(but)
        self._errors = type(self.errors)()
        for field in self.fields.values():
            field.widget.attrs.pop("aria-invalid", None)
        for message in kept or ():
            self.add_error(but, message)


class AddressForm(PaperForm):
    """Where the customer is. Which parts are asked follows the country of the request itself."""

    country = forms.ChoiceField(label=_("Country"), widget=forms.Select(attrs={"autocomplete": "country"}))
    line1 = forms.CharField(
        label=_("Address"),
        max_length=MAX_LENGTHS["line1"],
        widget=forms.TextInput(attrs={"autocomplete": "address-line1"}),
    )
    line2 = forms.CharField(
        label=_("Apartment, suite"),
        required=False,
        max_length=MAX_LENGTHS["line2"],
        widget=forms.TextInput(attrs={"autocomplete": "address-line2"}),
    )
    city = forms.CharField(
        label=_("City"),
        max_length=MAX_LENGTHS["city"],
        widget=forms.TextInput(attrs={"autocomplete": "address-level2"}),
    )
    state = forms.CharField(
        label=_("State or province"),
        required=False,
        max_length=MAX_LENGTHS["state"],
        widget=forms.TextInput(attrs={"autocomplete": "address-level1"}),
    )
    postal_code = forms.CharField(
        label=_("Postal code"),
        max_length=MAX_LENGTHS["postal_code"],
        widget=forms.TextInput(attrs={"autocomplete": "postal-code"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        countries = country_choices(get_language() or "en")
        self.fields["country"].choices = countries  # type: ignore[attr-defined]
        self.country_code = str(self["country"].value() or "")
        self._fit_to_country()

    def _fit_to_country(self) -> None:
        country = self.country_code
        regions = region_choices(country)
        if regions:
            self.fields["state"] = forms.ChoiceField(
                label=region_word(country),  # type: ignore[arg-type]
                choices=[("", "—"), *regions],
                widget=forms.Select(attrs={"autocomplete": "address-level1", "class": "form-select"}),
            )
        else:
            self.fields["state"].label = region_word(country)  # type: ignore[assignment]
        self.fields["postal_code"].label = postal_word(country)  # type: ignore[assignment]
        # Where no postal codes exist nobody must invent one.
        self.fields["postal_code"].required = country in _POSTAL_CODE_NEEDED


_POSTAL_CODE_NEEDED = frozenset(
    {"CA", "US", "GB", "FR", "DE", "BE", "CH", "LU", "ES", "IT", "PT", "NL", "AT", "AU", "JP", "SE", "DK", "NO", "FI"}
)
