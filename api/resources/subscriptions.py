"""/v1/subscriptions"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.business_time import clocked
from api.lookup import found, found_by, new_metadata
from api.paging import in_range, page
from api.payment_tokens import method_id
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    text,
    timestamp,
)
from api.resources.customers import customer_of
from api.resources.pricing import (
    DISCOUNTS,
    INVOICE_ITEMS,
    TAX_RATES,
    discount_requests,
    item_fields,
    new_items,
    tax_rate_ids,
)
from api.resources.rehearsing import carried_out, is_made_of_parts, rehearsed, taken_back
from api.resources.subscription_changes import CANCELLATION_DETAILS, INVOICE_SETTINGS, UPDATE, update_request
from api.resources.thresholds import ITEM_THRESHOLDS, THRESHOLDS, check_may_wait, set_thresholds
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.periods import AnchorConfig
from engine.services import cancel as ends
from engine.services.pause import pause_subscription, resume_subscription
from engine.services.subscribe import rehearse_subscribe, subscribe
from engine.services.update import rehearse_update, update_subscription
from engine.types import ChangeRequest, ResumeRequest, SubscribeRequest
from events.statements import Statement
from subscriptions import selectors
from subscriptions.models import Discount, Subscription
from subscriptions.rules.discounts import DiscountNotFound
from subscriptions.snapshots import discount_snapshot, subscription_snapshot

URL = "/v1/subscriptions"
ENDED = ("canceled", "incomplete_expired")
STATUSES = ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")

CREATE = fields(
    METADATA,
    add_invoice_items=INVOICE_ITEMS,
    automatic_tax=hash_of({"enabled": choice("false", required=True)}),
    backdate_start_date=timestamp(),
    billing_cycle_anchor=timestamp(),
    billing_cycle_anchor_config=hash_of(
        {
            "day_of_month": integer(least=1, most=31),
            "month": integer(least=1, most=12),
            "hour": integer(least=0, most=23),
            "minute": integer(least=0, most=59),
            "second": integer(least=0, most=59),
        }
    ),
    billing_thresholds=THRESHOLDS,
    billing_mode=hash_of({"type": choice("flexible", required=True)}),
    cancel_at=timestamp("min_period_end", "max_period_end"),
    cancel_at_period_end=boolean(),
    collection_method=choice("charge_automatically", "send_invoice"),
    currency=text(most=3),
    customer=text(required=True, most=200),
    days_until_due=integer(least=0, most=3650),
    default_payment_method=text(most=200),
    default_tax_rates=TAX_RATES,
    description=text(most=500),
    discounts=DISCOUNTS,
    invoice_settings=INVOICE_SETTINGS,
    items=list_of(item_fields(billing_thresholds=ITEM_THRESHOLDS), required=True, most=20),
    off_session=boolean(),
    # Stripe's fourth, pending_if_incomplete, is for updates alone.
    payment_behavior=choice("allow_incomplete", "default_incomplete", "error_if_incomplete"),
    payment_settings=hash_of(
        {
            "payment_method_types": list_of(text(), most=20),
            "save_default_payment_method": choice("off", "on_subscription"),
        }
    ),
    proration_behavior=choice("always_invoice", "create_prorations", "none"),
    trial_end=timestamp("now"),
    trial_from_plan=boolean(),
    trial_period_days=integer(least=0, most=10_000),
    trial_settings=hash_of(
        {
            "end_behavior": hash_of(
                {"missing_payment_method": choice("cancel", "create_invoice", "pause", required=True)}, required=True
            )
        }
    ),
)
CANCEL = fields(
    cancellation_details=CANCELLATION_DETAILS,
    invoice_now=boolean(),
    prorate=boolean(),
)
RESUME = fields(
    billing_cycle_anchor=choice("now", "unchanged"),
    proration_behavior=choice("always_invoice", "create_prorations", "none"),
    proration_date=timestamp(),
)
MIGRATE = fields(billing_mode=hash_of({"type": choice("flexible", required=True)}, required=True))
LIST = fields(
    PAGE,
    automatic_tax=hash_of({"enabled": boolean(required=True)}),
    collection_method=choice("charge_automatically", "send_invoice"),
    created=RANGE,
    current_period_end=RANGE,
    current_period_start=RANGE,
    customer=text(most=200),
    plan=text(most=200),
    price=text(most=200),
    status=choice("all", "ended", *STATUSES),
    test_clock=text(most=200),
)


class TrialTwice(OstinatoError):
    code = "parameters_exclusive"
    param = "trial_end"
    message_id = gettext_noop("Say the trial in one way: trial_end, trial_period_days or trial_from_plan.")


def subscription_of(call: Call, given: str, param: str = "id") -> Subscription:
    return found_by(_one, call.merchant_id, given, "subscription", param=param)


_one = Statement(lambda merchant, id: selectors.subscriptions(merchant).filter(id=id))


def shown(rows: Sequence[Subscription]) -> list[Json]:
    """Subscriptions with their items and discounts: two queries, whatever their number."""
    items = selectors.item_rows_of([row.id for row in rows])
    own, of_items = selectors.discount_ids_of([row.id for row in rows])
    return [subscription_snapshot(row, items[row.id], own[row.id], of_items) for row in rows]


def shown_by_id(call: Call, subscription_id: str) -> Json:
    return shown([subscription_of(call, subscription_id)])[0]


def create(call: Call) -> Json:
    customer = customer_of(call, call.params["customer"], "customer")
    ctx = clocked(call, customer.test_clock_id)
    if is_made_of_parts(call.params):
        with taken_back():
            request = subscribe_request(call, ctx, customer.id, rehearsed(call.params))
            made = rehearse_subscribe(ctx=ctx, request=request)
            set_thresholds(call, ctx, subscription_of(call, made), call.params)
    result = carried_out(
        call, lambda: subscribe(ctx=ctx, request=subscribe_request(call, ctx, customer.id, call.params))
    )
    if is_made_of_parts(call.params):
        set_thresholds(call, ctx, subscription_of(call, result.subscription_id), call.params)
    return shown_by_id(call, result.subscription_id)


def resume_create(call: Call) -> Json:
    """What is left of `create` for a subscription that an earlier try made; its payment was planned with it."""
    row = subscription_of(call, call.id)
    set_thresholds(call, clocked(call, row.test_clock_id), row, call.params)
    return shown_by_id(call, row.id)


def subscribe_request(call: Call, ctx: Context, customer_id: str, params: dict[str, Any]) -> SubscribeRequest:
    values: dict[str, Any] = {
        name: params[name]
        for name in (
            "backdate_start_date",
            "billing_cycle_anchor",
            "cancel_at",
            "cancel_at_period_end",
            "collection_method",
            "currency",
            "days_until_due",
            "description",
            "off_session",
            "payment_behavior",
            "proration_behavior",
        )
        if name in params
    }
    if "currency" in values:
        values["currency"] = values["currency"].lower()
    if "billing_cycle_anchor_config" in params:
        values["billing_cycle_anchor_config"] = AnchorConfig(**params["billing_cycle_anchor_config"])
    if "trial_settings" in params:
        values["trial_missing_payment_method"] = params["trial_settings"]["end_behavior"]["missing_payment_method"]
    if params.get("default_payment_method"):
        given = params["default_payment_method"]
        values["default_payment_method_id"] = method_id(
            ctx, call.merchant_id, customer_id, given, param="default_payment_method"
        )
    if "save_default_payment_method" in params.get("payment_settings", {}):
        values["save_default_payment_method"] = params["payment_settings"]["save_default_payment_method"]
    return SubscribeRequest(
        merchant_id=call.merchant_id,
        customer_id=customer_id,
        with_setup=True,
        items=new_items(call, params.get("items", ()), "items"),
        add_invoice_items=new_items(call, params.get("add_invoice_items", ()), "add_invoice_items"),
        discounts=discount_requests(call, params.get("discounts")),
        default_tax_rate_ids=tax_rate_ids(call, params.get("default_tax_rates"), "default_tax_rates"),
        metadata=new_metadata(params),
        **values,
        **_trial(params),
    )


def _trial(params: dict[str, Any]) -> dict[str, Any]:
    """A price's own trial counts only when it is asked for, as in Stripe; one thing alone says how long it is."""
    trial_end = params.get("trial_end")
    if sum((trial_end is not None, "trial_period_days" in params, bool(params.get("trial_from_plan")))) > 1:
        raise TrialTwice
    if isinstance(trial_end, datetime):
        return {"trial_end": trial_end}
    if params.get("trial_from_plan") and trial_end != "now":
        return {}
    return {"trial_period_days": 0 if trial_end == "now" else params.get("trial_period_days", 0)}


