"""Quotes: list, detail, a new one, and what becomes of it."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.context import Context
from core.errors import OstinatoError
from dashboard.filters.making import QuoteFilter
from dashboard.forms.quotes import QuoteForm
from dashboard.selectors import details, making
from dashboard.tables.making import QuoteTable
from dashboard.views.edge import error_text
from dashboard.views.pages import ActPage, DetailPage, ListPage, Page
from dashboard.views.subscription_acts import SubscriptionNew
from engine.services import quotes
from engine.services.quote_acceptance import accept_quote
from invoicing.pdf.quote import quote_pdf
from merchants.rules import Capability
from subscriptions.models import Quote


class QuoteList(ListPage):
    title = _("Quotes")
    subtitle = _("What customers are offered, until they take it up or its day is over.")
    table = QuoteTable
    filter = QuoteFilter
    filename = "quotes"
    empty_icon = "file-pen"
    empty_title = _("No quotes yet")
    empty_text = _("Offer a subscription or something billed once; accepted, it starts by itself.")
    create_url = "dashboard:quote_new"
    create_label = _("New quote")
    create_capability = Capability.SUBSCRIPTIONS

    def rows(self) -> QuerySet[Quote]:
        return making.listed_quotes(self.merchant_id)


class QuoteDetail(DetailPage):
    template = "dashboard/quotes/detail.html"

    def rows(self) -> QuerySet[Quote]:
        return making.listed_quotes(self.merchant_id)

    def facts(self, found: Quote) -> dict[str, Any]:
        return {
            "lines": making.lines_of_quote(found),
            "coupons": making.coupons_of_quote(found),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }


class QuotePdf(Page):
    """The paper of a quote that was finalized."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        found = get_object_or_404(making.listed_quotes(self.merchant_id), pk=pk)
        try:
            content, name = quote_pdf(merchant_id=self.merchant_id, quote_id=found.pk)
        except OstinatoError as error:
            messages.error(request, error_text(error))
            return HttpResponseRedirect(reverse("dashboard:quote", args=[found.pk]))
        headers = {"Content-Disposition": f'inline; filename="{name}"'}
        return HttpResponse(content, content_type="application/pdf", headers=headers)


class QuoteNew(SubscriptionNew):
    template = "dashboard/quotes/new.html"
    form = QuoteForm
    title = _("New quote")
    button = _("Save the draft")
    done = _("The draft was saved. Finalize it to give it its number and its paper.")

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, QuoteForm)
        self.message = self.done
        made = quotes.create_quote(ctx=ctx, merchant_id=self.merchant_id, change=form.change())
        return reverse("dashboard:quote", args=[made.pk])

    def back_url(self) -> str:
        return reverse("dashboard:quotes")


class QuoteAct(ActPage):
    capability = Capability.SUBSCRIPTIONS

    def load(self, **kwargs: str) -> Quote:
        return get_object_or_404(making.listed_quotes(self.merchant_id), pk=kwargs["pk"])

    @property
    def ids(self) -> dict[str, str]:
        return {"merchant_id": self.merchant_id, "quote_id": self.object.pk}

    def back_url(self) -> str:
        return reverse("dashboard:quote", args=[self.object.pk])


class QuoteFinalize(QuoteAct):
    title = _("Finalize the quote?")
    text = _("It gets its number and its paper; its terms no longer change.")
    button = _("Finalize")
    done = _("The quote was finalized.")

    def perform(self, ctx: Context, form: Form) -> str:
        quotes.finalize_quote(ctx=ctx, **self.ids)
        return self.back_url()


class QuoteAccept(QuoteAct):
    title = _("Accept the quote for the customer?")
    text = _("What it offers starts now, and what is charged automatically is charged.")
    button = _("Accept")
    done = _("The quote was accepted.")

    def perform(self, ctx: Context, form: Form) -> str:
        accept_quote(ctx=ctx, **self.ids)
        return self.back_url()


class QuoteCancel(QuoteAct):
    title = _("Cancel the quote?")
    text = _("Nobody can accept it any more.")
    button = _("Cancel the quote")
    danger = True
    done = _("The quote was canceled.")

    def perform(self, ctx: Context, form: Form) -> str:
        quotes.cancel_quote(ctx=ctx, **self.ids)
        return self.back_url()


class QuoteCopy(QuoteAct):
    title = _("Copy the quote?")
    text = _("A new draft of the same terms; of a numbered quote, its next revision.")
    button = _("Copy")
    done = _("The copy was made.")

    def perform(self, ctx: Context, form: Form) -> str:
        source: Quote = self.object
        made = quotes.clone_quote(
            ctx=ctx, merchant_id=self.merchant_id, quote_id=source.pk, is_revision=bool(source.number)
        )
        return reverse("dashboard:quote", args=[made.pk])
