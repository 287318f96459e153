"""What every gateway must do around a payment: setting up ways to pay, giving back, telling its balance."""

from datetime import timedelta

import pytest

from payments.gateways.base import (
    GatewayRefused,
    NoSuchGatewayObject,
    RefundRefused,
    SetupRequest,
)
from payments.types import (
    SetupResult,
    Succeeded,
)
from tests.factories.times import NEW_YEAR
from tests.payments.contract import a_payment, an_intent, attached, call

pytestmark = pytest.mark.django_db


def test_refunds_never_exceed_the_charge(gateway):
    intent, _ = a_payment(gateway, amount=1000)
    assert gateway.refund(call("r1"), intent, 600, metadata={"refund": "re_1"}).status == "succeeded"
    with pytest.raises(RefundRefused):
        gateway.refund(call("r2"), intent, 500, metadata={"refund": "re_2"})
    assert gateway.refund(call("r3"), intent, 400, metadata={"refund": "re_3"}).status == "succeeded"


def test_a_refund_replays_under_its_key_and_is_found_by_metadata(gateway):
    intent, _ = a_payment(gateway)
    first = gateway.refund(call("r1"), intent, 600, metadata={"refund": "re_1"})
    assert gateway.refund(call("r1"), intent, 600, metadata={"refund": "re_1"}) == first
    assert gateway.find_refund(call("look"), intent, {"refund": "re_1"}) == first
    assert gateway.find_refund(call("look"), intent, {"refund": "re_2"}) is None


@pytest.mark.parametrize(
    ("instrument", "ends"), [("pm_card_pendingRefund", "succeeded"), ("pm_card_refundFail", "failed")]
)
def test_a_refund_may_end_a_day_later(world, gateway, instrument, ends):
    intent, _ = a_payment(gateway, instrument)
    refund = gateway.refund(call("r1"), intent, 1000, metadata={})
    assert refund.status == "pending"
    world.days_pass(1)
    assert gateway.retrieve_refund(call("look", days=1), refund.gateway_refund_id).status == ends


def test_a_failed_refund_can_be_made_again(world, gateway):
    intent, _ = a_payment(gateway, "pm_card_refundFail")
    refund = gateway.refund(call("r1"), intent, 1000, metadata={})
    world.days_pass(1)
    gateway.retrieve_refund(call("look", days=1), refund.gateway_refund_id)
    assert gateway.refund(call("r2", days=1), intent, 1000, metadata={}).status == "pending"


def test_an_unpaid_intent_has_nothing_to_refund(gateway):
    with pytest.raises(RefundRefused):
        gateway.refund(call("r1"), an_intent(gateway), 100, metadata={})


def a_setup(gateway, key: str = "setup"):
    return gateway.start_setup(call(key), SetupRequest("cus_1", "cad", "https://shop.example/back"))


def test_a_way_to_pay_is_set_up_on_the_gateways_page_and_pays_off_session(world, gateway):
    started = a_setup(gateway)
    assert started.url
    assert gateway.finish_setup(call("look"), started.gateway_setup_id) == SetupResult("open")
    world.customer_enters(call("page"), started.gateway_setup_id, "pm_card_mastercard")
    done = gateway.finish_setup(call("look"), started.gateway_setup_id)
    assert (done.status, done.method.brand, done.method.last4) == ("succeeded", "mastercard", "4444")
    intent = an_intent(gateway)
    paid = gateway.confirm(call("confirm"), intent, done.method.gateway_method_id, off_session=True)
    assert isinstance(paid, Succeeded)


def test_a_setup_asked_for_twice_is_one(gateway):
    assert a_setup(gateway) == a_setup(gateway)


def test_a_card_that_is_refused_on_the_page_leaves_the_setup_open(world, gateway):
    started = a_setup(gateway)
    world.customer_enters(call("page"), started.gateway_setup_id, "pm_card_chargeDeclined")
    result = gateway.finish_setup(call("look"), started.gateway_setup_id)
    assert (result.status, result.failure_code) == ("open", "card_declined")


