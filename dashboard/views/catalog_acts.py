"""What a member does to products, prices and tax rates."""

from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog import selectors, services
from catalog.models import Meter, Price, Product, TaxRate
from core.context import Context
from dashboard.forms.catalog import PriceEditForm, ProductEditForm, TaxRateForm
from dashboard.forms.prices import PriceForm
from dashboard.views.pages import ActPage, FormPage
from merchants.rules import Capability


def meters_to_choose(merchant_id: str) -> list[Meter]:
    return list(selectors.meters(merchant_id).filter(status="active").order_by("display_name"))


class ProductAct(ActPage):
    capability = Capability.CATALOG

    def load(self, **kwargs: str) -> Product:
        return get_object_or_404(selectors.products(self.merchant_id), pk=kwargs["pk"])

    def back_url(self) -> str:
        return reverse("dashboard:product", args=[self.object.pk])


class ProductEdit(FormPage, ProductAct):
    form = ProductEditForm
    title = _("Edit the product")
    button = _("Save")
    done = _("The product was saved.")

    def initial(self) -> dict[str, Any]:
        values = {name: getattr(self.object, name) for name in (*ProductEditForm.PRODUCT, "active")}
        return values | {"shop_descriptor": self.scope.merchant.statement_descriptor}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, ProductEditForm)
        services.update_product(
            ctx=ctx, merchant_id=self.merchant_id, product_id=self.object.pk, **form.product_fields()
        )
        return self.back_url()


class PriceNew(FormPage, ProductAct):
    template = "dashboard/products/price_new.html"
    form = PriceForm
    title = _("New price")
    button = _("Create the price")
    done = _("The price was created.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"meters": meters_to_choose(self.merchant_id)}

    def initial(self) -> dict[str, Any]:
        return {"currency": self.scope.merchant.default_currency}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, PriceForm)
        services.create_price(ctx=ctx, merchant_id=self.merchant_id, product_id=self.object.pk, **form.price_fields())
        return self.back_url()


class PriceEdit(ProductAct):
    form = PriceEditForm
    title = _("Edit the price")
    text = _("The amount, currency and interval of a price never change: create a new price.")
    button = _("Save")
    done = _("The price was saved.")

    def load(self, **kwargs: str) -> Product:
        product = super().load(**kwargs)
        self.price = get_object_or_404(Price, merchant_id=self.merchant_id, product=product, pk=kwargs["price"])
        return product

    def initial(self) -> dict[str, Any]:
        return {name: getattr(self.price, name) for name in ("nickname", "lookup_key", "active")}

    def perform(self, ctx: Context, form: Form) -> str:
        fields = form.cleaned_data | {"lookup_key": form.cleaned_data["lookup_key"] or None}
        services.update_price(ctx=ctx, merchant_id=self.merchant_id, price_id=self.price.pk, **fields)
        return self.back_url()


class TaxRateNew(FormPage):
    capability = Capability.CATALOG
    form = TaxRateForm
    title = _("New tax rate")
    button = _("Create the tax rate")
    done = _("The tax rate was created.")

    def initial(self) -> dict[str, Any]:
        return {"country": self.scope.merchant.country}

    def perform(self, ctx: Context, form: Form) -> str:
        rate = services.create_tax_rate(ctx=ctx, merchant_id=self.merchant_id, **form.cleaned_data)
        return reverse("dashboard:tax_rate", args=[rate.pk])

    def back_url(self) -> str:
        return reverse("dashboard:tax_rates")


class TaxRateEdit(FormPage):
    capability = Capability.CATALOG
    form = TaxRateForm
    title = _("Edit the tax rate")
    text = _("The percentage never changes: a new percentage is a new rate.")
    button = _("Save")
    done = _("The tax rate was saved.")

    def load(self, **kwargs: str) -> TaxRate:
        return get_object_or_404(selectors.tax_rates(self.merchant_id), pk=kwargs["pk"])

    def form_kwargs(self) -> dict[str, Any]:
        return {"new": False}

    def initial(self) -> dict[str, Any]:
        return {
            name: getattr(self.object, name)
            for name in ("display_name", "country", "state", "jurisdiction", "description", "active")
        }

    def perform(self, ctx: Context, form: Form) -> str:
        services.update_tax_rate(ctx=ctx, merchant_id=self.merchant_id, tax_rate_id=self.object.pk, **form.cleaned_data)
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:tax_rate", args=[self.object.pk])
