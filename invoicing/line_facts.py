"""What pages and papers ask a line, beside its columns."""

from collections.abc import Mapping
from typing import Any


class LineFacts:
    """Mixed into `InvoiceLine`."""

    proration: bool
    billed_period_id: str
    credited_billed_period_id: str
    invoice_item_id: str
    explanation: Mapping[str, Any]

    @property
    def is_one_off(self) -> bool:
        """Whether an invoice item is behind it that may be priced anew: no share of a period, no usage."""
        bound = self.proration or self.billed_period_id or self.credited_billed_period_id
        return bool(self.invoice_item_id) and not bound

    @property
    def counts_money(self) -> bool:
        """Whether the quantity is an amount, in minor units, of which a percentage is taken."""
        return "percentage" in self.explanation
