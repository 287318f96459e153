"""A change of a running subscription: its items, their prices and quantities, its coupons.

1. Work out the items and the discounts afterwards; refuse what makes no sense.
2. Unless `proration_behavior` is none (or on trial, when nothing was charged): credit every standing debit of each
   changed item from `at` on, and charge the new amount from there to the end of its period.
3. `create_prorations`: both wait as pending items. `always_invoice`: they go on an invoice at once, with all that
   was pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.periods import Period
from engine.rules.changing import ItemTarget, Stack, item_targets, items_after, restack
from engine.rules.drafting import draft_invoice, frame_of
from engine.rules.lines import pending_line
from engine.rules.prorating import Prorations, whole_discounts
from engine.rules.renewal import state_of
from engine.rules.subscribe import check_option
from engine.types import ChangePlan, ChangeRequest, ChangeSnapshot, PlannedEvent, RenewalSnapshot
from invoicing.types import PlannedInvoice, PlannedPendingItem
from subscriptions.rules.amounts import line_amount
from subscriptions.rules.discounts import active_discounts
from subscriptions.rules.status import check_can_change
from subscriptions.types import (
    DiscountUse,
    ItemFacts,
    ItemUpdate,
    NewItem,
    SubscriptionFacts,
    new_ref,
)


class NothingToChange(OstinatoError):
    code = "nothing_to_change"
    param = "items"
    message_id = gettext_noop("The subscription already is as you ask.")


class RenewalIsDueFirst(OstinatoError):
    code = "renewal_due"
    param = "subscription"
    message_id = gettext_noop("The subscription's next period has begun and is not billed yet: try again in a moment.")


class ProrationDateOutsidePeriod(OstinatoError):
    code = "proration_date_invalid"
    param = "proration_date"
    message_id = gettext_noop("The proration date lies in the current period and not before the last change in it.")


def plan_change(snapshot: ChangeSnapshot, request: ChangeRequest, as_of: datetime) -> ChangePlan:
    """The rows of a change. With the same `proration_date` a preview and the change give the same figures.

    Raises `SubscriptionIsTerminal`, `SubscriptionIsIncomplete`, `SubscriptionIsPaused`, `RenewalIsDueFirst`,
    `ProrationDateOutsidePeriod`, `NothingToChange`, and what `item_targets`, `items_after` and `restack` raise.
    """
    check_option("proration_behavior", request.proration_behavior, ("create_prorations", "always_invoice", "none"))
    renewal = snapshot.renewal
    subscription = renewal.subscription
    check_can_change(subscription.status)
    at = request.proration_date or as_of
    _check_instant(snapshot, at, as_of)
    targets = item_targets(snapshot, request, at)
    stack = restack(renewal.discounts, request.coupon_ids, snapshot.coupons, subscription, as_of)
    if not targets and not stack.is_changed:
        raise NothingToChange
    after = replace(subscription, items=items_after(subscription, targets))
    for item in after.items:
        line_amount(item.price, item.quantity)  # refuses a quantity or an amount that cannot be billed
    prorations = Prorations(snapshot)
    if request.proration_behavior != "none":
        _prorate(prorations, targets, after, stack, at)
    at_once = ImmediateInvoice()
    if request.proration_behavior == "always_invoice" and prorations.items:
        changed = replace(renewal, subscription=after, discounts=stack.discounts)
        at_once = invoice_at_once(changed, prorations.items, "subscription_update", as_of)
    return _plan(subscription, after, targets, stack, prorations, at_once, as_of)


@dataclass(frozen=True, slots=True)
class ImmediateInvoice:
    """What is invoiced at once: at most one invoice, and the discounts that it uses up."""

    invoices: tuple[PlannedInvoice, ...] = ()
    discounts_used: tuple[DiscountUse, ...] = ()


def invoice_at_once(
    snapshot: RenewalSnapshot, items: Sequence[PlannedPendingItem], billing_reason: str, as_of: datetime
) -> ImmediateInvoice:
    """An invoice of all that is pending and of the plan's own items, finalized at once; none when it were empty.

    A held credit is left pending. An unpaid subscription's invoice stays a draft, as all of its do.
    """
    subscription = snapshot.subscription
    pending = [*snapshot.pending_items, *(item.facts for item in items if not item.facts.held_for_invoice_id)]
    if not pending:
        return ImmediateInvoice()
    draft = draft_invoice(
        frame_of(snapshot),
        [pending_line(item, subscription.default_tax_rate_ids) for item in pending],
        active_discounts(snapshot.discounts, snapshot.customer_discounts, as_of),
        billing_reason=billing_reason,
        period=Period(as_of, as_of),
        as_of=as_of,
        finalize_now=True,
        auto_advance=subscription.status != "unpaid",
    )
    used = tuple(DiscountUse(discount_id, as_of, 0) for discount_id in draft.used_discount_ids)
    return ImmediateInvoice((draft.invoice,), used)


def _check_instant(snapshot: ChangeSnapshot, at: datetime, as_of: datetime) -> None:
    items = snapshot.renewal.subscription.items
    if any(item.current_period_end <= as_of for item in items):
        raise RenewalIsDueFirst
    inside = all(item.current_period_start <= at < item.current_period_end for item in items)
    rewrites = any(at < debit.start <= as_of for debit in snapshot.debits)
    if not inside or rewrites:
        raise ProrationDateOutsidePeriod


def _prorate(
    prorations: Prorations,
    targets: Sequence[ItemTarget],
    after: SubscriptionFacts,
    stack: Stack,
    at: datetime,
) -> None:
    """Credit and charge every changed item; metered prices are never prorated, and a trial charges nothing."""
    if after.status == "trialing":
        return
    customers = prorations.snapshot.renewal.customer_discounts
    discounts = whole_discounts(after.items, active_discounts(stack.discounts, customers, at))
    for target in targets:
        if target.old is not None:
            prorations.credit([target.old.id], at)
        if target.new is not None and target.new.price.usage_type == "licensed":
            prorations.debit(target.new, at, discounts[target.new.id])


def _plan(
    before: SubscriptionFacts,
    after: SubscriptionFacts,
    targets: Sequence[ItemTarget],
    stack: Stack,
    prorations: Prorations,
    at_once: ImmediateInvoice,
    as_of: datetime,
) -> ChangePlan:
    return ChangePlan(
        subscription_id=before.id,
        merchant_id=before.merchant_id,
        customer_id=before.customer_id,
        version=before.version,
        as_of=as_of,
        state=state_of(after),
        items_updated=tuple(_update(target.new) for target in targets if target.old and target.new),
        items_added=tuple(_new_item(target.new) for target in targets if target.new and not target.old),
        items_deleted=tuple(target.old.id for target in targets if target.old and not target.new),
        debit_closings=tuple(prorations.closings),
        pending_items=tuple(prorations.items),
        discounts_added=stack.added,
        discounts_moved=stack.moved,
        discounts_removed=stack.removed,
        invoices=at_once.invoices,
        discounts_used=at_once.discounts_used,
        events=_events(before, targets, stack, prorations, at_once),
    )


def _update(item: ItemFacts) -> ItemUpdate:
    return ItemUpdate(
        item.id,
        item.price.id,
        item.quantity,
        item.current_period_start,
        item.current_period_end,
        item.sequence,
    )


def _new_item(item: ItemFacts) -> NewItem:
    return NewItem(item.price.id, item.quantity, item.current_period_start, item.current_period_end, item.tax_rate_ids)


def _events(
    before: SubscriptionFacts,
    targets: Sequence[ItemTarget],
    stack: Stack,
    prorations: Prorations,
    at_once: ImmediateInvoice,
) -> tuple[PlannedEvent, ...]:
    previous: dict[str, object] = {}
    if targets:
        previous["items"] = [
            {"id": item.id, "price": item.price.id, "quantity": item.quantity} for item in before.items
        ]
    if stack.is_changed:
        previous["discounts"] = [*stack.removed, *(move.discount_id for move in stack.moved)]
    events = [PlannedEvent("customer.subscription.updated", "subscription", before.id, previous)]
    return (*events, *created_events(prorations.items, at_once))


def created_events(items: Sequence[PlannedPendingItem], at_once: ImmediateInvoice) -> tuple[PlannedEvent, ...]:
    """That the plan's pending items and its invoice came to be."""
    told = [PlannedEvent("invoiceitem.created", "invoiceitem", item.facts.id) for item in items]
    told += [PlannedEvent("invoice.created", "invoice", new_ref(n)) for n in range(len(at_once.invoices))]
    return tuple(told)
