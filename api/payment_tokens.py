"""The SDKs' test tokens (`pm_card_visa`) wherever a payment method's id is taken."""

from __future__ import annotations

from core.context import Context
from customers.models import PaymentMethod
from customers.selectors import PaymentMethodNotFound
from merchants.models import Merchant
from payments.gateways.sandbox_instruments import instrument
from payments.services import attach_payment_method

# A card's token (Stripe.js gives them) names the same instrument as its payment method.
_TOKEN_PREFIX = "tok_"  # noqa: S105 - the beginning of a public test name


def is_token(given: str) -> bool:
    return instrument(as_instrument(given)) is not None


def as_instrument(given: str) -> str:
    return f"pm_card_{given.removeprefix(_TOKEN_PREFIX)}" if given.startswith(_TOKEN_PREFIX) else given


def method_id(ctx: Context, merchant_id: str, customer_id: str, given: str, *, param: str) -> str:
    """The customer's own method for an id or a test token, which is attached when it is not yet.

    Raises `PaymentMethodNotFound`, and what attaching raises.
    """
    attached = PaymentMethod.objects.filter(
        merchant_id=merchant_id, customer_id=customer_id, detached_at__isnull=True
    ).order_by("-created", "-id")
    found = attached.filter(id=given).first()
    if found is None and is_token(given) and Merchant.objects.get(id=merchant_id).gateway == "sandbox":
        token = instrument(as_instrument(given))
        assert token is not None
        found = attached.filter(fingerprint=f"sandbox-{token.token}").first()
        if found is None:
            found = attach_payment_method(
                ctx=ctx, merchant_id=merchant_id, customer_id=customer_id, instrument=token.token, make_default=False
            )
    if found is None:
        raise PaymentMethodNotFound(param=param)
    return found.id
