"""/v1/invoices/create_preview: what would be billed, by the planners that bill. Nothing is written."""

from __future__ import annotations

from typing import Any

from api.business_time import clocked_reading, of_customer
from api.lookup import NoSuchObject
from api.protocol.operation import Call, Json
from api.protocol.schema import boolean, choice, fields, hash_of, list_of, text, timestamp
from api.resources.customers import customer_of
from api.resources.preview_shapes import shown_as_finalized
from api.resources.pricing import DISCOUNTS, TAX_RATES, discount_requests, new_items, tax_rate_ids
from api.resources.subscription_changes import ITEM_CHANGE, item_changes
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.services.change import preview_change
from engine.services.subscribe import preview_subscribe
from engine.services.upcoming import preview_upcoming
from engine.types import ChangeRequest, InvoicePreview, SubscribeRequest
from subscriptions.models import Subscription
from subscriptions.selectors import subscriptions

_DETAILS = hash_of(
    {
        "billing_cycle_anchor": timestamp("now", "unchanged"),
        "billing_mode": hash_of({"type": choice("flexible", required=True)}),
        "cancel_at": timestamp(clearable=True),
        "cancel_at_period_end": boolean(),
        "default_tax_rates": TAX_RATES,
        "items": list_of(ITEM_CHANGE, most=20),
        "proration_behavior": choice("always_invoice", "create_prorations", "none"),
        "proration_date": timestamp(),
        "trial_end": timestamp("now"),
    }
)
CREATE_PREVIEW = fields(
    currency=text(most=3),
    customer=text(most=200),
    discounts=DISCOUNTS,
    preview_mode=choice("next"),
    subscription=text(most=200),
    subscription_details=_DETAILS,
)


class NothingUpcoming(OstinatoError):
    code = "invoice_upcoming_none"
    message_id = gettext_noop("No upcoming invoices for customer: %(customer)s")


class PreviewOfWhat(OstinatoError):
    code = "parameter_missing"
    param = "customer"
    message_id = gettext_noop("Name a subscription, or a customer.")


def create_preview(call: Call) -> Json:
    params = call.params
    if "subscription" in params:
        row = subscriptions(call.merchant_id).filter(id=params["subscription"]).first()
        if row is None:
            raise NoSuchObject(param="subscription", what="subscription", id=params["subscription"])
        return _of_subscription(call, row)
    if "customer" not in params:
        raise PreviewOfWhat
    customer = customer_of(call, params["customer"], "customer")
    ctx = of_customer(call, customer.id, changes=False)
    if params.get("subscription_details", {}).get("items"):
        preview = preview_subscribe(ctx=ctx, request=_new_subscription(call, customer.id))
        return _shown(ctx, preview, customer.id)
    running = subscriptions(call.merchant_id).filter(customer=customer, next_action_at__isnull=False)
    row = running.order_by("next_action_at", "id").first()
    if row is None:
        raise NothingUpcoming(customer=customer.id)
    return _of_subscription(call, row)


def _of_subscription(call: Call, row: Subscription) -> Json:
    ctx = clocked_reading(call, row.test_clock_id)
    request = _change(call, row)
    if request is None:
        upcoming = preview_upcoming(merchant_id=call.merchant_id, subscription_id=row.id)
        preview = upcoming[1] if upcoming else None
    else:
        changed = preview_change(ctx=ctx, request=request)
        preview = changed.invoice_now or changed.next_invoice
    if preview is None:
        raise NothingUpcoming(customer=row.customer_id)
    return _shown(ctx, preview, row.customer_id)


def _change(call: Call, row: Subscription) -> ChangeRequest | None:
    """The change that is asked about; None when the question is only what comes next."""
    details = call.params.get("subscription_details", {})
    how = {name: details[name] for name in ("proration_behavior", "proration_date") if name in details}
    what: dict[str, Any] = {
        name: details[name] for name in ("billing_cycle_anchor", "cancel_at_period_end", "trial_end") if name in details
    }
    if "cancel_at" in details:
        what["cancel_at"] = details["cancel_at"] or ""
    if details.get("items"):
        what["items"] = item_changes(call, row.id, details["items"], "subscription_details[items]")
    if "default_tax_rates" in details:
        what["default_tax_rate_ids"] = tax_rate_ids(
            call, details["default_tax_rates"], "subscription_details[default_tax_rates]"
        )
    if "discounts" in call.params:
        what["discounts"] = discount_requests(call, call.params["discounts"])
    if not what:
        return None
    return ChangeRequest(merchant_id=row.merchant_id, subscription_id=row.id, **what, **how)


def _new_subscription(call: Call, customer_id: str) -> SubscribeRequest:
    details = call.params["subscription_details"]
    values = {name: details[name] for name in ("proration_behavior",) if name in details}
    for name in ("billing_cycle_anchor", "trial_end"):
        if name in details and not isinstance(details[name], str):
            values[name] = details[name]
    return SubscribeRequest(
        merchant_id=call.merchant_id,
        customer_id=customer_id,
        items=new_items(call, details["items"], "subscription_details[items]"),
        discounts=discount_requests(call, call.params.get("discounts")),
        default_tax_rate_ids=tax_rate_ids(
            call, details.get("default_tax_rates"), "subscription_details[default_tax_rates]"
        ),
        **values | ({} if "trial_end" in values else {"trial_period_days": 0}),
    )


def _shown(ctx: Context, preview: InvoicePreview, customer_id: str) -> Json:
    if preview.planned is None:
        raise NothingUpcoming(customer=customer_id)
    return shown_as_finalized(ctx, preview.planned, customer_id)
