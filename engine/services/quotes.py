"""Quotes: made, changed, finalized, canceled, lapsed. `engine.services.quote_acceptance` takes one up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from core.context import Context
from core.ids import new_id
from customers.models import Customer
from customers.selectors import CustomerNotFound
from customers.writes import lock_customer
from engine.rules.attributes import merged_metadata
from engine.rules.quotes import (
    LIFETIME,
    NothingRecursOnQuote,
    QuoteCustomerSet,
    QuoteIncomplete,
    QuoteLineUnknown,
    QuoteNotCancelable,
    QuoteNotDraft,
    checked_expiry,
    kept_discount,
    kept_line,
    quote_number,
    split,
)
from engine.rules.subscribe import DaysUntilDueMisplaced, check_option
from engine.selectors import bodies_kept, load_rows
from engine.services.chunks import ChunkReport, Job, run_job
from engine.services.offers import offers_asked_for
from engine.services.quoting import prices_on, reckon
from engine.types import DiscountRequest, RunReport
from engine.types.quotes import QuoteChange, QuoteLine
from events.copying import Row
from events.types import EventRow
from events.writes import record_events
from invoicing.rules.legal import customer_snapshot, invoice_locale
from invoicing.selectors import customer_numbers
from subscriptions.models import Quote
from subscriptions.quote_snapshots import quote_snapshot
from subscriptions.quote_writes import (
    claim_lapsed_quotes,
    lock_quote,
    next_sequence,
    save_quote,
    write_lapsed,
)
from subscriptions.rules.discounts import DiscountNotFound
from subscriptions.selectors import QuoteNotFound, quote_by_id

KIND = "quote_expiry"
# What a copy of a quote takes over.
_TERMS = (
    "customer_id",
    "default_tax_rate_ids",
    "collection_method",
    "days_until_due",
    "invoice_description",
    "invoice_footer",
    "invoice_custom_fields",
    "header",
    "description",
    "footer",
    "subscription_description",
    "subscription_metadata",
    "effective_date",
    "trial_period_days",
    "metadata",
    "test_clock_id",
)


def create_quote(*, ctx: Context, merchant_id: str, change: QuoteChange, test_clock_id: str | None = None) -> Quote:
    """A draft with these terms, reckoned.

    Raises `CustomerNotFound`, `QuoteExpiryInvalid`, `NothingRecursOnQuote`, and what reckoning it refuses.
    """
    with transaction.atomic(durable=True):
        quote = Quote(
            id=new_id("qt"),
            merchant_id=merchant_id,
            expires_at=ctx.as_of + LIFETIME,
            test_clock_id=test_clock_id,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        _put(ctx, quote, change)
        _write(ctx, quote, "created", new=True)
    return quote


def clone_quote(
    *, ctx: Context, merchant_id: str, quote_id: str, is_revision: bool = False, change: QuoteChange | None = None
) -> Quote:
    """A draft of the same terms. A revision shares the number of what it revises, which must have been finalized.

    Raises `QuoteNotFound` and what `create_quote` does.
    """
    with transaction.atomic(durable=True):
        source = quote_by_id(merchant_id, quote_id)
        quote = Quote(
            id=new_id("qt"),
            merchant_id=merchant_id,
            from_quote_id=source.id,
            is_revision=is_revision,
            lines=[{**line, "id": new_id("li")} for line in source.lines],
            discounts=source.discounts,
            expires_at=ctx.as_of + LIFETIME,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
            **{name: getattr(source, name) for name in _TERMS},
        )
        _put(ctx, quote, change or QuoteChange())
        _write(ctx, quote, "created", new=True)
    return quote


def update_quote(*, ctx: Context, merchant_id: str, quote_id: str, change: QuoteChange) -> Quote:
    """Other terms of a draft. Raises `QuoteNotFound`, `QuoteNotDraft`, `QuoteCustomerSet` and what creating does."""
    with transaction.atomic(durable=True):
        quote = _draft(merchant_id, quote_id)
        wanted = change.columns.get("customer_id", quote.customer_id)
        if quote.customer_id and wanted != quote.customer_id:
            raise QuoteCustomerSet
        _put(ctx, quote, change)
        _write(ctx, quote, None)
    return quote


def finalize_quote(*, ctx: Context, merchant_id: str, quote_id: str, expires_at: Any = None) -> Quote:
    """The quote is offered: numbered, and its paper stands. Reckoned once more, for a coupon may have ended.

    Raises `QuoteNotFound`, `QuoteNotDraft`, `QuoteIncomplete`, `QuoteExpiryInvalid`, and what reckoning it refuses.
    """
    with transaction.atomic(durable=True):
        quote = _draft(merchant_id, quote_id)
        if not quote.customer_id or not quote.lines:
            raise QuoteIncomplete(param="line_items" if quote.customer_id else "customer")
        quote.expires_at = checked_expiry(expires_at or quote.expires_at, ctx.as_of)
        lock_customer(merchant_id, quote.customer_id)
        reckon(ctx, quote)
        _number(quote)
        _sign(quote)
        quote.status, quote.finalized_at = "open", ctx.as_of
        _write(ctx, quote, "finalized")
    return quote


def cancel_quote(*, ctx: Context, merchant_id: str, quote_id: str) -> Quote:
    """The offer is withdrawn. Raises `QuoteNotFound`, `QuoteNotCancelable`."""
    with transaction.atomic(durable=True):
        quote = locked(merchant_id, quote_id)
        if quote.status not in ("draft", "open"):
            raise QuoteNotCancelable(status=quote.status)
        quote.status, quote.canceled_at = "canceled", ctx.as_of
        _write(ctx, quote, "canceled")
    return quote


def run_quote_expiries(
    *, ctx: Context, clock_id: str | None = None, chunk_size: int = 500, max_chunks: int | None = None
) -> RunReport:
    """Cancel every draft and open quote whose day has come."""
    job = Job(
        kind=KIND,
        claim=lambda limit, only: claim_lapsed_quotes(ctx.as_of, clock_id=clock_id, limit=limit, only=only),
        work=lambda rows: _lapse(ctx, rows),
    )
    return run_job(ctx, job, clock_id=clock_id, chunk_size=chunk_size, max_chunks=max_chunks)


def locked(merchant_id: str, quote_id: str) -> Quote:
    """Raises `QuoteNotFound`."""
    quote = lock_quote(merchant_id, quote_id)
    if quote is None:
        raise QuoteNotFound
    return quote


def quote_event(what: str, quote: Any, kept: set[str]) -> EventRow:
    return EventRow(
        merchant_id=quote.merchant_id,
        type=f"quote.{what}",
        object_type="quote",
        object_id=quote.id,
        object_version=quote.version,
        customer_id=quote.customer_id or "",
        body=quote_snapshot(quote) if quote.merchant_id in kept else None,
        test_clock_id=quote.test_clock_id,
    )


def _lapse(ctx: Context, rows: list[Row]) -> ChunkReport:
    for row in rows:
        row.update(status="canceled", canceled_at=row.next_action_at, next_action_at=None, version=row.version + 1)
    write_lapsed(rows)
    kept = bodies_kept(row.merchant_id for row in rows)
    record_events(ctx, [quote_event("canceled", row, kept) for row in rows])
    return ChunkReport(done=len(rows))


def _draft(merchant_id: str, quote_id: str) -> Quote:
    quote = locked(merchant_id, quote_id)
    if quote.status != "draft":
        raise QuoteNotDraft(status=quote.status)
    return quote


def _put(ctx: Context, quote: Quote, change: QuoteChange) -> None:
    """The change's terms on the quote, checked and reckoned."""
    columns = dict(change.columns)
    for name in ("metadata", "subscription_metadata"):
        if name in columns:
            columns[name] = merged_metadata(getattr(quote, name), columns[name])
    for name, value in columns.items():
        setattr(quote, name, value)
    if "customer_id" in columns and quote.customer_id:
        owner = Customer.objects.filter(merchant_id=quote.merchant_id, id=quote.customer_id, deleted_at=None).first()
        if owner is None:
            raise CustomerNotFound
        quote.test_clock_id = owner.test_clock_id
    if "expires_at" in columns:
        checked_expiry(quote.expires_at, ctx.as_of)
    check_option("collection_method", quote.collection_method, ("charge_automatically", "send_invoice"))
    if quote.days_until_due is not None and quote.collection_method != "send_invoice":
        raise DaysUntilDueMisplaced
    if change.discounts is not None:
        quote.discounts = _kept(quote, change.discounts)
    if change.lines is not None:
        quote.lines = _kept_lines(quote, change.lines)
    if (
        (quote.trial_period_days or quote.effective_date)
        and quote.lines
        and not split(quote.lines, prices_on(quote))[0]
    ):
        raise NothingRecursOnQuote
    reckon(ctx, quote)


