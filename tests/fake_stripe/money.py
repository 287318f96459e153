"""Charges, refunds, disputes, payouts, and the balance that all of them move."""

from typing import Any

from tests.fake_stripe.books import DAY, Account, Books, Json
from tests.fake_stripe.cards import TOKENS, Decline
from tests.fake_stripe.errors import Refusal, invalid, missing
from tests.fake_stripe.files import FILES
from tests.fake_stripe.routing import Call, listed, route

DISPUTE_DAYS = 14


def new_charge(books: Books, account: Account, intent: Json, status: str) -> Json:
    method = account.objects["payment_method"][intent["payment_method"]]
    return books.add(
        account,
        "charge",
        "ch",
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        application=None,
        application_fee=None,
        application_fee_amount=None,
        balance_transaction=None,
        billing_details=method["billing_details"],
        calculated_statement_descriptor=_on_the_statement(intent),
        captured=False,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        fraud_details={},
        livemode=False,
        metadata=dict(intent["metadata"]),
        outcome=None,
        paid=False,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={"type": method["type"], method["type"]: dict(method[method["type"]])},
        receipt_email=None,
        receipt_number=None,
        receipt_url=None,
        refunded=False,
        review=None,
        shipping=None,
        source_transfer=None,
        statement_descriptor=intent["statement_descriptor"],
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status=status,
        transfer_data=None,
        transfer_group=None,
    )


def _on_the_statement(intent: Json) -> str:
    """The account's prefix is ERABLE; a longer whole is cut."""
    suffix = intent["statement_descriptor_suffix"]
    shown = f"ERABLE* {suffix}"[:22] if suffix else intent["statement_descriptor"] or "ERABLE"
    return str(shown).upper()


def outcome(decline: Decline) -> Json:
    return {
        "network_status": "declined_by_network",
        "network_decline_code": decline.network_decline_code or None,
        "network_advice_code": decline.network_advice_code or None,
        "advice_code": None,
        "reason": decline.decline_code,
        "risk_level": "normal",
        "seller_message": decline.message,
        "type": "issuer_declined",
    }


def capture(books: Books, account: Account, charge: Json, amount: int | None = None) -> None:
    taken = charge["amount"] if amount is None else amount
    fee = taken * 29 // 1000 + 30
    moved = movement(books, account, "charge", taken, fee, charge)
    charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": taken}
    charge["amount_refunded"] = charge["amount"] - taken
    charge["balance_transaction"] = moved["id"]


def movement(books: Books, account: Account, type: str, amount: int, fee: int, source: Json, **fields: Any) -> Json:
    category = fields.get("reporting_category", type)
    return books.add(
        account,
        "balance_transaction",
        "txn",
        amount=amount,
        available_on=int(books.now) + 2 * DAY,
        balance_type="payments",
        currency=source["currency"],
        description=None,
        exchange_rate=None,
        fee=fee,
        fee_details=[_fee(fee, source["currency"])] if fee else [],
        net=amount - fee,
        reporting_category=category,
        source=source["id"],
        status="pending",
        type=type,
    )


def _fee(amount: int, currency: str) -> Json:
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }


@route("GET", "/v1/charges/{id}")
def read_charge(call: Call) -> Json:
    return call.books.find(call.account, "charge", call.args["id"], "charge")


@route("GET", "/v1/charges")
def list_charges(call: Call) -> Json:
    return listed(
        call, "charge", customer=call.params.get("customer"), payment_intent=call.params.get("payment_intent")
    )


# --- refunds -----------------------------------------------------------------------------------------------


@route("POST", "/v1/refunds")
def create_refund(call: Call) -> Json:
    charge = _charge_to_refund(call)
    left = charge["amount"] - charge["amount_refunded"]
    wanted = int(call.params["amount"]) if "amount" in call.params else left
    if left == 0:
        raise _refused("charge_already_refunded", f"Charge {charge['id']} has already been refunded.")
    if wanted <= 0:
        raise invalid("amount", "Invalid positive integer", "parameter_invalid_integer")
    if wanted > left:
        raise _refused("amount_too_large", f"Refund amount is greater than unrefunded amount on charge ({left}).")
    if charge["disputed"]:
        raise _refused("charge_disputed", f"Charge {charge['id']} has been charged back; cannot issue a refund.")
    how = TOKENS[call.account.tokens[charge["payment_method"]]].refund
    refund = make_refund(call.books, call.account, charge, wanted, "pending" if how else "succeeded", call.params)
    if how:
        call.account.settles[refund["id"]] = call.books.now + DAY
    return refund


