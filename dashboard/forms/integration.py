"""Forms about keys and webhook endpoints."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from api.routes import OPERATIONS
from api.scopes import READ, WRITE, resources_of
from dashboard.forms.fields import SectionedForm

RESOURCES = resources_of(OPERATIONS)
SCOPES = (("none", _("None")), (READ, _("Read")), (WRITE, _("Write")))
OVERLAPS = (("0", _("At once")), ("1", _("In an hour")), ("24", _("In a day")))
KEY_OVERLAPS = (*OVERLAPS, ("168", _("In a week")))


class RestrictedKeyForm(SectionedForm):
    """One choice per resource: what is not chosen is refused."""

    layout = ((_("Key"), ("name", "expires_on")), (_("Permissions"), tuple(f"scope_{one}" for one in RESOURCES)))
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("What will use it, such as “Web shop”."))
    expires_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("It works through this day, by UTC. Without one it does not expire."),
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for one in RESOURCES:
            self.fields[f"scope_{one}"] = forms.ChoiceField(
                label=one.replace("_", " ").capitalize(), choices=SCOPES, initial="none"
            )

    def scopes(self) -> dict[str, str]:
        return {one: self.cleaned_data[f"scope_{one}"] for one in RESOURCES}

    def expires_at(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        return datetime.combine(day + timedelta(days=1), time(), UTC)


class KeyRotateForm(forms.Form):
    overlap = forms.ChoiceField(label=_("The old key ends"), choices=KEY_OVERLAPS, initial="24")

    def overlap_time(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["overlap"]))


class SecretRollForm(KeyRotateForm):
    overlap = forms.ChoiceField(label=_("The old secret ends"), choices=OVERLAPS, initial="24")


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=2048,
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/webhooks"}),
    )
    enabled_events = forms.CharField(
        label=_("Events"),
        initial="*",
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=_("One type a line, such as invoice.paid; a * alone stands for all of them."),
    )
    description = forms.CharField(label=_("Description"), required=False, max_length=500)

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "url": data["url"].strip(),
            "enabled_events": data["enabled_events"].replace(",", " ").split(),
            "description": data["description"],
        }


class EventSendForm(forms.Form):
    endpoint = forms.ChoiceField(label=_("Endpoint"))

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["endpoint"].choices = choices  # type: ignore[attr-defined]
