"""Disputes, the balance and payouts on their pages."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from engine.services.balances import fetch_balance
from engine.services.disputes import run_disputes
from engine.services.pay import pay_invoice
from engine.services.refund import refund_charge
from merchants.models import File
from payments.models import BalanceTransaction, Dispute, InvoicePayment, PaymentIntent, Payout
from tests.factories import customers, merchants
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MB = 1024 * 1024


def disputed(shop, **fields) -> Dispute:
    """CA$42.00, opened on 2 January, to be answered until the 16th."""
    customer = customers.customer(merchant=shop, name="Zoé Gagnon", payment_method="pm_card_createDispute", **fields)
    invoice = open_invoice(customer=customer, amount=4200)
    pay_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id)
    run_disputes(ctx=context(NEW_YEAR + DAY), clock_id=customer.test_clock_id)
    return Dispute.objects.get()


@pytest.fixture
def dispute(shop) -> Dispute:
    """Long overdue, for pages read the real clock."""
    return disputed(shop)


@pytest.fixture
def fresh_dispute(shop) -> Dispute:
    """Its clock stands on 2 January."""
    return disputed(shop, test_clock=customers.clock(merchant=shop, frozen_time=NEW_YEAR + DAY))


def test_the_list_shows_who_why_and_until_when(desk, dispute):
    page = desk.get("disputes").content.decode()
    for said in ("CA$42.00", "Zoé Gagnon", "Fraud", "Needs an answer"):
        assert said in page
    assert "Zoé Gagnon" in desk.client.get("/dashboard/disputes/?to_answer=1&status=needs_response").content.decode()
    assert "Zoé Gagnon" not in desk.client.get("/dashboard/disputes/?status=won").content.decode()


def test_the_overview_says_what_is_to_be_answered_until_then(desk, dispute):
    assert "Disputed; answer by" not in desk.get("overview").content.decode()  # its day is over
    Dispute.objects.update(evidence_due_by=utc(2100, 1, 16))
    page = desk.get("overview").content.decode()
    assert "Disputed; answer by Jan 16, 2100" in page
    Dispute.objects.update(status="under_review")
    assert "Disputed; answer by" not in desk.get("overview").content.decode()


def test_the_list_of_payments_says_what_was_contested_and_what_went_back(desk, shop, dispute):
    for number, amount in enumerate((1000, 4200)):
        customer = customers.customer(merchant=shop, payment_method="pm_card_visa")
        invoice = open_invoice(customer=customer, amount=4200, created=NEW_YEAR + number * DAY)
        outcome = pay_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id)
        refund_charge(ctx=context(), merchant_id=shop.id, charge_id=outcome.charge_id, amount=amount)
    page = desk.get("payments").content.decode()
    assert all(said in page for said in ("Disputed", "Partly refunded", "pill-neutral"))
    assert "Refunded" in page
    assert "Succeeded</span>" not in page


def test_payment_and_invoice_say_that_they_are_disputed(desk, dispute):
    assert "Disputed" in desk.get("payment", dispute.payment_intent_id).content.decode()
    assert "Disputed" in desk.get("invoice", dispute.invoice_id).content.decode()


def test_a_disputed_payment_is_not_refunded(desk, dispute):
    answer = desk.post("payment_refund", dispute.payment_intent_id, dispute.charge_id, amount="42.00", reason="")
    assert answer.status_code == 422
    assert "disputes this charge" in answer.content.decode()


def test_what_a_bank_holds_is_not_offered_for_refund_and_the_payment_tells_the_story(desk, dispute):
    page = desk.get("payment", dispute.payment_intent_id).content.decode()
    assert "Refund lines" not in page
    assert "The bank took the disputed money" in page


def test_why_a_payment_failed_is_said_in_the_readers_language_alone(desk_of, shop):
    customer = customers.customer(merchant=shop, payment_method="pm_card_chargeCustomerFail")
    invoice = open_invoice(customer=customer, amount=4200)
    pay_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id)
    page = desk_of(language="fr-ca").get("payment", PaymentIntent.objects.get().id).content.decode()
    assert "La banque a refusé" in page
    assert "Your card" not in page


def test_crediting_a_contested_invoice_says_why_nothing_goes_back_to_the_card(desk, dispute):
    page = desk.get("invoice_credit", dispute.invoice_id).content.decode()
    assert "what the bank took cannot be refunded as well" in page
    assert "At most CA$0.00" in page


def test_evidence_is_read_back_and_answered_too_late_is_said(desk, dispute):
    page = desk.get("dispute_evidence", dispute.id).content.decode()
    assert "Zoé Gagnon" in page  # the customer's name is filled in
    answer = desk.post("dispute_evidence", dispute.id, uncategorized_text="winning_evidence", submit="on")
    # The page reads the real clock, and the dispute of 2024 is long overdue.
    assert answer.status_code == 422
    assert "cannot be answered any more" in answer.content.decode()


def test_a_dispute_is_accepted_and_shows_what_it_cost(desk, fresh_dispute):
    page = desk.get("dispute", fresh_dispute.id).content.decode()
    for said in ("-CA$42.00", "CA$15.00", "-CA$57.00", "Accept"):
        assert said in page
    assert "cannot be undone" in desk.get("dispute_close", fresh_dispute.id).content.decode()
    assert desk.post("dispute_close", fresh_dispute.id).status_code == 302
    fresh_dispute.refresh_from_db()
    assert fresh_dispute.status == "lost"
    page = desk.get("dispute", fresh_dispute.id).content.decode()
    assert "The invoice stays paid" in page
    assert desk.get("dispute_close", fresh_dispute.id).status_code == 404
    assert "/close/" not in page


def test_each_movement_leads_to_what_moved_it(desk, dispute):
    fetch_balance(ctx=context(NEW_YEAR + 2 * DAY), merchant_id=dispute.merchant_id)
    page = desk.get("balance").content.decode()
    assert f"/dashboard/payments/{dispute.payment_intent_id}/" in page
    assert f"/dashboard/disputes/{dispute.id}/" in page


def test_evidence_that_is_emptied_is_taken_back(desk, fresh_dispute):
    path = ("dispute_evidence", fresh_dispute.id)
    assert desk.post(*path, customer_name="Zoé", service_date="May").status_code == 302
    assert desk.post(*path, customer_name="Zoé", service_date="").status_code == 302
    fresh_dispute.refresh_from_db()
    assert (fresh_dispute.status, fresh_dispute.evidence) == ("needs_response", {"customer_name": "Zoé"})


def test_support_may_look_but_not_answer(desk_of, dispute):
    desk = desk_of("support")
    assert desk.get("dispute", dispute.id).status_code == 200
    assert desk.post("dispute_evidence", dispute.id, uncategorized_text="x").status_code == 403
    assert desk.post("dispute_close", dispute.id).status_code == 403


def test_anothers_dispute_is_not_there(desk_of, dispute):
    other = desk_of(merchant=merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True))
    assert other.get("dispute", dispute.id).status_code == 404
    assert "Zoé Gagnon" not in other.get("disputes").content.decode()


def test_the_balance_is_listed_with_fees_and_summed(desk, shop):
    for number, (kind, amount, fee, status) in enumerate(
        [("charge", 4200, 152, "available"), ("refund", -1000, 0, "available"), ("charge", 2000, 88, "pending")]
    ):
        BalanceTransaction.objects.create(
            merchant=shop,
            gateway="stripe",
            gateway_balance_transaction_id=f"txn_{number}",
            type=kind,
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency="cad",
            status=status,
            available_on=NEW_YEAR,
            created=NEW_YEAR,
            recorded_at=NEW_YEAR,
        )
    page = desk.get("balance").content.decode()
    # 4200 - 152 - 1000 = 3048 available, 2000 - 88 = 1912 pending, 152 + 88 = 240 in fees
    for said in ("CA$30.48", "CA$19.12", "CA$2.40", "CA$1.52"):
        assert said in page


def test_the_sandboxs_movements_are_fetched_once(desk, dispute):
    for _ in range(2):
        assert fetch_balance(ctx=context(NEW_YEAR + 2 * DAY), merchant_id=dispute.merchant_id) == 2
    rows = BalanceTransaction.objects.order_by("created").values_list("type", "amount", "source_id")
    assert list(rows) == [("charge", 4200, dispute.charge_id), ("adjustment", -4200, dispute.id)]
    assert desk.post("balance_fetch").status_code == 302


def test_payouts_are_listed(desk, shop):
    Payout.objects.create(
        merchant=shop,
        gateway="stripe",
        gateway_payout_id="po_theirs",
        status="in_transit",
        amount=3048,
        currency="cad",
        arrival_date=NEW_YEAR + 2 * DAY,
        created=NEW_YEAR,
        recorded_at=NEW_YEAR,
    )
    page = desk.get("payouts").content.decode()
    assert "CA$30.48" in page
    assert "In transit" in page


def test_a_transfer_is_recorded_with_its_day_and_reference(desk, shop):
    customer = customers.customer(merchant=shop)
    invoice = open_invoice(customer=customer, amount=4200)
    fields = {"amount": "40.00", "received_on": "2024-01-03", "reference": "VIR-77", "note": "by phone"}
    assert desk.post("invoice_record_payment", invoice.id, **fields).status_code == 302
    payment = InvoicePayment.objects.get()
    assert (payment.amount_paid, payment.reference, payment.note) == (4000, "VIR-77", "by phone")
    assert payment.received_at.date().isoformat() == "2024-01-03"
    invoice.refresh_from_db()
    assert (invoice.status, invoice.amount_remaining) == ("open", 200)
    assert "VIR-77" in desk.get("invoice", invoice.id).content.decode()
    # 5.00 on the 2.00 that are left: 3.00 go to the balance
    assert desk.post("invoice_record_payment", invoice.id, amount="5.00").status_code == 302
    customer.refresh_from_db()
    assert customer.balance == -300


def test_a_transfer_of_tomorrow_is_refused_beside_its_field(desk, shop):
    invoice = open_invoice(customer=customers.customer(merchant=shop), amount=4200)
    answer = desk.post("invoice_record_payment", invoice.id, amount="40.00", received_on="2100-01-01")
    assert answer.status_code == 422
    assert "still to come" in answer.content.decode()
    assert not InvoicePayment.objects.exists()
    assert not PaymentIntent.objects.filter(status="succeeded").exists()


def test_a_file_is_kept_as_evidence_shown_fetched_and_taken_back(desk, desk_of, fresh_dispute):
    path = ("dispute_evidence", fresh_dispute.id)
    receipt = SimpleUploadedFile("reçu.pdf", b"%PDF-1.7\n%%EOF")
    assert desk.post(*path, customer_name="Zoé", receipt=receipt).status_code == 302
    file = File.objects.get()
    fresh_dispute.refresh_from_db()
    assert fresh_dispute.evidence == {"customer_name": "Zoé", "receipt": file.id}
    assert "reçu.pdf" in desk.get("dispute", fresh_dispute.id).content.decode()
    fetched = desk.get("dispute_evidence_file", fresh_dispute.id, file.id)
    assert (fetched.status_code, fetched.content) == (200, b"%PDF-1.7\n%%EOF")
    assert fetched["Content-Disposition"].startswith("attachment")
    other = desk_of(merchant=merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True))
    assert other.get("dispute_evidence_file", fresh_dispute.id, file.id).status_code == 404
    assert "Take back “reçu.pdf”" in desk.get(*path).content.decode()
    assert desk.post(*path, customer_name="Zoé", drop_receipt="on").status_code == 302
    fresh_dispute.refresh_from_db()
    assert fresh_dispute.evidence == {"customer_name": "Zoé"}


def test_a_file_that_cannot_be_evidence_is_refused_beside_its_field(desk_of, fresh_dispute):
    desk = desk_of(language="fr-ca")
    for content, said in ((b"<html></html>", "pdf, jpg, png"), (b"", "vide"), (b"%PDF-" + b"0" * 5 * MB, "5\xa0Mo")):
        receipt = SimpleUploadedFile("a.pdf", content)
        answer = desk.post("dispute_evidence", fresh_dispute.id, receipt=receipt)
        assert answer.status_code == 422
        assert said in str(answer.context_data["form"].errors["receipt"])
    assert File.objects.count() == 0
