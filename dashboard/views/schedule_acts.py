"""Schedules made and changed: the phases typed in, shown by the planner, and put around what runs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog import selectors as catalog
from core.context import Context
from core.errors import OstinatoError
from core.ids import is_id
from customers.models import Customer
from dashboard.forms.phases import PhasesForm
from dashboard.selectors import lists, making
from dashboard.views.edge import context_of, error_text
from dashboard.views.pages import FormPage
from dashboard.views.schedules import ScheduleAct
from dashboard.views.subscription_acts import PICKER_LENGTH, SubscriptionAct
from engine.services import schedules
from engine.services.schedule_previews import preview_schedule
from engine.types.schedules import Phase, PhaseRequest, ScheduleRequest, ScheduleUpdate
from merchants.rules import Capability
from subscriptions.models import SubscriptionSchedule


class PhasesPage(FormPage):
    """A page with phases. A post with `preview` set is answered with what they would come to."""

    capability = Capability.SUBSCRIPTIONS
    template = "dashboard/schedules/edit.html"
    form = PhasesForm
    starts = True

    def currency(self) -> str:
        raise NotImplementedError

    def standing(self) -> Sequence[PhaseRequest]:
        return ()

    def form_kwargs(self) -> dict[str, Any]:
        prices = catalog.active_prices(self.merchant_id, currency=self.currency()).filter(type="recurring")
        return {
            "prices": list(prices.order_by("product__name", "created")),
            "coupons": list(catalog.coupons(self.merchant_id).order_by("-created")),
            "standing": self.standing(),
            "starts": self.starts,
        }

    def preview_facts(self, form: Form) -> dict[str, Any]:
        """What `preview_schedule` is asked about."""
        raise NotImplementedError

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        if "preview" not in request.GET:
            return super().post(request, **kwargs)
        self.object = self.load(**kwargs)
        form = self.form(request.POST, initial=self.initial(), **self.form_kwargs())
        found: dict[str, Any] = {}
        if form.is_valid():
            try:
                found["preview"] = preview_schedule(
                    ctx=context_of(request, self.scope, clock_id=self.clock_id()),
                    merchant_id=self.merchant_id,
                    phases=form.phases(),  # type: ignore[attr-defined]
                    **self.preview_facts(form),
                )
            except OstinatoError as error:
                found["refused"] = error_text(error)
        return self.render("dashboard/schedules/_preview.html", **found)


class ScheduleNew(PhasesPage):
    """A subscription to come, for a customer."""

    title = _("New schedule")
    button = _("Create the schedule")
    done = _("The schedule was created.")

    def load(self, **kwargs: str) -> Customer | None:
        wanted = self.request.POST.get("customer_id") or self.request.GET.get("customer")
        if wanted and not is_id(wanted, "cus"):
            raise Http404
        rows = lists.listed_customers(self.merchant_id)
        return get_object_or_404(rows, pk=wanted) if wanted else None

    def currency(self) -> str:
        return self.object.currency if self.object else ""

    def context(self, form: Form) -> dict[str, Any]:
        return {} if self.object else {"customers": lists.listed_customers(self.merchant_id)[:PICKER_LENGTH]}

    def preview_facts(self, form: Form) -> dict[str, Any]:
        customer_id = self.object.pk if self.object else ""
        return {"customer_id": customer_id, "start": form.cleaned_data["start_date"]}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, PhasesForm)
        request = ScheduleRequest(
            merchant_id=self.merchant_id,
            customer_id=self.object.pk if self.object else "",
            phases=form.phases(),
            start_date=form.cleaned_data["start_date"],
            end_behavior=form.cleaned_data["end_behavior"],
        )
        schedule = schedules.create_schedule(ctx=ctx, request=request)
        return reverse("dashboard:schedule", args=[schedule.pk])

    def back_url(self) -> str:
        if self.object:
            return reverse("dashboard:customer", args=[self.object.pk])
        return reverse("dashboard:schedules")


class SubscriptionScheduleNew(PhasesPage, SubscriptionAct):
    """A schedule around a running subscription: its current phase is what it is now."""

    title = _("Schedule changes")
    text = _("The first phase is what the subscription is now.")
    button = _("Create the schedule")
    done = _("The schedule was created.")
    starts = False

    def currency(self) -> str:
        return str(self.object.currency)

    def standing(self) -> Sequence[PhaseRequest]:
        return [schedules.phase_now(self.object).request]

    def preview_facts(self, form: Form) -> dict[str, Any]:
        return {
            "customer_id": self.object.customer_id,
            "start": schedules.phase_now(self.object).start,
            "subscription_id": self.object.pk,
        }

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, PhasesForm)
        schedule = schedules.schedule_subscription(
            ctx=ctx,
            merchant_id=self.merchant_id,
            subscription_id=self.object.pk,
            phases=form.phases(),
            end_behavior=form.cleaned_data["end_behavior"],
        )
        return reverse("dashboard:schedule", args=[schedule.pk])


class ScheduleEdit(PhasesPage, ScheduleAct):
    """Other phases from the current one on."""

    title = _("Edit the schedule")
    text = _("Phases that are over stay as they were.")
    button = _("Save")
    done = _("The schedule was saved.")
    starts = False

    def load(self, **kwargs: str) -> SubscriptionSchedule:
        schedule = super().load(**kwargs)
        if schedule.status not in making.OPEN_SCHEDULES:
            raise Http404
        return schedule

    def currency(self) -> str:
        return making.currency_of_schedule(self.object)

    def standing(self) -> Sequence[PhaseRequest]:
        return [_by_what_is_shown(phase) for phase in making.phases_ahead(self.object)]

    def initial(self) -> dict[str, Any]:
        return {"end_behavior": self.object.end_behavior}

    def preview_facts(self, form: Form) -> dict[str, Any]:
        begins: datetime = making.phases_ahead(self.object)[0].start
        return {
            "customer_id": self.object.customer_id,
            "start": begins,
            "subscription_id": self.object.subscription_id or "",
        }

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, PhasesForm)
        _update(ctx, self.object, form)
        return self.back_url()


def _by_what_is_shown(phase: Phase) -> PhaseRequest:
    """A phase that was given a length ends on the day this comes to; one that counts periods goes on counting."""
    if phase.request.iterations and not phase.request.duration:
        return replace(phase.request, start=None)
    return replace(phase.request, start=None, duration=None, end_date=phase.end)


def _update(ctx: Context, schedule: SubscriptionSchedule, form: PhasesForm) -> None:
    request = ScheduleUpdate(
        merchant_id=schedule.merchant_id,
        schedule_id=schedule.pk,
        phases=form.phases(),
        end_behavior=form.cleaned_data["end_behavior"],
    )
    schedules.update_schedule(ctx=ctx, request=request)
