"""A merchant with a key, and a client that speaks to /v1 as an SDK does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from api import views
from api.keys import create_api_key
from merchants.models import Merchant
from tests.api import described, node_types
from tests.api.sdk import Sdk, new_sdk
from tests.factories.merchants import merchant
from tests.factories.times import context


@dataclass
class Caller:
    """Form-encoded requests with the merchant's key; `last` is the last response."""

    merchant: Merchant
    secret: str
    client: Client
    last: Any = None

    def __call__(self, method: str, path: str, body: str = "", **headers: str) -> dict[str, Any]:
        headers.setdefault("Authorization", f"Bearer {self.secret}")
        if method == "POST":
            self.last = self.client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)
        else:
            url = f"{path}?{body}" if body else path
            self.last = self.client.generic(method, url, headers=headers)
        return self.last.json()


@pytest.fixture
def caller(db: None, client: Client) -> Caller:
    return new_caller(client)


@pytest.fixture
def another(db: None) -> Callable[[], Caller]:
    return lambda: new_caller(Client(), name="Ailleurs", prefix="AIL")


@pytest.fixture
def sdk(transactional_db: None, live_server: Any) -> Sdk:
    """The official SDK against a server on the loopback, with a merchant whose drafts wait for an hour."""
    return new_sdk(live_server.url, grace=3600, currency="usd")


def new_caller(client: Client, **fields: Any) -> Caller:
    shop = merchant(**fields)
    _, secret = create_api_key(ctx=context(), merchant_id=shop.id, livemode=shop.livemode)
    return Caller(shop, secret, client)


@pytest.fixture(autouse=True)
def _answers_are_as_described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test asks of the API, each answer is what our description and the Node SDK's types say."""
    faults: list[str] = []
    perform = views._perform

    def watched(ctx: Any, key: Any, operation: Any, ids: Any, values: Any) -> tuple[int, dict[str, Any]]:
        status, body = perform(ctx, key, operation, ids, values)
        if said := described.fault(operation, status, body) or next(node_types.faults(body), ""):
            faults.append(said)
        return status, body

    monkeypatch.setattr(views, "_perform", watched)
    yield
    assert not faults
