"""The merchant's API keys: listed by what may be shown of them, made and shown once, revoked."""

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api import keys
from api.models import ApiKey
from api.scopes import checked_scopes
from core.context import Context
from dashboard.filters.making import ApiKeyFilter
from dashboard.forms.integration import RESOURCES, KeyRotateForm, RestrictedKeyForm
from dashboard.selectors import making
from dashboard.tables.making import ApiKeyTable
from dashboard.views.pages import ActPage, ListPage
from merchants.rules import Capability


class ApiKeyList(ListPage):
    capability = Capability.SETTINGS
    template = "dashboard/api_keys/list.html"
    title = _("API keys")
    table = ApiKeyTable
    filter = ApiKeyFilter
    filename = "api-keys"
    empty_icon = "key-round"
    empty_title = _("No API keys yet")
    empty_text = _("A key lets your own systems do over HTTP what is done here.")
    create_url = "dashboard:api_key_new"
    create_label = _("New API key")
    create_capability = Capability.SETTINGS

    def rows(self) -> QuerySet[ApiKey]:
        return making.listed_api_keys(self.merchant_id, timezone.now())

    def extra(self) -> dict[str, Any]:
        return {"api_url": f"{settings.SITE_URL}/v1"}


class ApiKeyForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("What will use it, such as “Web shop”."))


class KeyShown(ActPage):
    """Answers with the key itself: there is no address at which it could be seen again."""

    capability = Capability.SETTINGS
    secret = ""
    key: ApiKey

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        response = super().post(request, **kwargs)
        if not self.secret:
            return response
        shown = self.render("dashboard/api_keys/made.html", key=self.key, secret=self.secret, back_url=self.back_url())
        shown["Cache-Control"] = "no-store"
        return shown

    def back_url(self) -> str:
        return reverse("dashboard:api_keys")


class ApiKeyNew(KeyShown):
    form = ApiKeyForm
    title = _("New API key")
    text = _("Whoever holds it can do everything that the API does, in this merchant's name.")
    button = _("Create the key")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        merchant = self.scope.merchant
        self.key, self.secret = keys.create_api_key(
            ctx=ctx, merchant_id=merchant.pk, livemode=merchant.livemode, name=form.cleaned_data["name"]
        )
        return self.back_url()


class RestrictedKeyNew(KeyShown):
    template = "dashboard/api_keys/restricted.html"
    form = RestrictedKeyForm
    title = _("New restricted key")
    text = _("It does what you choose here and nothing else; a refusal names the permission that it lacks.")
    button = _("Create the key")

    def perform(self, ctx: Context, form: forms.Form) -> str:
        assert isinstance(form, RestrictedKeyForm)
        merchant = self.scope.merchant
        self.key, self.secret = keys.create_api_key(
            ctx=ctx,
            merchant_id=merchant.pk,
            livemode=merchant.livemode,
            name=form.cleaned_data["name"],
            scopes=checked_scopes(form.scopes(), RESOURCES),
            expires_at=form.expires_at(),
        )
        return self.back_url()


class ApiKeyRotate(KeyShown):
    form = KeyRotateForm
    title = _("Rotate the API key?")
    text = _("A new key with the same name and permissions is made. Both work until the old one ends.")
    button = _("Make the new key")

    def load(self, **kwargs: str) -> ApiKey:
        return get_object_or_404(making.listed_api_keys(self.merchant_id, timezone.now()), pk=kwargs["pk"])

    def perform(self, ctx: Context, form: forms.Form) -> str:
        assert isinstance(form, KeyRotateForm)
        self.key, self.secret = keys.rotate_api_key(
            ctx=ctx, merchant_id=self.merchant_id, key_id=self.object.pk, overlap=form.overlap_time()
        )
        return self.back_url()


class ApiKeyRevoke(ActPage):
    capability = Capability.SETTINGS
    title = _("Revoke the API key?")
    text = _("Requests that are made with it are refused from now on. This cannot be taken back.")
    button = _("Revoke")
    danger = True
    done = _("The API key was revoked.")

    def load(self, **kwargs: str) -> ApiKey:
        return get_object_or_404(making.listed_api_keys(self.merchant_id, timezone.now()), pk=kwargs["pk"])

    def perform(self, ctx: Context, form: forms.Form) -> str:
        keys.revoke_api_key(ctx=ctx, merchant_id=self.merchant_id, key_id=self.object.pk)
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:api_keys")
