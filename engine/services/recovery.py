"""Failed payments handed to dunning with what it needs to know. Inside the transaction that settles them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from core.context import Context
from customers.models import PaymentMethod
from dunning.rules import NO_PAYMENT_METHOD
from dunning.services import record_failures
from dunning.types import Failure, Recovery
from events.copying import Row
from payments.selectors import attempts_since, methods_by_id
from subscriptions.types import TERMINAL_STATUSES

# The longest window in which a network counts attempts.
_COUNTED = timedelta(days=30)


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

    The invoices' attempts are counted already.
    """
    pairs = list(failed)
    charges = [charge for _, charge in pairs if charge is not None]
    if not pairs:
        return {}
    methods = methods_by_id(charge.payment_method_id for charge in charges)
    tried = attempts_since(ctx.as_of - _COUNTED, (_card_and_amount(charge) for charge in charges)) if charges else {}
    return record_failures(ctx, [_failure(invoice, charge, methods, tried) for invoice, charge in pairs])


def _card_and_amount(charge: Row) -> tuple[str, int, str]:
    return (charge.payment_method_id, charge.amount, charge.currency)


def _failure(
    invoice: Row, charge: Row | None, methods: Mapping[str, PaymentMethod], tried: Mapping[Any, list[Any]]
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
