"""The sandbox's stored ways to pay, and their setups. Inside its own transactions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.ids import new_id
from payments.gateways import sandbox_books as books
from payments.gateways.base import Call, SetupRequest
from payments.gateways.sandbox_instruments import Instrument
from payments.gateways.sandbox_intents import METHOD, attach, known_instrument
from payments.models import SandboxObject
from payments.types import MethodFacts, SetupResult

SETUP = "setup"


def facts_of(gateway_method_id: str, found: Instrument, at: datetime, customer_id: str) -> MethodFacts:
    """What may be shown of an instrument that was attached at `at`."""
    month, year = expiry_of(found, at)
    return MethodFacts(
        gateway_method_id=gateway_method_id,
        type=found.type,
        brand=found.brand,
        last4=found.last4,
        exp_month=month,
        exp_year=year,
        fingerprint=f"sandbox-{found.token}",
        customer_id=customer_id,
    )


def expiry_of(found: Instrument, at: datetime) -> tuple[int | None, int | None]:
    """The month and the year on an instrument that was attached at `at`."""
    if not found.has_expiry:
        return None, None
    if not found.ends_after_months:
        return 12, at.year + 4
    year, month = divmod(at.year * 12 + at.month - 1 + found.ends_after_months, 12)
    return month + 1, year


def method_as_it_stands(entry: SandboxObject, at: datetime) -> MethodFacts:
    """An issuer's replacement, written into the body as `replaced` (last4, exp_month, exp_year), is what counts."""
    found = known_instrument(entry.body["instrument"])
    owner = "" if entry.body.get("detached") else entry.body.get("customer", "")
    facts = facts_of(entry.id, found, entry.created, owner)
    if found.replaced_by_issuer and "replaced" not in entry.body:
        assert facts.exp_year is not None
        assert facts.exp_month is not None
        if at >= datetime(facts.exp_year, facts.exp_month, 1, tzinfo=UTC):
            replace_card(entry)
    return replace(facts, **entry.body.get("replaced", {}))


def replace_card(entry: SandboxObject) -> None:
    """The issuer's part: another number, good for four years more, and nothing of the old card's faults."""
    facts = facts_of(entry.id, known_instrument(entry.body["instrument"]), entry.created, "")
    before = entry.body.get("replaced") or {"last4": facts.last4, "exp_year": facts.exp_year}
    entry.body["replaced"] = {
        "last4": f"{(int(before['last4']) + 1111) % 10000:04d}",
        "exp_month": facts.exp_month,
        "exp_year": before["exp_year"] + 4,
    }
    books.save_body(entry)


def open_setup(call: Call, request: SetupRequest) -> books.Json:
    body = {"customer": request.customer_id, "status": "open", "metadata": dict(request.metadata)}
    return {"id": books.open_account(call, SETUP, new_id("seti"), request.customer_id, body).id}


def enter(call: Call, gateway_setup_id: str, found: Instrument) -> None:
    """The customer chose this instrument. One that declines leaves the setup open, as a form does."""
    entry = books.locked(call, SETUP, gateway_setup_id)
    if entry.body["status"] != "open":
        return
    made = attach(call, entry.body["customer"], found)
    if made["id"]:
        entry.body |= {"status": "succeeded", "method": made["id"]}
    else:
        entry.body["failure_code"] = "card_declined"
    books.save_body(entry)


def setup_as_it_stands(call: Call, gateway_setup_id: str) -> SetupResult:
    body = books.locked(call, SETUP, gateway_setup_id).body
    if body["status"] != "succeeded":
        return SetupResult(body["status"], failure_code=body.get("failure_code", ""))
    return SetupResult("succeeded", method_as_it_stands(books.locked(call, METHOD, body["method"]), call.at))
