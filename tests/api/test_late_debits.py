"""A checkout that is paid by a bank debit: complete at once, and the bank's answer days later, told by events."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing_site.event_routes import CONSUMERS
from core.context import Context
from engine.services.resolve import settle_due
from events.services import relay_all
from tests.api.sdk import Sdk
from tests.api.test_checkout_modes import once, told
from tests.api.test_checkout_sessions import session, visit
from tests.portal.conftest import QUEBEC

wall = timezone.now  # noqa: TID251 (a visitor of the checkout lives in wall time)


def the_bank_answers() -> None:
    """A US debit takes four days; the run that asks for it, and the relay that tells of it."""
    later = wall() + timedelta(days=5)
    ctx = Context(later, later)
    settle_due(ctx=ctx)
    relay_all(ctx=ctx, consumers=[one for one in CONSUMERS if one.name == "engine.checkouts"])


@pytest.mark.parametrize(
    ("instrument", "status", "events"),
    [
        pytest.param("pm_us_bank_account", "paid", ["async_payment_succeeded"], id="the money comes"),
        pytest.param("pm_us_bank_account_fails", "unpaid", ["async_payment_failed"], id="the account is empty"),
    ],
)
@pytest.mark.parametrize("mode", ["payment", "subscription"])
def test_the_banks_answer_days_later_is_told_of_the_session(
    sdk: Sdk, mode: str, instrument: str, status: str, events: list[str]
) -> None:
    opened = once(sdk) if mode == "payment" else session(sdk)
    browser, _ = visit(opened.url)
    done = browser.post(f"/pay/s/{opened.id}", QUEBEC | {"instrument": instrument}, follow=True)
    assert done.status_code == 200
    waiting = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["invoice", "subscription"]})
    assert (waiting.status, waiting.payment_status, waiting.invoice.status) == ("complete", "unpaid", "open")
    [completed] = told(sdk, "completed")
    assert (completed.id, completed.payment_status) == (opened.id, "unpaid")
    assert told(sdk, "async_payment_succeeded") == told(sdk, "async_payment_failed") == []
    the_bank_answers()
    settled = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["invoice", "subscription"]})
    assert (settled.status, settled.payment_status) == ("complete", status)
    for name in ("async_payment_succeeded", "async_payment_failed"):
        bodies = told(sdk, name)
        assert [body.id for body in bodies] == ([opened.id] if name in events else [])
        assert all(body.payment_status == status for body in bodies)