def _kept_lines(quote: Quote, lines: Sequence[QuoteLine]) -> list[dict[str, Any]]:
    standing = {line["id"]: line for line in quote.lines}
    kept = []
    for line in lines:
        if line.line_id and line.line_id not in standing:
            raise QuoteLineUnknown(line=line.line_id)
        kept.append(kept_line(line.item, line.line_id or new_id("li"), _kept(quote, line.item.discounts)))
    return kept


def _kept(quote: Quote, asked: Sequence[DiscountRequest]) -> list[dict[str, Any]]:
    """Discounts as the quote keeps them. Raises `DiscountNotFound`."""
    if not asked:
        return []
    offers = offers_asked_for(quote.merchant_id, quote.customer_id or "", asked)
    kept = []
    for one in asked:
        if one.promotion_code_id in offers.promotion_codes:
            coupon = offers.coupons[offers.promotion_codes[one.promotion_code_id].coupon_id]
        elif one.discount_id in offers.reusable:
            coupon = offers.reusable[one.discount_id].coupon
        elif one.coupon_id in offers.coupons:
            coupon = offers.coupons[one.coupon_id]
        else:
            raise DiscountNotFound(param=one.param or "discounts")
        kept.append(kept_discount(one, new_id("di"), coupon))
    return kept


def _number(quote: Quote) -> None:
    """Under the customer's lock. A revision keeps the number of what it revises and counts on."""
    source = Quote.objects.filter(merchant_id=quote.merchant_id, id=quote.from_quote_id).first()
    if quote.is_revision and source is not None and source.sequence:
        same = Quote.objects.filter(
            merchant_id=quote.merchant_id, customer_id=quote.customer_id, sequence=source.sequence
        )
        quote.sequence = source.sequence
        quote.revision = max(same.values_list("revision", flat=True)) + 1
    else:
        quote.sequence = next_sequence(quote.merchant_id, str(quote.customer_id))
    prefix, _ = customer_numbers(quote.merchant_id, [str(quote.customer_id)])[str(quote.customer_id)]
    quote.number = quote_number(prefix, quote.sequence, quote.revision)


