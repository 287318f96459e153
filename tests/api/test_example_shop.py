"""The sample shop of examples/shop, run as its guide says: bought over HTTP, told by webhook, let in by entitlement."""

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
from django.utils import timezone

from api.webhooks.deliveries import make_deliveries
from api.webhooks.sender import Sender
from events.types import Consumer
from tests.api.sdk import Sdk
from tests.events.outbox import drain

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
def shop(sdk: Sdk, settings: Any) -> Iterator[tuple[Any, str]]:
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    module = example()
    feature = sdk.v1.entitlements.features.create({"name": "Reading", "lookup_key": "reading"})
    product = sdk.v1.products.create({"name": "Library"})
    sdk.v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    price = sdk.price(1200, product=product.id)
    found = module.Shop(sdk.client, price.id, "reading")
    server = module.open_shop(found)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(url: str, body: str | None = None) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, body.encode() if body is not None else None, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def deliver() -> tuple[int, int]:
    drain(Consumer("api.webhooks", make_deliveries), wall=wall())
    return Sender(clock=wall).drain()


def test_who_pays_is_let_in_and_who_leaves_is_not(shop: tuple[Any, str], sdk: Sdk) -> None:
    there, url = shop
    status, bought = ask(f"{url}/buy", "email=ada@example.com&payment_method=pm_card_visa")
    assert (status, bought["status"]) == (200, "active")
    assert deliver() == (1, 0)
    assert bought["customer"] in there.members
    assert ask(f"{url}/enter?customer={bought['customer']}") == (200, {"welcome": bought["customer"]})

    sdk.v1.subscriptions.cancel(bought["subscription"])
    assert deliver() == (1, 0)
    assert there.members == {}
    assert ask(f"{url}/enter?customer={bought['customer']}") == (402, {"error": "subscribe first"})


def test_a_declined_card_and_a_forged_webhook_change_nothing(shop: tuple[Any, str]) -> None:
    there, url = shop
    assert ask(f"{url}/buy", "email=eve@example.com&payment_method=pm_card_chargeDeclined")[0] == 402
    assert ask(f"{url}/webhooks", json.dumps({"id": "evt_1", "type": "invoice.paid"}))[0] == 400
    assert there.members == {}
