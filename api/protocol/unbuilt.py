"""What Stripe has and we do not, by its addresses: whoever asks for it is told by name. Pure.

The most particular address comes first. Held complete by a test that walks the official SDK's own addresses.
"""

from __future__ import annotations

import re

from api.protocol.errors import UnrecognizedUrl
from core.errors import gettext_noop

_NAMES: list[tuple[str, str]] = [
    (r"customers/[^/]+/(cash_balance|cash_balance_transactions)(/.*)?", "Cash balances"),
    (r"customers/[^/]+/funding_instructions", "Bank transfer funding instructions"),
    (r"customers/[^/]+/(bank_accounts|sources/[^/]+/verify)(/.*)?", "Bank accounts"),
    (r"payment_intents/[^/]+/amount_details_line_items", "Line items of payments"),
    (r"payment_intents/[^/]+/increment_authorization", "Raising an authorization"),
    (r"payment_intents/[^/]+/apply_customer_balance", "Cash balances"),
    (r"(payment_intents|setup_intents)/[^/]+/verify_microdeposits", "Verifying bank accounts by small deposits"),
    (r"billing/feedback_options(/.*)?", "Feedback options"),
    (r"test_helpers/confirmation_tokens(/.*)?", "Confirmation tokens"),
    (r"test_helpers/customers(/.*)?", "Cash balances"),
    (r"test_helpers/refunds(/.*)?", "Expiring refunds"),
    (r"test_helpers/issuing(/.*)?", "Issuing"),
    (r"test_helpers/terminal(/.*)?", "Terminal"),
    (r"test_helpers/treasury(/.*)?", "Treasury"),
    (r"account(_links|_sessions|s)(/.*)?", "Connect"),
    (r"(application_fees|transfers|topups|country_specs)(/.*)?", "Connect"),
    (r"apple_pay(/.*)?", "Apple Pay domains"),
    (r"apps(/.*)?", "Apps"),
    (r"balance_settings(/.*)?", "Balance settings"),
    (r"payouts(/.*)?", "Sending payouts"),
    (r"checkout/sessions/[^/]+", "Changing an open checkout"),
    (r"climate(/.*)?", "Climate"),
    (r"(confirmation_tokens|ephemeral_keys|customer_sessions)(/.*)?", "Tokens for Stripe.js and mobile SDKs"),
    (r"exchange_rates(/.*)?", "Exchange rates"),
    (r"financial_connections(/.*)?", "Financial Connections"),
    (r"forwarding(/.*)?", "Forwarding"),
    (r"identity(/.*)?", "Identity"),
    (r"invoice_rendering_templates(/.*)?", "Invoice rendering templates"),
    (r"issuing(/.*)?", "Issuing"),
    (r"mandates(/.*)?", "Mandates"),
    (r"payment_attempt_records(/.*)?", "Payment attempt records"),
    (r"payment_method_(configurations|domains)(/.*)?", "Payment method configurations"),
    (r"payment_records(/.*)?", "Payment records"),
    (r"radar(/.*)?", "Radar"),
    (r"(reporting|sigma)(/.*)?", "Reports"),
    (r"reviews(/.*)?", "Radar's reviews"),
    (r"setup_attempts(/.*)?", "Setup attempts"),
    (r"shipping_rates(/.*)?", "Shipping rates"),
    (r"sources(/.*)?", "Sources"),
    (r"tax(/.*)?", "Stripe Tax"),
    (r"tax_codes(/.*)?", "Stripe Tax's codes"),
    (r"tax_ids(/.*)?", "Tax IDs that belong to no customer"),
    (r"terminal(/.*)?", "Terminal"),
    (r"treasury(/.*)?", "Treasury"),
]
_PATTERNS = [(re.compile("/v1/" + address), name) for address, name in _NAMES]


class NotBuilt(UnrecognizedUrl):
    message_id = gettext_noop("%(what)s: Stripe has this, Ostinato does not (%(method)s: %(path)s).")


class PreviewMoved(UnrecognizedUrl):
    message_id = gettext_noop("invoices/upcoming went with version 2025-03-31.basil: ask create_preview.")


def check_not_gone(path: str) -> None:
    """What was here in older versions of Stripe's, and would be taken for an object's id now."""
    if path in ("/v1/invoices/upcoming", "/v1/invoices/upcoming/lines"):
        raise PreviewMoved


def unbuilt(path: str) -> str:
    """What Stripe calls the thing at this address of its, or blank."""
    return next((name for pattern, name in _PATTERNS if pattern.fullmatch(path)), "")
