"""Webhook endpoints and what was sent to them."""

import json
from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from api.models import WebhookDelivery, WebhookEndpoint
from api.webhooks import deliveries, endpoints
from core.context import Context
from dashboard.filters.integration import DeliveryFilter, WebhookFilter
from dashboard.forms.integration import EventSendForm, SecretRollForm, WebhookForm
from dashboard.selectors import integration, lists
from dashboard.tables.integration import DeliveryTable, WebhookTable
from dashboard.views.pages import ActPage, DetailPage, ListPage, Page
from events.models import Event
from merchants.rules import Capability


class _Endpoints(Page):
    """Who may not set up does not see where the merchant's systems are."""

    capability = Capability.SETTINGS

    def rows(self) -> QuerySet[WebhookEndpoint]:
        return integration.listed_endpoints(self.merchant_id)


class _Deliveries(Page):
    capability = Capability.SETTINGS

    def rows(self) -> QuerySet[WebhookDelivery]:
        return integration.listed_deliveries(self.merchant_id)


class WebhookList(_Endpoints, ListPage):
    template = "dashboard/webhooks/list.html"
    title = _("Webhooks")
    subtitle = _("Addresses of your own systems that are told what happens here, as it happens.")
    table = WebhookTable
    filter = WebhookFilter
    filename = "webhooks"
    empty_icon = "webhook"
    empty_title = _("No endpoints yet")
    empty_text = _("Add the address of your own server, and it hears of every payment and every cancellation.")
    create_url = "dashboard:webhook_new"
    create_label = _("New endpoint")
    create_capability = Capability.SETTINGS


class WebhookDetail(_Endpoints, DetailPage):
    template = "dashboard/webhooks/detail.html"

    def facts(self, found: WebhookEndpoint) -> dict[str, Any]:
        sent = integration.listed_deliveries(self.merchant_id).filter(endpoint=found)
        return {"deliveries": sent.order_by("-created", "-id")[:25]}


class DeliveryList(_Deliveries, ListPage):
    title = _("Webhook deliveries")
    subtitle = _("What was sent to your endpoints, and what they answered.")
    table = DeliveryTable
    filter = DeliveryFilter
    filename = "webhook-deliveries"
    empty_icon = "send"
    empty_title = _("Nothing was sent yet")


class DeliveryDetail(_Deliveries, DetailPage):
    template = "dashboard/webhooks/delivery.html"

    def facts(self, found: WebhookDelivery) -> dict[str, Any]:
        payload = integration.payload_of(found)
        return {"attempts": integration.attempts_of(found), "payload": json.loads(payload) if payload else None}


class SecretPage(ActPage):
    """Answers with a secret: there is no address at which it could be seen again."""

    capability = Capability.SETTINGS
    secret = ""

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        response = super().post(request, **kwargs)
        if not self.secret:
            return response
        shown = self.render("dashboard/webhooks/secret.html", secret=self.secret, back_url=self.after_url())
        shown["Cache-Control"] = "no-store"
        return shown

    def after_url(self) -> str:
        return self.back_url()


class WebhookNew(SecretPage):
    template = "dashboard/webhooks/form.html"
    form = WebhookForm
    title = _("New endpoint")
    button = _("Create the endpoint")
    endpoint_id = ""

    def initial(self) -> dict[str, Any]:
        return {"enabled_events": ["*"]}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, WebhookForm)
        merchant = self.scope.merchant
        row, self.secret = endpoints.create_endpoint(
            ctx=ctx, merchant_id=merchant.pk, livemode=merchant.livemode, **form.values()
        )
        self.endpoint_id = row.pk
        return self.after_url()

    def after_url(self) -> str:
        return reverse("dashboard:webhook", args=[self.endpoint_id])

    def back_url(self) -> str:
        return reverse("dashboard:webhooks")


