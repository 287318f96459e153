"""What must hold of a plan before any of it is written. A plan that fails is a defect of ours, never a user's fault.

Lines sum to totals; a debit is what its line charges; billed periods neither overlap nor repeat; one currency;
nothing without bounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from engine.rules.drafting import MAX_LINES
from engine.types import ChangePlan, FinalizationPlan, RenewalPlan, SubscribePlan
from invoicing.rules.totals import invoice_totals
from invoicing.types import PlannedInvoice, PlannedLine
from subscriptions.types import TERMINAL_STATUSES, DebitClosing, DebitFacts, PlannedDebit

MAX_INVOICES = 250


class PlanDoesNotAddUp(Exception):
    """A plan that must not be written, and what is wrong with it."""


def check_plan(
    plan: RenewalPlan | SubscribePlan | ChangePlan | FinalizationPlan, standing: Sequence[DebitFacts] = ()
) -> None:
    """Raises `PlanDoesNotAddUp`. `standing` are the debits already written, when they were loaded."""
    if isinstance(plan, FinalizationPlan):
        _check_finalization(plan)
        return
    if len(plan.invoices) > MAX_INVOICES:
        raise PlanDoesNotAddUp(f"{len(plan.invoices)} invoices at once")
    for invoice in plan.invoices:
        _check_invoice(invoice)
    closings = plan.debit_closings if isinstance(plan, ChangePlan) else ()
    _check_periods(_debits(plan), _still_standing(standing, closings))
    if isinstance(plan, ChangePlan):
        _check_closings(closings)
    if isinstance(plan, RenewalPlan):
        _check_advances(plan)
    ended = plan.state.status in TERMINAL_STATUSES
    if ended and plan.state.next_action_at is not None:
        raise PlanDoesNotAddUp("a subscription that has ended waits for nothing")


def _check_invoice(invoice: PlannedInvoice) -> None:
    if not 1 <= len(invoice.lines) <= MAX_LINES:
        raise PlanDoesNotAddUp(f"an invoice of {len(invoice.lines)} lines")
    if invoice_totals(invoice.lines) != invoice.totals:
        raise PlanDoesNotAddUp(f"the lines make {invoice_totals(invoice.lines)}, not {invoice.totals}")
    if invoice.period_end < invoice.period_start:
        raise PlanDoesNotAddUp("an invoice's period ends before it begins")
    for line in invoice.lines:
        _check_line(line, invoice)


def _check_line(line: PlannedLine, invoice: PlannedInvoice) -> None:
    if line.currency != invoice.currency:
        raise PlanDoesNotAddUp(f"a line in {line.currency} on an invoice in {invoice.currency}")
    if not line.taxes_are_given:
        inclusive = sum(tax.amount for tax in line.taxes if tax.inclusive)
        net = line.taxed_amount - line.backed_out - inclusive
        if any(tax.taxable_amount != net for tax in line.taxes):
            raise PlanDoesNotAddUp(f"“{line.description}” is taxed on something else than {net}")
    debit = line.debit
    if debit is None:
        return
    if (debit.gross_amount, debit.amount) != (line.amount, line.net_of_discounts):
        raise PlanDoesNotAddUp(f"“{line.description}” does not charge what its billed period says")
    if (debit.start, debit.end) != (line.period_start, line.period_end):
        raise PlanDoesNotAddUp(f"“{line.description}” is for another period than it bills")


def _debits(plan: RenewalPlan | SubscribePlan | ChangePlan) -> list[PlannedDebit]:
    """Every billed period that the plan writes, on invoices or with pending items."""
    debits = [line.debit for invoice in plan.invoices for line in invoice.lines if line.debit is not None]
    if isinstance(plan, ChangePlan):
        debits += [item.debit for item in plan.pending_items if item.debit is not None]
    return debits


def _check_periods(debits: Iterable[PlannedDebit], standing: Iterable[PlannedDebit]) -> None:
    """No second of an item is billed twice in one plan, nor again what stands already."""
    by_item: dict[tuple[str, str], list[PlannedDebit]] = defaultdict(list)
    for debit in (*debits, *standing):
        if debit.end <= debit.start:
            raise PlanDoesNotAddUp(f"a billed period of {debit.subscription_item_id} is empty")
        by_item[debit.subscription_item_id, debit.kind].append(debit)
    for (item_id, _), billed in by_item.items():
        billed.sort(key=lambda debit: debit.start)
        for earlier, later in pairwise(billed):
            if later.start < earlier.end:
                raise PlanDoesNotAddUp(f"{item_id} is billed twice from {later.start.isoformat()}")


def _still_standing(standing: Iterable[DebitFacts], closings: Iterable[DebitClosing]) -> list[PlannedDebit]:
    """What the debits already written still bill once the plan's credits have closed theirs."""
    closed_at = {closing.billed_period_id: closing.credited_from for closing in closings}
    left = []
    for debit in standing:
        end = closed_at.get(debit.id, debit.credited_from or debit.end)
        if end > debit.start:
            left.append(
                PlannedDebit(
                    subscription_item_id=debit.subscription_item_id,
                    kind=debit.kind,
                    start=debit.start,
                    end=end,
                    sequence=debit.sequence,
                    price_id=debit.price.id,
                    quantity=debit.quantity,
                    currency=debit.price.currency,
                    gross_amount=debit.gross_amount,
                    amount=debit.amount,
                )
            )
    return left


def _check_closings(closings: Sequence[DebitClosing]) -> None:
    ids = [closing.billed_period_id for closing in closings]
    if len(set(ids)) != len(ids):
        raise PlanDoesNotAddUp("a billed period is credited twice")


def _check_advances(plan: RenewalPlan) -> None:
    """An item goes forward, and as far as it was billed."""
    billed_until = {debit.subscription_item_id: debit.end for debit in _debits(plan)}
    for advance in plan.item_advances:
        if advance.current_period_end <= advance.current_period_start:
            raise PlanDoesNotAddUp(f"{advance.item_id} would get an empty period")
        if not advance.metered and billed_until.get(advance.item_id) != advance.current_period_end:
            raise PlanDoesNotAddUp(f"{advance.item_id} would go on to a period that is not billed")


def _check_finalization(plan: FinalizationPlan) -> None:
    if plan.amount_due < 0 or plan.amount_remaining != plan.amount_due:
        raise PlanDoesNotAddUp(f"{plan.invoice_id} would be due {plan.amount_due}")
    if (plan.status == "paid") != (plan.amount_due == 0):
        raise PlanDoesNotAddUp(f"{plan.invoice_id} would be {plan.status} with {plan.amount_due} due")
    moved = sum(transaction.amount for transaction in plan.balance_transactions)
    if moved != plan.balance_applied:
        raise PlanDoesNotAddUp(f"the balance would move by {moved}, not {plan.balance_applied}")
