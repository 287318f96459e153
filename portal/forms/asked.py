"""What a merchant asks on its checkout beside who buys: a phone number, fields of its own, its terms of service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from catalog.page_terms import LENGTH_MAX, asks_terms
from customers.rules import MAX_LENGTHS
from portal.forms.address import PaperForm

_PHONE = RegexValidator(r"^\+?[0-9][0-9 ().\-]{4,}$", _("Enter a phone number, such as +1 418 555 0123."))
_DIGITS = RegexValidator(r"^[0-9]+$", _("Enter digits only."))


class AskedFields:
    """The fields that a link's `terms` add to `form`; the names of a merchant's own are by position."""

    def __init__(self, form: PaperForm, terms: Mapping[str, Any]) -> None:
        self.form = form
        self.keys: dict[str, str] = {}  # by the field's name
        if terms.get("phone_number_collection"):
            self._put("phone", _phone())
        for position, said in enumerate(terms.get("custom_fields", ())):
            name = f"custom_{position}"
            self.keys[name] = said["key"]
            self._put(name, _own(said))
        if asks_terms(terms):
            self._put("terms_of_service", _terms_of_service())

    def answers(self, data: Mapping[str, Any]) -> dict[str, str]:
        """By the merchant's keys, what was filled in."""
        return {key: str(data[name]) for name, key in self.keys.items() if data.get(name)}

    @property
    def own(self) -> list[forms.BoundField]:
        return [self.form[name] for name in self.keys]

    def _put(self, name: str, field: forms.Field) -> None:
        self.form.dress(field)
        self.form.fields[name] = field


def _phone() -> forms.Field:
    return forms.CharField(
        label=_("Phone number"),
        max_length=MAX_LENGTHS["phone"],
        validators=[_PHONE],
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )


def _terms_of_service() -> forms.Field:
    return forms.BooleanField(error_messages={"required": _("Agree to the terms of service to go on.")})


def _own(said: Mapping[str, Any]) -> forms.Field:
    own = said.get(said["type"]) or {}
    shared: dict[str, Any] = {
        "label": said["label"],
        "required": not said.get("optional"),
        "initial": own.get("default_value"),
    }
    if said["type"] == "dropdown":
        options = [(option["value"], option["label"]) for option in own["options"]]
        return forms.ChoiceField(choices=[("", "—"), *options], **shared)
    numeric = said["type"] == "numeric"
    return forms.CharField(
        min_length=own.get("minimum_length"),
        max_length=own.get("maximum_length") or LENGTH_MAX,
        validators=[_DIGITS] if numeric else [],
        widget=forms.TextInput(attrs={"inputmode": "numeric"} if numeric else {}),
        **shared,
    )
