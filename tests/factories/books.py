"""A subscription's life in memory: plans are put into books as the writer puts them into the database."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.rules.cancel import plan_cancel, plan_schedule_cancel, plan_undo_cancel
from engine.rules.change import plan_change
from engine.rules.checks import check_plan
from engine.rules.pausing import plan_pause, plan_resume
from engine.rules.previews import changed
from engine.rules.renewal import plan_renewal
from engine.types import (
    CancelRequest,
    ChangePlan,
    ChangeRequest,
    ChangeSnapshot,
    ItemChange,
    RefusedPlan,
    RenewalPlan,
    RenewalSnapshot,
    ResumeRequest,
    ScheduleCancelRequest,
)
from invoicing.types import PlannedInvoice, PlannedPendingItem
from subscriptions.types import DebitFacts, PlannedDebit, PriceFacts, SubscriptionState


@dataclass
class Books:
    """One subscription with its debits and every invoice it ever made."""

    snapshot: RenewalSnapshot
    debits: list[DebitFacts] = field(default_factory=list)
    invoices: list[PlannedInvoice] = field(default_factory=list)
    prices: dict[str, PriceFacts] = field(default_factory=dict)
    coupons: dict = field(default_factory=dict)
    made: int = 0

    @property
    def total(self) -> int:
        return sum(invoice.totals.total for invoice in self.invoices)

    @property
    def standing(self) -> tuple[DebitFacts, ...]:
        return tuple(debit for debit in self.debits if debit.credited_from != debit.start)

    def renew(self, as_of: datetime) -> RenewalPlan:
        """Bill all that is due."""
        plan = plan_renewal(self.snapshot, as_of)
        assert not isinstance(plan, RefusedPlan), plan
        check_plan(plan, self.standing)
        advances = {advance.item_id: advance for advance in plan.item_advances}
        items = tuple(
            replace(
                item,
                current_period_start=advances[item.id].current_period_start,
                current_period_end=advances[item.id].current_period_end,
            )
            if item.id in advances
            else item
            for item in self.snapshot.subscription.items
        )
        subscription = _with_state(replace(self.snapshot.subscription, items=items), plan.state)
        used = {use.discount_id for use in plan.discounts_used}
        self.snapshot = replace(
            self.snapshot,
            subscription=subscription,
            discounts=tuple(given for given in self.snapshot.discounts if given.id not in used),
            pending_items=() if plan.invoices else self.snapshot.pending_items,
        )
        self._post(plan.invoices, ())
        return plan

    def change(self, as_of: datetime, *items: ItemChange, **fields) -> ChangePlan:
        request = ChangeRequest("acct_1", "sub_1", items, **fields)
        return self._write(plan_change(self._changing(as_of), request, as_of))

    def cancel(self, as_of: datetime, **fields) -> ChangePlan:
        return self._write(plan_cancel(self._changing(as_of), CancelRequest("acct_1", "sub_1", **fields), as_of))

    def schedule_cancel(self, as_of: datetime, **fields) -> ChangePlan:
        request = ScheduleCancelRequest("acct_1", "sub_1", **fields)
        return self._write(plan_schedule_cancel(self._changing(as_of), request, as_of))

    def undo_cancel(self, as_of: datetime) -> ChangePlan:
        return self._write(plan_undo_cancel(self._changing(as_of), as_of))

    def pause(self, as_of: datetime, *, prorate: bool = False, invoice_now: bool = False) -> ChangePlan:
        return self._write(plan_pause(self._changing(as_of), as_of, prorate=prorate, invoice_now=invoice_now))

    def resume(self, as_of: datetime, **fields) -> ChangePlan:
        request = ResumeRequest("acct_1", "sub_1", **fields)
        return self._write(plan_resume(self._changing(as_of), request, as_of))

    def _changing(self, as_of: datetime) -> ChangeSnapshot:
        live = tuple(
            debit
            for debit in self.debits
            if debit.end > as_of and (debit.credited_from is None or debit.credited_from >= as_of)
        )
        now = {debit.id: debit for debit in self.debits}
        live = tuple(replace(debit, share_of=debit.share_of and now[debit.share_of.id]) for debit in live)
        return ChangeSnapshot(self.snapshot, live, self.prices, self.coupons)

    def _write(self, plan: ChangePlan) -> ChangePlan:
        check_plan(plan, self.standing)
        after = changed(ChangeSnapshot(self.snapshot, (), self.prices, self.coupons), plan)
        self.snapshot = replace(
            after,
            subscription=_with_state(after.subscription, plan.state),
            customer=self.snapshot.customer,
        )
        closed = {closing.billed_period_id: closing.credited_from for closing in plan.debit_closings}
        self.debits = [replace(debit, credited_from=closed.get(debit.id, debit.credited_from)) for debit in self.debits]
        made = self._post(plan.invoices, plan.pending_items)
        self.snapshot = replace(
            self.snapshot,
            pending_items=tuple(
                replace(item, id=f"ii_{self.made}_{item.id[1:]}", billed_period_id=made.get(item.id, ""))
                if item.id in made
                else item
                for item in self.snapshot.pending_items
            ),
        )
        return plan

    def _post(self, invoices: tuple[PlannedInvoice, ...], pending: tuple[PlannedPendingItem, ...]) -> dict[str, str]:
        """The invoices and the billed periods that they and the pending items make: the latter by pending item."""
        made = {item.facts.id: "" for item in pending}
        swept = {line.invoice_item_id: line for invoice in invoices for line in invoice.lines}
        for invoice in invoices:
            self.invoices.append(invoice)
            for line in invoice.lines:
                if line.debit is not None:
                    self._bill(line.debit, line.taxes, f"in_{len(self.invoices)}", line.tax_rate_ids)
        for item in pending:
            if item.debit is not None:
                line = swept.get(item.facts.id)
                invoice_id = f"in_{len(self.invoices)}" if line else ""
                self._bill(item.debit, line.taxes if line else (), invoice_id, item.facts.tax_rate_ids)
                made[item.facts.id] = self.debits[-1].id
        self.made += 1
        self._sweep(invoices)
        return made

    def _sweep(self, invoices: tuple[PlannedInvoice, ...]) -> None:
        """Debits that were pending get their invoice and their taxes from the lines that show them."""
        lines = {line.billed_period_id: line for invoice in invoices for line in invoice.lines if line.billed_period_id}
        self.debits = [
            replace(debit, invoice_id=f"in_{len(self.invoices)}", taxes=lines[debit.id].taxes)
            if debit.id in lines
            else debit
            for debit in self.debits
        ]

    def _bill(self, debit: PlannedDebit, taxes, invoice_id: str, tax_rate_ids) -> None:
        price = self.prices.get(debit.price_id) or next(
            item.price for item in self.snapshot.subscription.items if item.price.id == debit.price_id
        )
        self.debits.append(
            DebitFacts(
                id=f"bp_{len(self.debits)}",
                subscription_item_id=debit.subscription_item_id,
                kind=debit.kind,
                start=debit.start,
                end=debit.end,
                sequence=debit.sequence,
                price=price,
                quantity=debit.quantity,
                gross_amount=debit.gross_amount,
                amount=debit.amount,
                taxes=taxes,
                invoice_id=invoice_id,
                invoice_status="paid" if invoice_id else "",
                tax_rate_ids=tax_rate_ids,
                credited_from=debit.credited_from,
                share_of=next((base for base in self.debits if base.id == debit.share_of), None),
            )
        )


def _with_state(subscription, state: SubscriptionState):
    return replace(subscription, **{name: getattr(state, name) for name in SubscriptionState.__slots__})
