"""What every change of one subscription shares: its snapshot under lock, and its plan's rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core.context import Context
from core.ids import new_ids
from engine.debits import standing_debits, standing_periods
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.attributes import merged_metadata
from engine.selectors import BillingRows, load_rows, renewal_snapshot, subscription_rows
from engine.services.finalize import FinalizationRefused, finalize_new
from engine.services.offers import offers_asked_for
from engine.services.signing import give_discounts
from engine.types import ChangePlan, ChangeSnapshot, DiscountRequest
from events.copying import Row, new_row
from subscriptions.facts import prices_left_to_json
from subscriptions.models import Discount, SubscriptionItem
from subscriptions.selectors import SubscriptionNotFound
from subscriptions.types import ItemUpdate, NewItem
from subscriptions.writes import lock_subscriptions


def load_change(
    as_of: datetime,
    merchant_id: str,
    subscription_id: str,
    *,
    price_ids: Iterable[str] = (),
    tax_rate_ids: Iterable[str] = (),
    discounts: Iterable[DiscountRequest] = (),
    lock: bool,
) -> tuple[BillingRows, Row, ChangeSnapshot]:
    """The subscription, all it depends on, and its standing debits. Raises `SubscriptionNotFound`."""
    found = lock_subscriptions([subscription_id]) if lock else list(subscription_rows([subscription_id]).values())
    if not found or found[0].merchant_id != merchant_id:
        raise SubscriptionNotFound
    subscription = found[0]
    periods = standing_periods(merchant_id, subscription_id, as_of)
    rows = load_rows(
        subscriptions=[subscription],
        price_ids=[*price_ids, *(period.price_id for period in periods)],
        tax_rate_ids=tax_rate_ids,
        usage_until=as_of,
        lock=lock,
    )
    offers = offers_asked_for(merchant_id, subscription.customer_id, discounts)
    snapshot = ChangeSnapshot(
        renewal=renewal_snapshot(rows, subscription),
        debits=standing_debits(periods, rows.prices),
        prices=rows.prices,
        coupons=offers.coupons,
        promotion_codes=offers.promotion_codes,
        reusable=offers.reusable,
        has_paid=offers.has_paid,
    )
    return rows, subscription, snapshot


def post_change(
    ctx: Context,
    rows: BillingRows,
    subscription: Row,
    plan: ChangePlan,
    *,
    charge: bool = True,
    off_session: bool = True,
    item_ids: Sequence[str] | None = None,
    discount_ids: Sequence[str] | None = None,
    periods: Sequence[Row] = (),
    places: Mapping[str, Mapping[str, str]] | None = None,
    paid_by: str = "",
) -> Batch:
    """A change's rows, gathered and written; what it invoices at once is finalized. Raises `FinalizationRefused`.

    `item_ids`, `discount_ids`, `periods` and `places` (of discounts that are lines' own) are those that were decided on
    before, of a change that waited to be paid. `paid_by` is the intent of what is invoiced, where that was paid first.
    """
    batch = Batch(ctx, rows, charge=charge, off_session=off_session)
    batch.periods.extend(periods)
    refs = Refs(
        subscription_id=subscription.id,
        items=tuple(new_ids("si", len(plan.items_added)) if item_ids is None else item_ids),
        discounts=tuple(new_ids("di", len(plan.discounts_added)) if discount_ids is None else discount_ids),
        pending=tuple(new_ids("ii", len(plan.pending_items))),
        invoices=tuple(new_ids("in", len(plan.invoices))),
    )
    batch.touch(subscription, _items_after(batch, subscription, plan, refs))
    _label_items(batch, subscription, plan, refs)
    _gather_debits(batch, plan, refs)
    _gather_discounts(batch, subscription, plan, refs, places or {})
    for invoice_id, planned in zip(refs.invoices, plan.invoices, strict=True):
        batch.add_invoice(planned, invoice_id, refs)
    batch.use_discounts(plan.discounts_used, refs)
    if plan.attributes:
        subscription.update((name, _column(value)) for name, value in plan.attributes.items())
        batch.relabelled.append((subscription, tuple(plan.attributes)))
    batch.move(subscription.id, plan.state)
    batch.tell(plan.events, refs)
    refused = finalize_new(batch)
    if refused:
        raise FinalizationRefused.of(refused[0])
    if paid_by:
        for intent in batch.intents:
            batch.finalized[intent.invoice_id]["payment_intent_id"] = paid_by
        batch.intents.clear()
    batch.write()
    return batch


def _label_items(batch: Batch, subscription: Row, plan: ChangePlan, refs: Refs) -> None:
    """Items' metadata, merged key by key. New items are inserted with theirs."""
    for reference, patch in plan.item_metadata.items():
        item_id = refs.item(reference)
        for item in batch.items[subscription.id]:
            if item.id == item_id:
                item["metadata"] = merged_metadata(item.metadata, patch)
                batch.relabelled_items[item_id] = item["metadata"]


def _column(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _items_after(batch: Batch, subscription: Row, plan: ChangePlan, refs: Refs) -> list[Row]:
    """The live items once the plan is written, their changes noted in the batch."""
    items = {item.id: item for item in batch.rows.items.get(subscription.id, ())}
    for update in plan.items_updated:
        if tuple(items[update.item_id].tax_rate_ids) != update.tax_rate_ids:
            batch.retaxed_items[update.item_id] = update.tax_rate_ids
        batch.updated_items.append(_updated(items[update.item_id], update, batch.ctx.recorded_at))
    for item_id in plan.items_deleted:
        batch.deleted_items.append(item_id)
        del items[item_id]
    for item_id, new in zip(refs.items, plan.items_added, strict=True):
        items[item_id] = _added(batch.ctx, subscription, item_id, new)
        batch.new_items.append(items[item_id])
    return list(items.values())


def _updated(item: Row, update: ItemUpdate, recorded_at: datetime) -> Row:
    item.update(
        price_id=update.price_id,
        quantity=update.quantity,
        current_period_start=update.current_period_start,
        current_period_end=update.current_period_end,
        sequence=update.sequence,
        prices_left=prices_left_to_json(update.prices_left, recorded_at),
        tax_rate_ids=list(update.tax_rate_ids),
    )
    return item


def _added(ctx: Context, subscription: Row, item_id: str, new: NewItem) -> Row:
    return new_row(
        SubscriptionItem,
        id=item_id,
        merchant_id=subscription.merchant_id,
        subscription_id=subscription.id,
        price_id=new.price_id,
        quantity=new.quantity,
        current_period_start=new.current_period_start,
        current_period_end=new.current_period_end,
        tax_rate_ids=list(new.tax_rate_ids),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def _gather_debits(batch: Batch, plan: ChangePlan, refs: Refs) -> None:
    for closing in plan.debit_closings:
        reversed_at = batch.ctx.as_of if closing.reversed else None
        batch.closings.append((closing.billed_period_id, closing.credited_from, reversed_at))
    batch.add_pending(plan.pending_items, plan.merchant_id, plan.customer_id, refs)


def _gather_discounts(
    batch: Batch, subscription: Row, plan: ChangePlan, refs: Refs, known: Mapping[str, Mapping[str, str]]
) -> None:
    batch.take_discounts(subscription.id, plan.discounts_removed)
    if plan.discounts_removed:
        for values in Discount.objects.filter(id__in=plan.discounts_removed).order_by("id").values():
            gone = batch.discounts[values["id"]] = Row(values)
            batch.tell_of("customer.discount.deleted", "discount", gone)
    batch.moved_discounts.extend((move.discount_id, move.position) for move in plan.discounts_moved)
    places = dict(known) | {
        refs.discount(discount.id): {"invoice_item_id": item_id}
        for item_id, item in zip(refs.pending, plan.pending_items, strict=True)
        for discount in item.facts.discounts
    }
    give_discounts(batch, plan.discounts_added, subscription, refs, places)
