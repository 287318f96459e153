"""A person with several merchants goes from one to another, live or sandbox."""

from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import reverse

from dashboard.access import SESSION_KEY
from dashboard.views.pages import Page


class SwitchMerchant(Page):
    def post(self, request: HttpRequest) -> HttpResponseRedirect:
        wanted = request.POST.get("merchant", "")
        if wanted not in {self.merchant_id, *(other.pk for other in self.scope.others)}:
            raise Http404  # somebody else's merchant is not there at all
        request.session[SESSION_KEY] = wanted
        return HttpResponseRedirect(reverse("dashboard:overview"))
