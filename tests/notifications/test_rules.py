"""What is said to whom, and when it is tried again, as tables."""

from datetime import timedelta

import pytest

from notifications.rules import (
    Attempt,
    invoice_mail,
    is_history,
    next_try,
    readable_ink,
    refusal_reason,
    what_comes_next,
)
from tests.factories.times import NEW_YEAR, utc


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


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("event_type", "reason", "attempt", "kind"),
    [
        # A retry of the run is always told, whatever the invoice.
        ("invoice.payment_failed", "subscription_cycle", Attempt(True, "insufficient_funds", MINUTE), "payment_failed"),
        ("invoice.payment_failed", "subscription_create", Attempt(True, "do_not_honor", MINUTE), "payment_failed"),
        # The page said it a moment ago; a debit that fails days later is news.
        ("invoice.payment_failed", "subscription_cycle", Attempt(False, "do_not_honor", MINUTE), ""),
        ("invoice.payment_failed", "subscription_cycle", Attempt(False, "", timedelta(days=3)), "payment_failed"),
        ("invoice.payment_action_required", "subscription_cycle", Attempt(False, "", MINUTE), ""),
        # One refusal, one mail: the one that leads to the bank's page.
        ("invoice.payment_failed", "subscription_cycle", Attempt(True, "authentication_required", MINUTE), ""),
        (
            "invoice.payment_action_required",
            "subscription_cycle",
            Attempt(True, "authentication_required", MINUTE),
            "payment_action_required",
        ),
    ],
)
def test_a_failure_is_told_once_where_the_page_did_not(event_type, reason, attempt, kind):
    asked = dict(collection_method="charge_automatically", billing_reason=reason, amount_due=1000, attempt=attempt)
    assert invoice_mail(event_type, **asked) == kind


@pytest.mark.parametrize(
    ("decision", "next_attempt", "gives_up", "step"),
    [
        ("retry", utc(2024, 1, 2), utc(2024, 1, 15), "retry"),
        ("ask_customer", None, utc(2024, 1, 15), "ask_customer"),
        ("give_up", None, utc(2024, 1, 15), "give_up"),
        ("", None, None, ""),  # an invoice that nobody chases
    ],
)
def test_what_a_failure_announces(decision, next_attempt, gives_up, step):
    assert what_comes_next(decision=decision, next_attempt_at=next_attempt, gives_up_at=gives_up) == step


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("insufficient_funds", "funds"),
        ("expired_card", "expired"),
        ("no_payment_method", "no_method"),
        ("lost_card", "refused"),  # never by mail: the thief may read it
        ("stolen_card", "refused"),
        ("", "refused"),
    ],
)
def test_which_reason_may_be_said(code, reason):
    assert refusal_reason(code) == reason


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