def test_an_unknown_setup_is_refused_by_name(gateway):
    with pytest.raises(NoSuchGatewayObject):
        gateway.finish_setup(call("look"), "cs_test_nonesuch")


def test_what_may_be_shown_of_a_method_can_be_asked_again(gateway):
    method = attached(gateway, "pm_card_visa")
    again = gateway.retrieve_method(call("look"), method.gateway_method_id)
    assert (again.gateway_method_id, again.last4) == (method.gateway_method_id, "4242")
    assert again.customer_id
    gateway.detach(call("detach"), method.gateway_method_id)
    assert gateway.retrieve_method(call("look"), method.gateway_method_id).customer_id == ""
    with pytest.raises(NoSuchGatewayObject):
        gateway.retrieve_method(call("look"), "pm_nonesuch")


def test_a_customer_is_made_once(gateway):
    first = gateway.ensure_customer(call("a"), "cus_1", email="ada@example.com", name="Ada")
    assert gateway.ensure_customer(call("b"), "cus_1") == first
    assert gateway.ensure_customer(call("a", merchant_id="acct_2"), "cus_9") != first


def test_the_balance_tells_what_was_taken_and_what_went_back(gateway):
    intent, _ = a_payment(gateway, amount=1000)
    gateway.refund(call("r1"), intent, 300, metadata={"refund": "re_1"})
    page = gateway.balance_transactions(call("look"), since=NEW_YEAR)
    assert sorted((row.type, row.amount) for row in page.items) == [("charge", 1000), ("refund", -300)]
    assert all(row.net == row.amount - row.fee for row in page.items)
    assert page.next_after == ""
    taken = next(row for row in page.items if row.type == "charge")
    assert taken.metadata["payment_intent"] == "pi_ours"


def test_a_dispute_is_read_answered_and_decided(world, gateway):
    intent, paid = a_payment(gateway)
    dispute_id = world.cardholder_disputes(call("bank"), intent)
    told = gateway.read_dispute(call("look"), dispute_id)
    assert (told.status, told.reason, told.amount, told.currency) == ("needs_response", "fraudulent", 1000, "cad")
    assert (told.gateway_intent_id, told.gateway_charge_id) == (intent, paid.gateway_charge_id)
    assert told.evidence_due_by == NEW_YEAR + timedelta(days=14)
    kept = gateway.submit_evidence(call("draft"), dispute_id, {"product_description": "Coffee"}, submit=False)
    assert (kept.status, kept.submission_count) == ("needs_response", 0)
    sent = gateway.submit_evidence(call("send"), dispute_id, {"uncategorized_text": "It was sent."}, submit=True)
    assert (sent.status, sent.submission_count) == ("under_review", 1)
    assert sent.evidence == {"product_description": "Coffee", "uncategorized_text": "It was sent."}
    world.bank_decides(call("bank"), dispute_id, "won")
    assert gateway.read_dispute(call("look"), dispute_id).status == "won"


def test_evidence_comes_too_late_for_a_dispute_that_is_decided(world, gateway):
    intent, _ = a_payment(gateway)
    dispute_id = world.cardholder_disputes(call("bank"), intent)
    world.bank_decides(call("bank"), dispute_id, "lost")
    with pytest.raises(GatewayRefused) as refused:
        gateway.submit_evidence(call("send"), dispute_id, {"uncategorized_text": "Too late"}, submit=True)
    assert refused.value.code == "dispute_closed"


def test_evidence_that_was_kept_can_be_taken_back(world, gateway):
    intent, _ = a_payment(gateway)
    dispute_id = world.cardholder_disputes(call("bank"), intent)
    said = {"customer_name": "Zoé", "product_description": "Tea"}
    gateway.submit_evidence(call("draft"), dispute_id, said, submit=False)
    kept = gateway.submit_evidence(call("less"), dispute_id, {"product_description": ""}, submit=False)
    assert kept.evidence == {"customer_name": "Zoé"}


