"""A change of a running subscription: its items, their prices and quantities, its coupons.

1. Work out the items and the discounts afterwards; refuse what makes no sense.
2. Unless `proration_behavior` is none (or on trial, when nothing was charged): credit every standing debit of each
   changed item from `at` on, and charge the new amount from there to the end of its period.
3. `create_prorations`: both wait as pending items. `always_invoice`: they go on an invoice at once, with all that
   was pending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch
from core.periods import Period
from engine.rules.attributes import (
    cancellation_columns,
    changed_attributes,
    only_remarks,
    pause_columns,
    previous_values,
)
from engine.rules.changing import ItemTarget, Stack, item_targets, items_after, restack
from engine.rules.drafting import draft_invoice, frame_of
from engine.rules.lines import pending_line
from engine.rules.prorating import Prorations, meeting_stacks, whole_discounts
from engine.rules.renewal import state_of
from engine.rules.restarting import (
    Restart,
    cycle_lines,
    restart_asked_for,
    restart_targets,
    restarted,
    trial_notice,
)
from engine.rules.subscribe import check_option, one_time_price
from engine.types import ChangePlan, ChangeRequest, ChangeSnapshot, PlannedEvent, RenewalSnapshot
from invoicing.types import PlannedInvoice, PlannedLine, PlannedPendingItem
from subscriptions.rules.amounts import line_amount
from subscriptions.rules.discounts import active_discounts
from subscriptions.rules.status import check_alive, check_can_change
from subscriptions.types import (
    DiscountFacts,
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

    What only alters attributes is allowed while a subscription is incomplete or paused, too; once it has ended only
    its metadata and the reasons given for the end. A new anchor, a trial
    added and a trial ended are invoiced at once. Scheduled ends are planned by `engine.rules.cancel`.
    Raises `SubscriptionIsTerminal`, `SubscriptionIsIncomplete`, `SubscriptionIsPaused`, `RenewalIsDueFirst`,
    `ProrationDateOutsidePeriod`, `NothingToChange`, and what `item_targets`, `items_after`, `restack`,
    `changed_attributes`, `pause_columns` and `restart_asked_for` raise.
    """
    check_option("proration_behavior", request.proration_behavior, ("create_prorations", "always_invoice", "none"))
    check_option("billing_cycle_anchor", request.billing_cycle_anchor, ("unchanged", "now"))
    subscription = snapshot.renewal.subscription
    if not only_remarks(request):
        check_alive(subscription.status)
    attributes = changed_attributes(subscription, request)
    columns = pause_columns(request.pause_collection, as_of) | cancellation_columns(request)
    relabelled = replace(subscription, **attributes, **columns)  # type: ignore[arg-type]
    if not changes_billing(request):
        if relabelled == subscription:
            raise NothingToChange
        return _relabelling(subscription, relabelled, attributes, as_of)
    check_can_change(subscription.status)
    relabelled_snapshot = replace(snapshot, renewal=replace(snapshot.renewal, subscription=relabelled))
    work = work_out(relabelled_snapshot, request, as_of)
    labels = item_labels(request)
    if not (work.targets or work.stack.is_changed or work.prorations.items or labels or relabelled != subscription):
        raise NothingToChange
    return replace(plan_of(subscription, work, attributes, as_of), item_metadata=labels)


def item_labels(request: ChangeRequest) -> dict[str, Mapping[str, str]]:
    """What the request says of items' metadata: by item, "#n" for those it adds."""
    added = (new_ref(number) for number in range(len(request.items)))
    named = [(change.item_id or next(added), change.metadata) for change in request.items]
    return {reference: metadata for reference, metadata in named if metadata}


def changes_billing(request: ChangeRequest) -> bool:
    """Whether the request may alter what is billed, and not just what the subscription says."""
    restarts = request.billing_cycle_anchor == "now" or request.trial_end is not None
    return bool(request.items or request.add_invoice_items) or restarts or request.changes_discounts


@dataclass(slots=True)
class Work:
    """A change half-way: what becomes of the items and discounts, and what is billed for it."""

    after: SubscriptionFacts
    targets: list[ItemTarget]
    stack: Stack
    prorations: Prorations
    at_once: ImmediateInvoice


