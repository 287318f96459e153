"""Disputes: the list with its deadlines, one with what was said, and the evidence."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _

from core.context import Context
from customers.models import Customer
from dashboard.filters.money import DisputeFilter
from dashboard.forms.disputes import LABELS, EvidenceForm
from dashboard.selectors import details, money
from dashboard.tables.processor import DisputeTable
from dashboard.views.pages import ActPage, DetailPage, FormPage, ListPage
from engine.services.disputes import ANSWERABLE, close_dispute, submit_evidence
from invoicing.models import Invoice
from merchants.rules import Capability
from payments.models import Dispute
from payments.movements import movements_of


class DisputeList(ListPage):
    title = _("Disputes")
    subtitle = _("Charges that cardholders contest with their bank. Unanswered in time they are lost.")
    table = DisputeTable
    filter = DisputeFilter
    filename = "disputes"
    empty_icon = "scale"
    empty_title = _("No disputes")
    empty_text = _("When a cardholder contests a charge, it shows here with the day by which to answer.")

    def rows(self) -> QuerySet[Dispute]:
        return money.listed_disputes(self.merchant_id)


class DisputeDetail(DetailPage):
    template = "dashboard/disputes/detail.html"

    def rows(self) -> QuerySet[Dispute]:
        return money.listed_disputes(self.merchant_id).select_related("charge")

    def facts(self, found: Dispute) -> dict[str, Any]:
        return {
            "customer": Customer.objects.filter(merchant_id=self.merchant_id, id=found.customer_id).first(),
            "invoice": Invoice.objects.filter(merchant_id=self.merchant_id, id=found.invoice_id).first(),
            "evidence": [(LABELS.get(name, name), text) for name, text in found.evidence.items()],
            "answerable": found.status in ANSWERABLE,
            "inquiry": found.status.startswith("warning"),
            "movements": movements_of(self.merchant_id, [found.pk]).get(found.pk, []),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }


class DisputeAct:
    """What both acts on a dispute share: the dispute is still to be answered, and back is its page."""

    merchant_id: str
    object: Dispute

    def load(self, **kwargs: str) -> Dispute:
        dispute = get_object_or_404(money.listed_disputes(self.merchant_id), pk=kwargs["pk"])
        if dispute.status not in ANSWERABLE:
            raise Http404
        return dispute

    def back_url(self) -> str:
        return reverse("dashboard:dispute", args=[self.object.pk])


class DisputeClose(DisputeAct, ActPage):
    capability = Capability.REFUNDS
    title = _("Accept the dispute?")
    text = _(
        "Nothing is said against it and the bank's decision stands: a dispute is lost at once, with the bank's fee; an"
        " inquiry is closed. The invoice stays paid. This cannot be undone."
    )
    button = _("Accept it")
    danger = True
    done = _("The dispute was accepted.")

    def perform(self, ctx: Context, form: Form) -> str:
        close_dispute(ctx=ctx, merchant_id=self.merchant_id, dispute_id=self.object.pk)
        return self.back_url()


class DisputeEvidence(DisputeAct, FormPage):
    capability = Capability.REFUNDS
    form = EvidenceForm
    title = _("Answer the dispute")
    text = _("The bank reads this. Say what was sold, to whom, and how it was used; leave out what does not apply.")
    button = _("Save")
    all_optional = True

    def initial(self) -> dict[str, Any]:
        customer = Customer.objects.filter(merchant_id=self.merchant_id, id=self.object.customer_id).first()
        known = {"customer_name": customer.name, "customer_email_address": customer.email} if customer else {}
        return known | self.object.evidence

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, EvidenceForm)
        submit = form.cleaned_data["submit"]
        submit_evidence(
            ctx=ctx,
            merchant_id=self.merchant_id,
            dispute_id=self.object.pk,
            evidence=form.evidence(self.object.evidence),
            submit=submit,
        )
        self.message = gettext("The evidence was submitted.") if submit else gettext("The evidence was kept.")
        return self.back_url()
