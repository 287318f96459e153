"""Failed payments handed to dunning with what it needs to know. Inside the transaction that settles them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from core.context import Context
from customers.models import PaymentMethod
from dunning.rules import NO_PAYMENT_METHOD
from dunning.services import record_failures
from dunning.types import Failure, Recovery
from engine.services.backups import COUNTED
from events.copying import Row
from payments.selectors import attempts_since, charges_of_tries, methods_by_id
from subscriptions.types import TERMINAL_STATUSES


def is_recovered_automatically(invoice: Row, subscription: Row | None) -> bool:
    """Whether a failed invoice is chased at all.

    Not one that is sent, stopped or settled; not the first one of a subscription that never began; and nothing
    after a cancellation.
    """
    if invoice.status != "open" or invoice.collection_method != "charge_automatically" or not invoice.auto_advance:
        return False
    return subscription is None or subscription.status not in ("incomplete", *TERMINAL_STATUSES)


def decide(ctx: Context, failed: Iterable[tuple[Row, Row | None]]) -> Mapping[str, Recovery]:
    """What comes next for each failed (invoice, charge or None without a method), by invoice.

    Where the charge was a backup's, those that were declined before it in the same try count too. The invoices'
    attempts are counted already.
    """
    pairs = list(failed)
    if not pairs:
        return {}
    charges: list[Any] = [charge for _, charge in pairs if charge is not None]
    firsts = {charge.backup_of for charge in charges} - {""}
    before = charges_of_tries(firsts) if firsts else {}
    everything = [*charges, *(charge for group in before.values() for charge in group)]
    methods = methods_by_id(charge.payment_method_id for charge in everything)
    tried = attempts_since(ctx.as_of - COUNTED, map(_card_and_amount, everything)) if everything else {}
    failures = []
    for invoice, charge in pairs:
        failure = _failure(invoice, charge, methods, tried)
        earlier = [one for one in before.get(charge.backup_of, ()) if one.id != charge.id] if charge else []
        failures.append(replace(failure, before=tuple(_failure(invoice, one, methods, tried) for one in earlier)))
    return record_failures(ctx, failures)


def _card_and_amount(charge: Any) -> tuple[str, int, str]:
    return (charge.payment_method_id, charge.amount, charge.currency)


def _failure(
    invoice: Row, charge: Any | None, methods: Mapping[str, PaymentMethod], tried: Mapping[Any, list[Any]]
) -> Failure:
    if charge is None:
        return Failure(
            merchant_id=invoice.merchant_id,
            invoice_id=invoice.id,
            customer_id=invoice.customer_id,
            subscription_id=invoice.subscription_id or "",
            charge_id="",
            automatic=True,
            code=NO_PAYMENT_METHOD,
        )
    method = methods.get(charge.payment_method_id)
    return Failure(
        merchant_id=invoice.merchant_id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        subscription_id=invoice.subscription_id or "",
        charge_id=charge.id,
        automatic=charge.off_session,
        may_open=charge.off_session or invoice.attempt_count <= 1,
        code=charge.failure_code,
        decline_code=charge.decline_code,
        network=method.brand if method else "",
        method_type=method.type if method else "card",
        network_decline_code=charge.network_decline_code,
        network_advice_code=charge.network_advice_code,
        attempts=tuple(tried.get(_card_and_amount(charge), ())),
    )
