"""What stands behind invoices whose payment failed: the last attempt, its method, and what dunning decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from customers.models import PaymentMethod
from dunning.models import RecoveryCase
from notifications.payments import charges_by_invoice, methods_of_try
from notifications.rules import Attempt
from notifications.types import Facts
from payments.models import Charge
from payments.selectors import methods_by_id


@dataclass(frozen=True, slots=True)
class Failures:
    """By invoice: its last charge, its last recovery case, and the methods that were charged."""

    charges: dict[str, Charge] = field(default_factory=dict)
    cases: dict[str, RecoveryCase] = field(default_factory=dict)
    methods: dict[str, PaymentMethod] = field(default_factory=dict)
    tries: dict[str, list[PaymentMethod]] = field(default_factory=dict)  # what the last try was made on, in order

    def attempt(self, invoice_id: str, told_at: datetime) -> Attempt | None:
        charge = self.charges.get(invoice_id)
        if charge is None:
            return None
        return Attempt(charge.off_session, charge.decline_code, told_at - charge.created)

    def facts(self, invoice_id: str) -> Facts:
        charge = self.charges.get(invoice_id)
        found = {
            "charge": charge,
            "case": self.cases.get(invoice_id),
            "method": self.methods.get(charge.payment_method_id) if charge else None,
            "tried": self.tries.get(invoice_id),
        }
        return {name: row for name, row in found.items() if row is not None}


def failures_of(invoice_ids: Iterable[str]) -> Failures:
    """Three queries, whatever the number of invoices."""
    ids = set(invoice_ids)
    charges = list(Charge.objects.filter(invoice_id__in=ids).order_by("recorded_at", "attempt", "id"))
    by_invoice = charges_by_invoice(charges)
    last = {invoice_id: tried[-1] for invoice_id, tried in by_invoice.items()}
    methods = methods_by_id(charge.payment_method_id for charge in charges)
    cases = RecoveryCase.objects.filter(invoice_id__in=ids).select_related("policy").order_by("created", "id")
    return Failures(
        charges=last,
        cases={case.invoice_id: case for case in cases},
        methods=methods,
        tries={
            invoice_id: methods_of_try(charge, by_invoice[invoice_id], methods) for invoice_id, charge in last.items()
        },
    )
