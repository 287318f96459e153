"""What pays an invoice: something stored, or something new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.models import PaymentMethod
from payments.rules import INSTRUMENTS
from portal.forms.checkout import InstrumentForm
from portal.wording import expiry_words, look_of, method_words

NEW = "new"


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A radio card of something stored."""

    id: str
    words: str
    expiry: str
    brand: str
    checked: bool


class PayForm(InstrumentForm):
    """`method` is a stored one's id or "new", and then `instrument` says what is new."""

    method = forms.ChoiceField(label=_("Pay with"), widget=forms.RadioSelect)

    def __init__(
        self,
        *args: Any,
        methods: list[PaymentMethod],
        default_id: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.stored, self.takes_new = methods, self.way == INSTRUMENTS
        known = {method.id for method in methods}
        new = [(NEW, _("Something else"))] if self.takes_new else []
        choices = [*((method.id, method_words(method)) for method in methods), *new]
        self.fields["method"].choices = choices  # type: ignore[attr-defined]
        first = methods[0].id if methods else NEW
        self.fields["method"].initial = default_id if default_id in known else first
        if self.takes_new:
            self.fields["instrument"].required = False

    def stored_cards(self) -> list[StoredCard]:
        chosen = self["method"].value()
        return [
            StoredCard(method.id, method_words(method), expiry_words(method), look_of(method), method.id == chosen)
            for method in self.stored
        ]

    @property
    def new_is_chosen(self) -> bool:
        return self["method"].value() == NEW

    def stored_method_id(self) -> str:
        method = self.cleaned_data["method"]
        return "" if method == NEW else method

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (
            self.takes_new
            and data.get("method") == NEW
            and not data.get("instrument")
            and "instrument" not in self.errors
        ):
            self.add_error("instrument", _("Choose what to pay with."))
        return data
