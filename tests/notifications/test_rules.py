"""What is said to whom, and when it is tried again, as tables."""

from datetime import timedelta

import pytest

from notifications.rules import invoice_mail, is_history, next_try, readable_ink
from tests.factories.times import NEW_YEAR


@pytest.mark.parametrize(
    ("event_type", "method", "reason", "due", "kind"),
    [
        ("invoice.paid", "charge_automatically", "subscription_cycle", 1000, "receipt"),
        ("invoice.paid", "charge_automatically", "subscription_create", 1000, "receipt"),
        ("invoice.paid", "charge_automatically", "subscription_create", 0, ""),  # a trial's first invoice
        ("invoice.finalized", "send_invoice", "subscription_cycle", 1000, "invoice"),
        ("invoice.finalized", "send_invoice", "subscription_cycle", 0, ""),
        ("invoice.finalized", "charge_automatically", "subscription_cycle", 1000, ""),
        ("invoice.payment_failed", "charge_automatically", "subscription_cycle", 1000, "payment_failed"),
        ("invoice.payment_failed", "charge_automatically", "subscription_create", 1000, ""),  # was on the page
        ("invoice.payment_action_required", "charge_automatically", "manual", 1000, "payment_action_required"),
    ],
)
def test_which_mail_an_invoice_asks_for(event_type, method, reason, due, kind):
    assert invoice_mail(event_type, collection_method=method, billing_reason=reason, amount_due=due) == kind


@pytest.mark.parametrize(
    ("later", "history"),
    [(timedelta(0), False), (timedelta(hours=48), False), (timedelta(hours=49), True), (timedelta(days=-90), False)],
)
def test_a_fact_told_long_after_is_history(later, history):
    assert is_history(NEW_YEAR, NEW_YEAR + later) is history


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 5), (7, 1440), (8, None)])
def test_tries_get_rarer_and_end(attempts, minutes):
    assert next_try(attempts, NEW_YEAR) == (NEW_YEAR + timedelta(minutes=minutes) if minutes else None)


@pytest.mark.parametrize(
    ("colour", "ink"),
    [("#4f46e5", "#ffffff"), ("#ffe066", "#1c1d22"), ("#b3541e", "#ffffff"), ("no colour", "#ffffff")],
)
def test_the_button_can_be_read(colour, ink):
    assert readable_ink(colour) == ink
