"""What a subscriber changes in the portal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from customers.models import Customer
from customers.rules import MAX_LENGTHS, tax_id_types
from customers.types import CustomerFields
from portal.forms.address import ADDRESS_FIELDS, AddressForm, PaperForm

TAX_ID_WORDS: dict[str, str | Promise] = {
    "ca_gst_hst": _("GST/HST number (Canada)"),
    "ca_qst": _("QST number (Quebec)"),
    "ca_bn": _("Business number (Canada)"),
    "ca_pst_bc": _("PST number (British Columbia)"),
    "ca_pst_mb": _("PST number (Manitoba)"),
    "ca_pst_sk": _("PST number (Saskatchewan)"),
    "us_ein": _("EIN (United States)"),
    "eu_vat": _("VAT number (European Union)"),
    "gb_vat": _("VAT number (United Kingdom)"),
    "ch_vat": _("VAT number (Switzerland)"),
    "no_vat": _("VAT number (Norway)"),
    "au_abn": _("ABN (Australia)"),
    "nz_gst": _("GST number (New Zealand)"),
}


def tax_id_word(type_: str) -> str | Promise:
    """The number's name; for the many rare ones its type, which those who have it recognise."""
    if type_ in TAX_ID_WORDS:
        return TAX_ID_WORDS[type_]
    country, _underscore, kind = type_.partition("_")
    return f"{country.upper()} {kind.upper()}"


class AskForLinkForm(PaperForm):
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=MAX_LENGTHS["email"],
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


class DetailsForm(AddressForm):
    """Name and address as they are printed on invoices."""

    name = forms.CharField(
        label=_("Full name"), max_length=MAX_LENGTHS["name"], widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=MAX_LENGTHS["phone"],
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
    )
    preferred_locale = forms.ChoiceField(label=_("Language of invoices and messages"), choices=settings.LANGUAGES)
    field_order = ("name", *ADDRESS_FIELDS, "phone", "preferred_locale")

    def __init__(self, *args: Any, fixed: Sequence[str] = (), **kwargs: Any) -> None:
        """`fixed` fields are shown and stay as they are, whatever is sent."""
        super().__init__(*args, **kwargs)
        for name in fixed:
            self.fields[name].disabled = True
        # Another country has other fields: they are exchanged at once, or by the save button without scripts.
        self.fields["country"].widget.attrs |= {
            "hx-post": reverse("portal_account_address"),
            "hx-target": "#address",
            "hx-swap": "outerHTML",
            "hx-include": "#details-form",
        }

    @classmethod
    def initial_of(cls, customer: Customer) -> dict[str, Any]:
        return {name: getattr(customer, name) for name in cls.base_fields}

    def fields_to_write(self) -> CustomerFields:
        return cast(CustomerFields, {name: self.cleaned_data.get(name, "") for name in self.base_fields})


class TaxIdForm(PaperForm):
    type = forms.ChoiceField(label=_("Kind of number"))
    value = forms.CharField(label=_("Number"), max_length=60)

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(type_, tax_id_word(type_)) for type_ in tax_id_types(country)]
        self.fields["type"].choices = choices  # type: ignore[attr-defined]


class CancelForm(PaperForm):
    """Why somebody leaves, in Stripe's words for it, so that the merchant can count them."""

    feedback = forms.ChoiceField(
        label=_("Why are you leaving?"),
        required=False,
        widget=forms.RadioSelect,
        choices=[
            ("too_expensive", _("It is too expensive")),
            ("missing_features", _("Something I need is missing")),
            ("switched_service", _("I found something else")),
            ("unused", _("I do not use it enough")),
            ("customer_service", _("The customer service")),
            ("too_complex", _("It is too complicated")),
            ("low_quality", _("The quality")),
            ("other", pgettext_lazy("reason to leave", "Another reason")),
        ],
    )
    comment = forms.CharField(
        label=_("Anything to add?"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, reasons: Sequence[str], **kwargs: Any) -> None:
        """`reasons` are those that may be given; without any nobody is asked."""
        super().__init__(*args, **kwargs)
        if not reasons:
            del self.fields["feedback"], self.fields["comment"]
            return
        feedback = self.fields["feedback"]
        feedback.choices = [one for one in feedback.choices if one[0] in reasons]  # type: ignore[attr-defined]
