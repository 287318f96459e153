"""What is hidden wherever text leaves the house, as a table."""

import pytest

from core.secrets import without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer sk_live_0123456789abcdef", "Bearer [hidden]"),
        ("key='rk_test_abcdefgh'", "key='[hidden]'"),
        ("whsec_abc+/=def0", "[hidden]"),
        ("pi_1a2b_secret_9xYz", "[hidden]"),
        ("card 4242424242424242!", "card [hidden]4242!"),
        ("4242 4242 4242 4242", "[hidden]4242"),
        ("5555-5555-5555-4444", "[hidden]4444"),
        ("order 4242424242424241", "order 4242424242424241"),  # no card has this check digit
        ("in_0352CrKR7cGBZ70Di8I91P at 12:00:00,123", "in_0352CrKR7cGBZ70Di8I91P at 12:00:00,123"),
        ("sk_test_", "sk_test_"),
    ],
)
def test_secrets_are_hidden_and_nothing_else(text, shown):
    assert without_secrets(text) == shown
