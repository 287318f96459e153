"""The balance at the merchant's processor, fetched because somebody asks for it."""

from __future__ import annotations

from datetime import timedelta

from core.context import Context
from engine.services.sending import call_of
from merchants.selectors import merchant_by_id
from payments.gateways import gateway_named
from payments.payouts import store_balance

FETCHED = timedelta(days=30)
MOST_PAGES = 50


def fetch_balance(*, ctx: Context, merchant_id: str) -> int:
    """Mirror the last 30 days, at most fifty pages. Returns how many movements were read. Raises `GatewayRefused`."""
    merchant = merchant_by_id(merchant_id)
    gateway = gateway_named(merchant.gateway)
    call = call_of(ctx, merchant_id, f"{merchant_id}/balance")
    read, after = 0, ""
    for _page in range(MOST_PAGES):
        page = gateway.balance_transactions(call, since=ctx.as_of - FETCHED, after=after)
        store_balance(ctx, merchant_id, merchant.gateway, page.items)
        read, after = read + len(page.items), page.next_after
        if not after:
            break
    return read
