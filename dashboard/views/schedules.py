"""Subscription schedules: list, detail, and their two ends."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.context import Context
from dashboard.filters.making import ScheduleFilter
from dashboard.forms.schedules import CancelScheduleForm
from dashboard.selectors import details, making
from dashboard.tables.making import ScheduleTable
from dashboard.views.pages import ActPage, DetailPage, ListPage
from engine.services import schedules
from merchants.rules import Capability
from subscriptions.models import SubscriptionSchedule


class ScheduleList(ListPage):
    title = _("Schedules")
    subtitle = _("What subscriptions will become, phase by phase, without anybody at work.")
    table = ScheduleTable
    filter = ScheduleFilter
    filename = "schedules"
    empty_icon = "calendar-clock"
    empty_title = _("No schedules yet")
    empty_text = _("A start in the future, a downgrade at a date, a price for a season.")
    create_url = "dashboard:schedule_new"
    create_label = _("New schedule")
    create_capability = Capability.SUBSCRIPTIONS

    def rows(self) -> QuerySet[SubscriptionSchedule]:
        return making.listed_schedules(self.merchant_id)


class ScheduleDetail(DetailPage):
    template = "dashboard/schedules/detail.html"

    def rows(self) -> QuerySet[SubscriptionSchedule]:
        return making.listed_schedules(self.merchant_id)

    def facts(self, found: SubscriptionSchedule) -> dict[str, Any]:
        return {
            "phases": making.phases_of(found),
            "open": found.status in making.OPEN_SCHEDULES,
            "subscription_id": found.subscription_id or found.released_subscription_id,
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }


class ScheduleAct(ActPage):
    capability = Capability.SUBSCRIPTIONS

    def load(self, **kwargs: str) -> SubscriptionSchedule:
        return get_object_or_404(making.listed_schedules(self.merchant_id), pk=kwargs["pk"])

    @property
    def ids(self) -> dict[str, str]:
        return {"merchant_id": self.merchant_id, "schedule_id": self.object.pk}

    def back_url(self) -> str:
        return reverse("dashboard:schedule", args=[self.object.pk])


class ScheduleRelease(ScheduleAct):
    title = _("Release the subscription from its schedule?")
    text = _("The subscription goes on as it is now; later phases do not happen.")
    button = _("Release")
    done = _("The schedule was released.")

    def perform(self, ctx: Context, form: Form) -> str:
        schedules.release_schedule(ctx=ctx, merchant_id=self.merchant_id, schedule_id=self.object.pk)
        return self.back_url()


class ScheduleCancel(ScheduleAct):
    form = CancelScheduleForm
    title = _("Cancel the schedule?")
    text = _("Its subscription, if it has begun, is canceled now.")
    button = _("Cancel the schedule")
    danger = True
    done = _("The schedule was canceled.")

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        schedules.cancel_schedule(
            ctx=ctx,
            merchant_id=self.merchant_id,
            schedule_id=self.object.pk,
            prorate=data["prorate"],
            invoice_now=data["invoice_now"],
        )
        return self.back_url()
