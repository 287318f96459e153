"""The billing run under control: what it does now, what it did, what it would do, and what it refused."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, ngettext

from core.context import Context
from dashboard.filters.lists import RefusalFilter, RunFilter
from dashboard.forms.runs import DryRunForm
from dashboard.selectors import lists
from dashboard.selectors.details import actor_email
from dashboard.tables.activity import RefusalTable, RunTable
from dashboard.views.pages import ActPage, DetailPage, ListPage, Page
from engine import run_selectors
from engine.models import BillingRun, DryRun, Refusal
from engine.rules.tally import Tally
from engine.services.dry_run import start_dry_run
from engine.services.retrying import retry_refusals
from merchants.rules import Capability

DRY_RUNS_SHOWN = 5


class Live:
    """What runs now and what waits. Seconds between looks: often while something moves."""

    def live(self, merchant_id: str) -> dict[str, Any]:
        now = timezone.now()
        running, waiting = run_selectors.runs_now(now), run_selectors.waiting(merchant_id, now)
        moves = bool(running or waiting.renewals or waiting.finalizations or waiting.collections)
        return {
            "running": running,
            "waiting": waiting,
            "counted": run_selectors.COUNTED,
            "look_again_s": 2 if moves else 15,
        }


class RunList(Live, ListPage):
    template = "dashboard/runs/list.html"
    title = _("Billing runs")
    subtitle = _("Each waking of the run, over all merchants, and what it refused to touch.")
    table = RunTable
    filter = RunFilter
    filename = "billing-runs"
    empty_icon = "timer-reset"
    empty_title = _("The run has not woken yet")
    empty_text = _("It wakes every minute and looks for what is due.")

    def rows(self) -> QuerySet[BillingRun]:
        return lists.listed_runs(self.merchant_id, timezone.now())

    def extra(self) -> dict[str, Any]:
        return {
            **self.live(self.merchant_id),
            "set_aside": run_selectors.set_aside(timezone.now()),
            "open_refusals": run_selectors.open_refusals(self.merchant_id).count(),
            "dry_runs": list(lists.listed_dry_runs(self.merchant_id)[:DRY_RUNS_SHOWN]),
            "may_run": self.scope.may(Capability.INVOICES),
        }


class RunsLive(Live, Page):
    """The part of the page that keeps itself fresh."""

    template = "dashboard/runs/_live.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(**self.live(self.merchant_id))


class DryRunNew(ActPage):
    capability = Capability.INVOICES
    form = DryRunForm
    title = _("Dry run")
    text = _("The planner itself goes over what will be due and says what it would bill. Nothing is billed.")
    button = _("Start the dry run")

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, DryRunForm)
        found = start_dry_run(ctx=ctx, merchant_id=self.merchant_id, as_of=form.moment(ctx.as_of))
        return reverse("dashboard:dry_run", args=[found.pk])

    def back_url(self) -> str:
        return reverse("dashboard:runs")


class DryRunDetail(DetailPage):
    template = "dashboard/runs/dry_run.html"

    def rows(self) -> QuerySet[DryRun]:
        return lists.listed_dry_runs(self.merchant_id)

    def facts(self, found: DryRun) -> dict[str, Any]:
        tally = Tally.of_json(found.figures)
        return {
            "tally": tally,
            "billed": sorted((currency, *figures) for currency, figures in tally.billed.items()),
            "drafts": run_selectors.drafts_by_currency(self.merchant_id, found.as_of),
            "schedules": run_selectors.due_for_phase(self.merchant_id, found.as_of),
            "asked_by": actor_email(found.actor),
        }


class RefusalList(ListPage):
    template = "dashboard/runs/refusals.html"
    title = _("Refusals")
    subtitle = _("What the run would not bill, why, and when it looks again. Nothing is skipped silently.")
    table = RefusalTable
    filter = RefusalFilter
    filename = "refusals"
    empty_icon = "shield-check"
    empty_title = _("Nothing was refused")
    empty_text = _("Every subscription and invoice that was due could be billed.")

    def rows(self) -> QuerySet[Refusal]:
        return lists.listed_refusals(self.merchant_id)

    @property
    def may_retry(self) -> bool:
        return self.scope.may(Capability.INVOICES)

    def hidden_columns(self) -> tuple[str, ...]:
        return () if self.may_retry else ("pick", "retry")

    def extra(self) -> dict[str, Any]:
        return {"open_refusals": run_selectors.open_refusals(self.merchant_id).count() if self.may_retry else 0}


class RefusalRetry(ActPage):
    """One (`?id=`), those that were ticked (`?id=…&id=…`), or all that are open (`?all=1`)."""

    capability = Capability.INVOICES
    title = _("Look again now")
    button = _("Retry")

    def load(self, **kwargs: str) -> QuerySet[Refusal]:
        found = run_selectors.open_refusals(self.merchant_id)
        return found if self.ids is None else found.filter(id__in=self.ids)

    @property
    def ids(self) -> list[str] | None:
        return None if "all" in self.request.GET else self.request.GET.getlist("id")

    def clock_id(self) -> str | None:
        return None  # what lives on a clock is due at its clock's time, which the use case knows

    @property
    def text(self) -> str:  # type: ignore[override]
        count = self.object.count()
        words = ngettext(
            "The run takes %(count)s refused object up at once, and refuses it again if its cause still stands.",
            "The run takes %(count)s refused objects up at once, and refuses again those whose cause still stands.",
            count,
        )
        return words % {"count": count}

    def perform(self, ctx: Context, form: Form) -> str:
        report = retry_refusals(ctx=ctx, merchant_id=self.merchant_id, refusal_ids=self.ids)
        asked = ngettext("%(count)s is due again.", "%(count)s are due again.", report.asked)
        self.message = asked % {"count": report.asked}
        if report.over:
            over = ngettext(
                "%(count)s waits for nothing any more and was closed.",
                "%(count)s wait for nothing any more and were closed.",
                report.over,
            )
            messages.info(self.request, over % {"count": report.over})
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:refusals")
