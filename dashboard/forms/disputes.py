"""What is said against a dispute."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dashboard.forms.fields import SectionedForm
from engine.services.disputes import MOST_CHARACTERS
from payments.types import EVIDENCE

LABELS = {
    "product_description": _("What was sold"),
    "customer_name": _("Customer's name"),
    "customer_email_address": _("Customer's e-mail"),
    "billing_address": _("Billing address"),
    "customer_purchase_ip": _("IP address of the purchase"),
    "service_date": _("Date of the service"),
    "access_activity_log": _("Log of access or use"),
    "cancellation_policy_disclosure": _("How the cancellation policy was shown"),
    "cancellation_rebuttal": _("Why the subscription was not canceled"),
    "refund_policy_disclosure": _("How the refund policy was shown"),
    "refund_refusal_explanation": _("Why no refund is due"),
    "duplicate_charge_explanation": _("Why it is no duplicate"),
    "duplicate_charge_id": _("Id of the other charge"),
    "shipping_address": _("Shipping address"),
    "shipping_carrier": _("Carrier"),
    "shipping_date": _("Date of shipping"),
    "shipping_tracking_number": _("Tracking number"),
    "uncategorized_text": _("Anything else"),
}
_LONG = frozenset(
    {name for name in EVIDENCE if name.endswith(("_log", "_disclosure", "_rebuttal", "_explanation"))}
) | {
    "product_description",
    "billing_address",
    "shipping_address",
    "uncategorized_text",
}


class EvidenceForm(SectionedForm):
    layout = (
        (_("The sale"), ("product_description", "service_date", "access_activity_log", "uncategorized_text")),
        (_("The customer"), ("customer_name", "customer_email_address", "customer_purchase_ip", "billing_address")),
        (
            _("Cancellation and refund"),
            (
                "cancellation_policy_disclosure",
                "cancellation_rebuttal",
                "refund_policy_disclosure",
                "refund_refusal_explanation",
                "duplicate_charge_id",
                "duplicate_charge_explanation",
            ),
        ),
        (_("Shipping"), ("shipping_carrier", "shipping_date", "shipping_tracking_number", "shipping_address")),
        (_("Submission"), ("submit",)),
    )
    submit = forms.BooleanField(
        label=_("Hand it in now: it cannot be changed afterwards"), required=False, help_text=_("Else it is only kept.")
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name in EVIDENCE:
            widget = forms.Textarea(attrs={"rows": 3}) if name in _LONG else forms.TextInput()
            self.fields[name] = forms.CharField(
                label=LABELS[name], required=False, max_length=MOST_CHARACTERS, widget=widget
            )

    def evidence(self, kept: Mapping[str, str]) -> dict[str, str]:
        """What is said now and was not kept so yet; a text that was emptied is taken back."""
        return {name: self.cleaned_data[name] for name in EVIDENCE if self.cleaned_data[name] != kept.get(name, "")}
