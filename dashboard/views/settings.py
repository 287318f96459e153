"""The merchant's settings. Everybody may look; saving takes the capability."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.context import Context
from dashboard.forms.settings import SettingsForm
from dashboard.views.pages import FormPage
from invoicing import services as invoicing
from invoicing.selectors import series_of
from merchants import services
from merchants.rules import Capability
from merchants.selectors import default_billing_entity


class Settings(FormPage):
    template = "dashboard/settings.html"
    form = SettingsForm
    title = _("Settings")
    button = _("Save")
    done = _("The settings were saved.")

    def load(self, **kwargs: str) -> None:
        entity = default_billing_entity(self.merchant_id)
        assert entity is not None, "every merchant has a default billing entity"
        self.entity = entity
        self.series = series_of([self.entity.pk])[self.entity.pk]

    def initial(self) -> dict[str, Any]:
        merchant, entity = self.scope.merchant, self.entity
        values = {name: getattr(merchant, name) for name in SettingsForm.MERCHANT}
        values |= {name: getattr(entity, name) for name in SettingsForm.ENTITY}
        registrations = "\n".join(f"{row['type']} {row['value']}" for row in entity.tax_registrations)
        return values | {
            "registrations": registrations,
            "prefix": self.series.prefix,
            "next_number": self.series.next_number,
        }

    def context(self, form: Form) -> dict[str, Any]:
        may_save = self.scope.may(Capability.SETTINGS)
        if not may_save:
            for field in form.fields.values():
                field.disabled = True
        return {"may_save": may_save}

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        if not self.scope.may(Capability.SETTINGS):
            raise PermissionDenied
        return super().post(request, **kwargs)

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, SettingsForm)
        data = form.cleaned_data
        with transaction.atomic():  # all of the page or nothing
            services.update_merchant(ctx=ctx, merchant_id=self.merchant_id, **form.merchant_fields())
            services.update_billing_entity(ctx=ctx, merchant_id=self.merchant_id, **form.entity_fields())
            invoicing.set_number_series(
                ctx=ctx,
                merchant_id=self.merchant_id,
                billing_entity_id=self.entity.pk,
                prefix=data["prefix"],
                next_number=data["next_number"],
            )
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:settings")