def retrieve(call: Call) -> Json:
    return shown_by_id(call, call.id)


def update(call: Call) -> Json:
    row = subscription_of(call, call.id)
    ctx = clocked(call, row.test_clock_id)
    check_may_wait(call.params)
    if is_made_of_parts(call.params):
        with taken_back():
            rehearse_update(ctx=ctx, request=update_request(call, ctx, row, rehearsed(call.params)))
            set_thresholds(call, ctx, row, call.params)
    carried_out(call, lambda: update_subscription(ctx=ctx, request=update_request(call, ctx, row, call.params)))
    set_thresholds(call, ctx, row, call.params)
    return shown_by_id(call, row.id)


def cancel(call: Call) -> Json:
    row = found(selectors.subscriptions(call.merchant_id).exclude(status__in=ENDED), call.id, "subscription")
    details = call.params.get("cancellation_details") or {}
    ends.cancel_subscription(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        subscription_id=row.id,
        prorate=call.params.get("prorate", False),
        invoice_now=call.params.get("invoice_now", False),
        feedback=details.get("feedback") or "",
        comment=details.get("comment") or "",
    )
    return shown_by_id(call, row.id)


def resume(call: Call) -> Json:
    row = subscription_of(call, call.id)
    request = ResumeRequest(merchant_id=row.merchant_id, subscription_id=row.id, **call.params)
    resume_subscription(ctx=clocked(call, row.test_clock_id), request=request)
    return shown_by_id(call, row.id)


