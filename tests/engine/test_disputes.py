"""A cardholder disputes a charge: what the bank takes, what is said against it, and how it ends, on the clock."""

from datetime import timedelta

import pytest

from engine.services.credit_notes import create_credit_note, preview_credit_note
from engine.services.disputes import (
    DisputeNotAnswerable,
    EvidenceMissing,
    EvidenceTooLong,
    EvidenceUnknown,
    close_dispute,
    run_disputes,
    submit_evidence,
)
from engine.services.pay import pay_invoice
from engine.services.refund import refund_charge
from engine.services.sending import call_of
from events.models import Event, ObjectVersion
from invoicing.rules.credit_notes import CreditedLineRequest, CreditNoteRequest, RefundMoreThanPaid
from payments.disputes import DisputeNotFound
from payments.gateways import gateway_named
from payments.models import BalanceTransaction, Charge, Dispute, Refund
from payments.movements import movements_of
from payments.rules import ChargeDisputed
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def paid(instrument="pm_card_createDispute", amount=4200):
    """A charge of CA$42.00 on New Year's day."""
    customer = new_customer(merchant=new_merchant(), payment_method=instrument)
    invoice = open_invoice(customer=customer, amount=amount)
    pay_invoice(ctx=context(), merchant_id=customer.merchant_id, invoice_id=invoice.id)
    return Charge.objects.get()


def disputed(instrument="pm_card_createDispute") -> Dispute:
    """The next day its holder disputes it."""
    paid(instrument)
    run_disputes(ctx=context(NEW_YEAR + DAY))
    return Dispute.objects.get()


def answer(dispute, at, submit=True, **evidence):
    return submit_evidence(
        ctx=context(at), merchant_id=dispute.merchant_id, dispute_id=dispute.id, evidence=evidence, submit=submit
    )


def told(dispute) -> list[str]:
    rows = Event.objects.filter(object_id=dispute.id).order_by("object_version", "id")
    return [type.removeprefix("charge.dispute.") for type in rows.values_list("type", flat=True)]


def test_a_charge_is_disputed_a_day_later_once():
    dispute = disputed()
    run_disputes(ctx=context(NEW_YEAR + 2 * DAY))
    assert Dispute.objects.count() == 1
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 4200)
    assert dispute.evidence_due_by == NEW_YEAR + 15 * DAY
    assert Charge.objects.get().disputed
    assert sorted(told(dispute)) == ["created", "funds_withdrawn"]


@pytest.mark.parametrize(
    ("said", "days", "status", "money"),
    [
        ("winning_evidence", 1, "won", "funds_reinstated"),
        ("losing_evidence", 1, "lost", ""),
        ("They signed for it.", 60, "lost", ""),
    ],
)
def test_the_bank_decides_by_what_is_submitted(said, days, status, money):
    dispute = answer(disputed(), NEW_YEAR + 3 * DAY, uncategorized_text=said)
    assert (dispute.status, dispute.submission_count) == ("under_review", 1)
    run_disputes(ctx=context(NEW_YEAR + (3 + days) * DAY - timedelta(seconds=1)))
    assert Dispute.objects.get().status == "under_review"
    run_disputes(ctx=context(NEW_YEAR + (3 + days) * DAY))
    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.closed_at) == (status, NEW_YEAR + (3 + days) * DAY)
    assert ("funds_reinstated" in told(dispute)) is bool(money)
    assert told(dispute).count("closed") == 1


def test_unanswered_it_is_lost_on_its_last_day():
    disputed()
    run_disputes(ctx=context(NEW_YEAR + 15 * DAY))
    assert Dispute.objects.get().status == "lost"


def test_a_lost_dispute_leaves_the_invoice_paid_as_stripe_does():
    disputed()
    run_disputes(ctx=context(NEW_YEAR + 15 * DAY))
    charge = Charge.objects.get()
    assert (charge.status, charge.payment_intent.invoice.status) == ("succeeded", "paid")


def test_an_inquiry_takes_no_money_and_may_be_refunded():
    dispute = disputed("pm_card_createDisputeInquiry")
    assert (dispute.status, told(dispute)) == ("warning_needs_response", ["created"])
    refund_charge(ctx=context(NEW_YEAR + DAY), merchant_id=dispute.merchant_id, charge_id=dispute.charge_id)
    run_disputes(ctx=context(NEW_YEAR + 15 * DAY))
    assert Dispute.objects.get().status == "warning_closed"


@pytest.mark.parametrize("end", ["open", "lost"])
def test_what_the_bank_took_is_not_refunded_as_well(end):
    dispute = disputed()
    at = NEW_YEAR + (15 if end == "lost" else 2) * DAY
    run_disputes(ctx=context(at))
    with pytest.raises(ChargeDisputed):
        refund_charge(ctx=context(at), merchant_id=dispute.merchant_id, charge_id=dispute.charge_id)
    assert not Refund.objects.exists()
    assert Charge.objects.get().amount_refunded == 0


def test_what_was_won_may_be_refunded():
    dispute = answer(disputed(), NEW_YEAR + 3 * DAY, uncategorized_text="winning_evidence")
    run_disputes(ctx=context(NEW_YEAR + 4 * DAY))
    outcome = refund_charge(
        ctx=context(NEW_YEAR + 5 * DAY), merchant_id=dispute.merchant_id, charge_id=dispute.charge_id
    )
    assert (outcome.status, outcome.amount) == ("succeeded", 4200)


def test_a_refund_whose_dispute_is_not_known_here_yet_is_refused_by_the_processor():
    charge = paid()
    at = context(NEW_YEAR + DAY)
    call = call_of(at, charge.merchant_id, "the bank")
    gateway_named("sandbox").disputes_of(call, charge.payment_intent.gateway_intent_id)
    outcome = refund_charge(ctx=at, merchant_id=charge.merchant_id, charge_id=charge.id)
    assert (outcome.status, Charge.objects.get().amount_refunded) == ("failed", 0)


