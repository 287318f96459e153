"""What a member does to a product: makes it with its first price, fills a bundle, gives it features."""

from typing import Any

from django.db import transaction
from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog import features, selectors, services
from catalog.models import Feature, Product, ProductFeature
from core.context import Context
from dashboard.forms.products import BundleForm, FeatureForm, ProductNewForm
from dashboard.views.catalog_acts import ProductAct, meters_to_choose
from dashboard.views.pages import FormPage
from merchants.rules import Capability


class ProductNew(FormPage):
    capability = Capability.CATALOG
    template = "dashboard/products/price_new.html"
    form = ProductNewForm
    title = _("New product")
    button = _("Create the product")
    done = _("The product was created.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"meters": meters_to_choose(self.merchant_id)}

    def initial(self) -> dict[str, Any]:
        merchant = self.scope.merchant
        return {"currency": merchant.default_currency, "shop_descriptor": merchant.statement_descriptor}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, ProductNewForm)
        with transaction.atomic():  # a refused price leaves no product without one behind
            product = services.create_product(ctx=ctx, merchant_id=self.merchant_id, **form.product_fields())
            if form.has_price:
                services.create_price(
                    ctx=ctx, merchant_id=self.merchant_id, product_id=product.pk, **form.price_fields()
                )
        return reverse("dashboard:product", args=[product.pk])

    def back_url(self) -> str:
        return reverse("dashboard:products")


class ProductBundle(ProductAct):
    form = BundleForm
    title = _("What is in the bundle")
    text = _("It is sold as one at its own price; its features are those of all its parts.")
    button = _("Save")
    done = _("The bundle was saved.")

    def form_kwargs(self) -> dict[str, Any]:
        others = selectors.products(self.merchant_id).exclude(pk=self.object.pk).order_by("name")
        parts = selectors.components_of([self.object.pk]).get(self.object.pk, [])
        return {"products": list(others), "parts": parts}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, BundleForm)
        services.set_bundle(
            ctx=ctx, merchant_id=self.merchant_id, product_id=self.object.pk, components=form.components()
        )
        return self.back_url()


class ProductAddFeature(ProductAct):
    form = FeatureForm
    title = _("Give the product a feature")
    text = _("Whoever has the product has the feature, until the subscription is unpaid, paused or canceled.")
    button = _("Give it")
    done = _("The product has the feature.")

    def form_kwargs(self) -> dict[str, Any]:
        held = ProductFeature.objects.filter(product=self.object).values("feature_id")
        rows = Feature.objects.filter(merchant_id=self.merchant_id, active=True).exclude(pk__in=held)
        return {"features": list(rows.order_by("name"))}

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        with transaction.atomic():
            feature_id = data["feature_id"]
            if not feature_id:
                made = features.create_feature(
                    ctx=ctx, merchant_id=self.merchant_id, name=data["name"], lookup_key=data["lookup_key"]
                )
                feature_id = made.pk
            features.attach_feature(
                ctx=ctx, merchant_id=self.merchant_id, product_id=self.object.pk, feature_id=feature_id
            )
        return self.back_url()


class ProductRemoveFeature(ProductAct):
    title = _("Take the feature from the product?")
    text = _("Who has the product loses it at once.")
    button = _("Take it away")
    danger = True
    done = _("The feature was taken away.")

    def load(self, **kwargs: str) -> Product:
        product = super().load(**kwargs)
        self.row = get_object_or_404(ProductFeature, merchant_id=self.merchant_id, product=product, pk=kwargs["row"])
        return product

    def perform(self, ctx: Context, form: Form) -> str:
        features.detach_feature(merchant_id=self.merchant_id, product_id=self.object.pk, product_feature_id=self.row.pk)
        return self.back_url()
