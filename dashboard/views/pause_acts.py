"""A subscription that rests: the service itself, or only the collection of its invoices."""

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext, gettext_lazy as _

from core.context import Context
from dashboard.forms.sales import PauseForm, ResumeForm
from dashboard.selectors import lists
from dashboard.views.edge import outcome_words
from dashboard.views.subscription_acts import SubscriptionAct
from engine.services.change import change_subscription
from engine.services.pause import pause_subscription, resume_subscription
from engine.types import ChangeRequest, PauseCollection, ResumeRequest
from subscriptions.models import Subscription


class SubscriptionPause(SubscriptionAct):
    form = PauseForm
    title = _("Pause the subscription?")
    button = _("Pause")
    done = _("The subscription is paused.")

    def load(self, **kwargs: str) -> Subscription:
        rows = lists.listed_subscriptions(self.merchant_id).exclude(status__in=[*lists.ENDED, "paused"])
        return get_object_or_404(rows, pk=kwargs["pk"])

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        ids = {"merchant_id": self.merchant_id, "subscription_id": self.object.pk}
        if data["what"] == "service":
            pause_subscription(ctx=ctx, prorate=data["prorate"], **ids)
        else:
            pause = PauseCollection(behavior=data["what"], resumes_at=data["resumes_at"])
            change_subscription(ctx=ctx, request=ChangeRequest(pause_collection=pause, **ids))
        return self.back_url()


class SubscriptionResume(SubscriptionAct):
    """Ends whichever pause there is."""

    form = ResumeForm
    title = _("Resume the subscription?")
    button = _("Resume")

    def perform(self, ctx: Context, form: Form) -> str:
        ids = {"merchant_id": self.merchant_id, "subscription_id": self.object.pk}
        if self.object.status == "paused":
            anchor = form.cleaned_data["billing_cycle_anchor"]
            result = resume_subscription(ctx=ctx, request=ResumeRequest(billing_cycle_anchor=anchor, **ids))
            self.object.refresh_from_db(fields=["status"])
        else:
            ended = PauseCollection(behavior="")
            result = change_subscription(ctx=ctx, request=ChangeRequest(pause_collection=ended, **ids))
        goes_on = gettext("The subscription goes on.")
        if self.object.status == "paused" and result.invoice_id:
            goes_on = gettext("The subscription stays paused until its invoice is paid.")
        self.message = outcome_words(result.payment) or goes_on
        return self.back_url()
