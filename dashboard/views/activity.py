"""What happened: events, messages, test clocks."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.response import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from customers.models import TestClock
from dashboard.filters.lists import EventFilter, MessageFilter, TestClockFilter
from dashboard.selectors import details, integration, lists
from dashboard.tables.activity import EventTable, MessageTable, TestClockTable
from dashboard.views.pages import DetailPage, ListPage, Page
from events import selectors as outbox
from events.models import Event
from merchants.rules import Capability
from notifications.models import Message


class EventList(ListPage):
    title = _("Events")
    subtitle = _("Everything that happened, in the order it happened.")
    table = EventTable
    filter = EventFilter
    filename = "events"
    empty_icon = "activity"
    empty_title = _("Nothing happened yet")

    def rows(self) -> QuerySet[Event]:
        return lists.listed_events(self.merchant_id)


class EventDetail(DetailPage):
    template = "dashboard/events/detail.html"

    def rows(self) -> QuerySet[Event]:
        return lists.listed_events(self.merchant_id)

    def facts(self, found: Event) -> dict[str, Any]:
        return {
            "body": outbox.event_body(found),
            "object_url": details.page_of(found.object_id),
            "asked_over_api": found.actor.startswith("api:"),
            "actor_name": details.actor_name(self.merchant_id, found.actor),
            "deliveries": integration.listed_deliveries(self.merchant_id).filter(event_id=found.pk)[:20]
            if self.scope.may(Capability.SETTINGS)
            else (),
        }


class MessageList(ListPage):
    template = "dashboard/messages/list.html"
    title = _("Sent messages")
    subtitle = _("Every mail to a subscriber, kept as it went out.")
    table = MessageTable
    filter = MessageFilter
    filename = "messages"
    empty_icon = "mail"
    empty_title = _("No messages yet")
    empty_text = _("Receipts, invoices and reminders show here once they are sent.")

    def rows(self) -> QuerySet[Message]:
        return lists.listed_messages(self.merchant_id)


class MessageDetail(DetailPage):
    template = "dashboard/messages/detail.html"

    def rows(self) -> QuerySet[Message]:
        return Message.objects.filter(merchant_id=self.merchant_id)


class MessageAsSent(Page):
    """The mail's own HTML, in a tab of its own: nothing in it runs, and nothing is fetched from elsewhere."""

    # Mail clients need inline styles; `sandbox` takes scripts, forms and the site's origin from the page instead.
    POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        message = get_object_or_404(Message, merchant_id=self.merchant_id, pk=pk)
        return HttpResponse(message.html, headers={"Content-Security-Policy": self.POLICY})


class SandboxOnly:
    """Test clocks exist in a sandbox; in live mode their pages are not there."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.scope.merchant.livemode:  # type: ignore[attr-defined]
            raise Http404
        return super().get(request, *args, **kwargs)  # type: ignore[misc]


class TestClockList(SandboxOnly, ListPage):
    __test__ = False

    title = _("Test clocks")
    subtitle = _("Time that you advance by hand. Customers on a clock live at its time and are billed by the same run.")
    table = TestClockTable
    filter = TestClockFilter
    filename = "test-clocks"
    empty_icon = "clock"
    empty_title = _("No test clocks yet")
    empty_text = _("Make one, add customers to it, and see a year of renewals in a minute.")
    create_url = "dashboard:test_clock_new"
    create_label = _("New test clock")
    create_capability = Capability.TEST_CLOCKS

    def rows(self) -> QuerySet[TestClock]:
        return lists.listed_clocks(self.merchant_id)


class TestClockDetail(SandboxOnly, DetailPage):
    __test__ = False

    template = "dashboard/test_clocks/detail.html"

    def rows(self) -> QuerySet[TestClock]:
        return lists.listed_clocks(self.merchant_id)

    def facts(self, found: TestClock) -> dict[str, Any]:
        return {
            "customers": lists.listed_customers(self.merchant_id).filter(test_clock=found)[:50],
            "subscriptions": lists.listed_subscriptions(self.merchant_id).filter(test_clock_id=found.pk)[:50],
            "invoices": lists.listed_invoices(self.merchant_id)
            .filter(test_clock_id=found.pk)
            .order_by("-created", "-id")[:25],
        }
