"""What a payment method is called, as far as may be shown: "Visa •••• 4242", "Apple Pay (Visa •••• 4242)"."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy as _

# Names of networks and wallets are theirs in every language.
BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "interac": "Interac",
    "jcb": "JCB",
    "link": "Link",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
WALLETS = {
    "amex_express_checkout": "Amex Express Checkout",
    "apple_pay": "Apple Pay",
    "google_pay": "Google Pay",
    "link": "Link",
    "masterpass": "Masterpass",
    "meta_pay": "Meta Pay",
    "samsung_pay": "Samsung Pay",
    "visa_checkout": "Visa Checkout",
}
# Stripe's types that can be stored and charged again.
TYPES: dict[str, str | Promise] = {
    "acss_debit": _("Pre-authorized debit"),
    "amazon_pay": "Amazon Pay",
    "au_becs_debit": _("Australian bank debit"),
    "bacs_debit": _("UK bank debit"),
    "bancontact": "Bancontact",
    "boleto": "Boleto",
    "card": _("Card"),
    "cashapp": "Cash App Pay",
    "customer_balance": _("Bank transfer"),
    "ideal": "iDEAL",
    "klarna": "Klarna",
    "link": "Link",
    "nz_bank_account": _("New Zealand bank debit"),
    "paypal": "PayPal",
    "revolut_pay": "Revolut Pay",
    "sepa_debit": _("SEPA debit"),
    "us_bank_account": _("ACH debit"),
}
_DEBITS = frozenset({"acss_debit", "au_becs_debit", "bacs_debit", "nz_bank_account", "sepa_debit", "us_bank_account"})


def method_words(method: Any) -> str:
    """A stored method (`type`, `brand`, `last4`, `wallet`) in the reader's language. Never a whole number."""
    return in_words(method.type, method.brand, method.last4, method.wallet)


def in_words(type_: str, brand: str = "", last4: str = "", wallet: str = "") -> str:
    """A card by its network, inside its wallet's name; a debit by its kind and its bank; any other by its name."""
    if type_ == "card":
        held = _with_last4(BRANDS.get(brand) or gettext("Card"), last4)
        around = WALLETS.get(wallet) or (_plain(wallet) if wallet else "")
        return f"{around} ({held})" if around else held
    name = str(TYPES.get(type_) or _plain(type_))
    if type_ in _DEBITS and brand:
        name = f"{name}, {brand}"
    return _with_last4(name, last4)


def _with_last4(name: str, last4: str) -> str:
    return f"{name} •••• {last4}" if last4 else name


def _plain(word: str) -> str:
    """A type that is newer than this table: "wechat_pay" is "Wechat pay"."""
    return word.replace("_", " ").capitalize()
