"""How an invoice is paid by bank transfer: to which account, under which reference. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

MOST_LINES = 10
OF_NUMBER = 21  # what ISO 11649 leaves beside "RF" and its two check digits


@dataclass(frozen=True, slots=True)
class Transfer:
    """`details`: the account as (label, value) lines, the label blank where the merchant gave none."""

    reference: str
    details: tuple[tuple[str, str], ...]


def transfer_of(invoice: Any) -> Transfer | None:
    """What to print on an invoice that is sent, while it is owed and its seller has said where to; else None.

    Reads `collection_method`, `status`, `amount_remaining`, `number` and `seller_snapshot`.
    """
    details = str((invoice.seller_snapshot or {}).get("bank_details") or "")
    owed = invoice.status in ("open", "uncollectible") and invoice.amount_remaining > 0
    if invoice.collection_method != "send_invoice" or not owed or not details.strip() or not invoice.number:
        return None
    return Transfer(payment_reference(invoice.number), bank_lines(details))


def payment_reference(number: str) -> str:
    """A creditor reference (ISO 11649) of the invoice's number: banks find a mistyped one by its check digits.

    "ERABLE-0042" is "RF72 ERAB LE00 42": the letters and digits of the number, its last 21 if there are more.
    """
    kept = re.sub(r"[^A-Z0-9]", "", number.upper())[-OF_NUMBER:]
    whole = f"RF{mod_97_10.calc_check_digits(kept + 'RF')}{kept}"
    return " ".join(whole[start : start + 4] for start in range(0, len(whole), 4))


def number_of_reference(text: str) -> str:
    """What a reference says of its invoice's number: its letters and digits, the last 21 of them; blank for any other
    text, one with wrong check digits included."""
    return iso11649.compact(text)[4:] if iso11649.is_valid(text) else ""


def bank_lines(text: str) -> tuple[tuple[str, str], ...]:
    """ "IBAN: CA12" on a line is ("IBAN", "CA12"); a line without a colon has no label."""
    found = []
    for line in text.splitlines():
        label, colon, value = line.partition(":")
        if line.strip():
            found.append((label.strip(), value.strip()) if colon and value.strip() else ("", line.strip()))
    return tuple(found[:MOST_LINES])
