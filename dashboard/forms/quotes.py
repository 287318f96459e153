"""What a quote offers: a basket, its terms, and the words on its paper."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dashboard.forms.fields import local_moment
from dashboard.forms.sales import SubscribeForm
from engine.types import DiscountRequest, ItemRequest
from engine.types.quotes import QuoteChange, QuoteLine


class QuoteForm(SubscribeForm):
    layout = (
        (
            _("Terms"),
            (
                "coupon_id",
                "trial_period_days",
                "effective_date",
                "expires_at",
                "collection_method",
                "days_until_due",
            ),
        ),
        (_("On its paper"), ("header", "description", "footer")),
        (_("Tax rates"), ("tax_rate_ids",)),
    )
    trial_period_days = forms.IntegerField(label=_("Trial, in days"), min_value=0, max_value=730, required=False)
    effective_date = local_moment(
        label=_("Begins on"), required=False, help_text=_("Empty: as soon as it is accepted. Later makes a schedule.")
    )
    expires_at = local_moment(label=_("Valid until"), required=False, help_text=_("Empty: 30 days from now."))
    header = forms.CharField(label=_("Heading"), required=False, max_length=50)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
    footer = forms.CharField(
        label=_("Footer"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def change(self) -> QuoteChange:
        """The form as the service takes it."""
        data = self.cleaned_data
        columns: dict[str, Any] = {name: data[name] for name in ("header", "description", "footer")}
        columns |= {name: data[name] for name in ("trial_period_days", "effective_date") if data[name]}
        columns |= {"expires_at": data["expires_at"]} if data["expires_at"] else {}
        columns |= {"customer_id": data["customer_id"], "collection_method": data["collection_method"]}
        if data["collection_method"] == "send_invoice":
            columns["days_until_due"] = data["days_until_due"]
        columns["default_tax_rate_ids"] = data["tax_rate_ids"]
        lines = tuple(QuoteLine(ItemRequest(price_id, quantity)) for price_id, quantity in self.items())
        coupon = (DiscountRequest(coupon_id=data["coupon_id"]),) if data["coupon_id"] else ()
        return QuoteChange(lines=lines, discounts=coupon, columns=columns)
