"""A quote that is taken up becomes what it offered: a subscription, a schedule that begins later, or an invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db import transaction

from core.context import Context
from engine.posting.batch import Batch
from engine.rules.quotes import QuoteIsOver, QuoteNotOpen, phase_request, split, subscribe_request
from engine.services.collect import collect_invoices
from engine.services.finalize import invoice_ids_to_collect, settle_paid
from engine.services.paying_first import refuse_unpayable
from engine.services.quotes import locked, write_accepted
from engine.services.quoting import prices_on, sale_of
from engine.services.schedules import post_schedule
from engine.services.selling import post_sale
from engine.services.signing import post_subscribe
from engine.types.invoices import InvoiceTexts
from engine.types.schedules import ScheduleRequest
from merchants.models import Merchant
from subscriptions.models import Quote
from subscriptions.types import PriceFacts


def accept_quote(*, ctx: Context, merchant_id: str, quote_id: str) -> Quote:
    """Make what was offered; what is charged automatically is collected after the commit.

    A payment that fails leaves the subscription incomplete, as any. Raises `QuoteNotFound`, `QuoteNotOpen`,
    `QuoteIsOver`, `NothingToPayWith`, and what subscribing and billing refuse; then the quote stays open.
    """
    with transaction.atomic(durable=True):
        quote = locked(merchant_id, quote_id)
        if quote.status != "open":
            raise QuoteNotOpen(status=quote.status)
        if quote.expires_at <= ctx.as_of:
            raise QuoteIsOver
        prices = prices_on(quote)
        if not split(quote.lines, prices)[0]:
            batch: Batch | None = _bill(ctx, quote)
        elif quote.effective_date and quote.effective_date > ctx.as_of:
            batch = _schedule(ctx, quote, prices)
        else:
            batch = _subscribe(ctx, quote, prices)
        write_accepted(ctx, quote)
    if batch is not None and (due := invoice_ids_to_collect(batch)):
        collect_invoices(ctx=ctx, invoice_ids=due)
    return quote


def _subscribe(ctx: Context, quote: Quote, prices: dict[str, PriceFacts]) -> Batch:
    batch = post_subscribe(ctx, subscribe_request(quote, prices, str(quote.customer_id)))
    refuse_unpayable(batch)
    texts = _texts(quote).columns() | ({"description": quote.invoice_description} if quote.invoice_description else {})
    for drafted in batch.new_invoices.values():
        drafted.invoice.update(texts)
    batch.write()
    settle_paid(batch)
    quote.subscription_id = batch.new_subscriptions[0].id
    quote.invoice_id = next(iter(batch.new_invoices), "")
    return batch


def _schedule(ctx: Context, quote: Quote, prices: dict[str, PriceFacts]) -> Batch | None:
    request = ScheduleRequest(
        merchant_id=quote.merchant_id,
        customer_id=str(quote.customer_id),
        phases=(replace(phase_request(quote, prices), currency=quote.currency),),
        start_date=quote.effective_date,
        metadata=quote.subscription_metadata,
    )
    schedule, batch = post_schedule(ctx, request)
    quote.subscription_schedule_id = schedule.id
    quote.subscription_id = schedule.subscription_id or ""
    return batch


def _bill(ctx: Context, quote: Quote) -> Batch:
    """An invoice that goes its way as any: a draft for the merchant's grace, then charged or sent."""
    due_date = None
    if quote.collection_method == "send_invoice":
        default = Merchant.objects.values_list("default_days_until_due", flat=True).get(id=quote.merchant_id)
        days = quote.days_until_due if quote.days_until_due is not None else default
        due_date = ctx.as_of + timedelta(days=days)
    sale = replace(sale_of(quote, str(quote.customer_id)), due_date=due_date, texts=_texts(quote))
    batch, quote.invoice_id = post_sale(ctx, sale)
    return batch


def _texts(quote: Quote) -> InvoiceTexts:
    return InvoiceTexts(
        footer=quote.invoice_footer or None,
        custom_fields=tuple(quote.invoice_custom_fields) or None,
    )
