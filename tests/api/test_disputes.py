"""Disputes as the SDK sees them: read, answered, accepted, and what they moved."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from merchants.models import File
from payments.models import EvidenceFile
from tests.api.sdk import Sdk, new_sdk

NEW_YEAR = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
DAY = 86_400


def disputed(sdk: Sdk, card: str = "pm_card_createDispute") -> tuple[str, Any]:
    """(the clock, the dispute): US$25.00 charged on New Year's day, contested on the second."""
    clock = sdk.clock(NEW_YEAR)
    customer = sdk.customer(clock=clock.id, card=card)
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(2500).id}]})
    sdk.advance(clock.id, NEW_YEAR + 2 * DAY)
    [dispute] = sdk.v1.disputes.list().data
    return clock.id, dispute


def told(sdk: Sdk) -> list[str]:
    return sorted(one.type for one in sdk.v1.events.list({"limit": 100}).data if "dispute" in one.type)


def test_a_dispute_is_answered_and_won(sdk: Sdk) -> None:
    """The bank takes 25.00 and its fee of 15.00; won, the 25.00 come back."""
    clock, dispute = disputed(sdk)
    assert (dispute.status, dispute.reason, dispute.amount, dispute.currency) == (
        "needs_response",
        "fraudulent",
        2500,
        "usd",
    )
    assert [(one.amount, one.fee, one.net, one.type) for one in dispute.balance_transactions] == [
        (-2500, 1500, -4000, "adjustment")
    ]
    assert dispute.evidence.product_description is None
    staged = sdk.v1.disputes.update(
        dispute.id, {"evidence": {"product_description": "Tea", "customer_name": "Ada"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    answered = sdk.v1.disputes.update(
        dispute.id,
        {"evidence": {"uncategorized_text": "winning_evidence", "customer_name": ""}, "metadata": {"case": "7"}},
    )
    assert (answered.status, answered.evidence_details.submission_count) == ("under_review", 1)
    assert (answered.evidence.product_description, answered.evidence.customer_name) == ("Tea", None)
    assert answered.metadata["case"] == "7"
    sdk.advance(clock, NEW_YEAR + 4 * DAY)
    won = sdk.v1.disputes.retrieve(dispute.id, {"expand": ["charge", "payment_intent"]})
    assert (won.status, won.charge.disputed, won.payment_intent.status) == ("won", True, "succeeded")
    assert [one.reporting_category for one in won.balance_transactions] == ["dispute", "dispute_reversal"]
    assert sum(one.net for one in won.balance_transactions) == -1500
    assert set(told(sdk)) == {
        f"charge.dispute.{kind}" for kind in ("created", "funds_withdrawn", "updated", "closed", "funds_reinstated")
    }


def test_metadata_alone_says_nothing_to_the_bank(sdk: Sdk) -> None:
    _, dispute = disputed(sdk)
    changed = sdk.v1.disputes.update(dispute.id, {"metadata": {"case": "7", "who": "Zoé"}})
    assert (changed.status, changed.metadata.to_dict()) == ("needs_response", {"case": "7", "who": "Zoé"})
    assert sdk.v1.disputes.update(dispute.id, {"metadata": {"who": ""}}).metadata.to_dict() == {"case": "7"}


def test_a_dispute_is_accepted_once(sdk: Sdk) -> None:
    _, dispute = disputed(sdk)
    assert sdk.v1.disputes.close(dispute.id).status == "lost"
    [invoice] = sdk.v1.invoices.list().data
    assert invoice.status == "paid"
    for again in (
        lambda: sdk.v1.disputes.close(dispute.id),
        lambda: sdk.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Ada"}}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            again()
        assert (refused.value.http_status, refused.value.code) == (400, "dispute_closed")


def test_an_inquiry_is_closed_without_money(sdk: Sdk) -> None:
    _, inquiry = disputed(sdk, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.is_charge_refundable, inquiry.balance_transactions) == (
        "warning_needs_response",
        True,
        [],
    )
    assert sdk.v1.disputes.close(inquiry.id).status == "warning_closed"


def test_what_cannot_be_said_is_refused_by_name(sdk: Sdk) -> None:
    _, dispute = disputed(sdk)
    for params, code, param in (
        ({"evidence": {"horoscope": "Leo"}}, "parameter_unknown", "evidence[horoscope]"),
        ({"evidence": {"customer_name": "a" * 150_001}}, "parameter_invalid_string", "evidence[customer_name]"),
        ({"submit": True}, "parameter_missing", "evidence"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.disputes.update(dispute.id, params)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert sdk.v1.disputes.retrieve(dispute.id).status == "needs_response"


def test_anothers_dispute_is_not_there(sdk: Sdk, live_server: Any) -> None:
    _, dispute = disputed(sdk)
    stranger = new_sdk(live_server.url)
    assert stranger.v1.disputes.list().data == []
    for ask in (stranger.v1.disputes.retrieve, stranger.v1.disputes.close):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            ask(dispute.id)
        assert refused.value.http_status == 404


def receipt(sdk: Sdk, purpose: str = "dispute_evidence") -> Any:
    file = io.BytesIO(b"%PDF-1.7\n%%EOF\n")
    file.name = "receipt.pdf"
    return sdk.v1.files.create({"file": file, "purpose": purpose})


def test_a_file_is_evidence(sdk: Sdk) -> None:
    _, dispute = disputed(sdk)
    file = receipt(sdk)
    kept = sdk.v1.disputes.update(dispute.id, {"evidence": {"receipt": file.id}, "submit": False})
    assert (kept.evidence.receipt, kept.evidence_details.has_evidence, kept.status) == (
        file.id,
        True,
        "needs_response",
    )
    assert sdk.v1.disputes.update(dispute.id, {"evidence": {"receipt": ""}, "submit": False}).evidence.receipt is None
    sent = sdk.v1.disputes.update(
        dispute.id,
        {"evidence": {"receipt": file.id, "service_documentation": file.id}, "expand": ["evidence.receipt"]},
    )
    assert (sent.evidence.receipt.filename, sent.evidence.service_documentation) == ("receipt.pdf", file.id)
    assert (sent.status, sent.evidence_details.past_due) == ("under_review", False)
    assert EvidenceFile.objects.count() == 1  # named twice, handed over once


def test_what_is_no_file_for_this_is_refused_by_name(sdk: Sdk, live_server: Any) -> None:
    _, dispute = disputed(sdk)
    stranger = new_sdk(live_server.url)
    old = receipt(sdk)
    File.objects.filter(id=old.id).update(expires_at=datetime(2024, 1, 1, tzinfo=UTC))
    for file_id, code in (
        ("file_none", "resource_missing"),
        (receipt(stranger).id, "resource_missing"),
        (receipt(sdk, "pci_document").id, "parameter_invalid"),
        (old.id, "file_expired"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.disputes.update(dispute.id, {"evidence": {"receipt": file_id}})
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, "evidence[receipt]")
    assert sdk.v1.disputes.retrieve(dispute.id).evidence.receipt is None
    assert EvidenceFile.objects.count() == 0
