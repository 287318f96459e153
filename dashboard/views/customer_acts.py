"""What a member does to a customer."""

from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.context import Context
from customers import services
from customers.models import Customer, CustomerTaxId
from customers.types import TaxId
from dashboard.forms.people import BalanceForm, CustomerForm, NumbersForm, TaxIdForm
from dashboard.selectors import lists
from dashboard.views.pages import ActPage, FormPage
from engine.services.numbering import set_customer_numbers
from invoicing.selectors import customer_numbers
from merchants.rules import Capability

CUSTOMER_FIELDS = (
    "name",
    "email",
    "phone",
    "preferred_locale",
    "description",
    "line1",
    "line2",
    "city",
    "state",
    "postal_code",
    "country",
    "tax_exempt",
)


def _fields(form: Form) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in CUSTOMER_FIELDS}


class CustomerNew(FormPage):
    capability = Capability.CUSTOMERS
    form = CustomerForm
    title = _("New customer")
    button = _("Create the customer")
    done = _("The customer was created.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"clocks": list(lists.listed_clocks(self.merchant_id)) if not self.scope.merchant.livemode else []}

    def initial(self) -> dict[str, Any]:
        return {"test_clock_id": self.request.GET.get("test_clock", ""), "country": self.scope.merchant.country}

    def clock_id(self) -> str | None:
        return self.request.POST.get("test_clock_id") or None

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        customer = services.create_customer(
            ctx=ctx,
            merchant_id=self.merchant_id,
            currency=data["currency"],
            test_clock_id=data.get("test_clock_id", ""),
            tax_ids=[TaxId(data["tax_id_type"], data["tax_id_value"])] if data["tax_id_value"] else [],
            **_fields(form),  # type: ignore[typeddict-item]
        )
        return reverse("dashboard:customer", args=[customer.pk])

    def back_url(self) -> str:
        return reverse("dashboard:customers")


class CustomerAct(ActPage):
    """An act on one customer that is not deleted."""

    capability = Capability.CUSTOMERS

    def load(self, **kwargs: str) -> Customer:
        rows = lists.listed_customers(self.merchant_id).select_related("test_clock")
        return get_object_or_404(rows, pk=kwargs["pk"])

    def back_url(self) -> str:
        return reverse("dashboard:customer", args=[self.object.pk])


class CustomerEdit(FormPage, CustomerAct):
    form = CustomerForm
    title = _("Edit the customer")
    button = _("Save")
    done = _("The customer was saved.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"new": False}

    def initial(self) -> dict[str, Any]:
        return {name: getattr(self.object, name) for name in CUSTOMER_FIELDS}

    def perform(self, ctx: Context, form: Form) -> str:
        services.update_customer(
            ctx=ctx,
            merchant_id=self.merchant_id,
            customer_id=self.object.pk,
            **_fields(form),  # type: ignore[typeddict-item]
        )
        return self.back_url()


class CustomerAddTaxId(CustomerAct):
    form = TaxIdForm
    title = _("Add a tax number")
    text = _("It is printed on the customer's invoices from now on.")
    button = _("Add")
    done = _("The tax number was added.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"country": self.object.country}

    def perform(self, ctx: Context, form: Form) -> str:
        number = TaxId(form.cleaned_data["type"], form.cleaned_data["value"])
        services.add_tax_id(ctx=ctx, merchant_id=self.merchant_id, customer_id=self.object.pk, tax_id=number)
        return self.back_url()


class CustomerNumbers(CustomerAct):
    form = NumbersForm
    title = _("Invoice numbers of this customer")
    text = _("They count while your invoices are numbered for each customer.")
    button = _("Save")
    done = _("The invoice numbers were saved.")

    def initial(self) -> dict[str, Any]:
        prefix, following = customer_numbers(self.merchant_id, [self.object.pk])[self.object.pk]
        return {"prefix": prefix, "next_number": following}

    def perform(self, ctx: Context, form: Form) -> str:
        set_customer_numbers(ctx=ctx, merchant_id=self.merchant_id, customer_id=self.object.pk, **form.cleaned_data)
        return self.back_url()


class CustomerRemoveTaxId(CustomerAct):
    title = _("Remove the tax number?")
    text = _("Invoices that were issued keep it.")
    button = _("Remove")
    danger = True
    done = _("The tax number was removed.")

    def load(self, **kwargs: str) -> Customer:
        customer = super().load(**kwargs)
        self.tax_id = get_object_or_404(CustomerTaxId, customer=customer, pk=kwargs["tax_id"])
        return customer

    def perform(self, ctx: Context, form: Form) -> str:
        services.remove_tax_id(
            ctx=ctx, merchant_id=self.merchant_id, customer_id=self.object.pk, tax_id_id=self.tax_id.pk
        )
        return self.back_url()


class CustomerAdjustBalance(CustomerAct):
    form = BalanceForm
    title = _("Adjust the balance")
    button = _("Adjust")
    done = _("The balance was adjusted.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"currency": self.object.currency or self.scope.merchant.default_currency}

    def perform(self, ctx: Context, form: Form) -> str:
        services.adjust_balance(
            ctx=ctx,
            merchant_id=self.merchant_id,
            customer_id=self.object.pk,
            amount=form.cleaned_data["signed_amount"],
            currency=form.currency,  # type: ignore[attr-defined]
            description=form.cleaned_data["description"],
        )
        return self.back_url()
