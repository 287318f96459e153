"""The ids that stand for a plan's "#n"."""

from __future__ import annotations

from dataclasses import dataclass

from subscriptions.types import is_new_ref


@dataclass(frozen=True, slots=True)
class Refs:
    """The ids of the rows that one plan creates, in the plan's order."""

    subscription_id: str = ""
    items: tuple[str, ...] = ()
    discounts: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()

    def subscription(self, reference: str) -> str:
        return self.subscription_id if is_new_ref(reference) else reference

    def item(self, reference: str) -> str:
        return self.items[int(reference[1:])] if is_new_ref(reference) else reference

    def discount(self, reference: str) -> str:
        return self.discounts[int(reference[1:])] if is_new_ref(reference) else reference

    def pending_item(self, reference: str) -> str:
        return self.pending[int(reference[1:])] if is_new_ref(reference) else reference

    def invoice(self, reference: str) -> str:
        return self.invoices[int(reference[1:])] if is_new_ref(reference) else reference

    def of_type(self, object_type: str, reference: str) -> str:
        """By the type's name in an event."""
        resolve = {
            "subscription": self.subscription,
            "invoice": self.invoice,
            "invoiceitem": self.pending_item,
            "discount": self.discount,
        }.get(object_type)
        return resolve(reference) if resolve else reference
