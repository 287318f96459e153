"""The sample shop of examples/shop: paid on the checkout, told by webhook, let in by entitlement."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from api.webhooks.deliveries import make_deliveries
from api.webhooks.sender import Sender
from events.types import Consumer
from tests.api.sdk import Sdk
from tests.events.outbox import drain
from tests.portal.conftest import QUEBEC

pytestmark = pytest.mark.django_db(transaction=True)
wall = timezone.now  # noqa: TID251 (the shop lives in wall time)


def example() -> Any:
    path = Path(__file__).resolve().parents[2] / "examples" / "shop" / "shop.py"
    spec = importlib.util.spec_from_file_location("example_shop", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shop(sdk: Sdk, monkeypatch: Any) -> Iterator[tuple[Any, str]]:
    monkeypatch.setattr(settings, "WEBHOOKS_ALLOW_PRIVATE", True)
    found, server = example().open_shop(sdk.client)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found, found.url
    server.shutdown()
    server.server_close()


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, body: str | None = None) -> tuple[int, str]:
    """The answer's status, and its body or where it leads."""
    try:
        with urllib.request.build_opener(_StayHere).open(url, body.encode() if body else None, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as other:
        return other.code, other.headers.get("Location") or other.read().decode()


def deliver() -> tuple[int, int]:
    drain(Consumer("api.webhooks", make_deliveries), wall=wall())
    return Sender(clock=wall).drain()


def test_who_pays_on_the_checkout_is_let_in_and_who_leaves_is_not(shop: tuple[Any, str], sdk: Sdk) -> None:
    there, url = shop
    assert "Subscribe" in ask(f"{url}/")[1]
    status, checkout = ask(f"{url}/checkout", "email=zoe@example.com")
    assert status == 303
    browser = Client()
    page = browser.get(checkout.removeprefix(settings.SITE_URL), follow=True)
    assert "zoe@example.com" in page.content.decode()
    done = browser.post(page.request["PATH_INFO"], QUEBEC, follow=True)
    back = done["Refresh"].partition("url=")[2]
    customer = sdk.v1.customers.list({"email": QUEBEC["email"]}).data[0].id
    assert f"Welcome, {customer}." in ask(back)[1]
    assert deliver() == (1, 0)
    assert there.members == {customer: sdk.v1.subscriptions.list({"customer": customer}).data[0].id}
    assert ask(f"{url}/enter?customer={customer}") == (200, json.dumps({"welcome": customer}))
    assert ask(f"{url}/account?customer={customer}")[1].startswith(f"{settings.SITE_URL}/portal/")

    sdk.v1.subscriptions.cancel(there.members[customer])
    assert deliver() == (1, 0)
    assert there.members == {}
    assert ask(f"{url}/enter?customer={customer}")[0] == 402


def test_who_does_not_pay_and_who_forges_a_webhook_is_nobody(shop: tuple[Any, str], sdk: Sdk) -> None:
    there, url = shop
    assert ask(f"{url}/checkout", "email=eve@example.com")[0] == 303
    [session] = sdk.v1.checkout.sessions.list().data
    assert "Nothing was paid." in ask(f"{url}/welcome?session={session.id}")[1]
    assert ask(f"{url}/welcome?session=cs_none")[0] == 400
    assert ask(f"{url}/checkout", "email=nonsense")[0] == 400
    assert ask(f"{url}/webhooks", json.dumps({"id": "evt_1", "type": "checkout.session.completed"}))[0] == 400
    assert there.members == {}


def test_a_shop_that_opens_again_sells_the_same_and_has_one_endpoint(shop: tuple[Any, str], sdk: Sdk) -> None:
    there, _ = shop
    module = example()
    assert module.stocked(sdk.client) == there.price
    assert module.endpoint_secret(sdk.client, f"{there.url}/webhooks") != there.webhook_secret
    assert len(sdk.v1.webhook_endpoints.list().data) == 1
