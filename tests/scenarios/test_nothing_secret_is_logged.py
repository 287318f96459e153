"""A life of payments at Stripe, its failures included: no key, secret or card number in a log or an error page."""

import json
import logging
import sys
import time

import pytest
from django.test import Client
from django.views.debug import ExceptionReporter

from billing_site.logs import LineFormatter as Formatter
from engine.services.inbox import apply_inbox, sweep_events
from engine.services.resolve import resolve_unknown
from payments.accounts import connected_account
from payments.gateways.stripe_client import new_client
from payments.keys import API_KEY, WEBHOOK_SECRET, open_secret, seal_secret
from payments.models import Charge
from payments.services import attach_payment_method
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.gateways import merchant_on_stripe
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.fake_stripe.hooks import signed
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db
SIGNING = "whsec_0123456789abcdefghij"


@pytest.fixture
def shop(fake):
    merchant = merchant_on_stripe(fake)
    account = connected_account(merchant.id)
    seal_secret(account, WEBHOOK_SECRET, SIGNING)
    account.save()
    return merchant


def secrets_of(shop) -> list[str]:
    key = open_secret(connected_account(shop.id), API_KEY)
    assert key.startswith("sk_test_")
    return [key, SIGNING]


def live_through(shop, fake) -> None:
    """Paid, declined, authentication asked for, answers lost, a server error, a processor that is not there."""
    for number, token in enumerate(
        ["pm_card_visa", "pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_threeDSecure2Required"], 1
    ):
        owner = customer(merchant=shop, email=f"c{number}@example.com")
        attach_payment_method(
            ctx=context(), merchant_id=shop.id, customer_id=owner.id, instrument="pm_card_visa", make_default=True
        )
        subscription(customer=owner, prices=[price(merchant=shop)])
        attach_payment_method(
            ctx=context(), merchant_id=shop.id, customer_id=owner.id, instrument=token, make_default=True
        )
    for fault in ("drop_after", "500_after", "429"):
        fake.faults.arm(fault, "/confirm$")
    day(utc(2024, 2, 1))
    resolve_unknown(ctx=context(utc(2024, 2, 2)))
    day(utc(2024, 2, 2))
    sweep_events(ctx=context(utc(2024, 2, 2)))
    apply_inbox(ctx=context(utc(2024, 2, 2)))
    body = json.dumps(
        {"id": "evt_x", "type": "x", "created": 1, "livemode": False, "data": {"object": {"id": SIGNING}}}
    )
    hook = f"/webhooks/stripe/{connected_account(shop.id).id}/"
    for secret in (SIGNING, "whsec_of_somebody_else"):
        Client().post(
            hook,
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": signed(body, secret, int(time.time()))},
        )


def test_no_log_line_of_a_life_of_payments_holds_a_secret(shop, fake, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("stripe").setLevel(logging.WARNING)  # as the settings have it
    live_through(shop, fake)
    assert {"succeeded", "failed"} <= set(Charge.objects.values_list("status", flat=True))
    lines = [logging.Formatter().format(record) for record in caplog.records]
    assert lines
    for secret in secrets_of(shop):
        assert [line for line in lines if secret in line] == []
    assert [line for line in lines if "4242424242424242" in line] == []


def test_an_error_that_carries_a_key_is_written_and_shown_without_it(shop):
    [key, _] = secrets_of(shop)
    try:
        client = new_client(key)
        card = {"number": "4242 4242 4242 4242", "cvc": "123"}
        raise RuntimeError(f"{key} was refused for {card} by {client}")
    except RuntimeError:
        error = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed with %s", (key,), error)
    line = Formatter("{message}", style="{").format(record)
    report = ExceptionReporter(None, *error)
    frames = report.get_traceback_data()["frames"]
    shown = [line, *(str(value) for frame in frames for _, value in frame["vars"])]
    assert "RuntimeError" in line
    assert [text for text in shown if key in text or "4242 4242" in text] == []
    assert any("[hidden]" in text for text in shown)
