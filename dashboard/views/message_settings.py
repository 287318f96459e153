"""Which mails are sent, where answers go, and each mail as its reader will see it."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.context import Context
from dashboard.forms.fields import SectionedForm
from dashboard.message_words import MESSAGE_WORDS
from dashboard.views.activity import MessageAsSent
from dashboard.views.pages import FormPage, Page
from merchants.rules import Capability
from notifications import services
from notifications.previews import KINDS, LOCALES, preview
from notifications.rules import OPTIONAL_KINDS
from notifications.selectors import message_settings


class MessageSettingsForm(SectionedForm):
    layout = (
        (_("Sent to subscribers"), ("sent",)),
        (_("Answers and footer"), ("reply_to", "footer")),
    )
    sent = forms.MultipleChoiceField(
        label=_("These are sent"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Failed payments, ends and refunds that fail are always told: nobody is left in the dark."),
    )
    reply_to = forms.EmailField(
        label=_("Answers go to"), required=False, help_text=_("Blank: to the e-mail for subscribers.")
    )
    footer = forms.CharField(
        label=_("Below every mail"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["sent"].choices = [(kind, MESSAGE_WORDS[kind]) for kind in KINDS if kind in OPTIONAL_KINDS]  # type: ignore[attr-defined]


class MessageSettingsPage(FormPage):
    template = "dashboard/messages/settings.html"
    form = MessageSettingsForm
    title = _("Mails")
    button = _("Save")
    done = _("The settings were saved.")

    def initial(self) -> dict[str, Any]:
        kept = message_settings(self.merchant_id)
        sent = [kind for kind in KINDS if kind in OPTIONAL_KINDS and kind not in kept.muted]
        return {"sent": sent, "reply_to": kept.reply_to, "footer": kept.footer}

    def context(self, form: Form) -> dict[str, Any]:
        may_save = self.scope.may(Capability.SETTINGS)
        if not may_save:
            for field in form.fields.values():
                field.disabled = True
        return {"may_save": may_save, "previews": self._previews()}

    def _previews(self) -> list[dict[str, Any]]:
        return [
            {
                "words": MESSAGE_WORDS[kind],
                "links": [(locale, reverse("dashboard:message_preview", args=[kind, locale])) for locale in LOCALES],
            }
            for kind in KINDS
        ]

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        if not self.scope.may(Capability.SETTINGS):
            raise PermissionDenied
        return super().post(request, **kwargs)

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        services.save_message_settings(
            ctx=ctx,
            merchant_id=self.merchant_id,
            muted=OPTIONAL_KINDS - set(data["sent"]),
            reply_to=data["reply_to"],
            footer=data["footer"],
        )
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:message_settings")


class MessagePreview(Page):
    """The mail itself, in a tab of its own; `?part=text` for those who read no HTML."""

    def get(self, request: HttpRequest, kind: str, locale: str) -> HttpResponse:
        try:
            seen = preview(self.scope.merchant, kind, locale, timezone.now())
        except KeyError as missing:
            raise Http404 from missing
        if request.GET.get("part") == "text":
            return HttpResponse(f"{seen.subject}\n\n{seen.text}", content_type="text/plain; charset=utf-8")
        return HttpResponse(seen.html, headers={"Content-Security-Policy": MessageAsSent.POLICY})
