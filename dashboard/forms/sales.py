"""Forms that sell: payment links, new subscriptions, changes, cancellations."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from catalog.models import Coupon, Price, TaxRate
from customers.models import Customer
from dashboard.forms.fields import Layout, SectionedForm, local_moment
from engine.types import DiscountRequest, ItemRequest
from subscriptions.models import CollectionMethod

ROWS = 4  # baskets are short; more items can be added later by a change


def price_label(price: Price) -> str:
    words = render_to_string("dashboard/_price_words.html", {"price": price}).strip()
    name = f"{price.product.name} – {price.nickname}" if price.nickname else price.product.name
    return f"{name} · {words}"


# Why somebody leaves, in Stripe's words for it.
FEEDBACKS: dict[str, str | Promise] = {
    "too_expensive": _("too expensive"),
    "missing_features": _("something is missing"),
    "switched_service": _("went elsewhere"),
    "unused": _("not used"),
    "customer_service": _("customer service"),
    "too_complex": _("too complicated"),
    "low_quality": _("quality"),
    "other": _("other"),
}


class BasketForm(SectionedForm):
    """Some rows of a price and a quantity."""

    rows = ROWS

    def __init__(self, *args: Any, prices: Sequence[Price] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = [("", _("Choose a price")), *((price.pk, price_label(price)) for price in prices)]
        for n in range(self.rows):
            self.fields[f"price_{n}"] = forms.ChoiceField(
                label=_("Price") if n == 0 else _("And"), choices=choices, required=n == 0
            )
            self.fields[f"quantity_{n}"] = forms.IntegerField(label=_("Quantity"), min_value=1, initial=1)

    def basket(self) -> list[tuple[Any, ...]]:
        """The bound rows, for the template; a coupon of the row's own where the form has them."""
        names = [name for name in ("price", "quantity", "coupon") if f"{name}_0" in self.fields]
        return [tuple(self[f"{name}_{n}"] for name in names) for n in range(self.rows)]

    def items(self) -> list[tuple[str, int]]:
        data = self.cleaned_data
        rows = [(data.get(f"price_{n}"), data.get(f"quantity_{n}") or 1) for n in range(self.rows)]
        return [(price_id, quantity) for price_id, quantity in rows if price_id]


def discounts_of(coupon_id: str | None) -> tuple[DiscountRequest, ...]:
    return (DiscountRequest(coupon_id=coupon_id),) if coupon_id else ()


def _tax_rates(form: forms.Form, rates: Sequence[TaxRate]) -> None:
    form.fields["tax_rate_ids"].choices = [(rate.pk, str(rate)) for rate in rates]  # type: ignore[attr-defined]


LINK_CHOICES = ("allow_promotion_codes", "adjustable_quantity")