def test_a_dispute_that_is_accepted_is_lost_at_once_and_for_good(world, gateway):
    intent, _ = a_payment(gateway)
    dispute_id = world.cardholder_disputes(call("bank"), intent)
    assert gateway.close_dispute(call("close"), dispute_id).status == "lost"
    assert gateway.read_dispute(call("look"), dispute_id).status == "lost"
    for again in (
        lambda: gateway.close_dispute(call("once more"), dispute_id),
        lambda: gateway.submit_evidence(call("send"), dispute_id, {"customer_name": "Zoé"}, submit=True),
    ):
        with pytest.raises(GatewayRefused) as refused:
            again()
        assert refused.value.code == "dispute_closed"


def test_an_inquiry_that_is_closed_takes_nothing(world, gateway):
    intent, _ = a_payment(gateway)
    dispute_id = world.cardholder_disputes(call("bank"), intent, inquiry=True)
    closed = gateway.close_dispute(call("close"), dispute_id)
    assert (closed.status, closed.movements) == ("warning_closed", ())


def test_a_dispute_tells_what_it_took_and_gave_back(world, gateway):
    """1000 and a fee of 15.00 go at once; won, the 1000 come back and the fee does not."""
    intent, _ = a_payment(gateway, amount=1000)
    dispute_id = world.cardholder_disputes(call("bank"), intent)
    [taken] = gateway.read_dispute(call("look"), dispute_id).movements
    assert (taken.type, taken.reporting_category) == ("adjustment", "dispute")
    assert (taken.amount, taken.fee, taken.net) == (-1000, 1500, -2500)
    world.bank_decides(call("bank", days=3), dispute_id, "won")
    _, back = gateway.read_dispute(call("look", days=3), dispute_id).movements
    assert (back.reporting_category, back.amount, back.fee) == ("dispute_reversal", 1000, 0)
    page = gateway.balance_transactions(call("look", days=3), since=NEW_YEAR)
    assert {taken.gateway_balance_transaction_id, back.gateway_balance_transaction_id} <= {
        row.gateway_balance_transaction_id for row in page.items
    }


def test_a_refund_is_read_with_what_it_is_of(gateway):
    intent, _ = a_payment(gateway)
    made = gateway.refund(call("r1"), intent, 300, metadata={"refund": "re_1"})
    told = gateway.read_refund(call("look"), made.gateway_refund_id)
    assert (told.refund, told.gateway_intent_id, told.amount, told.currency) == (made, intent, 300, "cad")
    assert told.metadata == {"refund": "re_1"}


@pytest.mark.parametrize("read", ["read_refund", "read_dispute", "read_payout", "retrieve", "retrieve_method"])
def test_what_is_not_there_is_said_by_name(gateway, read):
    with pytest.raises(NoSuchGatewayObject):
        getattr(gateway, read)(call("look"), "nonesuch")


def test_a_file_is_handed_over_once_and_named_as_evidence(world, gateway):
    intent, _ = a_payment(gateway)
    dispute_id = world.cardholder_disputes(call("bank"), intent)
    there = gateway.upload_evidence(call("file"), "reçu.pdf", b"%PDF-1.7 \xe9\n%%EOF")
    assert gateway.upload_evidence(call("file"), "reçu.pdf", b"%PDF-1.7 \xe9\n%%EOF") == there
    kept = gateway.submit_evidence(call("draft"), dispute_id, {"receipt": there}, submit=False)
    assert (kept.evidence, kept.past_due) == ({"receipt": there}, False)
    with pytest.raises(NoSuchGatewayObject):
        gateway.submit_evidence(call("other"), dispute_id, {"receipt": "file_nobody"}, submit=False)
