"""Credit grants of a customer: made, voided, expired."""

from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from core.context import Context
from customers import granting, selectors as people
from customers.granting import KEEP_EXPIRY, update_credit_grant
from customers.models import Customer
from dashboard.forms.grants import ChangeGrantForm, CreditGrantForm
from dashboard.selectors import making
from dashboard.views.customer_acts import CustomerAct
from dashboard.views.pages import FormPage


class CustomerGrantCredit(FormPage, CustomerAct):
    form = CreditGrantForm
    title = _("Grant credit")
    text = _("Invoices spend it on usage, before tax. For credit against anything, adjust the balance.")
    button = _("Grant the credit")
    done = _("The credit was granted.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"prices": making.metered_prices(self.merchant_id)}

    def initial(self) -> dict[str, Any]:
        return {"currency": self.object.currency or self.scope.merchant.default_currency}

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, CreditGrantForm)
        granting.create_credit_grant(
            ctx=ctx, merchant_id=self.merchant_id, customer_id=self.object.pk, **form.grant_fields()
        )
        return self.back_url()


class GrantAct(CustomerAct):
    """An act on one grant of the customer's."""

    danger = True

    def load(self, **kwargs: str) -> Customer:
        customer = super().load(**kwargs)
        self.grant = get_object_or_404(people.credit_grants(self.merchant_id, customer.pk), pk=kwargs["grant"])
        return customer

    @property
    def ids(self) -> dict[str, str]:
        return {"merchant_id": self.merchant_id, "credit_grant_id": self.grant.pk}


class CustomerChangeGrant(GrantAct):
    danger = False
    form = ChangeGrantForm
    title = _("Change the credit grant")
    button = _("Save")
    done = _("The credit grant was changed.")

    def initial(self) -> dict[str, Any]:
        return {"name": self.grant.name, "expires_at": self.grant.expires_at}

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        # An expiry that is left alone keeps its seconds, which the field does not show.
        expires_at = data["expires_at"] if "expires_at" in form.changed_data else KEEP_EXPIRY
        update_credit_grant(
            ctx=ctx,
            merchant_id=self.merchant_id,
            credit_grant_id=self.grant.pk,
            name=data["name"],
            expires_at=expires_at,
        )
        return self.back_url()


class CustomerVoidGrant(GrantAct):
    title = _("Void the credit grant?")
    text = _("As if it had never been given. Only a grant of which nothing was spent can be voided.")
    button = _("Void")
    done = _("The credit grant was voided.")

    def perform(self, ctx: Context, form: Form) -> str:
        granting.void_credit_grant(ctx=ctx, **self.ids)
        return self.back_url()


class CustomerExpireGrant(GrantAct):
    title = _("Let the credit grant expire now?")
    text = _("What is left of it is written off. What was spent stays spent.")
    button = _("Expire")
    done = _("The credit grant has expired.")

    def perform(self, ctx: Context, form: Form) -> str:
        granting.expire_credit_grant(ctx=ctx, **self.ids)
        return self.back_url()
