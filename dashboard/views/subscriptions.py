"""Subscriptions: list and detail."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from dashboard.filters.lists import SubscriptionFilter
from dashboard.selectors import details, lists, periods
from dashboard.tables.people import SubscriptionTable
from dashboard.views.pages import DetailPage, ListPage
from merchants.rules import Capability
from subscriptions.models import Subscription

RELATED = 12


class SubscriptionList(ListPage):
    title = _("Subscriptions")
    table = SubscriptionTable
    filter = SubscriptionFilter
    filename = "subscriptions"
    empty_icon = "repeat"
    empty_title = _("No subscriptions yet")
    empty_text = _("Share a payment link, or subscribe a customer yourself.")
    create_url = "dashboard:subscription_new"
    create_label = _("New subscription")
    create_capability = Capability.SUBSCRIPTIONS

    def rows(self) -> QuerySet[Subscription]:
        return lists.listed_subscriptions(self.merchant_id)


class SubscriptionDetail(DetailPage):
    template = "dashboard/subscriptions/detail.html"

    def rows(self) -> QuerySet[Subscription]:
        return lists.listed_subscriptions(self.merchant_id)

    def facts(self, found: Subscription) -> dict[str, Any]:
        invoices = lists.listed_invoices(self.merchant_id).filter(subscription=found)
        return {
            "invoices": invoices.order_by("-created", "-id")[:RELATED],
            "discounts": details.discounts_of(self.merchant_id, found.pk),
            "pending_items": details.pending_items_of(self.merchant_id, found.pk),
            "tax_rates": details.tax_rates_by_id(self.merchant_id, found.default_tax_rate_ids),
            "per_period": periods.per_period(found),
            "usage": periods.usage_so_far(found),
            "steps": periods.schedule_steps(found),
            "ended": found.status in lists.ENDED,
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }
