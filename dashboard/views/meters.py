"""Meters: list, detail, and what a member does to them."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog import services
from catalog.models import Meter
from core.context import Context
from dashboard.filters.making import MeterFilter
from dashboard.forms.meters import MeterEditForm, MeterForm
from dashboard.selectors import details, making
from dashboard.tables.making import MeterTable
from dashboard.views.pages import ActPage, DetailPage, ListPage
from merchants.rules import Capability


class MeterList(ListPage):
    title = _("Meters")
    subtitle = _("Each counts the uses that your systems report under one event name; a metered price bills the count.")
    table = MeterTable
    filter = MeterFilter
    filename = "meters"
    empty_icon = "gauge"
    empty_title = _("No meters yet")
    empty_text = _("Make one to bill by use: requests, gigabytes, active people.")
    create_url = "dashboard:meter_new"
    create_label = _("New meter")
    create_capability = Capability.CATALOG

    def rows(self) -> QuerySet[Meter]:
        return making.listed_meters(self.merchant_id)


class MeterDetail(DetailPage):
    template = "dashboard/meters/detail.html"

    def rows(self) -> QuerySet[Meter]:
        return making.listed_meters(self.merchant_id)

    def facts(self, found: Meter) -> dict[str, Any]:
        return {
            "uses": making.current_use(found),
            "prices": making.prices_of_meter(found),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }


class MeterNew(ActPage):
    capability = Capability.CATALOG
    form = MeterForm
    title = _("New meter")
    text = _("The event name, what counts and the keys never change afterwards.")
    button = _("Create the meter")
    done = _("The meter was created.")

    def perform(self, ctx: Context, form: Form) -> str:
        meter = services.create_meter(ctx=ctx, merchant_id=self.merchant_id, **form.cleaned_data)
        return reverse("dashboard:meter", args=[meter.pk])

    def back_url(self) -> str:
        return reverse("dashboard:meters")


class MeterAct(ActPage):
    capability = Capability.CATALOG

    def load(self, **kwargs: str) -> Meter:
        return get_object_or_404(making.listed_meters(self.merchant_id), pk=kwargs["pk"])

    @property
    def ids(self) -> dict[str, str]:
        return {"merchant_id": self.merchant_id, "meter_id": self.object.pk}

    def back_url(self) -> str:
        return reverse("dashboard:meter", args=[self.object.pk])


class MeterEdit(MeterAct):
    form = MeterEditForm
    title = _("Rename the meter")
    text = _("Only its name changes: what it counted stays what it was.")
    button = _("Save")
    done = _("The meter was saved.")

    def initial(self) -> dict[str, Any]:
        return {"display_name": self.object.display_name}

    def perform(self, ctx: Context, form: Form) -> str:
        services.update_meter(ctx=ctx, **self.ids, **form.cleaned_data)
        return self.back_url()


class MeterDeactivate(MeterAct):
    title = _("Deactivate the meter?")
    text = _("Its events are refused from now on. What was counted is still billed.")
    button = _("Deactivate")
    danger = True
    done = _("The meter was deactivated.")

    def perform(self, ctx: Context, form: Form) -> str:
        services.set_meter_status(ctx=ctx, status="inactive", **self.ids)
        return self.back_url()


class MeterActivate(MeterAct):
    title = _("Activate the meter?")
    text = _("Its events are taken again.")
    button = _("Activate")
    done = _("The meter was activated.")

    def perform(self, ctx: Context, form: Form) -> str:
        services.set_meter_status(ctx=ctx, status="active", **self.ids)
        return self.back_url()