def work_out(snapshot: ChangeSnapshot, request: ChangeRequest, as_of: datetime, *, at_boundary: bool = False) -> Work:
    """What the change comes to. `at_boundary`: periods that end here are the caller's to look after."""
    subscription = snapshot.renewal.subscription
    restart = restart_asked_for(request, subscription, as_of)
    at = as_of if restart else request.proration_date or as_of
    if not at_boundary:
        _check_instant(snapshot, at, as_of)
    targets = item_targets(snapshot, request, at)
    after = replace(subscription, items=items_after(subscription, targets))
    for item in after.items:
        line_amount(item.price, item.quantity)  # refuses a quantity or an amount that cannot be billed
    stack = restack(snapshot, request, after.items, as_of)
    work = Work(after, targets, stack, Prorations(snapshot), ImmediateInvoice())
    if restart is not None:
        _restart(work, request, restart, ends_phase=at_boundary)
    else:
        close_usage(work.prorations, targets, at, request.proration_behavior)
        if request.proration_behavior != "none":
            _prorate(work.prorations, targets, after, stack, at)
    for number, extra in enumerate(request.add_invoice_items):
        price = one_time_price(snapshot.prices, extra.price_id, subscription.currency, number)
        work.prorations.add_one_time(price, extra, as_of, stack.extras[number])
    billed_now = request.proration_behavior == "always_invoice" and work.prorations.items
    if restart is not None or billed_now:
        changed = replace(snapshot.renewal, subscription=work.after, discounts=stack.discounts)
        lines = cycle_lines(work.after, restart, snapshot.renewal.customer.locale) if restart else []
        met = meeting_stacks(snapshot.renewal, stack.discounts, as_of) if at_boundary else None
        work.at_once = invoice_at_once(changed, work.prorations.items, "subscription_update", as_of, lines, stack=met)
    return work


def _restart(work: Work, request: ChangeRequest, restart: Restart, *, ends_phase: bool) -> None:
    """Every item begins anew; what was charged for the time from there on is credited, or given up without."""
    before = work.prorations.snapshot.renewal.subscription
    stood = [item.id for item in before.items]
    for item in before.items:
        work.prorations.usage(item, restart.at, ends_phase=ends_phase)
    if request.proration_behavior == "none" or before.status == "trialing":
        work.prorations.close(stood, restart.at)  # of a trial there is nothing to give back
    else:
        work.prorations.credit(stood, restart.at)
    work.after = restarted(work.after, restart, before.items)
    work.targets = restart_targets(before, work.after)


@dataclass(frozen=True, slots=True)
class ImmediateInvoice:
    """What is invoiced at once: at most one invoice, and the discounts that it uses up."""

    invoices: tuple[PlannedInvoice, ...] = ()
    discounts_used: tuple[DiscountUse, ...] = ()


def invoice_at_once(
    snapshot: RenewalSnapshot,
    items: Sequence[PlannedPendingItem],
    billing_reason: str,
    as_of: datetime,
    lines: Sequence[PlannedLine] = (),
    *,
    period: Period | None = None,
    stack: Sequence[DiscountFacts] | None = None,
) -> ImmediateInvoice:
    """An invoice of `lines`, of all that is pending and of the plan's own items, finalized at once.

    None when it were empty. One of a `period` that is over waits for the merchant's grace, as renewals do.

    A held credit is left pending. An unpaid subscription's invoice stays a draft, as all of its do.
    """
    subscription = snapshot.subscription
    pending = [*snapshot.pending_items, *(item.facts for item in items if not item.facts.held_for_invoice_id)]
    if not pending and not lines:
        return ImmediateInvoice()
    draft = draft_invoice(
        frame_of(snapshot),
        [*lines, *(pending_line(item, subscription.default_tax_rate_ids) for item in pending)],
        active_discounts(snapshot.discounts, snapshot.customer_discounts, as_of) if stack is None else stack,
        billing_reason=billing_reason,
        period=period or Period(as_of, as_of),
        as_of=as_of,
        finalize_now=period is None,
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


def close_usage(prorations: Prorations, targets: Sequence[ItemTarget], at: datetime, behavior: str) -> None:
    """Usage of an item that goes, or that gets another interval, is billed; without prorations what goes is given up.

    After any other change of price it waits for its period's invoice.
    """
    for old, new in ((target.old, target.new) for target in targets):
        if old is None or (new is not None and new.price.interval == old.price.interval):
            continue
        if new is None and behavior == "none":
            prorations.give_up(old, at)
        else:
            prorations.usage(old, at, goes=new is None)


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
    discounts = whole_discounts(after.items, active_discounts(stack.given_by(at), customers, at))
    for target in targets:
        if target.costs_the_same:
            continue
        if target.old is not None:
            prorations.credit([target.old.id], at)
        if target.new is not None and target.new.price.usage_type == "licensed":
            prorations.debit(target.new, at, discounts[target.new.id])


def _relabelling(
    before: SubscriptionFacts, after: SubscriptionFacts, attributes: dict[str, object], as_of: datetime
) -> ChangePlan:
    """A change of attributes alone."""
    previous = previous_values(before, attributes) | _said_before(before, after)
    return ChangePlan(
        subscription_id=before.id,
        merchant_id=before.merchant_id,
        customer_id=before.customer_id,
        version=before.version,
        as_of=as_of,
        state=state_of(after),
        attributes=attributes,
        events=(PlannedEvent("customer.subscription.updated", "subscription", before.id, previous),),
    )


def plan_of(before: SubscriptionFacts, work: Work, attributes: dict[str, object], as_of: datetime) -> ChangePlan:
    return replace(
        items_plan(
            before,
            work.after,
            work.targets,
            work.prorations,
            work.at_once,
            _events(before, work, attributes),
            as_of,
        ),
        attributes=_with_new_cycle(before, work, attributes),
        discounts_added=work.stack.added,
        discounts_moved=work.stack.moved,
        discounts_removed=work.stack.removed,
    )


def items_plan(
    before: SubscriptionFacts,
    after: SubscriptionFacts,
    targets: Sequence[ItemTarget],
    prorations: Prorations,
    at_once: ImmediateInvoice,
    events: tuple[PlannedEvent, ...],
    as_of: datetime,
) -> ChangePlan:
    """The rows of changed items and of what is billed for them."""
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
        invoices=at_once.invoices,
        discounts_used=at_once.discounts_used,
        events=events,
    )


