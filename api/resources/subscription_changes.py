"""What a request may change of a subscription, as the engine's one change request: for updates and for previews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from api.lookup import NoSuchObject
from api.payment_tokens import method_id
from api.protocol.operation import Call
from api.protocol.schema import (
    METADATA,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    text,
    timestamp,
)
from api.resources.pricing import (
    DISCOUNTS,
    INVOICE_ITEMS,
    TAX_RATES,
    discount_requests,
    item_fields,
    new_items,
    price_ids,
    tax_rate_ids,
)
from api.resources.thresholds import ITEM_THRESHOLDS, THRESHOLDS
from catalog.selectors import prices
from core.context import Context
from engine.types import ChangeRequest, ItemChange, PauseCollection
from subscriptions.models import Subscription, SubscriptionItem

FEEDBACK = (
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)
CANCELLATION_DETAILS = hash_of(
    {"comment": text(clearable=True), "feedback": choice(*FEEDBACK, clearable=True)}, clearable=True
)
# The house issues its own invoices: Stripe's other words need connected accounts.
INVOICE_SETTINGS = hash_of({"issuer": hash_of({"type": choice("self", required=True)})})
ITEM_CHANGE = item_fields(
    billing_thresholds=ITEM_THRESHOLDS, id=text(most=200), deleted=boolean(), clear_usage=boolean()
)
UPDATE = fields(
    METADATA,
    add_invoice_items=INVOICE_ITEMS,
    automatic_tax=hash_of({"enabled": choice("false", required=True)}),
    billing_cycle_anchor=choice("now", "unchanged"),
    billing_thresholds=THRESHOLDS,
    cancel_at=timestamp("min_period_end", "max_period_end", clearable=True),
    cancel_at_period_end=boolean(),
    cancellation_details=CANCELLATION_DETAILS,
    collection_method=choice("charge_automatically", "send_invoice"),
    days_until_due=integer(least=0, most=3650),
    default_payment_method=text(clearable=True, most=200),
    default_tax_rates=TAX_RATES,
    description=text(clearable=True, most=500),
    discounts=DISCOUNTS,
    invoice_settings=INVOICE_SETTINGS,
    items=list_of(ITEM_CHANGE, most=20),
    off_session=boolean(),
    pause_collection=hash_of(
        {
            "behavior": choice("keep_as_draft", "mark_uncollectible", "void", required=True),
            "resumes_at": timestamp(),
        },
        clearable=True,
    ),
    payment_behavior=choice("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"),
    payment_settings=hash_of(
        {
            "payment_method_types": list_of(text(), most=20),
            "save_default_payment_method": choice("off", "on_subscription"),
        }
    ),
    proration_behavior=choice("always_invoice", "create_prorations", "none"),
    proration_date=timestamp(),
    trial_end=timestamp("now"),
    trial_from_plan=boolean(),
    trial_settings=hash_of(
        {
            "end_behavior": hash_of(
                {"missing_payment_method": choice("cancel", "create_invoice", "pause", required=True)}, required=True
            )
        }
    ),
)
_AS_SENT = (
    "billing_cycle_anchor",
    "cancel_at_period_end",
    "collection_method",
    "days_until_due",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
)


def update_request(call: Call, ctx: Context, row: Subscription, params: dict[str, Any]) -> ChangeRequest:
    """Only what was sent changes anything."""
    values: dict[str, Any] = {name: params[name] for name in _AS_SENT if name in params}
    values |= _attributes(call, ctx, row, params)
    if "items" in params:
        values["items"] = item_changes(call, row.id, params["items"])
    if "add_invoice_items" in params:
        values["add_invoice_items"] = new_items(call, params["add_invoice_items"], "add_invoice_items")
    if "discounts" in params:
        values["discounts"] = discount_requests(call, params["discounts"])
    return ChangeRequest(merchant_id=row.merchant_id, subscription_id=row.id, **values)


def _attributes(call: Call, ctx: Context, row: Subscription, params: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "cancel_at" in params:
        values["cancel_at"] = params["cancel_at"] or ""
    if "description" in params:
        values["description"] = params["description"] or ""
    if "metadata" in params:
        given = params["metadata"]
        values["metadata"] = (
            dict.fromkeys(row.metadata, "") if given is None else {key: value or "" for key, value in given.items()}
        )
    if "default_payment_method" in params:
        given = params["default_payment_method"]
        values["default_payment_method_id"] = (
            method_id(ctx, call.merchant_id, row.customer_id, given, param="default_payment_method") if given else ""
        )
    if "save_default_payment_method" in params.get("payment_settings", {}):
        values["save_default_payment_method"] = params["payment_settings"]["save_default_payment_method"]
    if "default_tax_rates" in params:
        values["default_tax_rate_ids"] = tax_rate_ids(call, params["default_tax_rates"], "default_tax_rates")
    if "pause_collection" in params:
        pause = params["pause_collection"] or {}
        values["pause_collection"] = PauseCollection(pause.get("behavior", ""), pause.get("resumes_at"))
    if "trial_settings" in params:
        values["trial_missing_payment_method"] = params["trial_settings"]["end_behavior"]["missing_payment_method"]
    if "cancellation_details" in params:
        details = params["cancellation_details"]
        given = dict.fromkeys(("comment", "feedback")) if details is None else details
        values |= {f"cancellation_{name}": value or "" for name, value in given.items()}
    if params.get("trial_from_plan") and "trial_end" not in params:
        values["trial_end"] = _trial_of_plans(call, ctx, params.get("items", ()))
    return values


def _trial_of_plans(call: Call, ctx: Context, items: Sequence[dict[str, Any]]) -> datetime | None:
    """The longest trial that a price named here has, from now on; None when none has one."""
    named = [item["price"] for item in items if "price" in item]
    found = prices(call.merchant_id).filter(id__in=named, trial_period_days__gt=0)
    days = max((days or 0 for days in found.values_list("trial_period_days", flat=True)), default=0)
    return ctx.as_of + timedelta(days=days) if days else None


def item_changes(
    call: Call, subscription_id: str, items: Sequence[dict[str, Any]], param: str = "items"
) -> tuple[ItemChange, ...]:
    """Each item by its id, or a price to add. Raises `NoSuchObject` by the name the caller wrote."""
    known = set(
        SubscriptionItem.objects.filter(
            merchant_id=call.merchant_id, subscription_id=subscription_id, deleted_at__isnull=True
        ).values_list("id", flat=True)
    )
    for number, item in enumerate(items):
        if "id" in item and item["id"] not in known:
            raise NoSuchObject(param=f"{param}[{number}][id]", what="subscription_item", id=item["id"])
    named = price_ids(call, items, param)
    return tuple(
        ItemChange(
            item_id=item.get("id", ""),
            price_id=price_id,
            quantity=item.get("quantity"),
            deleted=item.get("deleted", False),
            tax_rate_ids=tax_rate_ids(call, item["tax_rates"], f"{param}[{number}][tax_rates]")
            if "tax_rates" in item
            else None,
            metadata={key: value or "" for key, value in (item.get("metadata") or {}).items()},
            discounts=discount_requests(call, item["discounts"], f"{param}[{number}][discounts]")
            if "discounts" in item
            else None,
        )
        for number, (item, price_id) in enumerate(zip(items, named, strict=True))
    )
