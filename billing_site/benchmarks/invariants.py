"""What must hold after a renewal run over `data.build`, however often its workers were killed."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

# name -> a query that counts what is wrong; 0 is right. %(rows)s subscriptions were due once.
CHECKS = {
    "every item billed exactly once": """
        SELECT count(*) FROM (SELECT i.id FROM subscriptions_subscriptionitem i LEFT JOIN subscriptions_billedperiod p
            ON p.subscription_item_id = i.id AND p.start = %(due)s AND p.reversed_at IS NULL
            GROUP BY i.id HAVING count(p.id) <> 1) wrong""",
    "one invoice per subscription": """
        SELECT count(*) FROM (SELECT s.id FROM subscriptions_subscription s LEFT JOIN invoicing_invoice i
            ON i.subscription_id = s.id GROUP BY s.id HAVING count(i.id) <> 1) wrong""",
    "numbers run from 1 without a gap": """
        SELECT abs(count(DISTINCT number_value) - %(rows)s) + abs(coalesce(max(number_value), 0) - %(rows)s)
            + abs((SELECT next_number FROM invoicing_numberseries) - 1 - %(rows)s)
        FROM invoicing_invoice WHERE status <> 'draft'""",
    "lines and taxes add up to totals": """
        SELECT count(*) FROM invoicing_invoice i
        LEFT JOIN (SELECT invoice_id, sum(amount) AS gross, sum(discount_amount) AS discount
                   FROM invoicing_invoiceline GROUP BY 1) l ON l.invoice_id = i.id
        LEFT JOIN (SELECT invoice_id, sum(amount) AS tax FROM invoicing_invoicelinetax
                   WHERE NOT inclusive GROUP BY 1) t ON t.invoice_id = i.id
        WHERE i.lines_gross IS DISTINCT FROM l.gross OR i.total_discount IS DISTINCT FROM l.discount
            OR i.exclusive_tax <> coalesce(t.tax, 0)""",
    "no line, tax or period without its invoice": """
        SELECT (SELECT count(*) FROM invoicing_invoiceline l LEFT JOIN invoicing_invoice i ON i.id = l.invoice_id
                WHERE i.id IS NULL)
            + (SELECT count(*) FROM subscriptions_billedperiod p LEFT JOIN invoicing_invoice i ON i.id = p.invoice_id
               WHERE i.id IS NULL)""",
    "one event per fact": """
        SELECT abs(count(*) FILTER (WHERE type = 'invoice.created') - %(rows)s)
            + abs(count(*) FILTER (WHERE type = 'invoice.finalized') - %(rows)s)
            + abs(count(*) FILTER (WHERE type = 'customer.subscription.updated') - %(rows)s) FROM events_event""",
    "one intent and one charge in flight per invoice": """
        SELECT count(*) FROM (SELECT i.id FROM invoicing_invoice i LEFT JOIN payments_charge c ON c.invoice_id = i.id
            AND c.status = 'planned' WHERE i.amount_due > 0 GROUP BY i.id HAVING count(c.id) <> 1) wrong""",
    "every subscription moved on": """
        SELECT count(*) FROM subscriptions_subscription WHERE next_action_at <= %(due)s OR version <> 2""",
}


# After everything was collected too.
PAID = {
    "every invoice is paid in full": """
        SELECT count(*) FROM invoicing_invoice WHERE status <> 'paid' OR amount_remaining <> 0
            OR amount_paid <> amount_due""",
    "one charge per invoice went through": """
        SELECT count(*) FROM (SELECT i.id FROM invoicing_invoice i LEFT JOIN payments_charge c ON c.invoice_id = i.id
            AND c.status = 'succeeded' GROUP BY i.id, i.amount_paid
            HAVING count(c.id) <> 1 OR sum(c.amount) <> i.amount_paid) wrong""",
    "the gateway's own books have one payment per invoice": """
        SELECT abs(count(*) - (SELECT count(*) FROM invoicing_invoice)) FROM payments_sandboxobject
        WHERE kind = 'payment_intent' AND body->'standing'->>'kind' = 'succeeded'""",
}
# Payments tell of their own and move the subscription's version on: what is left of the checks.
_BEFORE_PAYMENT = {"one intent and one charge in flight per invoice", "every subscription moved on"}
WHEN_COLLECTED = {name: query for name, query in CHECKS.items() if name not in _BEFORE_PAYMENT} | PAID

RELAYED = {
    "nobody's events are held back": "SELECT count(*) FROM events_heldevent",
    "every consumer has read to the end": """
        SELECT count(*) FROM events_consumercursor c, (SELECT xid, id FROM events_event ORDER BY xid DESC, id DESC
            LIMIT 1) e WHERE (c.xid::text, c.event_id) <> (e.xid::text, e.id)""",
}


def broken_invariants(rows: int, due: datetime, checks: dict[str, str] = CHECKS) -> list[str]:
    """The names of what does not hold, with how many rows are wrong."""
    broken = []
    with connection.cursor() as cursor:
        for name, query in checks.items():
            cursor.execute(query, {"rows": rows, "due": due})
            wrong = cursor.fetchone()[0]
            if wrong:
                broken.append(f"{name}: {wrong} wrong")
    return broken
