import pytest

from invoicing.rules.finalization import due_date, finalized_status, invoice_next_action_at
from invoicing.rules.numbering import invoice_number, number_block
from invoicing.rules.payment_method import payment_method_for
from tests.factories.times import utc

NOW, SOON, LATER = utc(2026, 4, 1), utc(2026, 4, 2), utc(2026, 5, 1)


def test_an_invoice_with_nothing_due_is_paid_at_once():
    assert finalized_status(0) == "paid"
    assert finalized_status(1) == "open"


def test_only_a_sent_invoice_has_a_due_date():
    assert due_date("send_invoice", NOW, 30) == LATER
    assert due_date("charge_automatically", NOW, 30) is None


@pytest.mark.parametrize(
    ("facts", "moment"),
    [
        pytest.param({"status": "draft", "automatically_finalizes_at": SOON}, SOON, id="draft: its finalization"),
        pytest.param(
            {"status": "draft", "automatically_finalizes_at": SOON, "auto_advance": False}, None, id="draft that stays"
        ),
        pytest.param({"status": "open", "next_payment_attempt": SOON}, SOON, id="open: the next attempt"),
        pytest.param({"status": "open", "next_payment_attempt": SOON, "auto_advance": False}, None, id="stopped"),
        pytest.param({"status": "open", "due_date": LATER}, LATER, id="sent: its due date"),
        pytest.param({"status": "open", "due_date": LATER, "overdue_since": LATER}, None, id="overdue, and told"),
        pytest.param({"status": "open", "due_date": LATER, "next_payment_attempt": SOON}, SOON, id="the earlier one"),
        pytest.param({"status": "paid", "next_payment_attempt": SOON}, None, id="paid"),
        pytest.param({"status": "void", "due_date": LATER}, None, id="void"),
        pytest.param({"status": "uncollectible", "due_date": LATER}, None, id="uncollectible"),
    ],
)
def test_an_invoice_waits_for_the_earliest_of_what_can_still_happen(facts, moment):
    assert invoice_next_action_at(**facts) == moment


@pytest.mark.parametrize(
    ("chosen", "method"),
    [
        (("pm_invoice", "pm_subscription", "pm_customer"), "pm_invoice"),
        (("", "pm_subscription", "pm_customer"), "pm_subscription"),
        (("", "", "pm_customer"), "pm_customer"),
        (("", "", ""), ""),
    ],
)
def test_the_invoices_method_wins_over_the_subscriptions_and_that_over_the_customers(chosen, method):
    assert payment_method_for(*chosen) == method


def test_numbers_are_consecutive_and_keep_all_their_digits():
    assert invoice_number("OST", 7, 4) == "OST-0007"
    assert number_block("OST", 9999, 2, 4) == [(9999, "OST-9999"), (10000, "OST-10000")]
