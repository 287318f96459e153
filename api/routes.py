"""All operations of /v1, and how the ids in answers are expanded."""

from __future__ import annotations

from collections.abc import Mapping

from api.expanding import Expandables, Includer, Loader
from api.protocol.operation import Operation, Routes
from api.resources import (
    account,
    alerts,
    balances,
    charges,
    checkout,
    coupons,
    credit_grants,
    credit_notes,
    customers,
    disputes,
    entitlements,
    events,
    files,
    invoice_items,
    invoice_lines,
    invoices,
    meters,
    payment_intents,
    payment_links,
    payment_methods,
    payment_words,
    payments,
    plans,
    portal,
    prices,
    products,
    quotes,
    schedules,
    searches,
    setup_intents,
    sources,
    subscription_items,
    subscriptions,
    tax_rates,
    test_clocks,
    webhook_endpoints,
)

_RESOURCES = (
    account,
    alerts,
    balances,
    charges,
    checkout,
    coupons,
    credit_grants,
    credit_notes,
    customers,
    disputes,
    entitlements,
    events,
    files,
    invoice_items,
    invoice_lines,
    invoices,
    meters,
    payment_intents,
    payment_links,
    payment_methods,
    payment_words,
    payments,
    plans,
    prices,
    portal,
    products,
    quotes,
    schedules,
    searches,
    setup_intents,
    sources,
    subscription_items,
    subscriptions,
    tax_rates,
    test_clocks,
    webhook_endpoints,
)


def _gathered(name: str) -> dict:
    found: dict = {}
    for resource in _RESOURCES:
        found.update(getattr(resource, name, {}))
    return found


OPERATIONS: list[Operation] = [operation for resource in _RESOURCES for operation in resource.OPERATIONS]
ROUTES = Routes(OPERATIONS)
_LOADERS: Mapping[str, Loader] = _gathered("LOADERS")
_INCLUDES: Mapping[tuple[str, str], Includer] = _gathered("INCLUDES")
EXPANDABLES = Expandables(_LOADERS, _INCLUDES)
