"""Test clocks: made, and advanced by hand."""

from typing import Any

from django import forms
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.context import Context
from customers.models import TestClock
from dashboard.forms.clocks import AdvanceForm, TestClockForm
from dashboard.selectors import lists
from dashboard.views.pages import ActPage
from engine.services import clocks
from merchants.rules import Capability


class ClockAct(ActPage):
    capability = Capability.TEST_CLOCKS

    def load(self, **kwargs: str) -> TestClock | None:
        if self.scope.merchant.livemode:
            raise Http404
        return None

    def clock_id(self) -> str | None:
        return None  # a clock is made and advanced from outside its own time


class TestClockNew(ClockAct):
    __test__ = False

    form = TestClockForm
    title = _("New test clock")
    text = _("Customers that you add to it live at its time. Start in the past or today, then advance.")
    button = _("Create the clock")
    done = _("The test clock was created.")

    def initial(self) -> dict[str, Any]:
        return {"frozen_time": timezone.localtime().replace(second=0, microsecond=0)}

    def perform(self, ctx: Context, form: forms.Form) -> str:
        clock = clocks.create_clock(ctx=ctx, merchant_id=self.merchant_id, **form.cleaned_data)
        return reverse("dashboard:test_clock", args=[clock.pk])

    def back_url(self) -> str:
        return reverse("dashboard:test_clocks")


class TestClockAdvance(ClockAct):
    __test__ = False

    form = AdvanceForm
    title = _("Advance the clock")
    text = _("Every renewal, finalization, retry and trial end until then happens, in order.")
    button = _("Advance")
    done = _("The clock is advancing.")

    def load(self, **kwargs: str) -> TestClock:
        super().load(**kwargs)
        return get_object_or_404(lists.listed_clocks(self.merchant_id), pk=kwargs["pk"])

    def form_kwargs(self) -> dict[str, Any]:
        return {"now": self.object.frozen_time, "tz": self.scope.merchant.timezone}

    def perform(self, ctx: Context, form: forms.Form) -> str:
        clocks.advance_clock(
            ctx=ctx, merchant_id=self.merchant_id, clock_id=self.object.pk, to=form.cleaned_data["target"]
        )
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:test_clock", args=[self.object.pk])
