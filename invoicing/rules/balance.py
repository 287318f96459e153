"""What the customer's balance does to an invoice (SEMANTICS, Invoices). Negative balance is credit, as in Stripe."""

from __future__ import annotations

from dataclasses import dataclass

from invoicing.types import PlannedBalanceTransaction


@dataclass(frozen=True, slots=True)
class Settlement:
    """amount_due = total - balance_applied, never below 0; the balance moves by exactly `balance_applied`."""

    starting_balance: int
    balance_applied: int
    amount_due: int
    transactions: tuple[PlannedBalanceTransaction, ...]

    @property
    def ending_balance(self) -> int:
        return self.starting_balance + self.balance_applied


def apply_balance(total: int, balance: int, minimum_charge: int = 0) -> Settlement:
    """How an invoice of `total` is settled with the balance, before anything is collected.

    Credit is spent up to the total; what the customer owes (a positive balance) is collected with it; a negative
    total goes to the balance whole. What is then due but below `minimum_charge` cannot be charged: it goes to the
    balance too and nothing is due.
    """
    transactions: list[PlannedBalanceTransaction] = []

    def move(kind: str, amount: int) -> None:
        nonlocal balance
        if amount:
            balance += amount
            transactions.append(PlannedBalanceTransaction(kind, amount, balance))

    starting = balance
    if total < 0:
        # Not "applied": nothing of the balance is spent, and this may take it through zero.
        move("invoice_too_small", total)
        return Settlement(starting, total, 0, tuple(transactions))
    move("applied_to_invoice", min(total, -balance) if balance < 0 else -balance)
    due = total - (balance - starting)
    if 0 < due < minimum_charge:
        move("invoice_too_small", due)
        due = 0
    return Settlement(starting, balance - starting, due, tuple(transactions))
