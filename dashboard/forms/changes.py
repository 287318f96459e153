"""Forms about a running subscription: what it is changed to, and at how much usage it is invoiced early."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import Coupon, Price
from dashboard.forms.fields import MajorAmountField, local_moment
from dashboard.forms.sales import discounts_of, price_label
from engine.types import ItemChange


class ChangeForm(forms.Form):
    """A running subscription's items: another price or quantity, one more item, one less."""

    proration_behavior = forms.ChoiceField(
        label=_("The difference for the rest of the period"),
        choices=(
            ("always_invoice", _("invoice it now")),
            ("create_prorations", _("put it on the next invoice")),
            ("none", _("do not bill it: the new price counts from the next period")),
        ),
        widget=forms.RadioSelect,
        initial="always_invoice",
    )
    billing_cycle_anchor = forms.ChoiceField(
        label=_("The billing period"),
        choices=(("unchanged", _("goes on as it is")), ("now", _("begins anew now, invoiced at once"))),
        widget=forms.RadioSelect,
        initial="unchanged",
        required=False,
    )
    trial_end = local_moment(
        label=_("Free until"), required=False, help_text=_("A trial: the period begins at its end.")
    )
    proration_date = forms.IntegerField(widget=forms.HiddenInput, required=False)
    add_price = forms.ChoiceField(label=_("Add an item"), required=False)
    add_quantity = forms.IntegerField(label=_("Quantity"), min_value=1, initial=1)

    def __init__(
        self,
        *args: Any,
        subscription_items: Sequence[Any],
        prices: Sequence[Price],
        coupons: Sequence[Coupon] = (),
        discounts: Mapping[str, str] | None = None,
        **kwargs: Any,
    ):
        """`discounts` are what stands on the items, in words by item."""
        super().__init__(*args, **kwargs)
        self.subscription_items, discounts = subscription_items, discounts or {}
        self.metered = {price.pk for price in prices if price.usage_type == "metered"}
        labels = {price.pk: price_label(price) for price in prices}
        for item in subscription_items:
            own = labels | {item.price_id: price_label(item.price)}  # its price may be archived by now
            self.fields[f"price_{item.pk}"] = forms.ChoiceField(
                label=_("Price"), choices=list(own.items()), initial=item.price_id
            )
            if item.price.usage_type != "metered":  # what a meter counts nobody sets
                self.fields[f"quantity_{item.pk}"] = forms.IntegerField(
                    label=_("Quantity"), min_value=0, initial=item.quantity
                )
            if coupons or item.pk in discounts:
                kept = [("keep", discounts[item.pk])] if item.pk in discounts else []
                self.fields[f"coupon_{item.pk}"] = forms.ChoiceField(
                    label=_("Its own coupon"),
                    choices=[*kept, ("", _("none")), *((coupon.pk, str(coupon)) for coupon in coupons)],
                    initial="keep" if kept else "",
                    required=False,
                )
            if len(subscription_items) > 1:
                self.fields[f"remove_{item.pk}"] = forms.BooleanField(label=_("Remove"), required=False)
        held = {item.price_id for item in subscription_items}
        self.fields["add_price"].choices = [  # type: ignore[attr-defined]
            ("", "–"),
            *((pk, label) for pk, label in labels.items() if pk not in held),
        ]

    def rows(self) -> list[tuple[Any, ...]]:
        """The bound fields of each item, for the template."""
        names = ("price", "quantity", "remove", "coupon")
        return [
            tuple(self[f"{name}_{item.pk}"] if f"{name}_{item.pk}" in self.fields else None for name in names)
            for item in self.subscription_items
        ]

    def changes(self) -> tuple[ItemChange, ...]:
        """What differs from the items as they are."""
        data, found = self.cleaned_data, []
        for item in self.subscription_items:
            price_id, quantity = data[f"price_{item.pk}"], data.get(f"quantity_{item.pk}", item.quantity)
            other = price_id if price_id != item.price_id else ""
            if data.get(f"remove_{item.pk}"):
                found.append(ItemChange(item_id=item.pk, deleted=True))
            elif other or quantity != item.quantity or f"coupon_{item.pk}" in self.changed_data:
                counted = other in self.metered
                found.append(
                    ItemChange(
                        item_id=item.pk,
                        price_id=other,
                        quantity=None if counted else quantity,
                        discounts=discounts_of(data[f"coupon_{item.pk}"])
                        if f"coupon_{item.pk}" in self.changed_data
                        else None,
                    )
                )
        if data["add_price"]:
            counted = data["add_price"] in self.metered
            quantity = None if counted else data["add_quantity"] or 1
            found.append(ItemChange(price_id=data["add_price"], quantity=quantity))
        return tuple(found)


class ThresholdsForm(forms.Form):
    """At how much usage an invoice comes before the period is over; empty: it does not."""

    amount_gte = MajorAmountField(required=False)

    def __init__(self, *args: Any, subscription_items: Sequence[Any], currency: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency, self.metered = currency, subscription_items
        self.fields["amount_gte"].label = _("Amount in %(currency)s") % {"currency": currency.upper()}
        for item in subscription_items:
            self.fields[f"usage_{item.pk}"] = forms.IntegerField(
                label=_("Units of %(product)s") % {"product": item.price.product.name},
                min_value=1,
                required=False,
                initial=item.billing_threshold_usage,
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["minor"] = MajorAmountField.minor(self, "amount_gte", self.currency)
        return cleaned

    def usages(self) -> dict[str, int | None]:
        return {item.pk: self.cleaned_data[f"usage_{item.pk}"] for item in self.metered}
