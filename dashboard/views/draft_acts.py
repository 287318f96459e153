"""The lines of a draft: added, changed, taken off."""

from typing import Any, ClassVar

from django.forms import Form
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from catalog import selectors as catalog
from core.context import Context
from core.money import currency_exponent
from dashboard.forms.drafts import DraftLineForm, LineWordsForm, RemoveLineForm
from dashboard.selectors import lists
from dashboard.views.invoice_acts import InvoiceAct
from engine.services import invoice_lines
from engine.types.items import InvoiceItemChange
from invoicing.models import Invoice, InvoiceLine


class DraftAct(InvoiceAct):
    """An act on a draft, or on one of its lines where the address names one."""

    def load(self, **kwargs: str) -> Invoice:
        drafts = lists.listed_invoices(self.merchant_id).filter(status="draft")
        draft: Invoice = get_object_or_404(drafts, pk=kwargs["pk"])
        if "line" in kwargs:
            lines = InvoiceLine.objects.filter(merchant_id=self.merchant_id, invoice_id=draft.pk)
            self.line = get_object_or_404(lines, pk=kwargs["line"])
        return draft

    def pricing(self) -> dict[str, Any]:
        prices = catalog.active_prices(self.merchant_id, currency=self.object.currency).filter(type="one_time")
        return {"currency": self.object.currency, "prices": list(prices.order_by("product__name", "created"))}


class DraftLineAdd(DraftAct):
    form = DraftLineForm
    title = _("Add a line")
    text = _("A one-time price, or an amount of your own. A negative amount is a credit.")
    button = _("Add")
    done = _("The line was added.")

    def form_kwargs(self) -> dict[str, Any]:
        return self.pricing()

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, DraftLineForm)
        invoice_lines.add_lines(ctx=ctx, merchant_id=self.merchant_id, invoice_id=self.object.pk, lines=[form.line()])
        return self.back_url()


class DraftLineChange(DraftAct):
    """Of a line that a subscription bills, or that stands for a share of a period, only the words."""

    form: ClassVar[type[Form]] = DraftLineForm
    title = _("Change the line")
    button = _("Save")
    done = _("The line was changed.")

    def load(self, **kwargs: str) -> Invoice:
        draft = super().load(**kwargs)
        if not self.line.is_one_off:
            self.form = LineWordsForm  # type: ignore[misc]
        return draft

    def form_kwargs(self) -> dict[str, Any]:
        return self.pricing() if self.line.is_one_off else {}

    def initial(self) -> dict[str, Any]:
        line, unit = self.line, self.line.unit_amount_decimal
        return {
            "description": line.description,
            "quantity": line.quantity,
            "price_id": line.price_id,
            # A price's own amount is not for typing over: the price is chosen, or none is.
            "unit_amount": None
            if unit is None or line.price_id
            else unit.scaleb(-currency_exponent(line.currency)).normalize(),
        }

    def perform(self, ctx: Context, form: Form) -> str:
        change: InvoiceItemChange = form.change()  # type: ignore[attr-defined]
        changes = [(self.line.pk, change)]
        invoice_lines.update_lines(ctx=ctx, merchant_id=self.merchant_id, invoice_id=self.object.pk, changes=changes)
        return self.back_url()


class DraftLineRemove(DraftAct):
    form = RemoveLineForm
    title = _("Take the line off the draft?")
    button = _("Take it off")
    danger = True
    done = _("The line was taken off.")

    def load(self, **kwargs: str) -> Invoice:
        draft = super().load(**kwargs)
        if not self.line.invoice_item_id:
            raise Http404  # a subscription's own line goes with the subscription
        return draft

    def perform(self, ctx: Context, form: Form) -> str:
        lines = [(self.line.pk, form.cleaned_data["what"] == "gone")]
        invoice_lines.remove_lines(ctx=ctx, merchant_id=self.merchant_id, invoice_id=self.object.pk, lines=lines)
        return self.back_url()