def _with_new_cycle(before: SubscriptionFacts, work: Work, attributes: dict[str, object]) -> dict[str, object]:
    """Whoever moves the anchor drops the rule that it came from."""
    if work.after.billing_cycle_anchor == before.billing_cycle_anchor:
        return attributes
    return attributes | {"billing_cycle_anchor_config": None}


def _update(item: ItemFacts) -> ItemUpdate:
    return ItemUpdate(
        item.id,
        item.price.id,
        item.quantity,
        item.current_period_start,
        item.current_period_end,
        item.sequence,
        item.prices_left,
        item.tax_rate_ids,
    )


def _new_item(item: ItemFacts) -> NewItem:
    return NewItem(item.price.id, item.quantity, item.current_period_start, item.current_period_end, item.tax_rate_ids)


def _events(before: SubscriptionFacts, work: Work, attributes: dict[str, object]) -> tuple[PlannedEvent, ...]:
    after = work.after
    previous = previous_values(before, attributes) | _said_before(before, after) | _cycle_before(before, after)
    if work.targets:
        previous["items"] = [
            {"id": item.id, "price": item.price.id, "quantity": item.quantity} for item in before.items
        ]
    if work.stack.is_changed:
        previous["discounts"] = [*work.stack.removed, *(move.discount_id for move in work.stack.moved)]
    events = [PlannedEvent("customer.subscription.updated", "subscription", before.id, previous)]
    events += trial_notice(before, after)
    return (*events, *created_events(work.prorations.items, work.at_once), *work.prorations.discarded())


def _said_before(before: SubscriptionFacts, after: SubscriptionFacts) -> dict[str, object]:
    """The pause in collection and the reasons to leave, as they were."""
    told = _pause_before(before, after)
    for name in ("feedback", "comment"):
        was = getattr(before, f"cancellation_{name}")
        if was != getattr(after, f"cancellation_{name}"):
            details = told.setdefault("cancellation_details", {})
            assert isinstance(details, dict)
            details[name] = was or None
    return told


def _pause_before(before: SubscriptionFacts, after: SubscriptionFacts) -> dict[str, object]:
    if (before.pause_behavior, before.pause_resumes_at) == (after.pause_behavior, after.pause_resumes_at):
        return {}
    if not before.pause_behavior:
        return {"pause_collection": None}
    return {"pause_collection": {"behavior": before.pause_behavior, "resumes_at": epoch(before.pause_resumes_at)}}


def change_events(before: SubscriptionFacts, after: SubscriptionFacts) -> tuple[PlannedEvent, ...]:
    """customer.subscription.updated for a change of status and cycle."""
    previous = _cycle_before(before, after)
    return (PlannedEvent("customer.subscription.updated", "subscription", before.id, previous),)


def _cycle_before(before: SubscriptionFacts, after: SubscriptionFacts) -> dict[str, object]:
    previous: dict[str, object] = {"status": before.status} if before.status != after.status else {}
    for name in ("billing_cycle_anchor", "trial_start", "trial_end", "cancel_at"):
        if getattr(before, name) != getattr(after, name):
            previous[name] = epoch(getattr(before, name))
    return previous


def created_events(items: Sequence[PlannedPendingItem], at_once: ImmediateInvoice) -> tuple[PlannedEvent, ...]:
    """That the plan's pending items and its invoice came to be."""
    told = [PlannedEvent("invoiceitem.created", "invoiceitem", item.facts.id) for item in items]
    told += [PlannedEvent("invoice.created", "invoice", new_ref(n)) for n in range(len(at_once.invoices))]
    return tuple(told)
