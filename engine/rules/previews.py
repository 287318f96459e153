"""What would be billed, shown from the very plans that would be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from engine.rules.change import plan_change
from engine.rules.renewal import plan_renewal
from engine.rules.subscribe import plan_subscribe
from engine.rules.subscribing import prices_sold
from engine.types import (
    BillingSettings,
    ChangePlan,
    ChangePreview,
    ChangeRequest,
    ChangeSnapshot,
    InvoicePreview,
    PreviewLine,
    RefusedPlan,
    RenewalSnapshot,
    SubscribeRequest,
    SubscribeSnapshot,
)
from invoicing.rules.balance import Settlement, apply_balance
from invoicing.types import CustomerFacts, PendingItemFacts, PlannedInvoice, PlannedLine
from subscriptions.rules.next_action import RENEWING_STATUSES, cancel_instant
from subscriptions.types import DebitFacts, DiscountFacts, ItemFacts, PriceFacts, SubscriptionState, new_ref


def preview_invoice(invoice: PlannedInvoice, customer: CustomerFacts, settings: BillingSettings) -> InvoicePreview:
    """A planned invoice as it would be due. `subtotal` is before discounts and exclusive tax; `tax` is all tax."""
    totals = invoice.totals
    return InvoicePreview(
        lines=tuple(_preview_line(line) for line in invoice.lines),
        subtotal=totals.lines_gross,
        discount=totals.total_discount,
        tax=totals.inclusive_tax + totals.exclusive_tax,
        total=totals.total,
        amount_due=_settled(invoice, customer, settings).amount_due,
        currency=invoice.currency,
        period_start=invoice.period_start,
        period_end=invoice.period_end,
        planned=invoice,
    )


def preview_subscribe(snapshot: SubscribeSnapshot, request: SubscribeRequest, as_of: datetime) -> InvoicePreview:
    """The first invoice of the subscription; an empty one when it would make none (a free stub).

    Raises what `plan_subscribe` raises.
    """
    plan = plan_subscribe(snapshot, request, as_of)
    if plan.invoices:
        return preview_invoice(plan.invoices[0], snapshot.customer, snapshot.settings)
    return InvoicePreview((), 0, 0, 0, 0, 0, plan.subscription.currency, as_of, as_of)


def preview_next_invoice(snapshot: RenewalSnapshot) -> tuple[datetime, InvoicePreview] | None:
    """The next invoice that the subscription will make by itself, and when; None when none will come."""
    subscription = snapshot.subscription
    if subscription.status not in RENEWING_STATUSES:
        return None
    period_ends = [item.current_period_end for item in subscription.items]
    ending = cancel_instant(
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancel_at=subscription.cancel_at,
        period_ends=period_ends,
    )
    moment = min([*period_ends, *([ending] if ending else [])])
    plan = plan_renewal(snapshot, moment)
    if isinstance(plan, RefusedPlan) or not plan.invoices:
        return None
    return moment, preview_invoice(plan.invoices[0], snapshot.customer, snapshot.settings)


def preview_change(snapshot: ChangeSnapshot, request: ChangeRequest, as_of: datetime) -> ChangePreview:
    """What the change would prorate, what it would charge at once, and the invoice after it.

    Raises what `plan_change` raises.
    """
    return preview_plan(snapshot, plan_change(snapshot, request, as_of))


def preview_plan(snapshot: ChangeSnapshot, plan: ChangePlan) -> ChangePreview:
    """The same of any plan for a running subscription: a change, a scheduled end, a resumption."""
    customer, settings = snapshot.renewal.customer, snapshot.renewal.settings
    now = plan.invoices[0] if plan.invoices else None
    after = changed(snapshot, plan)
    upcoming = preview_next_invoice(after)
    proration_lines = now.lines if now is not None else _pending_lines(after, plan, upcoming)
    return ChangePreview(
        prorations=tuple(_preview_line(line) for line in proration_lines if line.proration),
        due_now=_settled(now, customer, settings).amount_due if now is not None else 0,
        next_invoice=upcoming[1] if upcoming else None,
        currency=snapshot.renewal.subscription.currency,
        invoice_now=preview_invoice(now, customer, settings) if now is not None else None,
        next_invoice_at=upcoming[0] if upcoming else None,
    )


def changed(snapshot: ChangeSnapshot, plan: ChangePlan) -> RenewalSnapshot:
    """The subscription as the run will find it once the change is written; "#n" stand where ids will be."""
    renewal = snapshot.renewal
    state = plan.state
    subscription = replace(
        renewal.subscription,
        items=_items_after(snapshot, plan),
        **{name: getattr(state, name) for name in SubscriptionState.__slots__},
    )
    customer = renewal.customer
    for invoice in plan.invoices:
        settled = _settled(invoice, customer, renewal.settings)
        customer = replace(customer, balance=settled.ending_balance)
    swept = {line.invoice_item_id for invoice in plan.invoices for line in invoice.lines}
    pending = [*renewal.pending_items, *(item.facts for item in plan.pending_items)]
    used = {use.discount_id for use in plan.discounts_used}
    return replace(
        renewal,
        subscription=subscription,
        customer=customer,
        pending_items=tuple(_waiting(pending, swept)),
        discounts=tuple(discount for discount in _discounts_after(snapshot, plan) if discount.id not in used),
        customer_discounts=tuple(discount for discount in renewal.customer_discounts if discount.id not in used),
    )


def continued(snapshot: ChangeSnapshot, plan: ChangePlan) -> ChangeSnapshot:
    """What the next planner finds once the plan is written: one request may say a change and an end."""
    renewal = changed(snapshot, plan)
    closed = {closing.billed_period_id: closing for closing in plan.debit_closings}
    standing = [
        replace(debit, credited_from=closed[debit.id].credited_from) if debit.id in closed else debit
        for debit in snapshot.debits
        if not (debit.id in closed and closed[debit.id].reversed)
    ]
    prices = {item.price.id: item.price for item in renewal.subscription.items}
    invoiced = {line.invoice_item_id for invoice in plan.invoices for line in invoice.lines}
    made = [
        (line.debit, line.taxes, line.tax_rate_ids, line.discount_amounts)
        for invoice in plan.invoices
        for line in invoice.lines
        if line.debit is not None
    ]
    made += [
        (item.debit, item.facts.taxes or (), item.facts.tax_rate_ids, item.facts.discount_amounts)
        for item in plan.pending_items
        if item.debit is not None and item.facts.id not in invoiced
    ]
    new = [
        DebitFacts(
            id=new_ref(number),
            subscription_item_id=debit.subscription_item_id,
            kind=debit.kind,
            start=debit.start,
            end=debit.end,
            sequence=debit.sequence,
            price=prices[debit.price_id],
            quantity=debit.quantity,
            gross_amount=debit.gross_amount,
            amount=debit.amount,
            taxes=tuple(taxes),
            tax_rate_ids=rates,
            discount_amounts=tuple(taken),
        )
        for number, (debit, taxes, rates, taken) in enumerate(made)
        if debit.price_id in prices
    ]
    return replace(snapshot, renewal=renewal, debits=(*standing, *new))


def _items_after(snapshot: ChangeSnapshot, plan: ChangePlan) -> tuple[ItemFacts, ...]:
    """The live items once the plan is written."""
    current = snapshot.renewal.subscription.items
    currency = snapshot.renewal.subscription.currency
    prices: Mapping[str, PriceFacts] = {item.price.id: item.price for item in current} | {
        price.id: sold for price in snapshot.prices.values() for sold in prices_sold([price], "", currency)
    }
    updates = {update.item_id: update for update in plan.items_updated}
    after: list[ItemFacts] = []
    for item in current:
        update = updates.get(item.id)
        if update is not None:
            after.append(
                ItemFacts(
                    item.id,
                    prices[update.price_id],
                    update.quantity,
                    update.current_period_start,
                    update.current_period_end,
                    update.sequence,
                    update.tax_rate_ids,
                    update.prices_left,
                )
            )
        elif item.id not in plan.items_deleted:
            after.append(item)
    after += [
        ItemFacts(
            new_ref(number),
            prices[new.price_id],
            new.quantity,
            new.current_period_start,
            new.current_period_end,
            tax_rate_ids=new.tax_rate_ids,
        )
        for number, new in enumerate(plan.items_added)
    ]
    return tuple(after)


def _discounts_after(snapshot: ChangeSnapshot, plan: ChangePlan) -> list[DiscountFacts]:
    moved = {move.discount_id: move.position for move in plan.discounts_moved}
    kept = [
        replace(discount, position=moved.get(discount.id, discount.position))
        for discount in snapshot.renewal.discounts
        if discount.id not in plan.discounts_removed
    ]
    coupons = {given.coupon.id: given.coupon for given in snapshot.reusable.values()} | dict(snapshot.coupons)
    added = [
        DiscountFacts(
            new_ref(number),
            coupons[new.coupon_id],
            new.start,
            new.end,
            position=new.position,
            subscription_item_id=new.subscription_item,
        )
        for number, new in enumerate(plan.discounts_added)
        if not new.of_line
    ]
    return kept + added


def _waiting(pending: Iterable[PendingItemFacts], swept: set[str]) -> list[PendingItemFacts]:
    return [item for item in pending if item.id not in swept and not item.held_for_invoice_id]


def _pending_lines(
    after: RenewalSnapshot, plan: ChangePlan, upcoming: tuple[datetime, InvoicePreview] | None
) -> tuple[PlannedLine, ...]:
    """The plan's prorations as lines of the invoice that will carry them: with that invoice's own taxes."""
    if not plan.pending_items:
        return ()
    if upcoming is None:
        return ()
    renewal = plan_renewal(after, upcoming[0])
    assert not isinstance(renewal, RefusedPlan)
    own = {item.facts.id for item in plan.pending_items}
    return tuple(line for line in renewal.invoices[0].lines if line.invoice_item_id in own)


def _settled(invoice: PlannedInvoice, customer: CustomerFacts, settings: BillingSettings) -> Settlement:
    minimum = settings.minimum_charges.get(invoice.currency, 0)
    return apply_balance(invoice.totals.total, customer.balance, minimum)


def _preview_line(line: PlannedLine) -> PreviewLine:
    return PreviewLine(
        description=line.description,
        amount=line.amount,
        discount_amount=line.discount_amount,
        tax=sum(tax.amount for tax in line.taxes),
        quantity=line.quantity,
        period_start=line.period_start,
        period_end=line.period_end,
        proration=line.proration,
    )
