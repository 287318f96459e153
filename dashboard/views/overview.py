"""The first page: how the business is doing, and what needs somebody."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from dashboard.selectors import overview
from dashboard.views.pages import Page


class Overview(Page):
    template = "dashboard/overview.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        return self.render(
            failed=overview.failed_invoices(self.merchant_id, now),
            refusals=overview.open_refusals(self.merchant_id),
            incomplete=overview.incomplete_subscriptions(self.merchant_id),
            trials=overview.ending_trials(self.merchant_id, now),
            recent=overview.recent_events(self.merchant_id),
        )
