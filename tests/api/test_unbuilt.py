"""Every address that the official SDK knows is answered by an operation, or by a 404 that says what is not here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import stripe

from api.protocol.unbuilt import unbuilt
from api.routes import ROUTES
from tests.api.conftest import Caller
from tests.api.sdk import Sdk

_CALL = re.compile(r'"(get|post|delete)",\s*"(/v1/[^"]+)"')


def addresses() -> list[tuple[str, str]]:
    """(method, path) of everything that the SDK's services ask for, ids filled in."""
    folder = Path(stripe.__file__).parent
    found = {
        (method.upper(), re.sub(r"\{\w+\}", "x_1", path))
        for file in folder.rglob("*_service.py")
        for method, path in _CALL.findall(file.read_text())
    }
    return sorted(found, key=lambda one: (one[1], one[0]))


def test_every_address_of_stripes_is_answered_or_named() -> None:
    known = addresses()
    assert len(known) > 500
    assert [one for one in known if ROUTES.find(*one) is None and not unbuilt(one[1])] == []


def test_what_is_not_here_says_so_by_name(sdk: Sdk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"Cash balances: .* \(GET: /v1/customers/cus_1/") as refused:
        sdk.v1.customers.cash_balance.retrieve("cus_1")
    assert refused.value.http_status == 404
    with pytest.raises(stripe.InvalidRequestError, match="Issuing"):
        sdk.v1.issuing.cards.list()
    with pytest.raises(stripe.InvalidRequestError, match=r"Stripe\.js"):
        sdk.v1.customer_sessions.create({"customer": "cus_1", "components": {}})


def test_what_older_versions_had_is_no_objects_id(caller: Caller) -> None:
    gone = caller("GET", "/v1/invoices/upcoming", "customer=cus_1")
    assert (caller.last.status_code, "create_preview" in gone["error"]["message"]) == (404, True)
