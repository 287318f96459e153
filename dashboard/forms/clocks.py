"""Forms of test clocks."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from core.periods import BeyondTheCalendar, add_months
from dashboard.forms.fields import local_moment


class TestClockForm(forms.Form):
    __test__ = False

    name = forms.CharField(label=_("Name"), max_length=300)
    frozen_time = local_moment(label=_("Its time"))


class AdvanceForm(forms.Form):
    """Some months ahead with one choice, or any later moment."""

    step = forms.ChoiceField(
        label=_("Advance by"),
        choices=(
            ("1", _("one month")),
            ("3", _("three months")),
            ("12", _("a year")),
            ("own", _("to a moment of your own")),
        ),
        initial="1",
        widget=forms.RadioSelect,
    )
    to = local_moment(label=_("To"), required=False)

    def __init__(self, *args: Any, now: datetime, tz: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.now, self.tz = now, tz

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("step") in ("1", "3", "12"):
            try:
                cleaned["target"] = add_months(self.now, int(cleaned["step"]), self.tz)
            except BeyondTheCalendar as error:
                self.add_error("step", gettext(error.message_id))
        elif cleaned.get("to") is None:
            self.add_error("to", _("Say until when."))
        elif cleaned["to"] <= self.now:
            self.add_error("to", _("A clock only goes forward."))
        else:
            cleaned["target"] = cleaned["to"]
        return cleaned
