"""Which ways to pay an invoice has, in order, and which of them may be charged now.

A try is one charge, or several one after the other: the default payment method's, and after each decline the
next backup's (`Charge.backup_of` names the first of them). It counts once in dunning, whose decision follows from the
most hopeful of its declines. What may not be tried again (a hard decline, a network's limit) is passed over while there
is another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from core.context import Context
from core.ids import new_id
from customers.models import Customer
from dunning.rules import may_be_tried
from dunning.selectors import default_policies, policy_facts
from dunning.types import CaseFacts
from engine.selectors import subscription_rows
from events.copying import Row
from events.reading import read_rows
from invoicing.rules.payment_method import payment_method_for
from payments.models import Charge
from payments.selectors import attempts_since, charges_of_tries, failed_charges, usable_methods
from payments.writes import plan_charge

# The longest window in which a network counts attempts.
COUNTED = timedelta(days=30)

InOrder = dict[str, list[Row]]


def methods_in_order(invoices: Sequence[Row], subscriptions: Mapping[str, Row] | None = None) -> InOrder:
    """By invoice, what it is charged to and then its customer's backups. Detached methods are passed over.

    Two queries, and one more where the subscriptions are not given.
    """
    if subscriptions is None:
        subscriptions = subscription_rows(row.subscription_id for row in invoices if row.subscription_id)
    owners = Customer.objects.filter(id__any={row.customer_id for row in invoices})
    customers = {row.id: row for row in read_rows(owners)}
    named = {
        row.id: (
            row.default_payment_method_id,
            subscriptions[row.subscription_id].default_payment_method_id if row.subscription_id else "",
            customers[row.customer_id].default_payment_method_id,
        )
        for row in invoices
    }
    backups = {row.id: customers[row.customer_id].backup_payment_method_ids for row in invoices}
    wanted = (method for found in (*named.values(), *backups.values()) for method in found)
    usable = usable_methods(wanted)
    order: InOrder = {}
    for invoice_id, found in named.items():
        first = payment_method_for(*(method if method in usable else "" for method in found))
        chosen = dict.fromkeys([first, *backups[invoice_id]])
        order[invoice_id] = [usable[method] for method in chosen if method in usable]
    return order


def allowed_now(ctx: Context, invoices: Sequence[Row], order: InOrder) -> InOrder:
    """Those that may be charged for their invoice now; where none may, all of them: then nothing else is left.

    Only invoices with several methods are looked at: without a backup nothing here costs a query.
    """
    asked = [row for row in invoices if row.attempt_count and len(order.get(row.id, ())) > 1]
    barred = _barred(ctx, asked, order)
    return {
        invoice_id: [method for method in methods if (invoice_id, method.id) not in barred] or methods
        for invoice_id, methods in order.items()
    }


def plan_backups(
    ctx: Context, declined: Sequence[tuple[Row, Row, Row]], subscriptions: Mapping[str, Row]
) -> dict[str, Row]:
    """The next charge after each declined (invoice, intent, charge), by the declined one's id; intents are moved on.

    Nothing is stored. The caller holds the rows, and lets those without an answer here fail.
    """
    ready = [(invoice, intent, charge) for invoice, intent, charge in declined if charge.with_backups]
    if not ready:
        return {}
    invoices = [invoice for invoice, _, _ in ready]
    order = methods_in_order(invoices, subscriptions)
    rivals = [row for row in invoices if len(order[row.id]) > 1]
    if not rivals:
        return {}
    tried = charges_of_tries(charge.backup_of or charge.id for _, _, charge in ready)
    barred = _barred(ctx, rivals, order)
    planned: dict[str, Row] = {}
    for invoice, intent, charge in ready:
        first = charge.backup_of or charge.id
        over = {one.payment_method_id for one in tried.get(first, ())} | {charge.payment_method_id}
        open_to = [method for method in order[invoice.id][1:] if (invoice.id, method.id) not in barred]
        backup = _next(open_to, charge, over)
        if backup:
            intent.update(payment_method_id=backup, status="requires_confirmation", next_action=None)
            planned[charge.id] = _charge(ctx, intent, charge, first, invoice.test_clock_id)
            intent["latest_charge_id"] = planned[charge.id].id
    return planned


def _next(methods: Sequence[Row], charge: Row, over: set[str]) -> str:
    """A processor knows its own methods only; each is tried once in a try."""
    fit = (one.id for one in methods if one.gateway == charge.gateway and one.id not in over)
    return next(fit, "")


def _charge(ctx: Context, intent: Row, charge: Row, first: str, clock_id: str | None) -> Row:
    row = plan_charge(
        ctx,
        new_id("ch"),
        intent,
        attempt=charge.attempt + 1,
        off_session=charge.off_session,
        clock_id=clock_id,
        with_backups=True,
        backup_of=first,
    )
    row["called_at"] = ctx.recorded_at  # ours to send, as soon as it is committed
    return row


def _barred(ctx: Context, invoices: Sequence[Row], order: InOrder) -> set[tuple[str, str]]:
    """(invoice, method) of what was refused for it before and may not be tried again now."""
    if not invoices:
        return set()
    refused = _last_refusals(failed_charges(row.id for row in invoices), order)
    if not refused:
        return set()
    merchant_of = {row.id: row.merchant_id for row in invoices}
    policies = default_policies(merchant_of.values())
    on = ctx.as_of.date()
    network = {owner: policy_facts(policies.get(owner), on).network for owner in set(merchant_of.values())}
    since = ctx.as_of - COUNTED
    counted = attempts_since(since, {(one.payment_method_id, one.amount, one.currency) for one, _, _ in refused})
    return {
        (charge.invoice_id, method.id)
        for charge, method, failures in refused
        if not may_be_tried(
            network[merchant_of[charge.invoice_id]],
            _facts(charge, method, failures, counted),
            charge.created,
            ctx.as_of,
        )
    }


def _last_refusals(charges: Iterable[Charge], order: InOrder) -> list[tuple[Charge, Row, int]]:
    """The last refusal of each method for an invoice, and how many there were: of its present card, none before."""
    known = {(invoice_id, method.id): method for invoice_id, methods in order.items() for method in methods}
    last: dict[tuple[str, str], Charge] = {}
    times: Counter[tuple[str, str]] = Counter()
    for charge in charges:
        key = (charge.invoice_id, charge.payment_method_id)
        method = known.get(key)
        if method and (method.replaced_at is None or charge.created >= method.replaced_at):
            last[key] = charge
            times[key] += 1
    return [(charge, known[key], times[key]) for key, charge in last.items()]


def _facts(charge: Charge, method: Row, failures: int, counted: Mapping[Any, list[Any]]) -> CaseFacts:
    return CaseFacts(
        first_failed_at=charge.created,
        failures=failures,
        code=charge.failure_code,
        decline_code=charge.decline_code,
        network=method.brand,
        method_type=method.type,
        network_decline_code=charge.network_decline_code,
        network_advice_code=charge.network_advice_code,
        attempts=tuple(counted.get((method.id, charge.amount, charge.currency), ())),
    )


def methods_of_tries(charges: Collection[Charge]) -> dict[str, set[str]]:
    """What each charge's whole try was refused on: payment method ids by charge."""
    tries = charges_of_tries(charge.backup_of or charge.id for charge in charges)
    found: dict[str, set[str]] = defaultdict(set)
    for charge in charges:
        found[charge.id] = {one.payment_method_id for one in tries.get(charge.backup_of or charge.id, ())}
    return found
