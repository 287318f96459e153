"""Who may use what, told when it changes: entitlements.active_entitlement_summary.updated."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.models import ProductFeature
from core.context import Context
from customers.models import Customer
from events.statements import Statement
from events.types import EventRow
from events.writes import record_events
from subscriptions.entitlements import Entitlement, active_entitlements_of
from subscriptions.models import EntitlementSummary
from subscriptions.snapshots import entitlement_summary_snapshot
from subscriptions.writes import lock_summaries, save_summaries


def tell_entitlements(ctx: Context, customers: Iterable[tuple[str, str]]) -> int:
    """Tell what changed for these (merchant id, customer id), inside the transaction that changed it.

    1. Lock what each was last told, made empty for who was told nothing yet.
    2. Read what each holds now; two transactions of one customer wait for each other here, so each change is seen.
    3. Tell those that differ, and remember it.

    Eight queries whatever their number; two for a merchant without features. Returns how many were told.
    """
    wanted = sorted(set(customers))
    ids = [customer_id for _, customer_id in wanted]
    if not wanted or not _any_to_tell({merchant_id for merchant_id, _ in wanted}, ids):
        return 0
    told = lock_summaries(ctx, wanted)
    owners = {row.id: row for row in Customer.objects.filter(id__in=ids).select_related("merchant")}
    held: dict[str, list[Entitlement]] = {}
    for merchant_id in {merchant_id for merchant_id, _ in wanted}:
        held |= active_entitlements_of(merchant_id, [one for of, one in wanted if of == merchant_id])
    changed = [row for row in told if _named(held[row.customer_id]) != row.held]
    events = [_event(row, owners[row.customer_id], held[row.customer_id]) for row in changed]
    save_summaries(ctx, changed)
    record_events(ctx, events)
    return len(events)


def _any_to_tell(merchant_ids: set[str], customer_ids: list[str]) -> bool:
    if _featured.tuples(merchants=merchant_ids):
        return True
    return bool(_told.tuples(merchants=merchant_ids, customers=customer_ids))


_featured = Statement(lambda merchants: ProductFeature.objects.filter(merchant_id__any=merchants).values_list("id")[:1])
_told = Statement(
    lambda merchants, customers: EntitlementSummary.objects.filter(
        merchant_id__any=merchants, customer_id__any=customers
    ).values_list("id")[:1]
)


def _named(held: Iterable[Entitlement]) -> list[dict[str, str]]:
    return [{"id": one.id, "feature": one.feature_id, "lookup_key": one.lookup_key} for one in held]


def _event(row: EntitlementSummary, owner: Customer, held: Iterable[Entitlement]) -> EventRow:
    """The event; `row` becomes what it tells."""
    livemode = owner.merchant.livemode
    before = entitlement_summary_snapshot(row.customer_id, row.held, livemode=livemode)
    row.held, row.version = _named(held), row.version + 1
    return EventRow(
        merchant_id=row.merchant_id,
        type="entitlements.active_entitlement_summary.updated",
        object_type="entitlements.active_entitlement_summary",
        object_id=row.id,
        object_version=row.version,
        customer_id=row.customer_id,
        previous_attributes={"entitlements": before["entitlements"]},
        test_clock_id=owner.test_clock_id,
        body=entitlement_summary_snapshot(row.customer_id, row.held, livemode=livemode)
        if owner.merchant.keep_event_bodies
        else None,
    )
