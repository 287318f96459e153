"""Refunds made before a credit note that the note is for: https://docs.stripe.com/api/credit_notes/create `refunds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import OstinatoError, gettext_noop


class RefundNotOfInvoice(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("“%(refund)s” is no refund of a payment of this invoice, or it failed.")


class LinkedMoreThanRefunded(OstinatoError):
    code = "amount_too_large"
    amounts = ("amount", "left")
    message_id = gettext_noop("%(amount)s of the refund would be on the credit note; %(left)s of it are on none yet.")


@dataclass(frozen=True, slots=True)
class LinkedRefund:
    """A refund, and how much of it the credit note is for (None: all that is on no other). `param` names it."""

    refund_id: str
    amount: int | None = None
    param: str = "refunds"


def linked_parts(left: Mapping[str, int], asked: Sequence[LinkedRefund]) -> tuple[tuple[str, int], ...]:
    """(refund id, part) of the refunds named; `left` is what of each of the invoice's is on no credit note yet.

    Raises `RefundNotOfInvoice`, `LinkedMoreThanRefunded`.
    """
    parts: dict[str, int] = {}
    for one in asked:
        if one.refund_id not in left:
            raise RefundNotOfInvoice(param=f"{one.param}[refund]", refund=one.refund_id)
        taken = parts.get(one.refund_id, 0)
        rest = left[one.refund_id] - taken
        part = rest if one.amount is None else one.amount
        if not 0 < part <= rest:
            raise LinkedMoreThanRefunded(param=f"{one.param}[amount_refunded]", amount=part, left=rest)
        parts[one.refund_id] = taken + part
    return tuple(parts.items())
