"""What subscribers may do in the portal: its configurations, the first of which stands where none is named."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from api.resources.checkout import checked_address
from core.context import Context
from dashboard.filters.making import PortalFilter
from dashboard.forms.portal import PortalForm, said_of
from dashboard.tables.making import PortalTable
from dashboard.views.pages import FormPage, ListPage
from merchants.rules import Capability
from subscriptions.models import PortalConfiguration
from subscriptions.rules.portal_features import everything
from subscriptions.services import portal_configurations as services


class PortalList(ListPage):
    capability = Capability.SETTINGS
    title = _("Customer portal")
    subtitle = _("What subscribers may see and change by themselves. Links can name a configuration; else the default.")
    table = PortalTable
    filter = PortalFilter
    filename = "portal-configurations"
    empty_icon = "door-open"
    empty_title = _("The portal allows everything that it can")
    empty_text = _("Make a configuration to say what subscribers may do; the first one becomes the default.")
    create_url = "dashboard:portal_new"
    create_label = _("New configuration")
    create_capability = Capability.SETTINGS

    def rows(self) -> QuerySet[PortalConfiguration]:
        return services.configurations(self.merchant_id)


class PortalPage(FormPage):
    capability = Capability.SETTINGS
    form = PortalForm
    done = _("The configuration was saved.")
    all_optional = True

    def back_url(self) -> str:
        return reverse("dashboard:portal")

    def columns(self, form: Form) -> dict[str, Any]:
        assert isinstance(form, PortalForm)
        columns = form.columns(self.object.features if self.object else None)
        if columns["default_return_url"]:
            checked_address(columns["default_return_url"], "default_return_url")
        return columns


class PortalNew(PortalPage):
    title = _("New configuration")
    button = _("Create the configuration")

    def initial(self) -> dict[str, Any]:
        return said_of(everything()) | {"active": True}

    def form_kwargs(self) -> dict[str, Any]:
        return {"is_default": not services.configurations(self.merchant_id).exists()}

    def perform(self, ctx: Context, form: Form) -> str:
        services.create_configuration(ctx=ctx, merchant_id=self.merchant_id, **self.columns(form))
        return self.back_url()


class PortalEdit(PortalPage):
    title = _("Edit the configuration")
    button = _("Save")

    def load(self, **kwargs: str) -> PortalConfiguration:
        return get_object_or_404(services.configurations(self.merchant_id), pk=kwargs["pk"])

    def initial(self) -> dict[str, Any]:
        row = self.object
        kept = {name: getattr(row, name) for name in ("name", "headline", "default_return_url", "active")}
        return kept | said_of(row.features)

    def form_kwargs(self) -> dict[str, Any]:
        return {"is_default": self.object.is_default}

    def perform(self, ctx: Context, form: Form) -> str:
        services.update_configuration(
            ctx=ctx, merchant_id=self.merchant_id, configuration_id=self.object.pk, **self.columns(form)
        )
        return self.back_url()
