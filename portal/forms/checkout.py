"""The checkout's form: who buys, where they are, how many, a code, and what pays."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.rules import MAX_LENGTHS
from engine.services.checkout_preview import Basket, bounds_of
from engine.types import CheckoutRequest
from payments.rules import INSTRUMENTS
from portal.forms.address import ADDRESS_FIELDS, AddressForm, PaperForm
from portal.forms.asked import AskedFields
from portal.instruments import Picker, instrument_choices, picker

FORM_ID = "checkout-form"


class InstrumentForm(PaperForm):
    """What pays. No card number is ever typed here: the sandbox's instruments are named for what they do."""

    instrument = forms.ChoiceField(
        label=_("Payment method"),
        widget=forms.RadioSelect,
        initial="pm_card_visa",
        error_messages={"required": _("Choose what to pay with.")},
    )

    def __init__(self, *args: Any, currency: str = "", way: str = INSTRUMENTS, **kwargs: Any) -> None:
        """`way` is how something new is stored: `payments.rules.way_to_add`."""
        super().__init__(*args, **kwargs)
        self.way = way
        if way == INSTRUMENTS:
            self.fields["instrument"].choices = instrument_choices(currency)  # type: ignore[attr-defined]
        else:
            del self.fields["instrument"]

    @property
    def picker(self) -> Picker | None:
        return picker(self["instrument"]) if "instrument" in self.fields else None


class CheckoutForm(AddressForm, InstrumentForm):
    """One visit to a payment link."""

    field_order = ("email", "name", *ADDRESS_FIELDS, "instrument")
    email = forms.EmailField(
        label=_("E-mail"), max_length=MAX_LENGTHS["email"], widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    name = forms.CharField(
        label=_("Full name"), max_length=MAX_LENGTHS["name"], widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    promotion_code = forms.CharField(
        label=_("Promotion code"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def __init__(
        self,
        *args: Any,
        basket: Basket,
        session_id: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        terms = basket.link.terms
        if not basket.link.allow_promotion_codes:
            del self.fields["promotion_code"]
        self.asked = AskedFields(self, terms)
        self._ask_for_less(basket)
        self._ask_how_many(basket)
        self._wire(session_id)

    def _ask_for_less(self, basket: Basket) -> None:
        """A way to pay only where something is due; of the address, with `auto`, what a tax may depend on."""
        terms, session = basket.link.terms, basket.session
        if "instrument" in self.fields and terms.get("payment_method_collection") == "if_required":
            self.fields["instrument"].required = False
        if terms.get("billing_address_collection") == "auto":
            for name in ("line1", "line2", "city", *(() if basket.link.tax_rate_ids else ("state",))):
                del self.fields[name]
        if session.terms.get("customer_update") is not None and session.asked.get("email"):
            self.fields["email"].disabled = True  # the merchant's customer has one

    def _ask_how_many(self, basket: Basket) -> None:
        self.quantity_names: dict[str, str] = {}
        for position, item in enumerate(basket.items):
            bounds = bounds_of(basket, item)
            if bounds is None:
                continue
            name = f"quantity_{position}"
            self.quantity_names[name] = item.price_id
            self.fields[name] = forms.IntegerField(
                label=_("Quantity"),
                min_value=bounds[0],
                max_value=bounds[1],
                initial=item.quantity,
                widget=forms.NumberInput(attrs={"class": "form-control", "inputmode": "numeric"}),
            )

    def _wire(self, session_id: str) -> None:
        """Fields that change the price ask for the new one at once; without scripts a button does."""
        preview = {
            "hx-post": reverse("checkout_preview", args=[session_id]),
            "hx-target": "#summary",
            "hx-swap": "outerHTML",
            "hx-include": f"#{FORM_ID}",
        }
        if "state" in self.fields:
            self.fields["state"].widget.attrs |= preview
        for name in (*self.quantity_names, "promotion_code"):
            if name in self.fields:  # they stand in the summary, outside the form's own tag
                self.fields[name].widget.attrs |= {"form": FORM_ID}
        for name in self.quantity_names:
            self.fields[name].widget.attrs |= preview
        self.fields["country"].widget.attrs |= preview | {
            "hx-post": reverse("checkout_address", args=[session_id]),
            "hx-target": "#address",
        }

    def quantity_field(self, price_id: str) -> forms.BoundField | None:
        return next((self[name] for name, of in self.quantity_names.items() if of == price_id), None)

    def request(self) -> CheckoutRequest:
        """The valid form as the engine takes it."""
        return self._request(self.cleaned_data)

    def draft_request(self) -> CheckoutRequest:
        """What can be read of a form that is still being filled in, for a preview: what is wrong is left out."""
        if not self.is_bound:
            return self._request(dict(self.initial))
        self.is_valid()
        return self._request(self.cleaned_data)

    def _request(self, data: dict[str, Any]) -> CheckoutRequest:
        quantities = {
            price_id: data[name] for name, price_id in self.quantity_names.items() if data.get(name) is not None
        }
        return CheckoutRequest(
            email=data.get("email", ""),
            name=data.get("name", ""),
            instrument=data.get("instrument", ""),
            promotion_code=data.get("promotion_code", ""),
            quantities=quantities,
            phone=data.get("phone", ""),
            custom_fields=self.asked.answers(data),
            accepts_terms=bool(data.get("terms_of_service")),
            **{name: data.get(name, "") for name in ("line1", "line2", "city", "state", "postal_code", "country")},
        )
