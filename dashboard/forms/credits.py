"""What is credited of an invoice: an amount, or some of its lines, and where what was paid goes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext, gettext_lazy as _

from dashboard.forms.fields import MajorAmountField
from invoicing.rules.credit_notes import CreditedLineRequest, CreditNoteRequest, LineLeft

AMOUNT, LINES = "amount", "lines"


class CreditForm(forms.Form):
    by = forms.ChoiceField(
        label=_("What is credited"),
        choices=((AMOUNT, _("an amount, taxes included")), (LINES, _("lines"))),
        widget=forms.RadioSelect,
        required=False,
    )
    amount = MajorAmountField(label=_("Amount"), required=False)
    destination = forms.ChoiceField(
        label=_("What was paid already goes"),
        choices=(
            ("refund_amount", _("back to the card or account")),
            ("credit_amount", _("to the customer's balance")),
            ("out_of_band_amount", _("back another way, outside Ostinato")),
        ),
        widget=forms.RadioSelect,
        initial="refund_amount",
    )
    reason = forms.ChoiceField(
        label=_("Reason"),
        required=False,
        choices=(
            ("", "–"),
            ("duplicate", _("charged twice")),
            ("fraudulent", _("fraud")),
            ("order_change", _("the order changed")),
            ("product_unsatisfactory", _("not satisfied")),
        ),
    )
    memo = forms.CharField(label=_("Note"), required=False, max_length=500, help_text=_("Printed on the credit note."))

    def __init__(self, *args: Any, currency: str, lines: Sequence[LineLeft], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.lines = [line for line in lines if line.amount > 0]
        self.fields["amount"].label = _("Amount in %(currency)s") % {"currency": currency.upper()}
        for line in self.lines:
            self.fields[f"line_{line.id}"] = forms.BooleanField(label=line.description or line.id, required=False)
            if line.quantity > 1:
                self.fields[f"quantity_{line.id}"] = forms.IntegerField(
                    label=_("Quantity"), required=False, min_value=1, widget=forms.NumberInput(attrs={"min": 1})
                )
            self.fields[f"amount_{line.id}"] = MajorAmountField(label=_("Amount"), required=False)

    def rows(self) -> list[tuple[LineLeft, BoundField, BoundField | None, BoundField]]:
        """(line, whether it is credited, how many units, or how much) of each line, for the template."""
        return [
            (
                line,
                self[f"line_{line.id}"],
                self[f"quantity_{line.id}"] if f"quantity_{line.id}" in self.fields else None,
                self[f"amount_{line.id}"],
            )
            for line in self.lines
        ]

    @property
    def is_by_lines(self) -> bool:
        return self.cleaned_data.get("by") == LINES

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.is_by_lines:
            cleaned["lines"] = tuple(one for line in self.lines if (one := self._asked(line)))
            if not cleaned["lines"] and not self.errors:
                self.add_error(None, gettext("Choose at least one line."))
        elif cleaned.get("amount") is None:
            if "amount" not in self.errors:
                self.add_error("amount", gettext("Say how much."))
        else:
            cleaned["minor"] = MajorAmountField.minor(self, "amount", self.currency)
        return cleaned

    def _asked(self, line: LineLeft) -> CreditedLineRequest | None:
        """A line that is ticked alone is credited whole; a quantity or an amount says how much of it."""
        data = self.cleaned_data
        quantity = data.get(f"quantity_{line.id}")
        amount = MajorAmountField.minor(self, f"amount_{line.id}", self.currency)
        if quantity is not None and amount is not None:
            self.add_error(f"amount_{line.id}", gettext("Either a quantity or an amount."))
        if quantity is None and amount is None and not data.get(f"line_{line.id}"):
            return None
        return CreditedLineRequest(line.id, amount=amount, quantity=quantity)

    def credit_request(self) -> CreditNoteRequest:
        data = self.cleaned_data
        what: dict[str, Any] = {"lines": data["lines"]} if self.is_by_lines else {"amount": data["minor"]}
        return CreditNoteRequest(**what, rest_to=data["destination"])

    def field_of_param(self, param: str) -> str:
        """The rule's words for what is typed here; what it says of lines stands above the form."""
        if param == "refund_amount":
            return "destination"
        return "" if self.is_by_lines else param
