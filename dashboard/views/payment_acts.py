"""Money that goes back."""

from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _

from core.context import Context
from dashboard.forms.fields import major
from dashboard.forms.money import RefundForm
from dashboard.selectors import lists
from dashboard.views.pages import ActPage
from engine.services.refund import refund_charge
from merchants.rules import Capability
from payments.models import Charge, PaymentIntent
from payments.rules import amount_taken


class PaymentRefund(ActPage):
    capability = Capability.REFUNDS
    form = RefundForm
    title = _("Refund the payment")
    text = _("The money goes back the way it came.")
    button = _("Refund")

    def load(self, **kwargs: str) -> PaymentIntent:
        payment = get_object_or_404(lists.listed_payments(self.merchant_id), pk=kwargs["pk"])
        rows = Charge.objects.filter(merchant_id=self.merchant_id, payment_intent_id=payment.pk, status="succeeded")
        self.charge = get_object_or_404(rows, pk=kwargs["charge"])
        return payment

    def clock_id(self) -> str | None:
        return self.charge.test_clock_id

    def form_kwargs(self) -> dict[str, Any]:
        return {"currency": self.charge.currency}

    def initial(self) -> dict[str, Any]:
        return {"amount": major(amount_taken(self.charge) - self.charge.amount_refunded, self.charge.currency)}

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        outcome = refund_charge(
            ctx=ctx,
            merchant_id=self.merchant_id,
            charge_id=self.charge.pk,
            amount=data["minor"],
            reason=data["reason"],
            note=data["note"],
        )
        said = {"succeeded": gettext("The payment was refunded."), "failed": gettext("The refund failed.")}
        self.message = said.get(outcome.status, gettext("The refund is on its way."))
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:payment", args=[self.object.pk])
