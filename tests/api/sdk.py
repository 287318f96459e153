"""The official SDK against a real server: what an application would do, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import stripe
from django.db import close_old_connections
from django_q.models import OrmQ

from api.keys import create_api_key
from engine.tasks import advance_clock
from merchants.models import Merchant
from tests.factories.merchants import merchant
from tests.factories.times import context


@dataclass
class Sdk:
    """The client, its merchant, and a cluster of one that works when told."""

    client: stripe.StripeClient
    merchant: Merchant
    url: str

    @property
    def v1(self) -> Any:
        return self.client.v1

    def customer(self, clock: str = "", card: str = "pm_card_visa", **fields: Any) -> Any:
        params: dict[str, Any] = {"email": "ada@example.com", "name": "Ada", **fields}
        if clock:
            params["test_clock"] = clock
        if card:
            params |= {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
        return self.v1.customers.create(params)

    def price(self, amount: int = 1000, interval: str = "month", currency: str = "usd", **fields: Any) -> Any:
        product = fields.pop("product", None) or self.v1.products.create({"name": f"Plan at {amount}"}).id
        params = {"product": product, "unit_amount": amount, "currency": currency, **fields}
        if interval:
            params.setdefault("recurring", {"interval": interval})
        return self.v1.prices.create(params)

    def clock(self, at: int) -> Any:
        return self.v1.test_helpers.test_clocks.create({"frozen_time": at})

    def advance(self, clock_id: str, to: int) -> Any:
        """Ask, let the worker work, and ask again as applications do."""
        moving = self.v1.test_helpers.test_clocks.advance(clock_id, {"frozen_time": to})
        assert moving.status == "advancing"
        close_old_connections()
        while self.v1.test_helpers.test_clocks.retrieve(clock_id).status == "advancing":
            OrmQ.objects.all().delete()
            advance_clock(clock_id)
        done = self.v1.test_helpers.test_clocks.retrieve(clock_id)
        assert (done.status, done.frozen_time) == ("ready", to)
        return done

    def invoices(self, **filters: Any) -> list[Any]:
        """The oldest first."""
        return list(reversed(list(self.v1.invoices.list(filters).auto_paging_iter())))


def new_sdk(url: str, **fields: Any) -> Sdk:
    shop = merchant(**fields)
    _, secret = create_api_key(ctx=context(), merchant_id=shop.id, livemode=False)
    return Sdk(new_client(secret, url), shop, url)


def new_client(secret: str, url: str) -> stripe.StripeClient:
    return stripe.StripeClient(secret, base_addresses={"api": url, "files": url}, max_network_retries=0)
