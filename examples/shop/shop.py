"""A shop in one file: sell a plan, hear that it was paid, let in who has paid.

    STRIPE_API_BASE=http://127.0.0.1:8000 STRIPE_SECRET_KEY=sk_test_… PRICE=price_… FEATURE=reading python shop.py

It uses the official Python SDK and the standard library, and nothing of this project: change STRIPE_API_BASE and it
speaks to another server.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stripe


@dataclass
class Shop:
    """What the shop knows: its client, what it sells, and who has paid (a database, in a real one)."""

    client: stripe.StripeClient
    price: str
    feature: str
    webhook_secret: str = ""
    members: dict[str, str] = field(default_factory=dict)  # customer id -> subscription id
    seen: set[str] = field(default_factory=set)  # ids of events: each is delivered at least once

    def buy(self, email: str, payment_method: str) -> dict[str, str]:
        """A customer with a payment method, subscribed at once."""
        customer = self.client.v1.customers.create(
            {
                "email": email,
                "payment_method": payment_method,
                "invoice_settings": {"default_payment_method": payment_method},
            }
        )
        subscription = self.client.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": self.price}], "payment_behavior": "allow_incomplete"}
        )
        return {"customer": customer.id, "subscription": subscription.id, "status": subscription.status}

    def hear(self, body: bytes, signature: str) -> None:
        """A webhook. Raises `stripe.SignatureVerificationError` for one that is not from our billing system."""
        event = stripe.Webhook.construct_event(body, signature, self.webhook_secret)
        if event.id in self.seen:
            return
        self.seen.add(event.id)
        told = event.data.object
        if event.type == "invoice.paid":
            self.members[told.customer] = told.id
        elif event.type == "customer.subscription.deleted":
            self.members.pop(told.customer, None)

    def may_enter(self, customer: str) -> bool:
        """Asked of the billing system itself: what a customer may use right now."""
        active = self.client.v1.entitlements.active_entitlements.list({"customer": customer})
        return any(one.lookup_key == self.feature for one in active.auto_paging_iter())


class Door(BaseHTTPRequestHandler):
    """POST /buy (email, payment_method), POST /webhooks, GET /enter?customer=cus_…"""

    shop: Shop
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/webhooks":
            self.webhook(body)
        elif self.path == "/buy":
            asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            self.bought(asked.get("email", ""), asked.get("payment_method", "pm_card_visa"))
        else:
            self.answer(404, {"error": "not found"})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        customer = parse_qs(parts.query).get("customer", [""])[0]
        if parts.path != "/enter" or not customer:
            self.answer(404, {"error": "not found"})
        elif self.shop.may_enter(customer):
            self.answer(200, {"welcome": customer})
        else:
            self.answer(402, {"error": "subscribe first"})

    def webhook(self, body: bytes) -> None:
        try:
            self.shop.hear(body, self.headers.get("Stripe-Signature", ""))
        except (ValueError, stripe.SignatureVerificationError):
            self.answer(400, {"error": "not signed by our billing system"})
        else:
            self.answer(200, {"received": True})

    def bought(self, email: str, payment_method: str) -> None:
        try:
            self.answer(200, self.shop.buy(email, payment_method))
        except stripe.CardError as declined:
            self.answer(402, {"error": str(declined.user_message)})
        except stripe.InvalidRequestError as wrong:
            self.answer(400, {"error": str(wrong.user_message)})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None: ...


def open_shop(shop: Shop, port: int = 0) -> ThreadingHTTPServer:
    """The shop's server, and its webhook endpoint at the billing system; `serve_forever()` opens the doors."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("ShopDoor", (Door,), {"shop": shop}))
    endpoint = shop.client.v1.webhook_endpoints.create(
        {
            "url": f"http://127.0.0.1:{server.server_port}/webhooks",
            "enabled_events": ["invoice.paid", "customer.subscription.deleted"],
        }
    )
    shop.webhook_secret = str(endpoint.secret)
    return server


def main() -> None:
    client = stripe.StripeClient(
        os.environ["STRIPE_SECRET_KEY"], base_addresses={"api": os.environ["STRIPE_API_BASE"]}, max_network_retries=2
    )
    server = open_shop(Shop(client, os.environ["PRICE"], os.environ["FEATURE"]), int(os.environ.get("SHOP_PORT", 4242)))
    print(f"The shop is open at http://127.0.0.1:{server.server_port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
