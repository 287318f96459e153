"""An invoice, its lines and pending items as Stripe's JSON objects. Pure: rows or model instances in, dicts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.json_values import epoch, plain_decimal


def invoice_snapshot(
    invoice: Any, lines: Sequence[Any] | None = None, taxes: Mapping[str, Sequence[Any]] | None = None
) -> dict[str, Any]:
    """Stripe's invoice object. `lines` (with `taxes` by line id) are shown when given.

    `subtotal` is derived, as Stripe shows it: before the invoice's discounts and exclusive tax.
    """
    body: dict[str, Any] = {
        "id": invoice.id,
        "object": "invoice",
        "amount_due": invoice.amount_due,
        "amount_overpaid": 0,
        "amount_paid": invoice.amount_paid,
        "amount_remaining": invoice.amount_remaining,
        "amount_shipping": 0,
        "attempt_count": invoice.attempt_count,
        "attempted": invoice.attempted,
        "auto_advance": invoice.auto_advance,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "automatically_finalizes_at": epoch(invoice.automatically_finalizes_at),
        "billing_reason": invoice.billing_reason,
        "collection_method": invoice.collection_method,
        "created": epoch(invoice.created),
        "currency": invoice.currency,
        "custom_fields": [dict(one) for one in invoice.custom_fields] or None,
        "customer": invoice.customer_id,
        "customer_address": invoice.customer_snapshot.get("address"),
        "customer_email": invoice.customer_snapshot.get("email") or None,
        "customer_name": invoice.customer_snapshot.get("name") or None,
        "customer_tax_exempt": invoice.customer_snapshot.get("tax_exempt") or None,
        "customer_tax_ids": invoice.customer_snapshot.get("tax_ids", []),
        "default_payment_method": invoice.default_payment_method_id or None,
        "default_tax_rates": list(invoice.default_tax_rate_ids),
        "description": invoice.description or None,
        "discounts": list(invoice.discount_ids or ()),
        "due_date": epoch(invoice.due_date),
        "effective_at": epoch(invoice.effective_at or invoice.finalized_at),
        # What is left of the customer's balance; known from the finalization on.
        "ending_balance": None if invoice.finalized_at is None else invoice.starting_balance + invoice.balance_applied,
        "footer": invoice.footer or None,
        "metadata": dict(invoice.metadata),
        "next_payment_attempt": epoch(invoice.next_payment_attempt),
        "number": invoice.number,
        "on_behalf_of": None,
        "parent": _parent(invoice),
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": epoch(invoice.period_end),
        "period_start": epoch(invoice.period_start),
        "post_payment_credit_notes_amount": invoice.post_payment_credit_notes_amount,
        "pre_payment_credit_notes_amount": invoice.pre_payment_credit_notes_amount,
        "starting_balance": invoice.starting_balance,
        "statement_descriptor": invoice.statement_descriptor or None,
        "status": invoice.status,
        "status_transitions": {
            "finalized_at": epoch(invoice.finalized_at),
            "marked_uncollectible_at": epoch(invoice.marked_uncollectible_at),
            "paid_at": epoch(invoice.paid_at),
            "voided_at": epoch(invoice.voided_at),
        },
        "subtotal": invoice.lines_gross,
        "subtotal_excluding_tax": invoice.lines_gross - invoice.inclusive_tax - invoice.inclusive_tax_backed_out,
        "test_clock": invoice.test_clock_id,
        "total": invoice.total,
        "total_excluding_tax": invoice.total - invoice.exclusive_tax - invoice.inclusive_tax,
    }
    if lines is not None:
        by_line = taxes or {}
        put_lines(body, [(line, by_line.get(line.id, ())) for line in lines])
    return body


def put_lines(body: dict[str, Any], lines: Sequence[tuple[Any, Iterable[Any]]]) -> None:
    """Put the lines into an invoice that is told without them. What lines' own discounts took is no part of its
    subtotal, as in Stripe."""
    own_stack = body["discounts"]
    body |= lines_snapshot(body["id"], lines)
    body["discounts"] = own_stack or body["discounts"]
    own = sum(one["amount"] for line, _ in lines for one in line.discount_amounts if one.get("of_line"))
    body["subtotal"] -= own
    body["subtotal_excluding_tax"] -= own


def lines_snapshot(invoice_id: str, lines: Sequence[tuple[Any, Iterable[Any]]]) -> dict[str, Any]:
    """The lines, each with its taxes, and what Stripe derives from them: totals by discount and by tax rate."""
    data = [line_snapshot(line, taxes) for line, taxes in lines]
    return {
        "discounts": _whole_discounts(data),
        "lines": {
            "object": "list",
            "data": data,
            "has_more": False,
            "total_count": len(data),
            "url": f"/v1/invoices/{invoice_id}/lines",
        },
        "total_discount_amounts": _total_discount_amounts(data),
        "total_pretax_credit_amounts": [
            {"type": "discount", **given} for given in _total_discount_amounts(data) if given["amount"]
        ]
        + _total_credits(data),
        "total_taxes": _total_taxes(data),
    }


def _total_discount_amounts(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[str, int] = {}
    for line in lines:
        for given in line["discount_amounts"]:
            totals[given["discount"]] = totals.get(given["discount"], 0) + given["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in totals.items()]


def _credits(line: Any) -> list[dict[str, Any]]:
    """What credit grants pay of the line, by the entries of their ledgers; a preview has none yet."""
    given = getattr(line, "credit_amounts", None) or ()
    return [
        {
            "type": "credit_balance_transaction",
            "amount": one["amount"],
            "credit_balance_transaction": one.get("transaction"),
        }
        for one in given
    ]


def _total_credits(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[str, dict[str, Any]] = {}
    for line in lines:
        for given in line["pretax_credit_amounts"]:
            if given["type"] == "credit_balance_transaction":
                total = totals.setdefault(given["credit_balance_transaction"], given | {"amount": 0})
                total["amount"] += given["amount"]
    return list(totals.values())


def _total_taxes(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per rate, behaviour and reason, in the order in which the lines bring them."""
    totals: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in lines:
        for tax in line["taxes"]:
            rate = (tax["tax_rate_details"] or {}).get("tax_rate", "")
            total = totals.setdefault(
                (rate, tax["tax_behavior"], tax["taxability_reason"]), tax | {"amount": 0, "taxable_amount": 0}
            )
            total["amount"] += tax["amount"]
            total["taxable_amount"] += tax["taxable_amount"]
    return list(totals.values())


