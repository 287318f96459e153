"""Forms about what is sold."""

from decimal import Decimal
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.html import escape
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy as _

from catalog.models import CouponDuration, IntervalUnit, PriceType, TaxBehavior
from core.descriptors import shown_on_card
from dashboard.forms import currencies
from dashboard.forms.fields import CurrencyField, LocalDecimalField, MajorAmountField, SectionedForm, local_moment


class PriceFields(SectionedForm):
    """The fields of a price, alone or beneath a new product."""

    nickname = forms.CharField(
        label=_("Name of the price"), required=False, max_length=250, help_text=_("Yours alone, such as “Yearly”.")
    )
    type = forms.ChoiceField(
        label=_("Billed"),
        choices=((PriceType.RECURRING, _("again and again")), (PriceType.ONE_TIME, _("once"))),
        initial=PriceType.RECURRING,
    )
    unit_amount = MajorAmountField(label=_("Amount"))
    currency = CurrencyField()
    interval_count = forms.IntegerField(label=_("Every"), min_value=1, required=False, initial=1)
    interval = forms.ChoiceField(
        label=_("Interval"), choices=[("", "–"), *IntervalUnit.choices], required=False, initial=IntervalUnit.MONTH
    )
    trial_period_days = forms.IntegerField(label=_("Trial, in days"), min_value=0, required=False)
    cycle_day = forms.IntegerField(
        label=_("Cycle day"),
        min_value=1,
        max_value=31,
        required=False,
        help_text=_("Day of the month, or of the week, that periods start on."),
    )
    tax_behavior = forms.ChoiceField(label=_("Tax"), choices=TaxBehavior.choices, initial=TaxBehavior.UNSPECIFIED)
    lookup_key = forms.CharField(
        label=_("Lookup key"), required=False, max_length=200, help_text=_("A stable name for integrations.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        field = self.fields["unit_amount"]
        assert isinstance(field, MajorAmountField)
        minor = field.minor(self, "unit_amount", cleaned.get("currency", ""))
        if minor is not None:
            cleaned["unit_amount_decimal"] = Decimal(minor)
        if cleaned.get("type") == PriceType.RECURRING and not cleaned.get("interval"):
            self.add_error("interval", _("Choose how often it is billed."))
        return cleaned

    def price_fields(self) -> dict[str, Any]:
        """What the use case takes; a one-time price has nothing that recurs."""
        data = self.cleaned_data
        recurring = data["type"] == PriceType.RECURRING
        return {
            "nickname": data["nickname"],
            "type": data["type"],
            "unit_amount_decimal": data.get("unit_amount_decimal"),
            "currency": data["currency"],
            "interval": data["interval"] if recurring else "",
            "interval_count": (data["interval_count"] or 1) if recurring else None,
            "trial_period_days": data["trial_period_days"] if recurring else None,
            "cycle_day": data["cycle_day"] if recurring else None,
            "tax_behavior": data["tax_behavior"],
            "lookup_key": data["lookup_key"] or None,
        }


class PriceEditForm(forms.Form):
    """Only what may change: money never does."""

    nickname = forms.CharField(label=_("Name of the price"), required=False, max_length=250)
    lookup_key = forms.CharField(label=_("Lookup key"), required=False, max_length=200)
    active = forms.BooleanField(label=_("Can be sold"), required=False)


class ProductFields(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=250)
    description = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    statement_descriptor = forms.CharField(
        label=_("On the card statement"), required=False, max_length=22, help_text=_("5 to 22 characters.")
    )
    unit_label = forms.CharField(
        label=_("Unit"), required=False, max_length=40, help_text=_("Such as “seat” or “box”.")
    )
    tax_code = forms.CharField(label=_("Tax code"), required=False, max_length=40)
    sku = forms.CharField(label=_("SKU"), required=False, max_length=100)
    stock_quantity = forms.IntegerField(label=_("Stock"), required=False, help_text=_("Empty: stock is not managed."))

    PRODUCT = ("name", "description", "statement_descriptor", "unit_label", "tax_code", "sku", "stock_quantity")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        shop, own = self.initial.get("shop_descriptor") or "", self.initial.get("statement_descriptor") or ""
        words = {"text": escape(shown_on_card(shop, own or gettext("YOUR WORDS")))}
        shown = _("On cards the bank shows: %(text)s") % words
        self.fields["statement_descriptor"].help_text = format_lazy("{} {}", _("5 to 22 characters."), shown)

    def product_fields(self) -> dict[str, Any]:
        names = [*self.PRODUCT, *(["active"] if "active" in self.fields else [])]
        return {name: self.cleaned_data[name] for name in names}


class ProductEditForm(SectionedForm, ProductFields):
    layout = ((_("Product"), (*ProductFields.PRODUCT, "active")),)
    active = forms.BooleanField(label=_("Can be sold"), required=False)


class CouponForm(SectionedForm):
    layout = (
        (_("Coupon"), ("name", "api_id", "kind", "percent_off", "amount_off", "currency")),
        (_("How long"), ("duration", "duration_in_months", "max_redemptions", "redeem_by")),
        (_("For what"), ("applies_to_product_ids",)),
    )
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Shown on invoices."))
    api_id = forms.RegexField(r"^[\w-]+$", label=_("Id people type"), required=False, max_length=50)
    kind = forms.ChoiceField(
        label=_("Takes off"),
        choices=(("percent", _("a percentage")), ("amount", _("an amount"))),
        widget=forms.RadioSelect,
        initial="percent",
    )
    percent_off = LocalDecimalField(label=_("Percentage"), required=False)
    amount_off = MajorAmountField(label=_("Amount"), required=False)
    currency = CurrencyField(required=False)
    duration = forms.ChoiceField(label=_("Duration"), choices=CouponDuration.choices, initial=CouponDuration.ONCE)
    duration_in_months = forms.IntegerField(
        label=_("Months"), min_value=1, required=False, help_text=_("For a repeating coupon.")
    )
    max_redemptions = forms.IntegerField(label=_("At most this many times"), min_value=1, required=False)
    redeem_by = local_moment(label=_("Last moment to redeem"), required=False)
    applies_to_product_ids = forms.MultipleChoiceField(
        label=_("Products"),
        required=False,
        help_text=_("None chosen: everything."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, products: list[tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["applies_to_product_ids"].choices = products  # type: ignore[attr-defined]
        currencies.add_rows(self, MajorAmountField)

    def option_rows(self) -> list[tuple[BoundField, BoundField]]:
        return currencies.rows_of(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == "amount":
            if not cleaned.get("currency"):
                self.add_error("currency", _("Say which currency."))
            cleaned["minor_off"] = MajorAmountField.minor(self, "amount_off", cleaned.get("currency", ""))
            cleaned["options"] = currencies.clean_rows(self, MajorAmountField)
        return cleaned

    def coupon_fields(self) -> dict[str, Any]:
        data = self.cleaned_data
        percent = data["kind"] == "percent"
        repeating = data["duration"] == CouponDuration.REPEATING
        return {
            "name": data["name"],
            "api_id": data["api_id"] or None,
            "percent_off": data["percent_off"] if percent else None,
            "amount_off": None if percent else data["minor_off"],
            "currency": "" if percent else data["currency"],
            "currency_options": {} if percent else data["options"],
            "duration": data["duration"],
            "duration_in_months": data["duration_in_months"] if repeating else None,
            "max_redemptions": data["max_redemptions"],
            "redeem_by": data["redeem_by"],
            "applies_to_product_ids": data["applies_to_product_ids"],
        }


class CouponEditForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)


class PromotionCodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"), max_length=100, help_text=_("Letters, digits, dashes; upper and lower case are the same.")
    )
    max_redemptions = forms.IntegerField(label=_("At most this many times"), min_value=1, required=False)
    expires_at = local_moment(label=_("Valid until"), required=False)


class TaxRateForm(SectionedForm):
    layout = (
        (_("Tax rate"), ("display_name", "percentage", "inclusive", "country", "state", "jurisdiction", "description")),
    )
    display_name = forms.CharField(label=_("Name on invoices"), max_length=50)
    percentage = LocalDecimalField(label=_("Percentage"))
    inclusive = forms.BooleanField(label=_("Included in prices"), required=False)
    country = forms.CharField(label=_("Country"), required=False, max_length=2)
    state = forms.CharField(label=_("Province or state"), required=False, max_length=10)
    jurisdiction = forms.CharField(label=_("Jurisdiction"), required=False, max_length=50)
    description = forms.CharField(label=_("Notes"), required=False, max_length=250)

    def __init__(self, *args: Any, new: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not new:
            del self.fields["percentage"], self.fields["inclusive"]
            self.fields["active"] = forms.BooleanField(label=_("In use"), required=False)
            self.layout = ((*self.layout[0][:1], (*self.layout[0][1], "active")),)  # type: ignore[misc, assignment]
