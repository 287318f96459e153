"""What a dry run counts: pure, and JSON between its steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.types import RefusedPlan, RenewalPlan

# A reason names so many of the objects it met; the count is of all.
EXAMPLES = 5
# Reasons differ by code and message; a merchant with more has one cause behind them all.
REASONS = 50


@dataclass(slots=True)
class Tally:
    """Subscriptions planned so far, invoices and their totals (minor units) by currency, refusals by reason.

    `billed` {currency: [invoices, total]}; `not_billed` counts invoices voided or written off at once because
    collection is paused; `refusals` [{code, message, params, count, examples}].
    """

    subscriptions: int = 0
    not_billed: int = 0
    refused: int = 0
    billed: dict[str, list[int]] = field(default_factory=dict)
    refusals: list[dict[str, Any]] = field(default_factory=list)

    def add(self, plan: RenewalPlan | RefusedPlan) -> None:
        """One more subscription, planned or refused."""
        self.subscriptions += 1
        if isinstance(plan, RefusedPlan):
            self._refuse(plan)
            return
        for invoice in plan.invoices:
            if invoice.outcome:
                self.not_billed += 1
                continue
            of_currency = self.billed.setdefault(invoice.currency, [0, 0])
            of_currency[0] += 1
            of_currency[1] += invoice.totals.total

    @property
    def invoices(self) -> int:
        return sum(count for count, _ in self.billed.values())

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Tally:
        return cls(**stored)

    def _refuse(self, plan: RefusedPlan) -> None:
        self.refused += 1
        params = {name: str(value) for name, value in plan.params.items()}
        reason = next((known for known in self.refusals if known["code"] == plan.code), None)
        if reason is None:
            if len(self.refusals) >= REASONS:
                return
            reason = {"code": plan.code, "message": plan.message_id, "params": params, "count": 0, "examples": []}
            self.refusals.append(reason)
        reason["count"] += 1
        if len(reason["examples"]) < EXAMPLES:
            reason["examples"].append(plan.object_id)


def spent_by(plan: RenewalPlan) -> Iterable[str]:
    """Pending items and discounts that the plan uses up: what the same customer's next subscription does not find."""
    for use in plan.discounts_used:
        yield use.discount_id
    for invoice in plan.invoices:
        for line in invoice.lines:
            if line.invoice_item_id:
                yield line.invoice_item_id
