"""The first page: how the business is doing, and what needs somebody."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.periods import add_months
from dashboard.kpis import overview_cards
from dashboard.selectors import overview
from dashboard.views.pages import Page
from insights.selectors import mrr_series, overview_kpis

MONTHS = 12


class Overview(Page):
    is_report = True
    template = "dashboard/overview.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        kpis = overview_kpis(self.merchant_id, now)
        return self.render(
            kpis=kpis,
            cards=overview_cards(kpis),
            **self.mrr(now),
            failed=overview.failed_invoices(self.merchant_id, now),
            disputes=overview.disputes_to_answer(self.merchant_id, now),
            refusals=overview.open_refusals(self.merchant_id),
            incomplete=overview.incomplete_subscriptions(self.merchant_id),
            trials=overview.ending_trials(self.merchant_id, now),
            recent=overview.recent_events(self.merchant_id),
        )

    def mrr(self, now: datetime) -> dict[str, Any]:
        """The chart's points, which are also the rows of the table beneath it."""
        series = mrr_series(self.merchant_id, add_months(now, -MONTHS, self.scope.merchant.timezone), now)
        return {"mrr": series, "mrr_empty": all(not point.total for point in series.points)}
