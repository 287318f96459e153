"""What is said against a dispute."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from core.files import PURPOSES, megabytes
from dashboard.forms.fields import Layout, SectionedForm
from engine.services.disputes import MOST_CHARACTERS
from merchants.models import File
from payments.types import EVIDENCE, EVIDENCE_FILES

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
    "receipt": _("Receipt"),
    "service_documentation": _("Proof of the service"),
    "uncategorized_file": _("Any other file"),
    "customer_communication": _("Exchange with the customer"),
    "customer_signature": _("Customer's signature"),
    "cancellation_policy": _("Cancellation policy"),
    "refund_policy": _("Refund policy"),
    "duplicate_charge_documentation": _("Proof that it is no duplicate"),
    "shipping_documentation": _("Proof of shipping"),
}
_FILE = PURPOSES["dispute_evidence"]
_ACCEPTED = ",".join(f".{kind}" for kind in _FILE.kinds)
_LONG = frozenset(
    {name for name in EVIDENCE if name.endswith(("_log", "_disclosure", "_rebuttal", "_explanation"))}
) | {
    "product_description",
    "billing_address",
    "shipping_address",
    "uncategorized_text",
}


class EvidenceForm(SectionedForm):
    layout: Layout = (
        (
            _("The sale"),
            (
                "product_description",
                "service_date",
                "access_activity_log",
                "uncategorized_text",
                "receipt",
                "service_documentation",
                "uncategorized_file",
            ),
        ),
        (
            _("The customer"),
            (
                "customer_name",
                "customer_email_address",
                "customer_purchase_ip",
                "billing_address",
                "customer_communication",
                "customer_signature",
            ),
        ),
        (
            _("Cancellation and refund"),
            (
                "cancellation_policy_disclosure",
                "cancellation_rebuttal",
                "refund_policy_disclosure",
                "refund_refusal_explanation",
                "cancellation_policy",
                "refund_policy",
                "duplicate_charge_id",
                "duplicate_charge_explanation",
                "duplicate_charge_documentation",
            ),
        ),
        (
            _("Shipping"),
            (
                "shipping_carrier",
                "shipping_date",
                "shipping_tracking_number",
                "shipping_address",
                "shipping_documentation",
            ),
        ),
        (_("Submission"), ("submit",)),
    )
    submit = forms.BooleanField(
        label=_("Hand it in now: it cannot be changed afterwards"), required=False, help_text=_("Else it is only kept.")
    )

    def __init__(self, *args: Any, files_kept: Mapping[str, File | None], **kwargs: Any):
        """`files_kept`: what each kind of file holds already; None for one that only the processor has."""
        super().__init__(*args, **kwargs)
        self.files_kept = files_kept
        for name in EVIDENCE:
            widget = forms.Textarea(attrs={"rows": 3}) if name in _LONG else forms.TextInput()
            self.fields[name] = forms.CharField(
                label=LABELS[name], required=False, max_length=MOST_CHARACTERS, widget=widget
            )
        for name in EVIDENCE_FILES:
            self.fields[name] = forms.FileField(
                label=LABELS[name],
                required=False,
                allow_empty_file=True,  # the use case says what is wrong with it
                widget=forms.FileInput(attrs={"accept": _ACCEPTED}),
                help_text=_("PDF, JPEG or PNG, at most %(most)s MB.") % {"most": megabytes(_FILE.most)},
            )
        for name, kept in files_kept.items():
            known = kept.filename if kept else _("a file at the processor")
            self.fields[f"drop_{name}"] = forms.BooleanField(
                label=_("Take back “%(name)s”") % {"name": known}, required=False
            )
        self.layout = tuple((title, self._with_drops(names)) for title, names in type(self).layout)

    def _with_drops(self, names: Sequence[str]) -> tuple[str, ...]:
        drops = {name: (name, f"drop_{name}") for name in self.files_kept}
        return tuple(one for name in names for one in drops.get(name, (name,)))

    def evidence(self, kept: Mapping[str, str]) -> dict[str, str]:
        """What is said now and was not kept so yet; a text that was emptied, a file that was dropped is taken back."""
        said = {name: self.cleaned_data[name] for name in EVIDENCE if self.cleaned_data[name] != kept.get(name, "")}
        return said | {name: "" for name in self.files_kept if self.cleaned_data[f"drop_{name}"]}

    def uploads(self) -> dict[str, UploadedFile]:
        """The files that came, by what they prove."""
        return {name: self.cleaned_data[name] for name in EVIDENCE_FILES if self.cleaned_data[name]}