class WebhookAct(ActPage):
    capability = Capability.SETTINGS

    def load(self, **kwargs: str) -> WebhookEndpoint:
        return get_object_or_404(integration.listed_endpoints(self.merchant_id), pk=kwargs["pk"])

    def back_url(self) -> str:
        return reverse("dashboard:webhook", args=[self.object.pk])

    def change(self, ctx: Context, **values: Any) -> str:
        merchant = self.scope.merchant
        endpoints.update_endpoint(
            ctx=ctx, merchant_id=merchant.pk, livemode=merchant.livemode, endpoint_id=self.object.pk, **values
        )
        return self.back_url()


class WebhookEdit(WebhookAct):
    template = "dashboard/webhooks/form.html"
    form = WebhookForm
    title = _("Edit the endpoint")
    button = _("Save")
    done = _("The endpoint was saved.")

    def initial(self) -> dict[str, Any]:
        row = self.object
        return {"url": row.url, "enabled_events": row.enabled_events, "description": row.description}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, WebhookForm)
        return self.change(ctx, **form.values())


class WebhookRoll(SecretPage, WebhookAct):
    form = SecretRollForm
    title = _("Roll the signing secret?")
    text = _("Until the old secret ends, each delivery is signed with both, so that you can change over in peace.")
    button = _("Make a new secret")

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, SecretRollForm)
        self.secret = endpoints.roll_secret(
            ctx=ctx, merchant_id=self.merchant_id, endpoint_id=self.object.pk, overlap=form.overlap_time()
        )
        return self.back_url()


class WebhookDisable(WebhookAct):
    title = _("Switch the endpoint off?")
    text = _("Nothing is sent to it and nothing is kept for it until it is switched on again.")
    button = _("Switch off")
    danger = True
    done = _("The endpoint was switched off.")

    def perform(self, ctx: Context, form: Form) -> str:
        return self.change(ctx, disabled=True)


class WebhookEnable(WebhookAct):
    title = _("Switch the endpoint on?")
    text = _("It is told of what happens from now on. What it missed can be sent from each event's page.")
    button = _("Switch on")
    done = _("The endpoint was switched on.")

    def perform(self, ctx: Context, form: Form) -> str:
        return self.change(ctx, disabled=False)


class WebhookDelete(WebhookAct):
    title = _("Delete the endpoint?")
    text = _("What still waits for it is not sent any more. Its deliveries stay in the log.")
    button = _("Delete")
    danger = True
    done = _("The endpoint was deleted.")

    def perform(self, ctx: Context, form: Form) -> str:
        endpoints.delete_endpoint(ctx=ctx, merchant_id=self.merchant_id, endpoint_id=self.object.pk)
        return reverse("dashboard:webhooks")


class DeliveryResend(ActPage):
    capability = Capability.SETTINGS
    title = _("Send it again?")
    text = _("The endpoint gets the same body once more, under a fresh signature.")
    button = _("Send again")
    done = _("It is on its way.")

    def load(self, **kwargs: str) -> WebhookDelivery:
        return get_object_or_404(integration.listed_deliveries(self.merchant_id), pk=kwargs["pk"])

    def perform(self, ctx: Context, form: Form) -> str:
        deliveries.send_event(
            ctx=ctx,
            merchant_id=self.merchant_id,
            event_id=self.object.event_id,
            endpoint_id=self.object.endpoint_id,
        )
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:webhook_delivery", args=[self.object.pk])


class EventSend(ActPage):
    """Any event to any endpoint that is on."""

    capability = Capability.SETTINGS
    form = EventSendForm
    title = _("Send this event")
    button = _("Send")
    done = _("It is on its way.")

    def load(self, **kwargs: str) -> Event:
        return get_object_or_404(lists.listed_events(self.merchant_id), pk=kwargs["pk"])

    def form_kwargs(self) -> dict[str, Any]:
        rows = integration.listed_endpoints(self.merchant_id).filter(status="enabled").order_by("-created")
        return {"choices": list(rows.values_list("id", "url"))}

    def perform(self, ctx: Context, form: Form) -> str:
        deliveries.send_event(
            ctx=ctx,
            merchant_id=self.merchant_id,
            event_id=self.object.pk,
            endpoint_id=form.cleaned_data["endpoint"],
        )
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:event", args=[self.object.pk])
