"""The little that templates of the portal cannot say by themselves."""

from django import forms, template

from portal.forms.checkout import CheckoutForm

register = template.Library()


@register.filter
def quantity_field(form: CheckoutForm, price_id: str) -> forms.BoundField | None:
    """The quantity's field of one price, if the visitor may say how many."""
    return form.quantity_field(price_id)
