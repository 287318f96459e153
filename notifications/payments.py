"""How invoices were paid, as their receipts say it: each payment, what it was made on, what was declined before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from customers.models import PaymentMethod
from payments.models import Charge, InvoicePayment
from payments.selectors import methods_by_id


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of an invoice. `declined`: those of the same try that were refused before `method` was charged."""

    payment: InvoicePayment
    method: PaymentMethod | None = None
    declined: tuple[PaymentMethod, ...] = ()


def payments_of(invoice_ids: Iterable[str]) -> dict[str, list[Paid]]:
    """By invoice, the oldest first. Three queries, whatever the number of invoices."""
    ids = set(invoice_ids)
    rows = list(InvoicePayment.objects.filter(invoice_id__in=ids).order_by("recorded_at", "id"))
    charged = {row.charge_id for row in rows if row.charge_id}
    of_invoices = Charge.objects.filter(invoice_id__in=ids) if charged else Charge.objects.none()
    charges = list(of_invoices.order_by("attempt", "id"))
    by_invoice = charges_by_invoice(charges)
    by_id = {charge.id: charge for charge in charges}
    methods = methods_by_id(charge.payment_method_id for charge in charges)
    found: dict[str, list[Paid]] = defaultdict(list)
    for row in rows:
        charge = by_id.get(row.charge_id)
        tried = methods_of_try(charge, by_invoice[charge.invoice_id], methods) if charge else []
        found[row.invoice_id].append(Paid(row, tried[-1], tuple(tried[:-1])) if tried else Paid(row))
    return found


def charges_by_invoice(charges: Iterable[Charge]) -> dict[str, list[Charge]]:
    """Each invoice's own, in the order given."""
    found: dict[str, list[Charge]] = defaultdict(list)
    for charge in charges:
        found[charge.invoice_id].append(charge)
    return found


def methods_of_try(last: Charge, charges: Sequence[Charge], methods: dict[str, PaymentMethod]) -> list[PaymentMethod]:
    """What the try that ended with this charge was made on, in order: the default's method, then its backups'.

    `charges` are those of its invoice.
    """
    first = last.backup_of or last.id
    tried = [one for one in charges if first in (one.id, one.backup_of) and one.attempt <= last.attempt]
    return [methods[one.payment_method_id] for one in tried if one.payment_method_id in methods]