class PaymentLinkForm(BasketForm):
    rows = 3
    layout = (
        (_("Page"), ("name", "trial_period_days", "after_completion_url", *LINK_CHOICES)),
        (_("Tax rates"), ("tax_rate_ids",)),
    )
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Yours alone."))
    trial_period_days = forms.IntegerField(label=_("Trial, in days"), min_value=0, max_value=730, required=False)
    after_completion_url = forms.URLField(label=_("Where to go after payment"), required=False, assume_scheme="https")
    allow_promotion_codes = forms.BooleanField(label=_("Accept promotion codes"), required=False, initial=True)
    adjustable_quantity = forms.BooleanField(label=_("Let the visitor say how many"), required=False)
    tax_rate_ids = forms.MultipleChoiceField(
        label=_("Added to each invoice"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, tax_rates: Sequence[TaxRate] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        _tax_rates(self, tax_rates)

    def link_fields(self) -> dict[str, Any]:
        names = ("name", "trial_period_days", "after_completion_url", *LINK_CHOICES, "tax_rate_ids")
        return {name: self.cleaned_data[name] for name in names}


class PaymentLinkEditForm(SectionedForm):
    layout = ((_("Page"), ("name", "trial_period_days", "after_completion_url", *LINK_CHOICES, "active")),)
    name = forms.CharField(label=_("Name"), max_length=200)
    trial_period_days = forms.IntegerField(label=_("Trial, in days"), min_value=0, max_value=730, required=False)
    after_completion_url = forms.URLField(label=_("Where to go after payment"), required=False, assume_scheme="https")
    allow_promotion_codes = forms.BooleanField(label=_("Accept promotion codes"), required=False)
    adjustable_quantity = forms.BooleanField(label=_("Let the visitor say how many"), required=False)
    active = forms.BooleanField(label=_("Can be opened"), required=False)


class SubscribeForm(BasketForm):
    layout: Layout = (
        (_("Terms"), ("coupon_id", "trial_period_days", "collection_method", "days_until_due", "description")),
        (_("Tax rates"), ("tax_rate_ids",)),
    )
    customer_id = forms.CharField(label=_("Customer"))
    coupon_id = forms.ChoiceField(label=_("Coupon"), required=False)
    trial_period_days = forms.IntegerField(
        label=_("Trial, in days"), min_value=0, max_value=730, required=False, help_text=_("Empty: the price's own.")
    )
    collection_method = forms.ChoiceField(
        label=_("Collection"), choices=CollectionMethod.choices, initial=CollectionMethod.CHARGE_AUTOMATICALLY
    )
    days_until_due = forms.IntegerField(
        label=_("Days until due"),
        min_value=0,
        max_value=365,
        required=False,
        help_text=_("For invoices that are sent."),
    )
    description = forms.CharField(label=_("Notes"), required=False, max_length=500)
    tax_rate_ids = forms.MultipleChoiceField(
        label=_("Added to each invoice"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        *args: Any,
        customers: Sequence[Customer] = (),
        coupons: Sequence[Coupon] = (),
        tax_rates: Sequence[TaxRate] = (),
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        choices = [("", "–"), *((c.pk, str(c)) for c in coupons)]
        self.fields["coupon_id"].choices = choices  # type: ignore[attr-defined]
        for n in range(self.rows if coupons else 0):
            self.fields[f"coupon_{n}"] = forms.ChoiceField(label=_("Its own coupon"), choices=choices, required=False)
        _tax_rates(self, tax_rates)

    def requests(self) -> tuple[ItemRequest, ...]:
        """The rows with a price, each with the coupon that is for it alone."""
        data = self.cleaned_data
        own = {data[f"price_{n}"]: data.get(f"coupon_{n}") for n in range(self.rows)}
        return tuple(
            ItemRequest(price_id, quantity, discounts=discounts_of(own[price_id]))
            for price_id, quantity in self.items()
        )


class PauseForm(forms.Form):
    what = forms.ChoiceField(
        label=_("What rests"),
        choices=(
            ("service", _("the service: nothing is billed until it is resumed")),
            ("keep_as_draft", _("collection: invoices are made and stay drafts")),
            ("void", _("collection: invoices are made and voided")),
            ("mark_uncollectible", _("collection: invoices are made and written off")),
        ),
        widget=forms.RadioSelect,
        initial="service",
    )
    prorate = forms.BooleanField(label=_("Service: credit the unused rest of the period"), required=False)
    resumes_at = local_moment(label=_("Collection: resumes by itself on"), required=False)


class ResumeForm(forms.Form):
    billing_cycle_anchor = forms.ChoiceField(
        label=_("A paused service goes on"),
        choices=(("now", _("with a new period from now")), ("unchanged", _("with its old periods"))),
        widget=forms.RadioSelect,
        initial="now",
    )


class CancelForm(forms.Form):
    when = forms.ChoiceField(
        label=_("When"),
        choices=(("period_end", _("at the end of the period")), ("now", _("now"))),
        widget=forms.RadioSelect,
        initial="period_end",
    )
    prorate = forms.BooleanField(label=_("Now: credit the unused rest of the period"), required=False)
    invoice_now = forms.BooleanField(label=_("Now: invoice at once what is pending"), required=False)
    feedback = forms.ChoiceField(
        label=_("Why"),
        required=False,
        choices=(("", "–"), *FEEDBACKS.items()),
    )
    comment = forms.CharField(label=_("Comment"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
