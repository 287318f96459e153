"""Payment methods of a customer: a test instrument more, another default."""

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from core.context import Context
from customers import services
from customers.models import Customer, PaymentMethod
from dashboard.forms.people import InstrumentForm
from dashboard.views.customer_acts import CustomerAct
from payments import services as payments


class CustomerAddMethod(CustomerAct):
    """Sandbox only: with a real processor customers enter their cards themselves."""

    form = InstrumentForm
    title = _("Add a test instrument")
    text = _("It behaves as its name says, at every charge.")
    button = _("Add")
    done = _("The payment method was added.")

    def perform(self, ctx: Context, form: Form) -> str:
        ids = {"merchant_id": self.merchant_id, "customer_id": self.object.pk}
        method = payments.attach_payment_method(ctx=ctx, instrument=form.cleaned_data["instrument"], **ids)
        if not self.object.default_payment_method_id:
            services.set_default_payment_method(ctx=ctx, payment_method_id=method.pk, **ids)
        return self.back_url()


class CustomerDefaultMethod(CustomerAct):
    title = _("Make it the default?")
    text = _("The next invoices are paid with it.")
    button = _("Make default")
    done = _("The default payment method was changed.")

    def load(self, **kwargs: str) -> Customer:
        customer = super().load(**kwargs)
        rows = PaymentMethod.objects.filter(merchant_id=self.merchant_id, customer=customer, detached_at__isnull=True)
        self.method = get_object_or_404(rows, pk=kwargs["method"])
        return customer

    def perform(self, ctx: Context, form: Form) -> str:
        services.set_default_payment_method(
            ctx=ctx, merchant_id=self.merchant_id, customer_id=self.object.pk, payment_method_id=self.method.pk
        )
        return self.back_url()
