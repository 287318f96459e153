"""Forms of the billing run."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from dashboard.forms.fields import local_moment

DAYS = {"now": 0, "1": 1, "7": 7, "31": 31}


class DryRunForm(forms.Form):
    """Up to when: now, some days ahead, or a moment of one's own."""

    step = forms.ChoiceField(
        label=_("What will be due"),
        choices=(
            ("now", _("now")),
            ("1", _("by tomorrow")),
            ("7", _("within a week")),
            ("31", _("within 31 days")),
            ("own", _("by a moment of your own")),
        ),
        initial="now",
        widget=forms.RadioSelect,
    )
    as_of = local_moment(label=pgettext_lazy("until when", "By"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("as_of") and "step" not in self.changed_data:
            cleaned["step"] = "own"  # a moment that is written down is meant
        if cleaned.get("step") == "own" and cleaned.get("as_of") is None and "as_of" not in self.errors:
            self.add_error("as_of", _("Say until when."))
        return cleaned

    def moment(self, now: datetime) -> datetime:
        step = self.cleaned_data["step"]
        return self.cleaned_data["as_of"] if step == "own" else now + timedelta(days=DAYS[step])
