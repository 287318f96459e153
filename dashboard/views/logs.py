"""The log of API requests, and the reference of what can be asked."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from api.models import ApiRequest
from api.openapi.document import reference
from dashboard.filters.integration import RequestFilter
from dashboard.selectors import integration
from dashboard.tables.integration import RequestTable
from dashboard.views.pages import DetailPage, ListPage, Page
from merchants.rules import Capability


class RequestList(ListPage):
    capability = Capability.SETTINGS
    title = _("API requests")
    subtitle = _("What your systems asked, and how it was answered. Secrets are not kept.")
    table = RequestTable
    filter = RequestFilter
    filename = "api-requests"
    empty_icon = "scroll-text"
    empty_title = _("No requests yet")
    empty_text = _("Every request that is made with one of your keys shows here.")

    def rows(self) -> QuerySet[ApiRequest]:
        return integration.listed_requests(self.merchant_id)


class RequestDetail(DetailPage):
    """Found by the log's own id, or by the request id that an answer carried."""

    capability = Capability.SETTINGS
    template = "dashboard/logs/detail.html"

    def get(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        rows = integration.listed_requests(self.merchant_id).filter(Q(pk=pk) | Q(request_id=pk))
        found = rows.order_by("-created").first()
        if found is None:
            raise Http404
        return self.render(object=found, **self.facts(found))

    def facts(self, found: ApiRequest) -> dict[str, Any]:
        return {
            "events": integration.events_of_request(found),
            "key": integration.key_words(self.merchant_id, found.key_id),
        }


class Reference(Page):
    template = "dashboard/logs/reference.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(groups=reference())
