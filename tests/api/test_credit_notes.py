"""Credit notes over HTTP: before payment and after, previewed and voided."""

from __future__ import annotations

import pytest

from tests.api.conftest import Caller
from tests.api.test_subscriptions import error, subscribed

pytestmark = pytest.mark.django_db


def test_a_paid_invoice_is_credited_as_refund_and_balance(caller: Caller) -> None:
    invoice = subscribed(caller)["latest_invoice"]
    what = f"invoice={invoice}&amount=600&refund_amount=400&credit_amount=200"
    assert caller("GET", "/v1/credit_notes/preview", what)["total"] == 600
    note = caller("POST", "/v1/credit_notes", f"{what}&reason=order_change&expand[]=invoice")
    assert (note["object"], note["total"], note["status"], note["type"]) == (
        "credit_note",
        600,
        "issued",
        "post_payment",
    )
    assert note["invoice"]["post_payment_credit_notes_amount"] == 600
    assert caller("GET", f"/v1/customers/{note['customer']}")["balance"] == -200
    assert caller("GET", "/v1/credit_notes", f"invoice={invoice}")["data"][0]["id"] == note["id"]
    assert caller("GET", f"/v1/credit_notes/{note['id']}/lines")["data"][0]["amount"] == 600


def test_more_than_was_billed_is_refused_and_nothing_is_written(caller: Caller) -> None:
    invoice = subscribed(caller)["latest_invoice"]
    answer = error(caller("POST", "/v1/credit_notes", f"invoice={invoice}&amount=1001&refund_amount=1001"))
    assert (caller.last.status_code, answer["type"]) == (400, "invalid_request_error")
    assert caller("GET", "/v1/credit_notes")["data"] == []


def test_an_open_invoice_is_credited_to_nothing_and_the_note_voided(caller: Caller) -> None:
    made = subscribed(caller, collection_method="send_invoice", days_until_due="30")
    path = f"/v1/invoices/{made['latest_invoice']}"
    if caller("GET", path)["status"] == "draft":
        caller("POST", f"{path}/finalize")
    line = caller("GET", f"{path}/lines")["data"][0]["id"]
    body = f"invoice={made['latest_invoice']}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}"
    note = caller("POST", "/v1/credit_notes", f"{body}&lines[0][amount]=300")
    assert (caller("GET", path)["amount_remaining"], note["pre_payment_amount"]) == (700, 300)
    assert caller("POST", f"/v1/credit_notes/{note['id']}/void")["status"] == "void"
    assert caller("GET", path)["amount_remaining"] == 1000
