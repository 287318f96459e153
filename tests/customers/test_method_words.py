"""What a payment method is called wherever one shows."""

import pytest
from django.utils import translation

from customers.method_words import in_words


@pytest.mark.parametrize(
    ("method", "words", "french"),
    [
        (("card", "visa", "4242"), "Visa •••• 4242", "Visa •••• 4242"),
        (("card", "amex", "8431"), "American Express •••• 8431", "American Express •••• 8431"),
        (("card", "cartes_bancaires", "1001"), "Cartes Bancaires •••• 1001", "Cartes Bancaires •••• 1001"),
        (("card", "unknown", "1234"), "Card •••• 1234", "Carte •••• 1234"),
        (("card", "visa", "4242", "apple_pay"), "Apple Pay (Visa •••• 4242)", "Apple Pay (Visa •••• 4242)"),
        (
            ("card", "mastercard", "4444", "google_pay"),
            "Google Pay (Mastercard •••• 4444)",
            "Google Pay (Mastercard •••• 4444)",
        ),
        (("card", "visa", "4242", "link"), "Link (Visa •••• 4242)", "Link (Visa •••• 4242)"),
        (("link", "", "", "link"), "Link", "Link"),
        (
            ("us_bank_account", "STRIPE TEST BANK", "6789"),
            "ACH debit, STRIPE TEST BANK •••• 6789",
            "Prélèvement ACH, STRIPE TEST BANK •••• 6789",
        ),
        (("sepa_debit", "", "3000"), "SEPA debit •••• 3000", "Prélèvement SEPA •••• 3000"),
        (("acss_debit", "", "6789"), "Pre-authorized debit •••• 6789", "Débit préautorisé •••• 6789"),
        (("paypal",), "PayPal", "PayPal"),
        (("wechat_pay",), "Wechat pay", "Wechat pay"),
    ],
)
def test_a_method_is_named_by_what_its_owner_calls_it(method, words, french) -> None:
    with translation.override("en"):
        assert in_words(*method) == words
    with translation.override("fr-ca"):
        assert in_words(*method) == french
