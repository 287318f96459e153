"""The merchant's account at the payment processor: connected, tried, given another key, let go of."""

from __future__ import annotations

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from core.context import Context
from dashboard.views.pages import ActPage, Page
from merchants.rules import Capability
from payments import accounts
from payments.keys import API_KEY, fingerprint, open_secret
from payments.models import GatewayAccount
from payments.sealing import SealBroken
from payments.selectors import last_webhook, payouts_of, unapplied_events
from payments.setups import way_of


class Processor(Page):
    """Through what the money goes, and whether its news arrive."""

    template = "dashboard/processor.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not self.scope.may(Capability.SETTINGS):
            raise PermissionDenied
        account = accounts.connected_account(self.merchant_id)
        return self.render(
            account=account,
            webhook_url=accounts.webhook_url(account) if account else "",
            waiting=unapplied_events(self.merchant_id),
            heard=last_webhook(self.merchant_id, account.pk) if account else None,
            fingerprint=_fingerprint(account) if account else "",
            way=way_of(self.scope.merchant),
            payouts=payouts_of(self.merchant_id)[:5],
        )


def _fingerprint(account: GatewayAccount) -> str:
    """By which people know a key again; blank when what is stored cannot be opened any more."""
    try:
        return fingerprint(open_secret(account, API_KEY))[:16]
    except SealBroken:
        return ""


class WebhookSecretForm(forms.Form):
    webhook_secret = forms.CharField(
        label=_("Signing secret"),
        max_length=300,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Of an endpoint with the address above, made on the Stripe Dashboard: whsec_…."),
    )


class KeyForm(forms.Form):
    """Never shown again: a browser that goes back finds it empty."""

    api_key = forms.CharField(
        label=_("Secret key"),
        max_length=255,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "From Stripe's dashboard, under Developers. A restricted key will do: it needs to write customers,"
            " payments, refunds, disputes, checkout sessions and webhook endpoints."
        ),
    )


@method_decorator(sensitive_post_parameters("api_key", "webhook_secret"), name="dispatch")
class ProcessorAct(ActPage):
    capability = Capability.SETTINGS

    def back_url(self) -> str:
        return reverse("dashboard:processor")


class Connect(ProcessorAct):
    form = KeyForm
    title = _("Connect Stripe")
    text = _("New payments of this merchant go through the account that this key opens. The key is stored sealed.")
    button = _("Connect")
    done = _("The account is connected.")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        accounts.connect_account(ctx=ctx, merchant_id=self.merchant_id, api_key=form.cleaned_data["api_key"])
        return self.back_url()


class Check(ProcessorAct):
    title = _("Test the connection?")
    text = _("Asks Stripe whose key it is, and makes the webhook where there is none yet.")
    button = _("Test")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        account = accounts.check_account(ctx=ctx, merchant_id=self.merchant_id)
        self.message = _("Stripe refuses the key.") if account.status == "refused" else _("The key works.")
        return self.back_url()


class RotateKey(ProcessorAct):
    form = KeyForm
    title = _("Use another key")
    text = _("A key to the same account. What waits for an answer goes on with it.")
    button = _("Use this key")
    done = _("The key was changed.")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        accounts.rotate_key(ctx=ctx, merchant_id=self.merchant_id, api_key=form.cleaned_data["api_key"])
        return self.back_url()


class RotateSecret(ProcessorAct):
    title = _("Change the webhook's secret?")
    text = _(
        "A new webhook takes the place of the one before. What is still on its way with the old secret is believed."
    )
    button = _("Change it")
    done = _("The webhook's secret was changed.")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        accounts.rotate_webhook_secret(ctx=ctx, merchant_id=self.merchant_id)
        return self.back_url()


class EnterSecret(ProcessorAct):
    form = WebhookSecretForm
    title = _("Enter a webhook secret")
    text = _("For keys that may not make an endpoint themselves.")
    button = _("Save")
    done = _("The webhook secret was saved.")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        secret = form.cleaned_data["webhook_secret"]
        accounts.store_webhook_secret(ctx=ctx, merchant_id=self.merchant_id, webhook_secret=secret)
        return self.back_url()


class Disconnect(ProcessorAct):
    title = _("Disconnect Stripe?")
    text = _("The keys are forgotten. No payment can be collected or refunded until an account is connected again.")
    button = _("Disconnect")
    danger = True
    done = _("The account was disconnected.")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        accounts.disconnect_account(ctx=ctx, merchant_id=self.merchant_id)
        return self.back_url()
