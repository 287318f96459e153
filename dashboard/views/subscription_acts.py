"""What a member does to a subscription."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _

from catalog import selectors as catalog
from core.context import Context
from core.errors import OstinatoError
from core.ids import is_id
from customers.models import Customer
from dashboard.forms.changes import ChangeForm, ThresholdsForm
from dashboard.forms.fields import major
from dashboard.forms.sales import CancelForm, SubscribeForm
from dashboard.selectors import details, lists
from dashboard.views.edge import context_of, error_text, outcome_words
from dashboard.views.pages import ActPage, FormPage
from engine.services import cancel, change, subscribe, thresholds
from engine.types import ChangeRequest, SubscribeRequest
from merchants.rules import Capability
from subscriptions.models import Subscription

PICKER_LENGTH = 200


class SubscriptionNew(FormPage):
    capability = Capability.SUBSCRIPTIONS
    template = "dashboard/subscriptions/new.html"
    form = SubscribeForm
    title = _("New subscription")
    button = _("Start the subscription")

    def load(self, **kwargs: str) -> Customer | None:
        """The customer, when the address or the form names one: prices are then those of its currency."""
        wanted = self.request.POST.get("customer_id") or self.request.GET.get("customer")
        rows = lists.listed_customers(self.merchant_id).select_related("test_clock")
        if wanted and not is_id(wanted, "cus"):
            raise Http404
        return get_object_or_404(rows, pk=wanted) if wanted else None

    def form_kwargs(self) -> dict[str, Any]:
        currency = self.object.currency if self.object else ""
        prices = catalog.active_prices(self.merchant_id, currency=currency)
        return {
            "prices": list(prices.order_by("product__name", "created")),
            "coupons": list(catalog.coupons(self.merchant_id).order_by("-created")),
            "tax_rates": list(catalog.tax_rates(self.merchant_id).filter(active=True).order_by("created")),
        }

    def initial(self) -> dict[str, Any]:
        return {"customer_id": self.object.pk if self.object else ""}

    def context(self, form: Form) -> dict[str, Any]:
        if self.object:
            return {}
        return {"customers": lists.listed_customers(self.merchant_id)[:PICKER_LENGTH]}

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        sent = data["collection_method"] == "send_invoice"
        request = SubscribeRequest(
            merchant_id=self.merchant_id,
            customer_id=data["customer_id"],
            items=form.requests(),  # type: ignore[attr-defined]
            coupon_ids=(data["coupon_id"],) if data["coupon_id"] else (),
            trial_period_days=data["trial_period_days"],
            collection_method=data["collection_method"],
            days_until_due=data["days_until_due"] if sent else None,
            default_tax_rate_ids=tuple(data["tax_rate_ids"]),
            description=data["description"],
            off_session=True,
        )
        result = subscribe.subscribe(ctx=ctx, request=request)
        self.message = outcome_words(result.payment) or gettext("The subscription was created.")
        return reverse("dashboard:subscription", args=[result.subscription_id])

    def back_url(self) -> str:
        if self.object:
            return reverse("dashboard:customer", args=[self.object.pk])
        return reverse("dashboard:subscriptions")


class SubscriptionAct(ActPage):
    capability = Capability.SUBSCRIPTIONS

    def load(self, **kwargs: str) -> Subscription:
        rows = lists.listed_subscriptions(self.merchant_id).exclude(status__in=lists.ENDED)
        return get_object_or_404(rows, pk=kwargs["pk"])

    def back_url(self) -> str:
        return reverse("dashboard:subscription", args=[self.object.pk])


class SubscriptionChange(FormPage, SubscriptionAct):
    """Another price or quantity. What it costs is shown by the very planner that will bill it."""

    template = "dashboard/subscriptions/change.html"
    form = ChangeForm
    title = _("Change the subscription")
    button = _("Change it")

    def form_kwargs(self) -> dict[str, Any]:
        prices = catalog.active_prices(self.merchant_id, currency=self.object.currency).filter(type="recurring")
        return {
            "subscription_items": list(self.object.items.all()),
            "coupons": list(catalog.coupons(self.merchant_id).order_by("-created")),
            "discounts": details.item_discounts(self.object),
            "prices": list(prices.order_by("product__name", "created")),
        }

    def perform(self, ctx: Context, form: Form) -> str:
        result = change.change_subscription(ctx=ctx, request=self.request_of(form))
        self.message = outcome_words(result.payment) or gettext("The subscription was changed.")
        return self.back_url()

    def request_of(self, form: Form) -> ChangeRequest:
        moment = form.cleaned_data["proration_date"]
        return ChangeRequest(
            merchant_id=self.merchant_id,
            subscription_id=self.object.pk,
            items=form.changes(),  # type: ignore[attr-defined]
            billing_cycle_anchor=form.cleaned_data["billing_cycle_anchor"] or "unchanged",
            trial_end=form.cleaned_data["trial_end"],
            proration_behavior=form.cleaned_data["proration_behavior"],
            # The figures that were shown are those that are billed.
            proration_date=datetime.fromtimestamp(moment, UTC) if moment else None,
        )


class SubscriptionChangePreview(SubscriptionChange):
    """What the change would cost: a fragment beside the form."""

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        return self.http_method_not_allowed(request)

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        self.object = self.load(**kwargs)
        form = self.form(request.POST, **self.form_kwargs())
        if not form.is_valid():
            return self.render("dashboard/subscriptions/_preview.html", form=form, preview=None)
        wanted = self.request_of(form)
        if not wanted.items and wanted.billing_cycle_anchor == "unchanged" and wanted.trial_end is None:
            return self.render("dashboard/subscriptions/_preview.html", form=form, preview=None, unchanged=True)
        ctx = context_of(request, self.scope, clock_id=self.clock_id())
        # Seconds are what the form carries back: preview and commit must prorate at the same moment.
        moment = ctx.as_of.replace(microsecond=0)
        try:
            preview = change.preview_change(ctx=ctx, request=replace(wanted, proration_date=moment))
        except OstinatoError as error:
            return self.render("dashboard/subscriptions/_preview.html", form=form, refused=error_text(error))
        return self.render(
            "dashboard/subscriptions/_preview.html", form=form, preview=preview, moment=int(moment.timestamp())
        )


class SubscriptionCancel(SubscriptionAct):
    form = CancelForm
    title = _("Cancel the subscription?")
    text = _("At the end of the period nothing more is billed, and it can be undone until then. Now ends it at once.")
    button = _("Cancel the subscription")
    danger = True

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        ids = {"merchant_id": self.merchant_id, "subscription_id": self.object.pk}
        words = {"feedback": data["feedback"], "comment": data["comment"]}
        if data["when"] == "now":
            cancel.cancel_subscription(
                ctx=ctx, prorate=data["prorate"], invoice_now=data["invoice_now"], **words, **ids
            )
            self.message = gettext("The subscription was canceled.")
        else:
            cancel.schedule_cancel(ctx=ctx, at_period_end=True, **words, **ids)
            self.message = gettext("The subscription ends at the end of its period.")
        return self.back_url()


class SubscriptionUndoCancel(SubscriptionAct):
    title = _("Keep the subscription running?")
    text = _("It renews as if it had never been canceled.")
    button = _("Keep it running")
    done = _("The subscription goes on.")

    def perform(self, ctx: Context, form: Form) -> str:
        cancel.undo_cancel(ctx=ctx, merchant_id=self.merchant_id, subscription_id=self.object.pk)
        return self.back_url()


class SubscriptionThresholds(SubscriptionAct):
    form = ThresholdsForm
    title = _("Invoice usage early")
    text = _("As soon as the period's usage comes to this, it is invoiced; the rest at the period's end. Empty: never.")
    button = _("Save")
    done = _("The thresholds were saved.")

    def form_kwargs(self) -> dict[str, Any]:
        metered = [item for item in self.object.items.all() if item.price.usage_type == "metered"]
        return {"subscription_items": metered, "currency": self.object.currency}

    def initial(self) -> dict[str, Any]:
        return {"amount_gte": major(self.object.billing_threshold_amount, self.object.currency)}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, ThresholdsForm)
        thresholds.set_billing_thresholds(
            ctx=ctx,
            merchant_id=self.merchant_id,
            subscription_id=self.object.pk,
            amount_gte=form.cleaned_data["minor"],
            usage_gte=form.usages(),
        )
        return self.back_url()
