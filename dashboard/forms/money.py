"""Forms that move money: charge, record, refund."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import TaxRate
from customers.models import PaymentMethod
from dashboard.forms.fields import MajorAmountField
from subscriptions.models import CollectionMethod


class ChargeNowForm(forms.Form):
    payment_method = forms.ChoiceField(label=_("Payment method"), required=False)

    def __init__(self, *args: Any, methods: Sequence[PaymentMethod], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["payment_method"].choices = [  # type: ignore[attr-defined]
            ("", _("the one on file")),
            *((method.pk, str(method)) for method in methods),
        ]


class AmountForm(forms.Form):
    """An amount above zero in a known currency; `minor` is what use cases take."""

    amount = MajorAmountField(label=_("Amount"))
    refusal = _("The amount must be above zero.")

    def __init__(self, *args: Any, currency: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["amount"].label = _("Amount in %(currency)s") % {"currency": currency.upper()}

    def may_be(self, minor: int) -> bool:
        return minor > 0

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        minor = MajorAmountField.minor(self, "amount", self.currency)
        if minor is not None and not self.may_be(minor):
            self.add_error("amount", self.refusal)
        cleaned["minor"] = minor
        return cleaned


class PendingAmountForm(AmountForm):
    description = forms.CharField(label=_("Description"), max_length=250, help_text=_("Printed on the invoice."))
    refusal = _("The amount must not be zero.")

    def may_be(self, minor: int) -> bool:
        return minor != 0


class InvoiceNowForm(forms.Form):
    collection_method = forms.ChoiceField(label=_("Collection"), choices=CollectionMethod.choices)
    tax_rate_ids = forms.MultipleChoiceField(label=_("Tax rates"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, tax_rates: Sequence[TaxRate], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["tax_rate_ids"].choices = [(rate.pk, str(rate)) for rate in tax_rates]  # type: ignore[attr-defined]


class RecordPaymentForm(AmountForm):
    received_on = forms.DateField(
        label=_("Received on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Blank: now."),
    )
    reference = forms.CharField(
        label=_("Reference"), required=False, max_length=100, help_text=_("As it stands on the bank's statement.")
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=300)

    @staticmethod
    def field_of_param(param: str) -> str:
        return "received_on" if param == "received_at" else param


class RefundForm(AmountForm):
    reason = forms.ChoiceField(
        label=_("Reason"),
        required=False,
        choices=(
            ("", "–"),
            ("requested_by_customer", _("asked for by the customer")),
            ("duplicate", _("charged twice")),
            ("fraudulent", _("fraud")),
        ),
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=300)
