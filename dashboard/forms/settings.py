"""The merchant's own settings."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.validators import FileExtensionValidator
from django.utils.html import escape
from django.utils.translation import get_language, gettext_lazy as _

from core.descriptors import shown_on_statement
from customers.rules import country_choices
from dashboard.forms.fields import SectionedForm
from merchants.models import InvoiceNumbering, ProrationDiscounts, TaxRounding, UnpaidProration

LOGO_BYTES_MAX = 512 * 1024
GRACES = ((0, _("at once")), (3600, _("after one hour")), (86400, _("after one day")))


class SettingsForm(SectionedForm):
    layout = (
        (_("Shop"), ("name", "support_email", "support_url", "timezone", "locale", "statement_descriptor")),
        (_("Brand"), ("brand_color", "logo")),
        (
            _("Invoices"),
            (
                "finalization_grace_seconds",
                "default_days_until_due",
                "prefix",
                "next_number",
                "invoice_numbering",
                "tax_rounding",
                "unpaid_proration",
                "proration_discounts",
            ),
        ),
        (
            _("Seller on the paper"),
            ("legal_name", "line1", "line2", "city", "state", "postal_code", "country", "registrations", "footer"),
        ),
        (_("Bank transfers"), ("bank_details",)),
    )
    name = forms.CharField(label=_("Name"), max_length=200)
    support_email = forms.EmailField(label=_("E-mail for subscribers"), required=False)
    support_url = forms.URLField(label=_("Help page"), required=False, assume_scheme="https")
    timezone = forms.ChoiceField(label=_("Time zone"), help_text=_("Periods of new subscriptions begin and end by it."))
    locale = forms.ChoiceField(label=_("Language of mails and invoices"))
    statement_descriptor = forms.CharField(
        label=_("On the card statement"), required=False, max_length=22, help_text=_("5 to 22 characters.")
    )
    brand_color = forms.CharField(label=_("Colour"), widget=forms.TextInput(attrs={"type": "color"}))
    logo = forms.ImageField(
        label=_("Logo"),
        required=False,
        validators=[FileExtensionValidator(["png", "jpg", "jpeg", "webp", "gif"])],
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
        help_text=_("PNG, JPEG or WebP, at most 512 KB."),
    )
    finalization_grace_seconds = forms.TypedChoiceField(label=_("Drafts of renewals are finalized"), coerce=int)
    default_days_until_due = forms.IntegerField(label=_("Days until due"), min_value=0, max_value=365)
    prefix = forms.RegexField(r"^[A-Za-z0-9/-]{1,20}$", label=_("Number prefix"))  # type: ignore[assignment]
    next_number = forms.IntegerField(label=_("Next number"), min_value=1, help_text=_("Numbers only go up."))
    invoice_numbering = forms.ChoiceField(
        label=_("Invoices are numbered in"),
        choices=InvoiceNumbering.choices,
        help_text=_("A customer’s own prefix and next number are on the customer’s page."),
    )
    tax_rounding = forms.ChoiceField(label=_("Tax is rounded"), choices=TaxRounding.choices)
    unpaid_proration = forms.ChoiceField(label=_("Credit for time not yet paid"), choices=UnpaidProration.choices)
    proration_discounts = forms.ChoiceField(
        label=_("Discounts of prorations are shown"), choices=ProrationDiscounts.choices
    )
    legal_name = forms.CharField(label=_("Legal name"), max_length=200)
    line1 = forms.CharField(label=_("Street address"), required=False, max_length=200)
    line2 = forms.CharField(label=_("Suite, floor"), required=False, max_length=200)
    city = forms.CharField(label=_("City"), required=False, max_length=100)
    state = forms.CharField(label=_("Province or state"), required=False, max_length=100)
    postal_code = forms.CharField(label=_("Postal code"), required=False, max_length=20)
    country = forms.ChoiceField(label=_("Country"))
    registrations = forms.CharField(
        label=_("Tax registrations"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line: the kind, a space, the number. Such as: ca_gst_hst 123456789RT0001"),
    )
    footer = forms.CharField(label=_("Footer of invoices"), required=False, widget=forms.Textarea(attrs={"rows": 2}))

    bank_details = forms.CharField(
        label=_("Account that transfers go to"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "One fact a line, such as: IBAN: FR76 3000 6000 0112 3456 7890 189. Printed with a reference on invoices"
            " that are sent to be paid; empty, none of them speaks of transfers."
        ),
    )

    MERCHANT = (
        "name",
        "support_email",
        "support_url",
        "timezone",
        "locale",
        "statement_descriptor",
        "brand_color",
        "finalization_grace_seconds",
        "default_days_until_due",
        "tax_rounding",
        "unpaid_proration",
        "proration_discounts",
        "invoice_numbering",
    )
    ENTITY = ("legal_name", "line1", "line2", "city", "state", "postal_code", "country", "footer", "bank_details")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices: dict[str, Any] = {
            "timezone": [(zone, zone) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"],
            "locale": list(settings.LANGUAGES),
            "country": country_choices(get_language() or "en"),
            "finalization_grace_seconds": self._graces(),
        }
        for name, values in choices.items():
            self.fields[name].choices = values  # type: ignore[attr-defined]
        shown = shown_on_statement(self.initial.get("statement_descriptor") or "")
        if shown:
            self.fields["statement_descriptor"].help_text = _("The bank shows: %(text)s") % {"text": escape(shown)}

    def _graces(self) -> list[tuple[int, Any]]:
        own = self.initial.get("finalization_grace_seconds")
        known = dict(GRACES)
        extra = [] if own is None or own in known else [(own, _("after %(seconds)s seconds") % {"seconds": own})]
        return [*GRACES, *extra]

    def clean_logo(self) -> Any:
        logo = self.cleaned_data.get("logo")
        if logo and logo.size > LOGO_BYTES_MAX:
            raise forms.ValidationError(_("The picture is larger than 512 KB."))
        return logo

    def clean_registrations(self) -> list[dict[str, str]]:
        found = []
        for line in self.cleaned_data["registrations"].splitlines():
            kind, _space, value = line.strip().partition(" ")
            if kind and not value.strip():
                raise forms.ValidationError(_("“%(line)s” has a kind or a number, not both."), params={"line": line})
            if kind:
                found.append({"type": kind, "value": value.strip()})
        return found

    def merchant_fields(self) -> dict[str, Any]:
        fields = {name: self.cleaned_data[name] for name in self.MERCHANT}
        return fields | ({"logo": self.cleaned_data["logo"]} if self.cleaned_data.get("logo") else {})

    def entity_fields(self) -> dict[str, Any]:
        fields = {name: self.cleaned_data[name] for name in self.ENTITY}
        return fields | {"tax_registrations": self.cleaned_data["registrations"]}
