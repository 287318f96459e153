"""Payment methods of a customer: one more, another default, one removed."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language, gettext, gettext_lazy as _

from core.context import Context
from core.errors import OstinatoError
from customers import services
from customers.backups import rearrange_backups
from customers.models import Customer, PaymentMethod
from dashboard.forms.people import InstrumentForm
from dashboard.selectors import lists
from dashboard.views.customer_acts import CustomerAct
from dashboard.views.edge import context_of, error_text
from dashboard.views.pages import Page
from engine.services.card_expiry import replace_sandbox_card
from engine.services.recover import bring_retries_forward
from engine.services.setups import finish_customer_setup
from merchants.rules import Capability
from payments import services as payments
from payments.rules import HOSTED, INSTRUMENTS
from payments.setups import NoWayToPay, start_setup, way_of


class CustomerAddMethod(CustomerAct):
    """By a test instrument's name in a sandbox, else on the processor's page: no number is typed here."""

    title = _("Add a payment method")
    button = _("Continue")
    url = ""

    def load(self, **kwargs: str) -> Customer:
        self.way = way_of(self.scope.merchant)
        if self.way == INSTRUMENTS:
            self.form = InstrumentForm  # type: ignore[misc]
            self.text = _("A test instrument behaves as its name says, at every charge.")  # type: ignore[misc]
            self.message = _("The payment method was added.")
        else:
            self.text = _("It is entered on the processor's page: no number passes through here.")  # type: ignore[misc]
        return super().load(**kwargs)

    def perform(self, ctx: Context, form: Form) -> str:
        if self.way == HOSTED:
            self._start(ctx)
        elif self.way == INSTRUMENTS:
            self._attach(ctx, form.cleaned_data["instrument"])
        else:
            raise NoWayToPay
        return self.back_url()

    def _attach(self, ctx: Context, instrument: str) -> None:
        ids = {"merchant_id": self.merchant_id, "customer_id": self.object.pk}
        payments.attach_payment_method(ctx=ctx, instrument=instrument, **ids)
        bring_retries_forward(ctx=ctx, **ids)

    def _start(self, ctx: Context) -> None:
        back = reverse("dashboard:customer_method_entered", args=[self.object.pk, "SETUP"]).replace("SETUP", "{setup}")
        language, _dash, country = (get_language() or "en").partition("-")
        _setup, self.url = start_setup(
            ctx=ctx,
            merchant_id=self.merchant_id,
            customer_id=self.object.pk,
            return_url=settings.SITE_URL + back,
            locale=f"{language}-{country.upper()}" if country else language,
            make_default=not self.object.default_payment_method_id,
            with_debits=True,
        )

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        response = super().post(request, **kwargs)
        if not self.url:
            return response
        # A form may not lead away from here: a link does.
        shown = self.render("dashboard/customers/enter_method.html", url=self.url, back_url=self.back_url())
        shown["Cache-Control"] = "no-store"
        return shown


class CustomerMethodEntered(Page):
    """Back from the processor's page."""

    capability = Capability.CUSTOMERS

    def get(self, request: HttpRequest, pk: str, setup: str) -> HttpResponseBase:
        customer = get_object_or_404(lists.listed_customers(self.merchant_id), pk=pk)
        ctx = context_of(request, self.scope, clock_id=customer.test_clock_id)
        ids = {"merchant_id": self.merchant_id, "customer_id": customer.pk}
        try:
            found = finish_customer_setup(ctx=ctx, setup_id=setup, **ids)
        except OstinatoError as refused:
            if refused.code == "resource_missing":
                raise Http404 from refused
            messages.error(request, error_text(refused))
        else:
            stored = found.status == "succeeded"
            said = gettext("The payment method was added.") if stored else gettext("Nothing was stored.")
            messages.info(request, said)
        return HttpResponseRedirect(reverse("dashboard:customer", args=[customer.pk]))


class MethodAct(CustomerAct):
    """An act on one of the customer's methods."""

    def load(self, **kwargs: str) -> Customer:
        customer = super().load(**kwargs)
        rows = PaymentMethod.objects.filter(merchant_id=self.merchant_id, customer=customer, detached_at__isnull=True)
        self.method = get_object_or_404(rows, pk=kwargs["method"])
        return customer

    def of_method(self) -> dict[str, Any]:
        return {
            "merchant_id": self.merchant_id,
            "customer_id": self.object.pk,
            "payment_method_id": self.method.pk,
        }


class CustomerDefaultMethod(MethodAct):
    title = _("Make it the default?")
    text = _("The next invoices are paid with it.")
    button = _("Make default")
    done = _("The default payment method was changed.")

    def perform(self, ctx: Context, form: Form) -> str:
        services.set_default_payment_method(ctx=ctx, **self.of_method())
        return self.back_url()


class CustomerBackup(MethodAct):
    """One backup more (`/add/`), one less, or one earlier."""

    texts = {
        "add": (_("Use it as a backup?"), _("It is charged at once when an automatic charge before it is declined.")),
        "up": (_("Charge it one earlier?"), _("Backups are charged in their order until one of them pays.")),
        "remove": (_("No backup any more?"), _("It stays stored, and is not charged by itself.")),
    }
    button = _("Confirm")
    done = _("The backups were changed.")

    def load(self, **kwargs: str) -> Customer:
        self.act = kwargs["act"]
        if self.act not in self.texts:
            raise Http404
        self.title, self.text = self.texts[self.act]  # type: ignore[misc]
        return super().load(**kwargs)

    def perform(self, ctx: Context, form: Form) -> str:
        rearrange_backups(ctx=ctx, act=self.act, **self.of_method())
        return self.back_url()


class CustomerRemoveMethod(MethodAct):
    title = _("Remove the payment method?")
    text = _("It is forgotten at the processor too. What names it as its own is charged to the default instead.")
    button = _("Remove")
    danger = True
    done = _("The payment method was removed.")

    def perform(self, ctx: Context, form: Form) -> str:
        payments.detach_payment_method(ctx=ctx, **self.of_method())
        return self.back_url()


class CustomerReplaceCard(MethodAct):
    title = _("Replace the card as its issuer does?")
    text = _("A new number and expiry, as banks send them. What the old card refused is tried again at once.")
    button = _("Replace the card")
    done = _("The card was replaced.")

    def perform(self, ctx: Context, form: Form) -> str:
        replace_sandbox_card(ctx=ctx, **self.of_method())
        return self.back_url()