def pause(call: Call) -> Json:
    row = subscription_of(call, call.id)
    pause_subscription(
        ctx=clocked(call, row.test_clock_id), merchant_id=row.merchant_id, subscription_id=row.id, **call.params
    )
    return shown_by_id(call, row.id)


def migrate(call: Call) -> Json:
    """Every subscription is billed flexibly from its first day: there is nothing to move."""
    return shown_by_id(call, call.id)


def list_(call: Call) -> Json:
    params = call.params
    rows = in_range(selectors.subscriptions(call.merchant_id), "created", params.get("created"))
    status = params.get("status")
    if status is None:
        rows = rows.exclude(status="canceled")
    elif status == "ended":
        rows = rows.filter(status__in=ENDED)
    elif status != "all":
        rows = rows.filter(status=status)
    if "customer" in params:
        rows = rows.filter(customer_id=params["customer"])
    elif "test_clock" in params:
        rows = rows.filter(test_clock_id=params["test_clock"])
    else:
        # What lives on a clock is listed by its clock or its customer, as in Stripe.
        rows = rows.filter(test_clock_id__isnull=True)
    if params.get("automatic_tax", {}).get("enabled"):
        rows = rows.none()  # taxes are those of tax rates, on every subscription
    if "collection_method" in params:
        rows = rows.filter(collection_method=params["collection_method"])
    rows = _by_items(rows, params)
    return page(rows, call, lambda found: shown(found), url=URL)


def _by_items(rows: Any, params: dict[str, Any]) -> Any:
    wanted = {"deleted_at__isnull": True}
    price = params.get("price", params.get("plan"))
    if price is not None:
        wanted["price_id"] = price
    items = selectors.live_items().filter(**wanted)
    for name in ("current_period_start", "current_period_end"):
        items = in_range(items, name, params.get(name))
    if price is not None or "current_period_start" in params or "current_period_end" in params:
        rows = rows.filter(id__in=items.order_by().values("subscription_id"))
    return rows


def delete_discount(call: Call) -> Json:
    row = subscription_of(call, call.id)
    if not selectors.discount_ids_of([row.id])[0][row.id]:
        raise DiscountNotFound
    update_subscription(
        ctx=clocked(call, row.test_clock_id),
        request=ChangeRequest(merchant_id=row.merchant_id, subscription_id=row.id, items=(), discounts=()),
    )
    return {"object": "discount", "deleted": True}


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("DELETE", URL + "/{id}", cancel, CANCEL),
    Operation("POST", URL + "/{id}/cancel", cancel, CANCEL),
    Operation("POST", URL + "/{id}/resume", resume, RESUME),
    Operation("POST", URL + "/{id}/migrate", migrate, MIGRATE),
    Operation("POST", URL + "/{id}/pause", pause, fields(invoice_now=boolean(), prorate=boolean())),
    Operation("DELETE", URL + "/{id}/discount", delete_discount),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = list(Subscription.objects.filter(merchant_id=merchant_id, id__in=ids))
    return {body["id"]: body for body in shown(rows)}


def load_discounts(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Discount.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: discount_snapshot(row) for row in rows}


def include_of_customers(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    """Each customer's running subscriptions."""
    lists: dict[str, Json] = {
        given: {"object": "list", "data": [], "has_more": False, "url": f"/v1/customers/{given}/subscriptions"}
        for given in ids
    }
    rows = selectors.subscriptions(merchant_id).filter(customer_id__in=ids).exclude(status__in=ENDED)
    for body in shown(list(rows)):
        lists[body["customer"]]["data"].append(body)
    return lists


LOADERS = {"subscription": load, "discounts": load_discounts, "discount": load_discounts}
INCLUDES = {("customer", "subscriptions"): include_of_customers}
