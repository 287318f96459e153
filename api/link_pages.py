"""What a payment link's snapshot leaves out: its page's address, and how many of a limit were bought."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from subscriptions.services.checkout_sessions import purchases_by_link


def put_links(found: list[dict[str, Any]]) -> None:
    """Put both into payment links as they are shown, in place; one query, where any has a limit."""
    limited = [node for node in found if node.get("restrictions")]
    bought = purchases_by_link([node["id"] for node in limited]) if limited else {}
    for node in limited:
        node["restrictions"]["completed_sessions"]["count"] = bought.get(node["id"], 0)
    for node in found:
        node.setdefault("url", settings.SITE_URL + reverse("payment_link", args=[node["id"]]))
