"""What a member does to coupons, promotion codes and payment links."""

from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog import selectors, services
from catalog.models import Coupon, PaymentLink, PromotionCode
from core.context import Context
from dashboard.forms.catalog import CouponEditForm, CouponForm, PromotionCodeForm
from dashboard.forms.sales import PaymentLinkEditForm, PaymentLinkForm
from dashboard.views.pages import ActPage, FormPage
from merchants.rules import Capability


class CouponNew(FormPage):
    capability = Capability.CATALOG
    template = "dashboard/coupons/new.html"
    form = CouponForm
    title = _("New coupon")
    button = _("Create the coupon")
    done = _("The coupon was created.")

    def form_kwargs(self) -> dict[str, Any]:
        rows = selectors.products(self.merchant_id).filter(active=True).order_by("name")
        return {"products": list(rows.values_list("id", "name"))}

    def initial(self) -> dict[str, Any]:
        return {"currency": self.scope.merchant.default_currency}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, CouponForm)
        coupon = services.create_coupon(ctx=ctx, merchant_id=self.merchant_id, **form.coupon_fields())
        return reverse("dashboard:coupon", args=[coupon.pk])

    def back_url(self) -> str:
        return reverse("dashboard:coupons")


class CouponAct(ActPage):
    capability = Capability.CATALOG

    def load(self, **kwargs: str) -> Coupon:
        return get_object_or_404(selectors.coupons(self.merchant_id), pk=kwargs["pk"])

    def back_url(self) -> str:
        return reverse("dashboard:coupon", args=[self.object.pk])


class CouponEdit(CouponAct):
    form = CouponEditForm
    title = _("Rename the coupon")
    text = _("Its terms never change: discounts that were given rely on them.")
    button = _("Save")
    done = _("The coupon was saved.")

    def initial(self) -> dict[str, Any]:
        return {"name": self.object.name}

    def perform(self, ctx: Context, form: Form) -> str:
        services.update_coupon(ctx=ctx, merchant_id=self.merchant_id, coupon_id=self.object.pk, **form.cleaned_data)
        return self.back_url()


class CouponDelete(CouponAct):
    title = _("Withdraw the coupon?")
    text = _("Nobody can redeem it any more. Discounts that were given go on.")
    button = _("Withdraw")
    danger = True
    done = _("The coupon was withdrawn.")

    def perform(self, ctx: Context, form: Form) -> str:
        services.delete_coupon(ctx=ctx, merchant_id=self.merchant_id, coupon_id=self.object.pk)
        return self.back_url()


class PromotionCodeNew(CouponAct):
    form = PromotionCodeForm
    title = _("New promotion code")
    button = _("Create the code")
    done = _("The code was created.")

    def perform(self, ctx: Context, form: Form) -> str:
        services.create_promotion_code(
            ctx=ctx, merchant_id=self.merchant_id, coupon_id=self.object.pk, **form.cleaned_data
        )
        return self.back_url()


class PromotionCodeArchive(CouponAct):
    title = _("Archive the code?")
    text = _("Nobody can type it any more.")
    button = _("Archive")
    danger = True
    done = _("The code was archived.")

    def load(self, **kwargs: str) -> Coupon:
        coupon = super().load(**kwargs)
        self.code = get_object_or_404(PromotionCode, merchant_id=self.merchant_id, coupon=coupon, pk=kwargs["code"])
        return coupon

    def perform(self, ctx: Context, form: Form) -> str:
        services.update_promotion_code(
            ctx=ctx, merchant_id=self.merchant_id, promotion_code_id=self.code.pk, active=False
        )
        return self.back_url()


class PaymentLinkNew(FormPage):
    capability = Capability.CATALOG
    template = "dashboard/payment_links/new.html"
    form = PaymentLinkForm
    title = _("New payment link")
    button = _("Create the payment link")
    done = _("The payment link was created.")

    def form_kwargs(self) -> dict[str, Any]:
        return {
            "prices": list(selectors.active_prices(self.merchant_id).order_by("product__name", "created")),
            "tax_rates": list(selectors.tax_rates(self.merchant_id).filter(active=True).order_by("created")),
        }

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, PaymentLinkForm)
        link = services.create_payment_link(
            ctx=ctx, merchant_id=self.merchant_id, items=form.items(), **form.link_fields()
        )
        return reverse("dashboard:payment_link", args=[link.pk])

    def back_url(self) -> str:
        return reverse("dashboard:payment_links")


class PaymentLinkEdit(FormPage):
    capability = Capability.CATALOG
    form = PaymentLinkEditForm
    title = _("Edit the payment link")
    text = _("What it sells is fixed: for another basket create another link.")
    button = _("Save")
    done = _("The payment link was saved.")

    def load(self, **kwargs: str) -> PaymentLink:
        return get_object_or_404(selectors.payment_links(self.merchant_id), pk=kwargs["pk"])

    def initial(self) -> dict[str, Any]:
        return {name: getattr(self.object, name) for name in PaymentLinkEditForm.base_fields}

    def perform(self, ctx: Context, form: Form) -> str:
        services.update_payment_link(
            ctx=ctx, merchant_id=self.merchant_id, payment_link_id=self.object.pk, **form.cleaned_data
        )
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:payment_link", args=[self.object.pk])
