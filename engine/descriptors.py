"""What a payment is called on a bank's statement: by the invoice, else its product, else the merchant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalog.models import Product
from events.statements import Statement
from invoicing.models import InvoiceLine
from payments.types import IntentToPlan


def described(intents: Sequence[IntentToPlan], merchants: Mapping[str, Any]) -> list[IntentToPlan]:
    """The intents with their descriptors; one that its invoice brought stays. The invoices' lines are stored.

    One query where no product of these merchants has a descriptor of its own, three otherwise.
    """
    nameless = [intent for intent in intents if not intent.statement_descriptor]
    named = _of_lines(nameless) if nameless else {}
    return [
        intent
        if intent.statement_descriptor
        else replace(
            intent,
            statement_descriptor=named.get(intent.invoice_id) or merchants[intent.merchant_id].statement_descriptor,
        )
        for intent in intents
    ]


def descriptor_of_products(merchant_id: str, product_ids: Iterable[str]) -> str:
    """The first one among these products, in their order; blank when none has one. One query."""
    wanted = list(product_ids)
    found = dict(_own([merchant_id]).filter(id__in=wanted).values_list("id", "statement_descriptor"))
    return next((found[one] for one in wanted if one in found), "")


def _of_lines(intents: Sequence[IntentToPlan]) -> dict[str, str]:
    """By invoice: the descriptor of its first line whose product has one."""
    own = _own({intent.merchant_id for intent in intents})
    if not _any_own.tuples(merchants=[intent.merchant_id for intent in intents]):
        return {}
    invoices = [intent.invoice_id for intent in intents if intent.invoice_id]
    lines = InvoiceLine.objects.filter(invoice_id__in=invoices, product_id__in=own.values("id"))
    first = dict(lines.order_by("invoice_id", "-position").values_list("invoice_id", "product_id"))
    told = dict(own.filter(id__in=set(first.values())).values_list("id", "statement_descriptor"))
    return {invoice_id: told[product_id] for invoice_id, product_id in first.items()}


_any_own = Statement(
    lambda merchants: (
        Product.objects.filter(merchant_id__any=merchants).exclude(statement_descriptor="").values_list("id")[:1]
    )
)


def _own(merchant_ids: Collection[str]) -> Any:
    return Product.objects.filter(merchant_id__in=merchant_ids).exclude(statement_descriptor="")
