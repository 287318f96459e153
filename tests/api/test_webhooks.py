"""Webhooks out: told by the outbox, sent over real HTTP, verified by the official SDK."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone

from api.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookPayload
from api.retention import forget_old
from api.webhooks.deliveries import EndpointDisabled, make_deliveries, send_event
from api.webhooks.endpoints import roll_secret
from api.webhooks.notices import disable_and_tell
from api.webhooks.sender import Sender
from core.context import Context
from events.models import Event
from events.types import Consumer
from tests.api.receiver import Receiver, receiver
from tests.api.sdk import Sdk, new_sdk
from tests.events.outbox import drain
from tests.factories import merchants

pytestmark = pytest.mark.django_db(transaction=True)
wall = timezone.now  # noqa: TID251 (the SDK's server lives in wall time)
CONSUMER = Consumer("api.webhooks", make_deliveries)


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    settings.WEBHOOK_TIMEOUT_S = 2.0


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def deliver(at: datetime | None = None) -> tuple[int, int]:
    """The relay's and the sender's next waking, at wall time `at`."""
    now = at or wall()
    drain(CONSUMER, wall=now)
    return Sender(clock=lambda: at or wall()).drain()


def endpoint(sdk: Sdk, url: str, *events: str, **more: Any) -> Any:
    return sdk.v1.webhook_endpoints.create({"url": url, "enabled_events": list(events) or ["*"], **more})


def test_what_is_sent_is_verified_by_the_sdk_and_is_the_event_to_the_letter(sdk: Sdk, there: Receiver) -> None:
    made = endpoint(sdk, there.url, "customer.created")
    customer = sdk.v1.customers.create({"email": "ada@example.com", "name": "Ada"})
    sdk.v1.customers.update(customer.id, {"name": "Countess"})

    assert deliver() == (1, 0)

    [(body, headers)] = there.got
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], made.secret)
    # As of the event, not as of the sending.
    assert (event.type, event.data.object.id, event.data.object.name) == ("customer.created", customer.id, "Ada")
    assert (event.livemode, event.pending_webhooks, event.api_version) == (False, 1, "2026-08-26.dahlia")
    shown = sdk.v1.events.retrieve(event.id)
    assert shown.data.object.to_dict() == event.data.object.to_dict()
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_another")


def test_an_endpoint_hears_what_it_asked_for_and_a_star_hears_everything(sdk: Sdk, there: Receiver) -> None:
    with receiver() as everything:
        endpoint(sdk, there.url, "product.created", "price.created")
        endpoint(sdk, everything.url)
        sdk.price(1000)
        sdk.customer(card="")
        deliver()
        heard = [json.loads(body)["type"] for body, _ in there.got]
        all_heard = {json.loads(body)["type"] for body, _ in everything.got}
    assert sorted(heard) == ["price.created", "product.created"]
    assert {"price.created", "product.created", "customer.created"} <= all_heard
    # Facts about the house itself are nobody's outside.
    assert not any(one.startswith(("webhook_endpoint", "api_key")) for one in all_heard)


def test_events_are_listed_by_whether_every_endpoint_has_taken_them(sdk: Sdk, there: Receiver) -> None:
    def told(*, taken: bool) -> list[str]:
        listed = sdk.v1.events.list({"delivery_success": taken, "types": ["customer.created", "product.created"]})
        return sorted(one.type for one in listed.data)

    endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    sdk.v1.products.create({"name": "Of no interest to it"})
    # Not handed out yet, and wanted; the other one waits for nobody.
    assert (told(taken=False), told(taken=True)) == (["customer.created"], ["product.created"])
    deliver()
    assert (told(taken=False), told(taken=True)) == ([], ["customer.created", "product.created"])
    there.status = 500
    sdk.customer(card="")
    deliver()
    assert (told(taken=False), told(taken=True)) == (["customer.created"], ["customer.created", "product.created"])


def test_another_merchants_endpoint_hears_nothing(sdk: Sdk, there: Receiver, live_server: Any) -> None:
    endpoint(new_sdk(live_server.url, name="Ailleurs", prefix="AIL"), there.url)
    sdk.customer(card="")
    assert deliver() == (0, 0)
    assert not there.got


def test_an_endpoint_is_not_told_of_what_was_before_it(sdk: Sdk, there: Receiver) -> None:
    sdk.customer(card="")
    endpoint(sdk, there.url)
    assert deliver() == (0, 0)


def test_a_failure_is_tried_again_with_growing_waits_for_three_days_and_then_given_up(
    sdk: Sdk, there: Receiver
) -> None:
    endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    there.status = 500
    now = wall()
    deliver(now)
    begun = WebhookDelivery.objects.get().created
    waits = []
    while (due := WebhookDelivery.objects.get().next_attempt_at) is not None:
        waits.append(due - now)
        now = due
        deliver(now)
    one = WebhookDelivery.objects.get()
    assert (one.status, one.last_status) == ("failed", 500)
    assert len(there.got) == one.attempts == WebhookAttempt.objects.count() == len(waits) + 1
    # 10 s, 1 min, 5 min … 12 h, each a tenth more or less.
    wanted = [10, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, *[43200] * 20]
    assert all(0.9 <= wait.total_seconds() / want <= 1.1 for wait, want in zip(waits, wanted, strict=False))
    assert timedelta(days=2) < now - begun <= timedelta(days=3)
    # The same bytes every time.
    assert len({body for body, _ in there.got}) == 1


def test_an_endpoint_that_comes_back_gets_what_it_missed(sdk: Sdk, there: Receiver) -> None:
    endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    there.status = 503
    now = wall()
    assert deliver(now) == (0, 1)
    assert WebhookEndpoint.objects.get().failing_since == now
    there.status = 202
    assert deliver(now + timedelta(seconds=11)) == (1, 0)
    assert WebhookDelivery.objects.get().status == "succeeded"
    assert WebhookEndpoint.objects.get().failing_since is None


@pytest.mark.parametrize("status", [301, 302, 400, 404, 410, 500])
def test_only_a_success_counts_and_nothing_is_redirected(sdk: Sdk, there: Receiver, status: int) -> None:
    there.status, there.headers = status, {"Location": there.url}
    endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    assert deliver() == (0, 1)
    assert len(there.got) == 1


def test_a_dead_endpoint_slows_nobody(sdk: Sdk, there: Receiver, settings: Any) -> None:
    settings.WEBHOOK_TIMEOUT_S = 1.0
    with receiver() as dead:
        dead.wait_s = 3.0
        endpoint(sdk, dead.url, "customer.created")
        endpoint(sdk, there.url, "customer.created")
        for _ in range(6):
            sdk.customer(card="")
        deliver()
    of_living = WebhookDelivery.objects.filter(endpoint__url=there.url)
    assert {one.status for one in of_living} == {"succeeded"}
    took = WebhookAttempt.objects.filter(delivery__in=of_living)
    assert max(one.duration_ms for one in took) < 1000
    dead_ones = WebhookAttempt.objects.filter(url=dead.url)
    assert {one.error for one in dead_ones} == {"no answer in time"}


def test_the_log_keeps_the_answers_beginning_and_no_secret_of_it(sdk: Sdk, there: Receiver) -> None:
    there.answer, there.headers = b"x" * 50_000, {"Set-Cookie": "session=sesame", "X-Handled-By": "web-1"}
    made = endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    assert deliver() == (1, 0)
    kept = WebhookAttempt.objects.get()
    assert len(kept.response_body) == 4000
    assert (kept.response_headers["Set-Cookie"], kept.response_headers["X-Handled-By"]) == ("[redacted]", "web-1")
    assert kept.request_headers["Stripe-Signature"] == "[redacted]"
    assert made.secret not in json.dumps([kept.request_headers, WebhookEndpoint.objects.get().secret_sealed])


def test_a_rolled_secret_and_the_one_before_both_verify_while_they_overlap(sdk: Sdk, there: Receiver) -> None:
    made = endpoint(sdk, there.url, "customer.created")
    now = wall()
    ctx = Context(now, now)
    new = roll_secret(ctx=ctx, merchant_id=sdk.merchant.id, endpoint_id=made.id, overlap=timedelta(hours=1))
    sdk.customer(card="")
    deliver()
    body, headers = there.got[-1]
    for secret in (made.secret, new):
        assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    sdk.customer(card="")
    deliver(wall() + timedelta(hours=2))
    body, headers = there.got[-1]
    assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], new, tolerance=10_000)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], made.secret, tolerance=10_000)


def test_an_event_is_sent_again_by_hand_and_a_disabled_endpoint_refuses_it(sdk: Sdk, there: Receiver) -> None:
    made = endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    deliver()
    event = Event.objects.get(type="customer.created")
    now = wall()
    again = {"ctx": Context(now, now), "merchant_id": sdk.merchant.id, "event_id": event.id, "endpoint_id": made.id}
    send_event(**again)
    assert deliver() == (1, 0)
    assert there.got[0][0] == there.got[1][0]
    sdk.v1.webhook_endpoints.update(made.id, {"disabled": True})
    with pytest.raises(EndpointDisabled):
        send_event(**again)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x",
        "http://localhost/x",
        "http://127.1/x",
        "http://2130706433/x",
        "http://0x7f000001/x",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://[64:ff9b::7f00:1]/x",
        "http://10.0.0.8/x",
        "http://169.254.169.254/latest/meta-data",
        "http://192.168.1.1/x",
        "http://printer.local/x",
    ],
)
def test_private_addresses_are_refused_by_name(sdk: Sdk, settings: Any, url: str) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = False
    with pytest.raises(stripe.InvalidRequestError) as refused:
        endpoint(sdk, url)
    assert (refused.value.code, refused.value.param) == ("url_invalid", "url")
    assert not WebhookEndpoint.objects.exists()


def test_a_name_that_turns_to_the_loopback_later_leads_nowhere(
    sdk: Sdk, there: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = False
    port = there.url.split(":")[2].split("/")[0]
    endpoint(sdk, f"http://rebound.example.com:{port}/hooks", "customer.created")
    sdk.customer(card="")

    async def turned(self: Any, host: str, port: int = 0, family: Any = 0) -> list[dict[str, Any]]:
        one = {"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 6, "flags": 0}
        return [one]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", turned)
    assert deliver() == (0, 1)
    assert not there.got
    assert WebhookDelivery.objects.get().last_error == "the address is not public"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "http://user:pw@example.com"}, "url"),
        ({"url": "http://example.com:99999"}, "url"),
        ({"url": "https://exämple.com"}, "url"),
        ({"enabled_events": ["invoice.payed"]}, "enabled_events"),
        ({"enabled_events": ["*", "invoice.paid"]}, "enabled_events"),
        ({"api_version": "2020-08-27"}, "api_version"),
        ({"connect": True}, "connect"),
    ],
)
def test_a_bad_endpoint_is_refused_by_name(sdk: Sdk, params: dict[str, Any], param: str) -> None:
    good = {"url": "https://example.com/hooks", "enabled_events": ["invoice.paid"]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.webhook_endpoints.create({**good, **params})
    assert refused.value.param == param
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_is_changed_listed_and_deleted_and_its_secret_is_told_once(sdk: Sdk) -> None:
    made = endpoint(sdk, "https://example.com/hooks", "invoice.paid", description="Books", metadata={"team": "money"})
    assert made.secret.startswith("whsec_")
    shown = sdk.v1.webhook_endpoints.retrieve(made.id)
    assert "secret" not in shown.to_dict()
    changed = sdk.v1.webhook_endpoints.update(made.id, {"enabled_events": ["*"], "disabled": True})
    assert (changed.enabled_events, changed.status, changed.description) == (["*"], "disabled", "Books")
    assert [one.id for one in sdk.v1.webhook_endpoints.list().data] == [made.id]
    assert sdk.v1.webhook_endpoints.delete(made.id).deleted
    assert sdk.v1.webhook_endpoints.list().data == []


def test_two_senders_at_once_send_each_event_once(sdk: Sdk, there: Receiver) -> None:
    endpoint(sdk, there.url, "customer.created")
    for _ in range(20):
        sdk.v1.customers.create({"email": "ada@example.com"})
    drain(CONSUMER, wall=wall())
    senders = [Sender(clock=wall) for _ in range(2)]
    threads = [threading.Thread(target=sender.drain) for sender in senders]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(sender.sent for sender in senders) == len(there.got) == 20


def test_an_endpoint_that_failed_for_five_days_is_switched_off_and_its_people_are_told(
    sdk: Sdk, there: Receiver, mailoutbox: list[Any]
) -> None:
    owner = merchants.user()
    merchants.membership(merchant=sdk.merchant, user=owner, role="owner")
    merchants.membership(merchant=sdk.merchant, user=merchants.user(), role="read_only")
    made = endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    there.status = 500
    deliver()
    soon, late = (wall() + timedelta(days=days) for days in (4, 6))
    assert disable_and_tell(ctx=Context(soon, soon)) == 0
    assert disable_and_tell(ctx=Context(late, late)) == 1
    assert sdk.v1.webhook_endpoints.retrieve(made.id).status == "disabled"
    [mail] = mailoutbox
    assert (mail.to, there.url in mail.body, made.id in mail.body) == ([owner.email], True, True)
    assert Event.objects.filter(type="webhook_endpoint.disabled", object_id=made.id).exists()


def test_what_is_old_is_forgotten_and_what_is_under_way_is_not(sdk: Sdk, there: Receiver) -> None:
    endpoint(sdk, there.url, "customer.created")
    sdk.customer(card="")
    deliver()
    forget_old(wall() + timedelta(days=29))
    assert WebhookDelivery.objects.count() == WebhookAttempt.objects.count() == 1
    forget_old(wall() + timedelta(days=31))
    assert not any(kind.objects.exists() for kind in (WebhookDelivery, WebhookAttempt, WebhookPayload))
