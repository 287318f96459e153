"""Forms about keys and webhook endpoints."""

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from api.routes import OPERATIONS
from api.scopes import READ, WRITE, resources_of
from api.webhooks.event_types import known_event_types
from dashboard.event_words import EVENT_WORDS
from dashboard.forms.fields import SectionedForm

RESOURCES = resources_of(OPERATIONS)
SCOPES = (("none", _("None")), (READ, _("Read")), (WRITE, _("Write")))
OVERLAPS = (("0", _("At once")), ("1", _("In an hour")), ("24", _("In a day")))
KEY_OVERLAPS = (*OVERLAPS, ("168", _("In a week")))


def words_of(resource: str) -> str:
    """A resource's name as it is said: "Billing meter event"."""
    return resource.replace("_", " ").capitalize()


class RestrictedKeyForm(SectionedForm):
    """One choice per resource: what is not chosen is refused."""

    layout = ((_("Key"), ("name", "expires_on")),)
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
            self.fields[f"scope_{one}"] = forms.ChoiceField(label=words_of(one), choices=SCOPES, initial="none")

    def rows(self) -> list[BoundField]:
        """One for each resource, for the table of permissions."""
        return [self[f"scope_{one}"] for one in RESOURCES]

    def accesses(self) -> list[tuple[str, Any]]:
        return list(SCOPES)

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


class WebhookForm(SectionedForm):
    """An address and what it hears: everything, or the ticked types of event."""

    layout = ((_("Endpoint"), ("url", "description")),)
    url = forms.CharField(
        label=_("Address"),
        max_length=2048,
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/webhooks"}),
    )
    description = forms.CharField(label=_("Description"), required=False, max_length=500)
    enabled_events = forms.MultipleChoiceField(label=_("Events"), required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["enabled_events"].choices = [(one, one) for one in ("*", *known_event_types())]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> list[str]:
        return list(self["enabled_events"].value() or ())

    def groups(self) -> list[tuple[str, list[tuple[str, str | Promise, bool]]]]:
        """By the object that they are about, what is told here: (type, in words, whether it is ticked). What an API
        client has asked for beside it stays."""
        chosen = self.chosen
        told = {one for one in EVENT_WORDS if one in known_event_types()}
        by_object: dict[str, list[tuple[str, str | Promise, bool]]] = defaultdict(list)
        for one in sorted(told.union(chosen) - {"*"}):
            by_object[one.rpartition(".")[0]].append((one, EVENT_WORDS.get(one, one), one in chosen))
        return sorted(by_object.items())

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        events = ["*"] if "*" in data["enabled_events"] else data["enabled_events"]
        return {"url": data["url"].strip(), "enabled_events": events, "description": data["description"]}


class EventSendForm(forms.Form):
    endpoint = forms.ChoiceField(label=_("Endpoint"))

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["endpoint"].choices = choices  # type: ignore[attr-defined]