def test_what_was_refunded_before_is_not_disputed_any_more():
    charge = paid()
    refund_charge(ctx=context(), merchant_id=charge.merchant_id, charge_id=charge.id)
    run_disputes(ctx=context(NEW_YEAR + DAY))
    assert not Dispute.objects.exists()


def test_evidence_is_kept_until_it_is_submitted():
    dispute = answer(disputed(), NEW_YEAR + 2 * DAY, submit=False, customer_name="Zoé Gagnon")
    assert (dispute.status, dispute.evidence) == ("needs_response", {"customer_name": "Zoé Gagnon"})
    dispute = answer(dispute, NEW_YEAR + 3 * DAY, product_description="A box")
    assert dispute.evidence == {"customer_name": "Zoé Gagnon", "product_description": "A box"}


def test_evidence_that_cannot_be_taken_is_refused_by_name():
    dispute = disputed()
    with pytest.raises(EvidenceUnknown):
        answer(dispute, NEW_YEAR + 2 * DAY, horoscope="Leo")
    with pytest.raises(EvidenceTooLong):
        answer(dispute, NEW_YEAR + 2 * DAY, uncategorized_text="a" * 150_001)
    with pytest.raises(EvidenceMissing):
        answer(dispute, NEW_YEAR + 2 * DAY)
    with pytest.raises(DisputeNotAnswerable):
        answer(dispute, NEW_YEAR + 15 * DAY, uncategorized_text="winning_evidence")
    with pytest.raises(DisputeNotFound):
        submit_evidence(ctx=context(), merchant_id="acct_other", dispute_id=dispute.id, evidence={}, submit=False)
    dispute.refresh_from_db()
    assert (dispute.status, dispute.evidence) == ("needs_response", {})


def test_the_balance_shows_what_the_bank_took_and_gave_back():
    dispute = answer(disputed(), NEW_YEAR + 3 * DAY, uncategorized_text="winning_evidence")
    run_disputes(ctx=context(NEW_YEAR + 4 * DAY))
    call = call_of(context(NEW_YEAR + 5 * DAY), dispute.merchant_id, "look")
    page = gateway_named("sandbox").balance_transactions(call, since=NEW_YEAR)
    # the newest first; the bank's fee of 15.00 does not come back
    assert [(row.reporting_category, row.amount, row.fee, row.net) for row in page.items] == [
        ("dispute_reversal", 4200, 0, 4200),
        ("dispute", -4200, 1500, -5700),
        ("charge", 4200, 0, 4200),
    ]


def test_what_a_dispute_moved_is_known_with_it():
    dispute = answer(disputed(), NEW_YEAR + 3 * DAY, uncategorized_text="winning_evidence")
    [taken] = movements_of(dispute.merchant_id, [dispute.id])[dispute.id]
    assert (taken.amount, taken.fee) == (-4200, 1500)
    run_disputes(ctx=context(NEW_YEAR + 4 * DAY))
    assert [row.amount for row in movements_of(dispute.merchant_id, [dispute.id])[dispute.id]] == [-4200, 4200]
    closed = Event.objects.get(object_id=dispute.id, type="charge.dispute.closed")
    bodies = ObjectVersion.objects.get(object_id=dispute.id, version=closed.object_version).body
    assert [row["net"] for row in bodies["balance_transactions"]] == [-5700, 4200]


def test_a_dispute_that_is_accepted_is_lost_and_its_invoice_stays_paid():
    dispute = disputed()
    at = NEW_YEAR + 2 * DAY
    closed = close_dispute(ctx=context(at), merchant_id=dispute.merchant_id, dispute_id=dispute.id)
    assert (closed.status, closed.closed_at, closed.next_action_at) == ("lost", at, None)
    assert told(dispute) == ["created", "funds_withdrawn", "closed"]
    assert Charge.objects.get().payment_intent.invoice.status == "paid"
    with pytest.raises(DisputeNotAnswerable):
        close_dispute(ctx=context(at), merchant_id=dispute.merchant_id, dispute_id=dispute.id)
    with pytest.raises(DisputeNotFound):
        close_dispute(ctx=context(at), merchant_id="acct_other", dispute_id=dispute.id)
    assert Dispute.objects.get().version == closed.version


def test_an_inquiry_that_is_closed_ends_without_money():
    dispute = disputed("pm_card_createDisputeInquiry")
    close_dispute(ctx=context(NEW_YEAR + 2 * DAY), merchant_id=dispute.merchant_id, dispute_id=dispute.id)
    assert Dispute.objects.get().status == "warning_closed"
    assert not BalanceTransaction.objects.exists()


def test_a_credit_note_refunds_nothing_that_the_bank_took_but_may_go_to_the_balance():
    dispute = disputed()
    asked = {"ctx": context(NEW_YEAR + 2 * DAY), "merchant_id": dispute.merchant_id, "invoice_id": dispute.invoice_id}
    goodwill = (CreditedLineRequest(description="Goodwill", amount=1000),)
    back_to_card = CreditNoteRequest(lines=goodwill, refund_amount=1000)
    of_it = {"merchant_id": dispute.merchant_id, "invoice_id": dispute.invoice_id, "request": back_to_card}
    for act in (
        lambda: create_credit_note(ctx=asked["ctx"], **of_it),
        lambda: preview_credit_note(**of_it),
    ):
        with pytest.raises(RefundMoreThanPaid) as refused:
            act()
        assert refused.value.params == {"left": 0}
    create_credit_note(**asked, request=CreditNoteRequest(lines=goodwill, credit_amount=1000))
    assert not Refund.objects.exists()
