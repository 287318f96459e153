"""All rows of one transaction, gathered plan by plan and written together.

The order of writing is the order of what may fail and of what others wait for: billed periods first (the guard
against billing twice), the number block last but for the rows that carry numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.context import Context
from core.ids import new_secret
from customers.models import Customer
from customers.snapshots import customer_snapshot
from customers.types import BalanceEntry
from customers.writes import append_balance_entries
from engine.descriptors import described
from engine.posting.refs import Refs
from engine.posting.rows import InvoiceRows, draft_rows, pending_item_rows
from engine.selectors import BillingRows
from engine.types import FinalizationPlan, PlannedEvent
from events.copying import Row
from events.types import EventRow
from events.writes import record_events
from invoicing import writes as invoicing
from invoicing.rules.numbering import invoice_number
from invoicing.snapshots import invoice_item_snapshot, invoice_snapshot
from invoicing.types import PlannedInvoice, PlannedPendingItem
from merchants.models import InvoiceNumbering
from payments.types import IntentToPlan
from payments.writes import plan_intents
from subscriptions import writes as subscriptions
from subscriptions.entitlements import ENTITLING_STATUSES
from subscriptions.services.entitlements import tell_entitlements
from subscriptions.snapshots import discount_snapshot, subscription_snapshot
from subscriptions.types import DiscountUse, SubscriptionState


@dataclass(slots=True)
class Batch:
    """Rows to write in one transaction, and the facts to tell about them."""

    ctx: Context
    rows: BillingRows
    off_session: bool = True
    charge: bool = True  # False: intents are planned without a charge (default_incomplete)
    sends: bool = False  # whoever commits this sends its charges at once
    subscriptions: dict[str, Row] = field(default_factory=dict)  # every one touched, by id
    new_subscriptions: list[Row] = field(default_factory=list)
    moved_subscriptions: dict[str, Row] = field(default_factory=dict)
    items: dict[str, list[Row]] = field(default_factory=dict)  # live ones by subscription, as they will be
    relabelled: list[tuple[Row, tuple[str, ...]]] = field(default_factory=list)  # with the columns that changed
    new_items: list[Row] = field(default_factory=list)
    updated_items: list[Row] = field(default_factory=list)
    retaxed_items: dict[str, tuple[str, ...]] = field(default_factory=dict)
    relabelled_items: dict[str, dict[str, str]] = field(default_factory=dict)  # metadata by item
    deleted_items: list[str] = field(default_factory=list)
    advances: list[tuple[str, Any, Any]] = field(default_factory=list)
    new_discounts: list[Row] = field(default_factory=list)
    discounts: dict[str, Row] = field(default_factory=dict)  # given or taken away here, by id
    discount_ids: dict[str, list[str]] = field(default_factory=dict)  # live ones by subscription
    item_discount_ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # live ones by item
    removed_discounts: list[str] = field(default_factory=list)
    moved_discounts: list[tuple[str, int]] = field(default_factory=list)
    discounts_used: list[tuple[str, Any, str]] = field(default_factory=list)
    closings: list[tuple[str, Any, Any]] = field(default_factory=list)
    periods: list[Row] = field(default_factory=list)
    pending: dict[str, Row] = field(default_factory=dict)  # new pending items by id
    pending_debits: dict[str, Row] = field(default_factory=dict)  # the billed periods that these made, by item
    swept: list[tuple[str, str]] = field(default_factory=list)
    swept_debits: list[tuple[str, str, list[dict[str, Any]]]] = field(default_factory=list)
    new_invoices: dict[str, InvoiceRows] = field(default_factory=dict)
    finalize_ids: list[str] = field(default_factory=list)  # new drafts that are finalized at once
    outcomes: dict[str, str] = field(default_factory=dict)  # by new invoice: void, uncollectible
    finalized: dict[str, Row] = field(default_factory=dict)  # by invoice, new ones and drafts that stood
    progressed: dict[str, Row] = field(default_factory=dict)  # finalized before, now moved on (void, stopped)
    intents: list[IntentToPlan] = field(default_factory=list)
    charge_ids: list[str] = field(default_factory=list)  # planned by writing it
    balance_entries: list[BalanceEntry] = field(default_factory=list)
    events: list[tuple[PlannedEvent, str, Row | None]] = field(default_factory=list)
    regraded: set[str] = field(default_factory=set)  # subscriptions that begin or cease to entitle
    bodies: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)  # by object and version

    # --- gathering -----------------------------------------------------------------------------------------------

    def touch(self, subscription: Row, items: Iterable[Row]) -> None:
        """A subscription that this transaction holds, with its live items."""
        self.subscriptions[subscription.id] = subscription
        self.items[subscription.id] = list(items)
        self.discount_ids[subscription.id] = []
        for given in self.rows.subscription_discounts.get(subscription.id, ()):
            if given.subscription_item_id:
                self.item_discount_ids[given.subscription_item_id].append(given.id)
            else:
                self.discount_ids[subscription.id].append(given.id)

    def take_discounts(self, subscription_id: str, removed: Iterable[str]) -> None:
        """Discounts of the subscription and of its items that end here."""
        gone = set(removed)
        self.removed_discounts.extend(gone)
        of_items = [self.item_discount_ids[item.id] for item in self.items[subscription_id]]
        for live in (self.discount_ids[subscription_id], *of_items):
            live[:] = [given for given in live if given not in gone]

    def move(self, subscription_id: str, state: SubscriptionState) -> Row:
        """Give the subscription its planned state; its version is bumped once in a transaction."""
        row = self.subscriptions[subscription_id]
        if (row.status in ENTITLING_STATUSES) != (state.status in ENTITLING_STATUSES):
            self.regraded.add(subscription_id)
        for name in SubscriptionState.__slots__:
            row[name] = getattr(state, name)
        self.bump(row)
        return row

    def bump(self, row: Row) -> None:
        if row.id not in self.moved_subscriptions:
            self.moved_subscriptions[row.id] = row
            if not any(new.id == row.id for new in self.new_subscriptions):
                row["version"] += 1

    def add_invoice(self, planned: PlannedInvoice, invoice_id: str, refs: Refs) -> InvoiceRows:
        """A draft with all that hangs on it; what it swept is spent for the rest of the transaction."""
        drafted = draft_rows(self.ctx, planned, invoice_id, refs)
        self.new_invoices[invoice_id] = drafted
        customer = self.rows.customers[planned.customer_id]
        drafted.invoice["custom_fields"] = customer.invoice_custom_fields
        drafted.invoice["footer"] = customer.invoice_footer
        if planned.finalize_now:
            self.finalize_ids.append(invoice_id)
        if planned.outcome:
            self.outcomes[invoice_id] = planned.outcome
        self.periods.extend(drafted.periods)
        for item_id in drafted.swept:
            self.rows.spent.add(item_id)
            if item_id in self.pending:
                self.pending[item_id]["invoice_id"] = invoice_id
            else:
                self.swept.append((item_id, invoice_id))
        self._give_new_debits(drafted)
        self.swept_debits.extend(drafted.swept_debits)
        if drafted.invoice.subscription_id:
            subscription = self.subscriptions[drafted.invoice.subscription_id]
            subscription["latest_invoice_id"] = invoice_id
        return drafted

    def _give_new_debits(self, drafted: InvoiceRows) -> None:
        """A debit made by a pending item of this very plan goes onto the invoice with it."""
        if not self.pending_debits:
            return
        for line in drafted.lines:
            period = self.pending_debits.get(line.invoice_item_id)
            if period is None:
                continue
            line["billed_period_id"] = period.id
            period["invoice_id"] = drafted.invoice.id
            period["taxes"] = [_kept_tax(tax) for tax in drafted.taxes_by_line.get(line.id, ())]

    def add_pending(
        self, planned: Sequence[PlannedPendingItem], merchant_id: str, customer_id: str, refs: Refs
    ) -> None:
        for item_id, item in zip(refs.pending, planned, strict=True):
            row, period = pending_item_rows(self.ctx, item, item_id, merchant_id, customer_id, refs)
            self.pending[item_id] = row
            if period is not None:
                self.periods.append(period)
                self.pending_debits[item_id] = period

    def use_discounts(self, uses: Sequence[DiscountUse], refs: Refs) -> None:
        for use in uses:
            discount_id = refs.discount(use.discount_id)
            self.rows.spent.add(discount_id)
            self.discounts_used.append((discount_id, use.consumed_at, refs.invoices[use.invoice]))

    def add_finalization(self, plan: FinalizationPlan, invoice: Row) -> None:
        """Make a draft open or paid: the number comes when the batch is written."""
        is_new = invoice.id in self.new_invoices
        self.finalized[invoice.id] = invoice
        invoice.update(
            status=plan.status,
            finalized_at=plan.finalized_at,
            starting_balance=plan.starting_balance,
            balance_applied=plan.balance_applied,
            amount_due=plan.amount_due,
            amount_remaining=plan.amount_remaining,
            due_date=plan.due_date,
            next_payment_attempt=plan.next_payment_attempt,
            next_action_at=plan.next_action_at,
            automatically_finalizes_at=None,
            paid_at=plan.paid_at,
            seller_snapshot=dict(plan.seller_snapshot),
            customer_snapshot=dict(plan.customer_snapshot),
            hosted_token=new_secret(),
            version=invoice.version + (0 if is_new else 1),
        )
        for entry in plan.balance_transactions:
            self.balance_entries.append(
                BalanceEntry(plan.customer_id, entry.amount, invoice.currency, entry.type, invoice_id=invoice.id)
            )
            self.rows.customers[plan.customer_id]["balance"] = entry.ending_balance
        if plan.amount_remaining > 0 and invoice.id not in self.outcomes:
            intent = self._intent(plan, invoice)
            self.intents.append(intent)
            if intent.sent and intent.payment_method_id:
                invoice["next_action_at"] = None  # under way: settling says when to look again
        self.tell(plan.events, Refs())

    def _intent(self, plan: FinalizationPlan, invoice: Row) -> IntentToPlan:
        merchant = self.rows.merchants[invoice.merchant_id]
        # What does not advance by itself waits, open, for somebody who pays it.
        charged = self.charge and invoice.collection_method == "charge_automatically" and invoice.auto_advance
        return IntentToPlan(
            merchant_id=invoice.merchant_id,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            amount=plan.amount_remaining,
            currency=invoice.currency,
            gateway=merchant.gateway,
            payment_method_id=plan.payment_method_id if charged else "",
            test_clock_id=invoice.test_clock_id,
            statement_descriptor=invoice.statement_descriptor,
            off_session=self.off_session,
            keep_body=merchant.keep_event_bodies,
            sent=self.sends,
        )

    def tell(self, events: Iterable[PlannedEvent], refs: Refs) -> None:
        for event in events:
            self.events.append((event, refs.of_type(event.object_type, event.object_ref), None))

    def tell_of(self, type_: str, object_type: str, row: Row, previous: Mapping[str, Any] | None = None) -> None:
        """A fact about a row that no plan names."""
        self.events.append((PlannedEvent(type_, object_type, row.id, previous), row.id, row))

    # --- writing ---------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Write everything. Raises `events.copying.DATABASE_ERRORS`, `NoNumberSeries`."""
        self._write_agreements()
        self._write_paper()
        customers = self._write_balances()
        self._plan_payments()
        self._give_numbers()
        invoicing.insert_invoices([drafted.invoice for drafted in self.new_invoices.values()])
        invoicing.update_finalized([row for row in self.finalized.values() if row.id not in self.new_invoices])
        invoicing.update_progress(list(self.progressed.values()))
        record_events(self.ctx, [self._event_row(*event, customers) for event in self.events])

    def _write_agreements(self) -> None:
        subscriptions.insert_subscriptions(self.new_subscriptions)
        subscriptions.insert_items(self.new_items)
        subscriptions.insert_discounts(self.new_discounts)
        subscriptions.close_debits(self.closings)
        subscriptions.insert_billed_periods(self.periods)
        new = {row.id for row in self.new_subscriptions}
        subscriptions.update_states([row for row in self.moved_subscriptions.values() if row.id not in new])
        for row, columns in self.relabelled:
            subscriptions.update_attributes(row, columns)
        subscriptions.update_items(self.updated_items)
        subscriptions.retax_items(self.retaxed_items)
        subscriptions.relabel_items(self.relabelled_items)
        subscriptions.delete_items(self.deleted_items, self.ctx.as_of)
        subscriptions.advance_periods(self.advances)
        subscriptions.remove_discounts(self.removed_discounts, self.ctx.as_of)
        subscriptions.move_discounts(self.moved_discounts)
        subscriptions.consume_discounts(self.discounts_used)
        subscriptions.give_debits_to_invoice(self.swept_debits)
        self._tell_entitlements()

    def _tell_entitlements(self) -> None:
        """Only where something may have changed: a renewal that just renews asks nothing."""
        changed = self.new_items or self.updated_items or self.deleted_items
        rows = self.subscriptions.values() if changed else [self.subscriptions[one] for one in self.regraded]
        tell_entitlements(self.ctx, [(row.merchant_id, row.customer_id) for row in rows])

    def _write_paper(self) -> None:
        drafted = list(self.new_invoices.values())
        invoicing.insert_lines(
            [line for rows in drafted for line in rows.lines], [tax for rows in drafted for tax in rows.taxes]
        )
        invoicing.insert_invoice_items(list(self.pending.values()))
        invoicing.put_items_on_invoice(self.swept)

    def _write_balances(self) -> dict[str, Customer]:
        if not self.balance_entries:
            return {}
        # The rows are locked already; only those whose balance moves are read as models.
        customers = Customer.objects.in_bulk({entry.customer_id for entry in self.balance_entries})
        append_balance_entries(ctx=self.ctx, customers=customers, entries=self.balance_entries)
        return customers

    def _plan_payments(self) -> None:
        self.intents = described(self.intents, self.rows.merchants)
        for planned in plan_intents(self.ctx, self.intents):
            self.finalized[planned.invoice_id]["payment_intent_id"] = planned.payment_intent_id
            if planned.charge_id:
                self.charge_ids.append(planned.charge_id)

    def _give_numbers(self) -> None:
        rows = self.finalized.values()
        per_customer = {row.customer_id for row in rows if self._numbers_customers(row.merchant_id)}
        owners = {row.customer_id: (row.merchant_id, row.billing_entity_id) for row in rows}
        series = {row.id: row.customer_id if row.customer_id in per_customer else row.billing_entity_id for row in rows}
        counts = Counter(series.values())
        own = {owner: count for owner, count in counts.items() if owner in per_customer}
        blocks = invoicing.take_customer_numbers(self.ctx, own, {owner: owners[owner] for owner in own})
        blocks |= invoicing.take_numbers({owner: count for owner, count in counts.items() if owner not in own})
        used: Counter[str] = Counter()
        for row in rows:
            owner = series[row.id]
            block = blocks[owner]
            value = block.first + used[owner]
            used[owner] += 1
            row.update(
                number_series_id=block.series_id,
                number_value=value,
                number=invoice_number(block.prefix, value, block.padding),
            )

    def _numbers_customers(self, merchant_id: str) -> bool:
        return bool(self.rows.merchants[merchant_id].invoice_numbering == InvoiceNumbering.CUSTOMER)

    def _event_row(
        self, event: PlannedEvent, object_id: str, row: Row | None, customers: Mapping[str, Customer]
    ) -> EventRow:
        row = row or self._row_of(event.object_type, object_id, customers)
        kind = event.object_type
        return EventRow(
            merchant_id=row.merchant_id,
            type=event.type,
            object_type=kind,
            object_id=object_id,
            # A discount is given and taken away, never changed: it has no version of its own.
            object_version=row.version if kind != "discount" else 1 + event.type.endswith(".deleted"),
            customer_id=object_id if kind == "customer" else row.customer_id,
            body=self._body_once(kind, row) if self.rows.keeps_bodies(row.merchant_id) else None,
            previous_attributes=dict(event.previous_attributes) if event.previous_attributes else None,
            test_clock_id=self._clock_of(row),
        )

    def _row_of(self, object_type: str, object_id: str, customers: Mapping[str, Customer]) -> Any:
        if object_type == "subscription":
            return self.subscriptions[object_id]
        if object_type == "invoice":
            drafted = self.new_invoices.get(object_id)
            return drafted.invoice if drafted else self.finalized.get(object_id) or self.progressed[object_id]
        if object_type == "invoiceitem":
            return self.pending[object_id]
        if object_type == "discount":
            return self.discounts[object_id]
        return customers.get(object_id) or self.rows.customers[object_id]

    def _clock_of(self, row: Any) -> str | None:
        # Items and discounts live in their customer's time.
        clock: str | None = getattr(row, "test_clock_id", None) or self.rows.customers[_owner(row)].test_clock_id
        return clock

    def _body_once(self, object_type: str, row: Any) -> dict[str, Any]:
        key = (row.id, getattr(row, "version", 1))
        if key not in self.bodies:
            self.bodies[key] = self._body(object_type, row)
        return self.bodies[key]

    def _body(self, object_type: str, row: Any) -> dict[str, Any]:
        if object_type == "subscription":
            return subscription_snapshot(
                row, self.items.get(row.id, ()), self.discount_ids.get(row.id, ()), self.item_discount_ids
            )
        if object_type == "invoice":
            drafted = self.new_invoices.get(row.id)
            if drafted is None:
                return invoice_snapshot(row)
            return invoice_snapshot(row, drafted.lines, drafted.taxes_by_line)
        tellers: dict[str, Any] = {"invoiceitem": invoice_item_snapshot, "discount": discount_snapshot}
        body: dict[str, Any] = tellers.get(object_type, customer_snapshot)(row)
        return body


def _owner(row: Any) -> str:
    return str(getattr(row, "customer_id", row.id))


def _kept_tax(tax: Row) -> dict[str, Any]:
    return {
        "tax_rate": tax.tax_rate_id,
        "display_name": tax.display_name,
        "percentage": str(tax.percentage),
        "inclusive": tax.inclusive,
        "taxable_amount": tax.taxable_amount,
        "amount": tax.amount,
        "taxability_reason": tax.taxability_reason,
    }
