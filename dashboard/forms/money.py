"""Forms that move money: charge, record, refund."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.models import PaymentMethod
from dashboard.forms.fields import MajorAmountField


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

    def __init__(self, *args: Any, currency: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["amount"].label = _("Amount in %(currency)s") % {"currency": currency.upper()}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        minor = MajorAmountField.minor(self, "amount", self.currency)
        if minor is not None and minor <= 0:
            self.add_error("amount", _("The amount must be above zero."))
        cleaned["minor"] = minor
        return cleaned


class RecordPaymentForm(AmountForm):
    note = forms.CharField(
        label=_("Note"), required=False, max_length=300, help_text=_("Such as the transfer's reference.")
    )


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
