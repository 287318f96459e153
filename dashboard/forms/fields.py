"""Fields that read what people type in their own locale, and forms laid out in sections."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from babel.numbers import NumberFormatError, parse_decimal
from django import forms
from django.forms.boundfield import BoundField
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy as _

from catalog.rules import NegativeUnitAmount
from core.errors import OstinatoError
from core.money import currency_exponent, parse_unit_amount, to_major, to_minor
from core.money_format import format_quantity, reader_locale

CURRENCIES = ("cad", "eur", "usd", "gbp", "chf", "aud", "nzd", "jpy", "sek", "nok", "dkk", "mxn", "brl", "kwd")


class LocalDecimalField(forms.CharField):
    """A number as the reader writes it: 19.99 in English, 19,99 in French (where 19.99 is understood too)."""

    default_error_messages = {"unreadable": _("“%(text)s” is not a number.")}

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        text = (super().to_python(value) or "").strip()
        if not text:
            return None
        locale = reader_locale(get_language() or "en")
        if locale.number_symbols["latn"]["decimal"] == "," and text.count(".") == 1 and "," not in text:
            text = text.replace(".", ",")
        text = text.replace(" ", "\xa0") if locale.language == "fr" else text
        try:
            # Strict: "19,99" in English is refused, not read as 1999.
            return parse_decimal(text, locale=locale, strict=True)
        except (NumberFormatError, ValueError):
            raise forms.ValidationError(self.error_messages["unreadable"], params={"text": value}) from None

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            return format_quantity(Decimal(value), get_language() or "en")
        return value


class MajorAmountField(LocalDecimalField):
    """An amount in major units. `minor` converts it once the currency is known."""

    @staticmethod
    def minor(form: forms.Form, name: str, currency: str) -> int | None:
        """Minor units; a fraction of one, an unknown currency or a number too large is said beside the field."""
        amount = form.cleaned_data.get(name)
        if amount is None or not currency:
            return None
        try:
            return to_minor(amount, currency)
        except OstinatoError as error:
            form.add_error(name, gettext(error.message_id) % error.params)
            return None


class UnitAmountField(MajorAmountField):
    """What one unit costs, in major units; fractions of the minor unit are prices too (0.0005 a call)."""

    @staticmethod
    def minor(form: forms.Form, name: str, currency: str) -> Decimal | None:  # type: ignore[override]
        amount = form.cleaned_data.get(name)
        if amount is None or not currency:
            return None
        try:
            if amount < 0:
                raise NegativeUnitAmount
            return parse_unit_amount(amount.scaleb(currency_exponent(currency)))
        except OstinatoError as error:
            form.add_error(name, gettext(error.message_id) % error.params)
            return None


def major(minor: int | Decimal | None, currency: str) -> Decimal | None:
    """The initial value of an amount field."""
    return None if minor is None else to_major(int(minor), currency)


class CurrencyField(forms.CharField):
    """A currency code, typed or picked from the usual ones; the use case refuses what is none."""

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("label", _("Currency"))
        kwargs.setdefault("max_length", 3)
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"list": "currencies", "autocomplete": "off", "class": "upper"})
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        return super().clean(value).lower()

    def prepare_value(self, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value


class Section:
    """A titled group of a form's fields."""

    def __init__(self, form: forms.Form, title: str | Promise, names: tuple[str, ...]):
        self.title, self._form, self._names = title, form, names

    def __iter__(self) -> Iterator[BoundField]:
        return (self._form[name] for name in self._names if name in self._form.fields)


Layout = tuple[tuple[str | Promise, tuple[str, ...]], ...]


class SectionedForm(forms.Form):
    """`layout` groups the fields; templates walk `sections`."""

    layout: Layout = ()

    @property
    def sections(self) -> list[Section]:
        return [Section(self, title, names) for title, names in self.layout]


def local_moment(**kwargs: Any) -> forms.DateTimeField:
    """A moment in the merchant's time zone, by the browser's own picker."""
    kwargs.setdefault("widget", forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))
    return forms.DateTimeField(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs)