def _whole_discounts(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The discounts of the whole invoice: those that took something from a line and are not a line's own."""
    own = {discount for line in lines for discount in line["discounts"]}
    taken = (given["discount"] for line in lines for given in line["discount_amounts"])
    return [discount for discount in _distinct(taken) if discount not in own]


def _distinct(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def line_snapshot(line: Any, taxes: Iterable[Any] = ()) -> dict[str, Any]:
    """Stripe's line item. `amount` is before discounts; a proration's discounts are itemized the same way."""
    given = [{"amount": one["amount"], "discount": one["discount"]} for one in line.discount_amounts]
    return {
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": line.currency,
        "description": line.description or None,
        "discount_amounts": given,
        "discountable": line.discountable,
        "discounts": _distinct(one["discount"] for one in line.discount_amounts if one.get("of_line")),
        "invoice": line.invoice_id,
        "metadata": dict(line.metadata),
        "parent": _line_parent(line),
        "period": {"start": epoch(line.period_start), "end": epoch(line.period_end)},
        "pretax_credit_amounts": [{"type": "discount", **one} for one in given] + _credits(line),
        "pricing": _pricing(line),
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "subscription": line.subscription_id or None,
        "subtotal": line.amount,
        "taxes": [_tax(tax) for tax in taxes],
    }


def _line_parent(line: Any) -> dict[str, Any]:
    """Where a line comes from: a subscription's item (its prorations too), else an invoice item.

    What was sold beside a subscription has no row of its own; typed clients need an id there: the line stands for it.
    """
    prorated = {
        "proration": line.proration,
        "proration_details": {"credited_items": None},
        "subscription": line.subscription_id or None,
    }
    if not line.subscription_item_id:
        details = {"invoice_item": line.invoice_item_id or "ii_" + line.id.removeprefix("il_"), **prorated}
        return {"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": None}
    details = {
        "invoice_item": line.invoice_item_id or None,
        **prorated,
        "subscription_item": line.subscription_item_id,
    }
    return {"type": "subscription_item_details", "invoice_item_details": None, "subscription_item_details": details}


def _pricing(row: Any) -> dict[str, Any] | None:
    unit = None if row.unit_amount_decimal is None else plain_decimal(row.unit_amount_decimal)
    if not row.price_id:
        return None if unit is None else {"type": "price_details", "price_details": None, "unit_amount_decimal": unit}
    return {
        "type": "price_details",
        "price_details": {"price": row.price_id, "product": row.product_id},
        "unit_amount_decimal": unit,
    }


def invoice_item_snapshot(item: Any) -> dict[str, Any]:
    """Stripe's invoiceitem object."""
    given = list(item.discount_ids) or [one["discount"] for one in item.discount_amounts]
    return {
        "id": item.id,
        "object": "invoiceitem",
        "amount": item.amount,
        "currency": item.currency,
        "customer": item.customer_id,
        "date": epoch(item.created),
        "description": item.description or None,
        "discountable": item.discountable,
        "discounts": given,
        "invoice": item.invoice_id or None,
        "metadata": dict(item.metadata),
        "net_amount": item.amount,
        "parent": _item_parent(item),
        "period": {"start": epoch(item.period_start), "end": epoch(item.period_end)},
        "pricing": _pricing(item),
        "proration": item.proration,
        "quantity": item.quantity,
        "quantity_decimal": str(item.quantity),
        "tax_rates": list(item.tax_rate_ids),
    }


def _item_parent(item: Any) -> dict[str, Any] | None:
    if not item.subscription_id:
        return None
    details = {"subscription": item.subscription_id, "subscription_item": item.subscription_item_id or None}
    return {"type": "subscription_details", "subscription_details": details}


def credit_note_snapshot(note: Any, lines: Sequence[Any] = ()) -> dict[str, Any]:
    """Stripe's credit note. What came off before tax is shown as its discount."""
    data = [_credit_note_line(line) for line in lines]
    taxes = [tax for line in data for tax in line["taxes"]]
    return {
        "id": note.id,
        "object": "credit_note",
        "amount": note.total,
        "amount_shipping": 0,
        "created": epoch(note.created),
        "currency": note.currency,
        "customer": note.customer_id,
        "customer_balance_transaction": note.balance_transaction_id or None,
        "discount_amount": note.taken,
        "discount_amounts": [],
        "effective_at": epoch(note.effective_at or note.created),
        "invoice": note.invoice_id,
        "lines": {
            "object": "list",
            "data": data,
            "has_more": False,
            "total_count": len(data),
            "url": f"/v1/credit_notes/{note.id}/lines",
        },
        "memo": note.memo or None,
        "metadata": dict(note.metadata),
        "number": note.number,
        "out_of_band_amount": note.out_of_band_amount or None,
        "pdf": "",
        "post_payment_amount": note.post_payment_amount,
        "pre_payment_amount": note.pre_payment_amount,
        "pretax_credit_amounts": [],
        "reason": note.reason or None,
        "refunds": [
            {"amount_refunded": amount, "payment_record_refund": None, "refund": refund_id, "type": "refund"}
            for refund_id, amount in refunds_of_note(note)
        ],
        "shipping_cost": None,
        "status": note.status,
        "subtotal": note.subtotal,
        "subtotal_excluding_tax": note.subtotal - note.inclusive_tax,
        "total": note.total,
        "total_excluding_tax": note.total - note.exclusive_tax - note.inclusive_tax,
        "total_taxes": taxes,
        "type": note.type,
        "voided_at": epoch(note.voided_at),
    }


def refunds_of_note(note: Any) -> list[tuple[str, int]]:
    """(refund id, what it sends back for the note); older notes kept the sum alone, and nearly all have one refund."""
    amounts = list(note.refund_amounts)
    if len(amounts) != len(note.refund_ids):
        amounts = [note.refund_amount] + [0] * (len(note.refund_ids) - 1)
    return list(zip(note.refund_ids, amounts, strict=True))


def _credit_note_line(line: Any) -> dict[str, Any]:
    of_invoice = bool(line.invoice_line_id)
    unit = line.unit_amount
    if unit is None and not of_invoice and line.amount % line.quantity == 0:  # an older line
        unit = Decimal(line.amount // line.quantity)
    return {
        "id": line.id,
        "object": "credit_note_line_item",
        "amount": line.amount,
        "description": line.description or None,
        "discount_amount": line.taken,
        "discount_amounts": [],
        "invoice_line_item": line.invoice_line_id or None,
        "metadata": dict(line.metadata),
        "pretax_credit_amounts": [],
        "quantity": line.quantity,
        "tax_rates": [],
        "taxes": [
            {
                "amount": tax["amount"],
                "tax_behavior": "inclusive" if tax["inclusive"] else "exclusive",
                "tax_rate_details": {"tax_rate": tax["tax_rate"]} if tax["tax_rate"] else None,
                "taxability_reason": tax["taxability_reason"],
                "taxable_amount": tax["taxable_amount"],
                "type": "tax_rate_details",
            }
            for tax in line.taxes
        ],
        "type": "invoice_line_item" if of_invoice else "custom_line_item",
        "unit_amount": int(unit) if unit is not None and unit == int(unit) else None,
        "unit_amount_decimal": None if unit is None else plain_decimal(unit),
    }


def _parent(invoice: Any) -> dict[str, Any] | None:
    if not invoice.subscription_id:
        return None
    details = {"metadata": dict(invoice.subscription_metadata), "subscription": invoice.subscription_id}
    return {"type": "subscription_details", "quote_details": None, "subscription_details": details}


def _tax(tax: Any) -> dict[str, Any]:
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": tax.tax_rate_id} if tax.tax_rate_id else None,
        "taxability_reason": tax.taxability_reason,
        "taxable_amount": tax.taxable_amount,
        "type": "tax_rate_details",
    }