def _sign(quote: Quote) -> None:
    """Who offers what to whom, as it stands now: the paper is printed from it."""
    customer_id = str(quote.customer_id)
    rows = load_rows(customer_ids=[customer_id], merchant_ids=[quote.merchant_id], lock=False)
    customer, merchant = rows.customers[customer_id], rows.merchants[quote.merchant_id]
    quote.seller_snapshot = dict(rows.seller(rows.default_entity_id(quote.merchant_id)))
    quote.customer_snapshot = customer_snapshot(customer, rows.tax_ids.get(customer_id, ()))  # type: ignore[arg-type]
    quote.locale = invoice_locale(customer.preferred_locale, merchant.locale)


def _write(ctx: Context, quote: Quote, what: str | None, *, new: bool = False) -> None:
    """Save and tell; a change of a draft has no event in Stripe."""
    waits = quote.status in ("draft", "open")
    quote.next_action_at = quote.expires_at if waits else None
    if not new:
        quote.version += 1
    save_quote(quote)
    if what:
        record_events(ctx, [quote_event(what, quote, bodies_kept([quote.merchant_id]))])


def write_accepted(ctx: Context, quote: Quote) -> None:
    """The quote was taken up: `engine.services.quote_acceptance` has said what came of it."""
    quote.status, quote.accepted_at = "accepted", ctx.as_of
    _write(ctx, quote, "accepted")
