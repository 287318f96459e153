"""A shop in one file: sell a plan on the hosted checkout, hear that it was paid, let in who has paid.

    STRIPE_API_BASE=http://127.0.0.1:8000 STRIPE_SECRET_KEY=sk_test_… python shop.py

Then open http://127.0.0.1:4242/. It uses the official Python SDK and the standard library, and nothing of this
project: change STRIPE_API_BASE and it speaks to another server.
"""

from __future__ import annotations

import html
import json
import os
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stripe

FEATURE = "reading"
EVENTS = ["checkout.session.completed", "customer.subscription.deleted"]
PAGE = """<!doctype html><title>Library</title>
<h1>Library</h1><p>{said}</p>
<form method="post" action="/checkout"><input type="email" name="email" placeholder="you@example.com" required>
<button>Subscribe for 12.00 a month</button></form>"""


@dataclass
class Shop:
    """What the shop knows: its client, what it sells, and who has paid (a database, in a real one)."""

    client: stripe.StripeClient
    price: str
    url: str = ""  # where it is itself
    webhook_secret: str = ""
    members: dict[str, str] = field(default_factory=dict)  # customer id -> subscription id
    seen: set[str] = field(default_factory=set)  # ids of events: each is delivered at least once

    def checkout(self, email: str) -> str:
        """The address of a page that sells one month after the other."""
        session = self.client.v1.checkout.sessions.create(
            {
                "mode": "subscription",
                "line_items": [{"price": self.price, "quantity": 1}],
                "customer_email": email,
                "success_url": f"{self.url}/welcome?session={{CHECKOUT_SESSION_ID}}",
                "cancel_url": f"{self.url}/",
            }
        )
        return str(session.url)

    def bought(self, session_id: str) -> str:
        """Who came back from the checkout; blank for somebody who did not pay."""
        session = self.client.v1.checkout.sessions.retrieve(session_id)
        return str(session.customer) if session.status == "complete" else ""

    def hear(self, body: bytes, signature: str) -> None:
        """A webhook. Raises `stripe.SignatureVerificationError` for one that is not from our billing system."""
        event = stripe.Webhook.construct_event(body, signature, self.webhook_secret)
        if event.id in self.seen:
            return
        told = event.data.object
        if event.type == "checkout.session.completed":
            self.members[told.customer] = told.subscription
        elif event.type == "customer.subscription.deleted":
            self.members.pop(told.customer, None)
        self.seen.add(event.id)  # last: what failed half-way is delivered again

    def may_enter(self, customer: str) -> bool:
        """Asked of the billing system itself: what a customer may use right now."""
        active = self.client.v1.entitlements.active_entitlements.list({"customer": customer})
        return any(one.lookup_key == FEATURE for one in active.auto_paging_iter())

    def account(self, customer: str) -> str:
        """The address of the pages where a customer changes the card, reads invoices, or leaves. Good once."""
        session = self.client.v1.billing_portal.sessions.create({"customer": customer, "return_url": f"{self.url}/"})
        return str(session.url)


class Door(BaseHTTPRequestHandler):
    """GET /, /welcome?session=…, /enter?customer=…, /account?customer=…; POST /checkout (email), /webhooks.

    A real shop knows from its own login which customer asks.
    """

    shop: Shop
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            self.show(parts.path, asked)
        except stripe.InvalidRequestError as wrong:
            self.answer(400, {"error": str(wrong.user_message)})

    def show(self, path: str, asked: dict[str, str]) -> None:
        if path == "/":
            self.page("Everything that was ever written.")
        elif path == "/welcome":
            customer = self.shop.bought(asked.get("session", ""))
            self.page(f"Welcome, {customer}." if customer else "Nothing was paid.")
        elif path == "/account":
            self.go(self.shop.account(asked.get("customer", "")))
        elif path != "/enter":
            self.answer(404, {"error": "not found"})
        elif self.shop.may_enter(asked.get("customer", "")):
            self.answer(200, {"welcome": asked["customer"]})
        else:
            self.answer(402, {"error": "subscribe first"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/webhooks":
            self.webhook(body)
        elif self.path == "/checkout":
            self.checkout(parse_qs(body.decode()).get("email", [""])[0])
        else:
            self.answer(404, {"error": "not found"})

    def webhook(self, body: bytes) -> None:
        try:
            self.shop.hear(body, self.headers.get("Stripe-Signature", ""))
        except (ValueError, stripe.SignatureVerificationError):
            self.answer(400, {"error": "not signed by our billing system"})
        else:
            self.answer(200, {"received": True})

    def checkout(self, email: str) -> None:
        try:
            self.go(self.shop.checkout(email))
        except stripe.InvalidRequestError as wrong:
            self.answer(400, {"error": str(wrong.user_message)})

    def page(self, said: str) -> None:
        self.send(200, PAGE.format(said=html.escape(said)), "text/html; charset=utf-8")

    def go(self, url: str) -> None:
        self.send(303, "", "text/plain", location=url)

    def answer(self, status: int, body: dict[str, Any]) -> None:
        self.send(status, json.dumps(body), "application/json")

    def send(self, status: int, body: str, kind: str, **headers: str) -> None:
        text = body.encode()
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(text))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None: ...


def stocked(client: stripe.StripeClient) -> str:
    """The id of the price that is sold, with the feature that comes with it: made once, found ever after."""
    found = client.v1.prices.list({"lookup_keys": ["library_monthly"]}).data
    if found:
        return found[0].id
    feature = client.v1.entitlements.features.create({"name": "Reading", "lookup_key": FEATURE})
    product = client.v1.products.create({"name": "Library"})
    client.v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    return client.v1.prices.create(
        {
            "product": product.id,
            "unit_amount": 1200,
            "currency": "usd",
            "recurring": {"interval": "month"},
            "lookup_key": "library_monthly",
        }
    ).id


def endpoint_secret(client: stripe.StripeClient, url: str) -> str:
    """The signing secret of the shop's endpoint. It is told once, so one from an earlier start makes room."""
    for old in client.v1.webhook_endpoints.list().auto_paging_iter():
        if old.url == url:
            client.v1.webhook_endpoints.delete(old.id)
    return str(client.v1.webhook_endpoints.create({"url": url, "enabled_events": EVENTS}).secret)  # type: ignore[typeddict-item]


def open_shop(client: stripe.StripeClient, port: int = 0) -> tuple[Shop, ThreadingHTTPServer]:
    """The shop with its goods, its server and its webhook endpoint; `serve_forever()` opens the doors."""
    shop = Shop(client, stocked(client))
    server = ThreadingHTTPServer(("127.0.0.1", port), type("ShopDoor", (Door,), {"shop": shop}))
    shop.url = f"http://127.0.0.1:{server.server_port}"
    shop.webhook_secret = endpoint_secret(client, f"{shop.url}/webhooks")
    return shop, server


def main() -> None:
    client = stripe.StripeClient(
        os.environ["STRIPE_SECRET_KEY"], base_addresses={"api": os.environ["STRIPE_API_BASE"]}, max_network_retries=2
    )
    shop, server = open_shop(client, int(os.environ.get("SHOP_PORT", 4242)))
    print(f"The shop is open at {shop.url}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
