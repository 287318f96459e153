"""Forms about a product: with its first price, what it is a bundle of, which features it gives."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import BundleComponent, Feature, Product
from dashboard.forms.catalog import ProductFields
from dashboard.forms.fields import Section
from dashboard.forms.prices import PriceForm

PARTS = 6


class ProductNewForm(PriceForm, ProductFields):
    """A product with its first price of any kind; the price may wait."""

    def product(self) -> Section:
        return Section(self, _("Product"), ProductFields.PRODUCT)

    @property
    def has_price(self) -> bool:
        """Whether anything was typed that a price costs."""
        data = self.cleaned_data
        amounts = [data.get("unit_amount"), data.get("percentage"), data.get("tiers") or None]
        return any(amount is not None for amount in amounts)


class BundleForm(forms.Form):
    """What is inside: rows of a product and how many of it; no row makes it a plain product again."""

    def __init__(
        self, *args: Any, products: Sequence[Product] = (), parts: Sequence[BundleComponent] = (), **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        choices = [("", "–"), *((product.pk, product.name) for product in products)]
        self.count = max(PARTS, len(parts) + 2)
        for n in range(self.count):
            part = parts[n] if n < len(parts) else None
            self.fields[f"product_{n}"] = forms.ChoiceField(
                label=_("Product"), choices=choices, required=False, initial=part.component_id if part else ""
            )
            self.fields[f"quantity_{n}"] = forms.IntegerField(
                label=_("Quantity"), min_value=1, required=False, initial=part.quantity if part else 1
            )

    def components(self) -> list[tuple[str, int]]:
        data = self.cleaned_data
        rows = [(data.get(f"product_{n}"), data.get(f"quantity_{n}") or 1) for n in range(self.count)]
        return [(product_id, quantity) for product_id, quantity in rows if product_id]


class FeatureForm(forms.Form):
    """One of the merchant's features, or a new one."""

    feature_id = forms.ChoiceField(label=_("Feature"), required=False)
    name = forms.CharField(
        label=_("Or a new one"), max_length=80, required=False, help_text=_("Such as “Early access”.")
    )
    lookup_key = forms.CharField(
        label=_("Lookup key"), max_length=80, required=False, help_text=_("What your own software asks for.")
    )

    def __init__(self, *args: Any, features: Sequence[Feature] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = [("", "–"), *((feature.pk, f"{feature.name} ({feature.lookup_key})") for feature in features)]
        self.fields["feature_id"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("feature_id")) == bool(cleaned.get("name")):
            self.add_error("feature_id", _("Choose a feature, or name a new one."))
        return cleaned
