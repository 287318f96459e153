"""What a quote comes to, asked of the planners that bill: each line, what is due at first, and what recurs.

Whatever has to be there for that and is not (a customer of a draft that has none yet, a one-time line as an invoice
item) is made in a transaction that is taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from core.context import Context
from customers.services import create_customer
from engine.rules.quotes import (
    computed,
    discounts_of,
    item_of,
    nothing_computed,
    sold_line,
    split,
    subscribe_request,
)
from engine.rules.subscribe import plan_subscribe
from engine.rules.subscribing import PriceNotFound
from engine.selectors import load_rows
from engine.services.selling import plan_sale
from engine.services.signing import load_subscribe, subscribe_snapshot
from engine.types import SubscribeRequest
from engine.types.quotes import SoldLine
from engine.types.sales import Sale
from merchants.models import Merchant
from subscriptions.models import Quote
from subscriptions.types import PriceFacts, new_ref


def prices_on(quote: Quote) -> dict[str, PriceFacts]:
    """The prices of the quote's lines. Raises `PriceNotFound`."""
    wanted = {line["price"] for line in quote.lines}
    prices = dict(load_rows(merchant_ids=[quote.merchant_id], price_ids=wanted, lock=False).prices) if wanted else {}
    for price_id in sorted(wanted - set(prices)):
        raise PriceNotFound(param="line_items", price=price_id)
    return prices


def reckon(ctx: Context, quote: Quote) -> None:
    """Put `currency` and `computed` on the quote, by its terms of this moment. Nothing else is written.

    Raises what subscribing to it, or billing it once, would refuse.
    """
    if not quote.lines:
        quote.currency = _currency_without_lines(quote)
        quote.computed = nothing_computed()
        return
    prices = prices_on(quote)
    with transaction.atomic():
        customer_id = quote.customer_id or create_customer(ctx=ctx, merchant_id=quote.merchant_id).id
        recurring, _ = split(quote.lines, prices)
        sums = _subscribing(ctx, quote, prices, customer_id) if recurring else _once(ctx, quote, customer_id)
        transaction.set_rollback(True)
    quote.currency, parts = sums
    quote.computed = computed(quote.lines, prices=prices, **parts)


def sale_of(quote: Quote, customer_id: str) -> Sale:
    """A quote of which nothing recurs, as what is sold once."""
    return Sale(
        merchant_id=quote.merchant_id,
        customer_id=customer_id,
        items=tuple(item_of(line) for line in quote.lines),
        discounts=discounts_of(quote.discounts) or None,
        default_tax_rate_ids=tuple(quote.default_tax_rate_ids),
        collection_method=quote.collection_method,
        description=quote.invoice_description,
    )


def _currency_without_lines(quote: Quote) -> str:
    own = quote.customer.currency if quote.customer else ""
    return own or Merchant.objects.values_list("default_currency", flat=True).get(id=quote.merchant_id)


def _subscribing(
    ctx: Context, quote: Quote, prices: Mapping[str, PriceFacts], customer_id: str
) -> tuple[str, dict[str, Any]]:
    request = subscribe_request(quote, prices, customer_id)
    if quote.effective_date and quote.effective_date > ctx.as_of:
        ctx = replace(ctx, as_of=quote.effective_date)
    currency, upfront = _first_invoice(ctx, quote, request)
    _, regular = _first_invoice(ctx, quote, replace(request, trial_period_days=0))
    _, again = _first_invoice(ctx, quote, _each_time(quote, request))
    return currency, {"regular": regular, "upfront": upfront, "recurring": again}


def _each_time(quote: Quote, request: SubscribeRequest) -> SubscribeRequest:
    """What recurs, with the discounts that last for ever (Stripe's `computed.recurring`)."""
    kept = [one for one in quote.discounts if one["duration"] == "forever"]
    items = tuple(
        item_of({**line, "discounts": [one for one in line["discounts"] if one["duration"] == "forever"]})
        for line in quote.lines
        if any(item.price_id == line["price"] for item in request.items)
    )
    return replace(request, items=items, add_invoice_items=(), discounts=discounts_of(kept), trial_period_days=0)


def _first_invoice(ctx: Context, quote: Quote, request: SubscribeRequest) -> tuple[str, list[SoldLine]]:
    """Its lines, without what else the customer has pending; and its currency."""
    request, snapshot = subscribe_snapshot(load_subscribe(request, lock=False), request)
    plan = plan_subscribe(replace(snapshot, pending_items=()), request, ctx.as_of)
    names = _names(quote)
    named = {
        new_ref(number): names[key]
        for number, given in enumerate(plan.discounts)
        if (key := given.promotion_code_id or given.coupon_id) in names
    }
    lines = plan.invoices[0].lines if plan.invoices else ()
    return plan.subscription.currency, [sold_line(line, named) for line in lines]


def _once(ctx: Context, quote: Quote, customer_id: str) -> tuple[str, dict[str, Any]]:
    draft, stack = plan_sale(ctx, sale_of(quote, customer_id))
    names = _names(quote)
    given = [*stack, *(one for line in draft.invoice.lines for one in line.discounts)]
    named = {one.id: names[key] for one in given if (key := one.promotion_code_id or one.coupon.id) in names}
    lines = [sold_line(line, named) for line in draft.invoice.lines]
    return draft.invoice.currency, {"regular": lines, "upfront": lines, "recurring": ()}


def _names(quote: Quote) -> dict[str, str]:
    """The quote's own ids of what it offers, by promotion code or coupon."""
    offered = [*quote.discounts, *(one for line in quote.lines for one in line["discounts"])]
    return {(one["promotion_code"] or one["coupon"]): one["discount"] or one["id"] for one in offered}
