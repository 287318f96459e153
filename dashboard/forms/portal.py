"""What subscribers may do in the portal, as a person says it."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from dashboard.forms.fields import SectionedForm
from dashboard.forms.sales import FEEDBACKS
from subscriptions.rules.portal_features import REASONS, UPDATES, Features, features_of

UPDATE_WORDS: dict[str, str | Promise] = {
    "address": _("Billing address"),
    "email": _("E-mail"),
    "name": _("Name"),
    "phone": _("Phone"),
    "shipping": _("Shipping address"),
    "tax_id": _("Tax number"),
}
PRORATIONS = (
    ("always_invoice", _("billed or credited at once")),
    ("create_prorations", _("on the next invoice")),
    ("none", pgettext_lazy("proration", "not at all")),
)


def _several(label: Any, choices: dict[str, str | Promise], names: tuple[str, ...], **kwargs: Any) -> Any:
    chosen = [(name, choices[name]) for name in names]
    return forms.MultipleChoiceField(
        label=label, choices=chosen, widget=forms.CheckboxSelectMultiple, required=False, **kwargs
    )


class PortalForm(SectionedForm):
    layout = (
        (_("The portal"), ("name", "headline", "default_return_url", "active")),
        (_("Their own details"), ("allowed_updates", "payment_method_update", "invoice_history")),
        (
            _("Changing a subscription"),
            ("subscription_update", "default_allowed_updates", "update_proration"),
        ),
        (
            _("Canceling a subscription"),
            ("subscription_cancel", "mode", "cancel_proration", "cancellation_reason", "options"),
        ),
    )
    name = forms.CharField(label=_("Name"), max_length=100, required=False, help_text=_("Only you see it."))
    headline = forms.CharField(
        label=_("Heading"), max_length=60, required=False, help_text=_("Stands above the portal’s pages.")
    )
    default_return_url = forms.CharField(
        label=_("Address to go back to"),
        max_length=2000,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/account"}),
    )
    active = forms.BooleanField(label=_("In use"), required=False)
    allowed_updates = _several(_("They may change"), UPDATE_WORDS, UPDATES)
    payment_method_update = forms.BooleanField(label=_("They may change their payment methods"), required=False)
    invoice_history = forms.BooleanField(label=_("They see their invoices"), required=False)
    subscription_update = forms.BooleanField(label=_("They may change what they subscribe to"), required=False)
    default_allowed_updates = _several(
        _("What of it"), {"price": _("the price"), "quantity": _("the quantity")}, ("price", "quantity")
    )
    update_proration = forms.ChoiceField(label=_("The difference"), choices=PRORATIONS)
    subscription_cancel = forms.BooleanField(label=_("They may cancel"), required=False)
    mode = forms.ChoiceField(
        label=_("It ends"),
        choices=(("at_period_end", _("at the end of the period")), ("immediately", _("at once"))),
    )
    cancel_proration = forms.ChoiceField(
        label=_("Unused time"), choices=PRORATIONS, help_text=_("Of what ends at once.")
    )
    cancellation_reason = forms.BooleanField(label=_("They are asked why"), required=False)
    options = _several(_("Reasons to choose from"), FEEDBACKS, REASONS)

    def __init__(self, *args: Any, is_default: bool, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if is_default:  # the one that stands where nothing else is said cannot be switched off
            del self.fields["active"]

    def columns(self, before: Features | None) -> dict[str, Any]:
        """The row's columns; what only the API says (which products may be chosen) stays."""
        data = self.cleaned_data
        said: Features = {
            "customer_update": {"enabled": bool(data["allowed_updates"]), "allowed_updates": data["allowed_updates"]},
            "invoice_history": {"enabled": data["invoice_history"]},
            "payment_method_update": {"enabled": data["payment_method_update"]},
            "subscription_update": {
                "enabled": data["subscription_update"],
                "default_allowed_updates": data["default_allowed_updates"],
                "proration_behavior": data["update_proration"],
            },
            "subscription_cancel": {
                "enabled": data["subscription_cancel"],
                "mode": data["mode"],
                "proration_behavior": data["cancel_proration"],
                "cancellation_reason": {
                    "enabled": data["cancellation_reason"],
                    "options": data["options"] or list(REASONS),
                },
            },
        }
        columns = {name: data[name] for name in ("name", "headline", "default_return_url", "active") if name in data}
        return columns | {"features": features_of(said, before)}


def said_of(features: Features) -> dict[str, Any]:
    """The form's values of what stands."""
    update, cancel = features["subscription_update"], features["subscription_cancel"]
    return {
        "allowed_updates": features["customer_update"]["allowed_updates"],
        "invoice_history": features["invoice_history"]["enabled"],
        "payment_method_update": features["payment_method_update"]["enabled"],
        "subscription_update": update["enabled"],
        "default_allowed_updates": update["default_allowed_updates"],
        "update_proration": update["proration_behavior"],
        "subscription_cancel": cancel["enabled"],
        "mode": cancel["mode"],
        "cancel_proration": cancel["proration_behavior"],
        "cancellation_reason": cancel["cancellation_reason"]["enabled"],
        "options": cancel["cancellation_reason"]["options"],
    }