def make_refund(
    books: Books, account: Account, charge: Json, amount: int, status: str, given: Json | None = None
) -> Json:
    given = given or {}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    refund = books.add(
        account,
        "refund",
        "re",
        amount=amount,
        balance_transaction=None,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={"type": "card", "card": {"type": "refund"}},
        metadata=given.get("metadata", {}),
        payment_intent=charge["payment_intent"],
        reason=given.get("reason"),
        receipt_number=None,
        source_transfer_reversal=None,
        status=status,
        transfer_reversal=None,
    )
    refund["balance_transaction"] = movement(books, account, "refund", -amount, 0, refund)["id"]
    books.tell(account, "refund.created", refund)
    books.tell(account, "charge.refunded", charge)
    return refund


def _charge_to_refund(call: Call) -> Json:
    if "charge" in call.params:
        return call.books.find(call.account, "charge", call.params["charge"], "charge")
    intent = call.books.find(call.account, "payment_intent", call.params.get("payment_intent", ""), "payment_intent")
    if intent["status"] != "succeeded":
        raise invalid("payment_intent", "This PaymentIntent does not have a successful charge to refund.")
    return call.account.objects["charge"][intent["latest_charge"]]


def _refused(code: str, message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", code, message, kept=True)


@route("GET", "/v1/refunds/{id}")
def read_refund(call: Call) -> Json:
    found = call.books.find(call.account, "refund", call.args["id"])
    settle_refund(call.books, call.account, found)
    return found


@route("GET", "/v1/refunds")
def list_refunds(call: Call) -> Json:
    return listed(call, "refund", payment_intent=call.params.get("payment_intent"), charge=call.params.get("charge"))


def settle_refund(books: Books, account: Account, refund: Json) -> None:
    if refund["status"] != "pending" or books.now < account.settles[refund["id"]]:
        return
    charge = account.objects["charge"][refund["charge"]]
    if TOKENS[account.tokens[charge["payment_method"]]].refund != "fails":
        refund["status"] = "succeeded"
        books.tell(account, "refund.updated", refund)
        return
    back = movement(books, account, "refund_failure", refund["amount"], 0, refund)
    refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    refund["failure_balance_transaction"] = back["id"]
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    books.tell(account, "refund.failed", refund)


# --- disputes ----------------------------------------------------------------------------------------------


def open_dispute(books: Books, account: Account, charge: Json, reason: str) -> Json:
    """The cardholder complains; "warning" is an inquiry, which takes no money yet."""
    inquiry = reason == "warning"
    dispute = books.add(
        account,
        "dispute",
        "dp",
        amount=charge["amount"] - charge["amount_refunded"],
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={},
        evidence_details=_evidence_details(books),
        is_charge_refundable=inquiry,
        livemode=False,
        metadata={},
        network_reason_code="10.4",
        payment_intent=charge["payment_intent"],
        payment_method_details={"type": "card", "card": {"brand": "visa", "case_type": "chargeback"}},
        reason="fraudulent" if inquiry else reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )
    books.tell(account, "charge.dispute.created", dispute)
    if not inquiry:
        charge["disputed"] = True
        taken = movement(books, account, "adjustment", -dispute["amount"], 1500, dispute, reporting_category="dispute")
        dispute["balance_transactions"].append(taken)
        books.tell(account, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _evidence_details(books: Books) -> Json:
    return {
        "due_by": int(books.now) + DISPUTE_DAYS * DAY,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
    }


def close_dispute(books: Books, account: Account, dispute_id: str, status: str) -> Json:
    """won, lost or warning_closed: the bank decided."""
    dispute = books.find(account, "dispute", dispute_id)
    dispute["status"] = status
    if status == "won":
        back = movement(
            books, account, "adjustment", dispute["amount"], 0, dispute, reporting_category="dispute_reversal"
        )
        dispute["balance_transactions"].append(back)
        books.tell(account, "charge.dispute.funds_reinstated", dispute)
    books.tell(account, "charge.dispute.closed", dispute)
    return dispute


@route("GET", "/v1/disputes/{id}")
def read_dispute(call: Call) -> Json:
    return call.books.find(call.account, "dispute", call.args["id"], "dispute")


@route("GET", "/v1/disputes")
def list_disputes(call: Call) -> Json:
    return listed(call, "dispute", charge=call.params.get("charge"))


@route("POST", "/v1/disputes/{id}")
def update_dispute(call: Call) -> Json:
    dispute = call.books.find(call.account, "dispute", call.args["id"], "dispute")
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise _refused("dispute_closed", "This dispute can no longer be answered.")
    for name, text in call.params.get("evidence", {}).items():
        if text and text not in call.account.objects["file"] and name in FILES:
            raise invalid(f"evidence[{name}]", f"No such file upload: '{text}'", "resource_missing")
    dispute["evidence"] |= {name: text or None for name, text in call.params.get("evidence", {}).items()}
    dispute["evidence_details"]["has_evidence"] = any(dispute["evidence"].values())
    if call.params.get("submit", "true") == "true":
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
        dispute["evidence_details"]["submission_count"] += 1
    call.books.tell(call.account, "charge.dispute.updated", dispute)
    return dispute


@route("POST", "/v1/disputes/{id}/close")
def give_in(call: Call) -> Json:
    dispute = call.books.find(call.account, "dispute", call.args["id"], "dispute")
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise _refused("dispute_closed", "This dispute is already closed.")
    outcome = "lost" if dispute["status"] == "needs_response" else "warning_closed"
    return close_dispute(call.books, call.account, dispute["id"], outcome)


# --- balance and payouts -------------------------------------------------------------------------------------


@route("GET", "/v1/balance_transactions/{id}")
def read_movement(call: Call) -> Json:
    return call.books.find(call.account, "balance_transaction", call.args["id"])


@route("GET", "/v1/balance_transactions")
def list_movements(call: Call) -> Json:
    return listed(call, "balance_transaction", type=call.params.get("type"), source=call.params.get("source"))


@route("GET", "/v1/payouts/{id}")
def read_payout(call: Call) -> Json:
    return call.books.find(call.account, "payout", call.args["id"])


@route("GET", "/v1/payouts")
def list_payouts(call: Call) -> Json:
    return listed(call, "payout")


def pay_out(books: Books, account: Account, amount: int, currency: str) -> Json:
    payout = books.add(
        account,
        "payout",
        "po",
        amount=amount,
        arrival_date=int(books.now) + 2 * DAY,
        automatic=True,
        balance_transaction=None,
        currency=currency,
        description="STRIPE PAYOUT",
        destination=None,
        failure_code=None,
        failure_message=None,
        livemode=False,
        metadata={},
        method="standard",
        reconciliation_status="in_progress",
        source_type="card",
        statement_descriptor=None,
        status="in_transit",
        type="bank_account",
    )
    payout["balance_transaction"] = movement(books, account, "payout", -amount, 0, payout)["id"]
    books.tell(account, "payout.created", payout)
    return payout


def end_payout(books: Books, account: Account, payout_id: str, status: str) -> Json:
    payout = books.find(account, "payout", payout_id)
    payout["status"] = status
    if status == "failed":
        payout |= {"failure_code": "account_closed", "failure_message": "The bank account has been closed."}
        movement(books, account, "payout_failure", payout["amount"], 0, payout)
    books.tell(account, f"payout.{status}", payout)
    return payout


def charge_of(books: Books, account: Account, intent_id: str) -> Json:
    """The intent's charge that took money."""
    intent = books.find(account, "payment_intent", intent_id)
    charge = account.objects["charge"].get(intent["latest_charge"] or "")
    if charge is None:
        raise missing("charge", intent_id)
    return charge
