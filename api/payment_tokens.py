"""The SDKs' test tokens (`pm_card_visa`) wherever a payment method's id is taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.protocol.schema import ParameterMissing
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import PaymentMethod
from customers.selectors import PaymentMethodNotFound
from merchants.models import Merchant
from payments.gateways.sandbox_instruments import instrument
from payments.gateways.sandbox_numbers import (
    account_of_iban,
    canadian_account_numbered,
    card_numbered,
    us_account_numbered,
)
from payments.services import attach_payment_method, attach_stored_method

# A card's token (Stripe.js gives them) names the same instrument as its payment method.
_TOKEN_PREFIX = "tok_"  # noqa: S105 - the beginning of a public test name


def is_token(given: str) -> bool:
    return instrument(as_instrument(given)) is not None


def as_instrument(given: str) -> str:
    return f"pm_card_{given.removeprefix(_TOKEN_PREFIX)}" if given.startswith(_TOKEN_PREFIX) else given


def stored_id(given: str) -> str:
    """A token, card or source of the older calls is a payment method here, under the same characters."""
    prefix, _, own = given.partition("_")
    return f"pm_{own}" if prefix in ("card", "src", "tok") and not is_token(given) else given


class ExpiryInvalid(OstinatoError):
    message_id = gettext_noop("Your card's expiration month is invalid.")
    code = "invalid_expiry_month"
    param = "exp_month"


class ExpiredYear(OstinatoError):
    message_id = gettext_noop("Your card's expiration year is invalid.")
    code = "invalid_expiry_year"
    param = "exp_year"


class CvcInvalid(OstinatoError):
    message_id = gettext_noop("Your card's security code is invalid.")
    code = "invalid_cvc"
    param = "cvc"


def card_described(given: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The instrument of a test card by what is printed on it. A wrong number, date or code is a card error."""
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise ParameterMissing(param=f"card[{name}]", name=f"card[{name}]")
    found = card_numbered(given["number"])
    month, year = given["exp_month"], given["exp_year"]
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12:
        raise ExpiryInvalid
    if not (at.year, at.month) <= (year, month) <= (at.year + 50, 12):
        raise ExpiredYear if year != at.year else ExpiryInvalid
    if not (cvc := given.get("cvc", "000")).isdigit() or len(cvc) not in (3, 4):
        raise CvcInvalid
    return {"instrument": found.token, "last4": _last4(given["number"]), "exp_month": month, "exp_year": year}


def account_described(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The instrument of a test account by its number."""
    number = given["iban"] if kind == "sepa_debit" else given["account_number"]
    read = {
        "acss_debit": canadian_account_numbered,
        "sepa_debit": account_of_iban,
        "us_bank_account": us_account_numbered,
    }[kind]
    return {"instrument": read(number).token, "last4": _last4(number)}


def _last4(number: str) -> str:
    return number.replace(" ", "").replace("-", "")[-4:]


def in_sandbox(merchant_id: str) -> bool:
    return Merchant.objects.get(id=merchant_id).gateway == "sandbox"


def attached_id(ctx: Context, merchant_id: str, customer_id: str, given: str, *, param: str) -> str:
    """As `method_id`, and a method of nobody yet is given to the customer first."""
    given = stored_id(given)
    nobodys = PaymentMethod.objects.filter(
        merchant_id=merchant_id, id=given, customer__isnull=True, detached_at__isnull=True
    )
    if nobodys.exists():
        return attach_stored_method(
            ctx=ctx, merchant_id=merchant_id, customer_id=customer_id, payment_method_id=given
        ).id
    return method_id(ctx, merchant_id, customer_id, given, param=param)


def method_id(ctx: Context, merchant_id: str, customer_id: str, given: str, *, param: str) -> str:
    """The customer's own method for an id or a test token, which is attached when it is not yet.

    Raises `PaymentMethodNotFound`, and what attaching raises.
    """
    given = stored_id(given)
    attached = PaymentMethod.objects.filter(
        merchant_id=merchant_id, customer_id=customer_id, detached_at__isnull=True
    ).order_by("-created", "-id")
    found = attached.filter(id=given).first()
    if found is None and is_token(given) and in_sandbox(merchant_id):
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
