"""Standing debits: what a subscription was billed in advance and what a change would credit. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from events.copying import Row
from events.reading import read_rows
from invoicing.models import Invoice, InvoiceItem, InvoiceLine
from subscriptions.facts import debit_facts, discount_amounts_from_json
from subscriptions.models import BilledPeriod
from subscriptions.rules.amounts import in_currency
from subscriptions.types import DebitFacts, DiscountAmount, PriceFacts


def standing_periods(merchant_id: str, subscription_id: str, as_of: datetime) -> list[Row]:
    """Billed periods in advance that end after `as_of` and are not reversed; credited ones too (an undo needs them).

    One that was reversed by being credited this very instant is among them: undoing the change puts its taxes back.
    """
    found = BilledPeriod.objects.filter(
        Q(reversed_at__isnull=True) | Q(credited_from__gte=as_of),
        merchant_id=merchant_id,
        subscription_id=subscription_id,
        kind="advance",
        end__gt=as_of,
    )
    return read_rows(found.order_by("start", "sequence", "id"))


def standing_debits(periods: Sequence[Row], prices: Mapping[str, PriceFacts]) -> tuple[DebitFacts, ...]:
    """The periods as facts, with what their invoices and pending items know. Three queries, whatever their number.

    A fourth where an end was scheduled, moved and its first debit is no longer among the periods.
    """
    known = {row.id for row in periods}
    missing = {row.share_of for row in periods if row.share_of} - known
    if missing:
        periods = [*periods, *read_rows(BilledPeriod.objects.filter(id__in=missing))]
    facts = _facts(periods, prices)
    bases = {debit.id: debit for debit in facts}
    shares = {row.id: bases[row.share_of] for row in periods if row.share_of}
    return tuple(replace(debit, share_of=shares.get(debit.id)) for debit in facts if debit.id in known)


def _facts(periods: Sequence[Row], prices: Mapping[str, PriceFacts]) -> list[DebitFacts]:
    invoices = dict(
        Invoice.objects.filter(id__in={row.invoice_id for row in periods if row.invoice_id}).values_list("id", "status")
    )
    shown = _discounts_shown(list(invoices), [row.id for row in periods])
    held = {
        item.id: item for item in InvoiceItem.objects.filter(id__in={row.invoice_item_id for row in periods} - {""})
    }
    facts = []
    for row in periods:
        item = held.get(row.invoice_item_id)
        pending = () if item is None else discount_amounts_from_json(item.discount_amounts)
        facts.append(
            debit_facts(
                row,
                in_currency(prices[row.price_id], row.currency),
                invoice_status=invoices.get(row.invoice_id, ""),
                discount_amounts=shown.get(row.id) or pending,
                tax_rate_ids=tuple(item.tax_rate_ids) if item else (),
            )
        )
    return facts


def _discounts_shown(invoice_ids: list[str], period_ids: list[str]) -> dict[str, tuple[DiscountAmount, ...]]:
    """What discounts took on the lines that show these periods."""
    lines = InvoiceLine.objects.filter(invoice_id__in=invoice_ids, billed_period_id__in=period_ids)
    rows = lines.values_list("billed_period_id", "discount_amounts")
    return {period_id: discount_amounts_from_json(amounts) for period_id, amounts in rows if amounts}
