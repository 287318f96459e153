"""Disputes: the list with its deadlines, one with what was said, and the evidence."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from api.bodies import file_response
from core.context import Context
from core.errors import OstinatoError
from core.files import MEDIA_TYPES
from customers.models import Customer
from dashboard.filters.money import DisputeFilter
from dashboard.forms.disputes import LABELS, EvidenceForm
from dashboard.selectors import details, money
from dashboard.tables.processor import DisputeTable
from dashboard.views.edge import error_text
from dashboard.views.pages import ActPage, DetailPage, FormPage, ListPage, Page
from engine.services.disputes import ANSWERABLE, close_dispute, submit_evidence
from invoicing.models import Invoice
from merchants.files import check_upload, downloaded, files_by_id, store_file
from merchants.models import File
from merchants.rules import Capability
from payments.models import Dispute
from payments.movements import movements_of
from payments.types import EVIDENCE, EVIDENCE_FILES


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
            "evidence": [
                (LABELS.get(name, name), text) for name, text in found.evidence.items() if name not in EVIDENCE_FILES
            ],
            "files": [(LABELS[name], file) for name, file in files_kept(found).items()],
            "answerable": found.status in ANSWERABLE,
            "inquiry": found.status.startswith("warning"),
            "movements": movements_of(self.merchant_id, [found.pk]).get(found.pk, []),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }


def files_kept(dispute: Dispute) -> dict[str, File | None]:
    """The files that are its evidence, by what they prove; None for one that only the processor has."""
    named = {name: dispute.evidence[name] for name in EVIDENCE_FILES if dispute.evidence.get(name)}
    files = files_by_id(dispute.merchant_id, list(named.values()))
    return {name: files.get(file_id) for name, file_id in named.items()}


class EvidenceFileDownload(Page):
    """A file that a dispute names, to be kept; never shown in the page's own address."""

    def get(self, request: HttpRequest, pk: str, file_id: str) -> HttpResponse:
        dispute = get_object_or_404(money.listed_disputes(self.merchant_id), pk=pk)
        file = next((one for one in files_kept(dispute).values() if one and one.id == file_id), None)
        if file is None:
            raise Http404
        try:
            content = downloaded(file, at=timezone.now())
        except OstinatoError as error:
            messages.error(request, error_text(error))
            return HttpResponseRedirect(reverse("dashboard:dispute", args=[dispute.pk]))
        return file_response(content, file.filename, MEDIA_TYPES[file.kind])


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

    def form_kwargs(self) -> dict[str, Any]:
        return {"files_kept": files_kept(self.object)}

    def initial(self) -> dict[str, Any]:
        customer = Customer.objects.filter(merchant_id=self.merchant_id, id=self.object.customer_id).first()
        known = {"customer_name": customer.name, "customer_email_address": customer.email} if customer else {}
        return known | {name: text for name, text in self.object.evidence.items() if name in EVIDENCE}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, EvidenceForm)
        submit = form.cleaned_data["submit"]
        submit_evidence(
            ctx=ctx,
            merchant_id=self.merchant_id,
            dispute_id=self.object.pk,
            evidence=form.evidence(self.object.evidence) | self.store(ctx, form.uploads()),
            submit=submit,
        )
        self.message = gettext("The evidence was submitted.") if submit else gettext("The evidence was kept.")
        return self.back_url()

    def store(self, ctx: Context, uploads: Mapping[str, UploadedFile]) -> dict[str, str]:
        """The ids of the files that came, kept on the wall's time, as those of the API."""
        ids: dict[str, str] = {}
        for name, upload in uploads.items():
            try:
                check_upload("dispute_evidence", upload.size or 0)
                file = store_file(
                    ctx=replace(ctx, as_of=ctx.recorded_at),
                    merchant_id=self.merchant_id,
                    purpose="dispute_evidence",
                    name=upload.name or "",
                    content=upload.read(),
                )
            except OstinatoError as error:
                error.param = f"evidence[{name}]"
                raise
            ids[name] = file.id
        return ids
