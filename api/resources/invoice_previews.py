"""/v1/invoices/create_preview: what would be billed, by the planners that bill.

What has to be there for that and is not (an item to add, an inline price, a customer of whom only the address is
known, a schedule) is made by its own service in a transaction that is taken back: nothing is written.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from api.business_time import clocked_reading, of_customer
from api.lookup import NoSuchObject
from api.protocol.operation import Call, Json
from api.protocol.schema import (
    METADATA,
    boolean,
    choice,
    decimal,
    fields,
    hash_of,
    integer,
    list_of,
    text,
    timestamp,
)
from api.resources.customers import customer_of
from api.resources.invoice_items import item_request
from api.resources.preview_shapes import shown_as_finalized
from api.resources.pricing import (
    DISCOUNTS,
    PRICE_DATA,
    QUANTITY,
    TAX_RATES,
    discount_requests,
    new_items,
    tax_rate_ids,
)
from api.resources.schedules import PHASES, schedule_of, schedule_request, schedule_update
from api.resources.subscription_changes import ITEM_CHANGE, item_changes
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import Customer
from customers.services import create_customer
from engine.services import previewing
from engine.services.invoice_items import create_invoice_item, delete_invoice_item
from engine.services.schedules import post_schedule, post_schedule_update
from engine.types import CancelRequest, ChangeRequest, InvoicePreview, ResumeRequest, SubscribeRequest
from invoicing.models import Invoice
from invoicing.selectors import lines_of
from invoicing.snapshots import invoice_snapshot
from subscriptions.models import Subscription
from subscriptions.selectors import subscriptions

_BEHAVIOR = choice("always_invoice", "create_prorations", "none")
_DETAILS = hash_of(
    {
        "billing_cycle_anchor": timestamp("now", "unchanged"),
        "billing_mode": hash_of({"type": choice("flexible", required=True)}),
        "cancel_at": timestamp("min_period_end", "max_period_end", clearable=True),
        "cancel_at_period_end": boolean(),
        "cancel_now": boolean(),
        "default_tax_rates": TAX_RATES,
        "items": list_of(ITEM_CHANGE, most=20),
        "proration_behavior": _BEHAVIOR,
        "proration_date": timestamp(),
        "resume_at": choice("now"),
        "start_date": timestamp("now"),
        "trial_end": timestamp("now"),
    }
)
_SCHEDULE_DETAILS = hash_of(
    {
        "billing_mode": hash_of({"type": choice("flexible", required=True)}),
        "end_behavior": choice("cancel", "release"),
        "phases": PHASES,
        "proration_behavior": _BEHAVIOR,
    }
)
_ADDRESS = hash_of(
    {name: text(most=200) for name in ("city", "country", "line1", "line2", "postal_code", "state")}, clearable=True
)
_CUSTOMER_DETAILS = hash_of({"address": _ADDRESS, "tax_exempt": choice("exempt", "none", "reverse", clearable=True)})
_INVOICE_ITEM = hash_of(
    fields(
        METADATA,
        amount=integer(),
        currency=text(most=3),
        description=text(clearable=True, most=5000),
        discountable=boolean(),
        invoiceitem=text(most=200),
        period=hash_of({"start": timestamp(required=True), "end": timestamp(required=True)}),
        price=text(most=200),
        price_data=PRICE_DATA,
        quantity=QUANTITY,
        tax_rates=TAX_RATES,
        unit_amount=integer(),
        unit_amount_decimal=decimal(),
    )
)
CREATE_PREVIEW = fields(
    automatic_tax=hash_of({"enabled": choice("false", required=True)}),
    currency=text(most=3),
    customer=text(most=200),
    customer_details=_CUSTOMER_DETAILS,
    discounts=DISCOUNTS,
    invoice_items=list_of(_INVOICE_ITEM, most=100),
    preview_mode=choice("next", "recurring"),
    schedule=text(most=200),
    schedule_details=_SCHEDULE_DETAILS,
    subscription=text(most=200),
    subscription_details=_DETAILS,
)


class NothingUpcoming(OstinatoError):
    code = "invoice_upcoming_none"
    message_id = gettext_noop("No upcoming invoices for customer: %(customer)s")


class PreviewOfWhat(OstinatoError):
    code = "parameter_missing"
    param = "customer"
    message_id = gettext_noop("Name a subscription, a schedule or a customer, or say customer_details.")


class PreviewOfTwo(OstinatoError):
    code = "parameters_exclusive"
    message_id = gettext_noop("%(name)s does not go with what else is asked for.")


class CurrencyOfAnother(OstinatoError):
    code = "currency_mismatch"
    param = "currency"
    message_id = gettext_noop("The subscription is billed in %(currency)s.")


def create_preview(call: Call) -> Json:
    with transaction.atomic():
        body = _preview(call)
        transaction.set_rollback(True)
    return body


def _preview(call: Call) -> Json:
    params = call.params
    for one, other in (("schedule", "subscription"), ("schedule_details", "subscription_details")):
        if one in params and other in params:
            raise PreviewOfTwo(param=one, name=one)
    if "subscription" in params:
        row = subscriptions(call.merchant_id).filter(id=params["subscription"]).first()
        if row is None:
            raise NoSuchObject(param="subscription", what="subscription", id=params["subscription"])
        ctx = clocked_reading(call, row.test_clock_id)
        _add_items(call, ctx, row.customer_id, row.id)
        return _shown(ctx, _of_subscription(call, ctx, row), row.customer_id)
    if "schedule" in params:
        return _of_schedule(call)
    customer, is_known = _customer(call)
    ctx = of_customer(call, customer.id, changes=False)
    _add_items(call, ctx, customer.id, "")
    if "phases" in params.get("schedule_details", {}):
        return _of_new_schedule(call, ctx, customer.id)
    body = _shown(ctx, _of_customer(call, ctx, customer.id), customer.id)
    return body if is_known else body | {"customer": None}


def _customer(call: Call) -> tuple[Customer, bool]:
    """The customer, or one that is made of what is known of it; and whether it is one."""
    if "customer" in call.params:
        return customer_of(call, call.params["customer"], "customer"), True
    if "customer_details" not in call.params:
        raise PreviewOfWhat
    details = call.params["customer_details"]
    said: dict[str, Any] = {name: value or "" for name, value in (details.get("address") or {}).items()}
    if details.get("tax_exempt"):
        said["tax_exempt"] = details["tax_exempt"]
    return create_customer(ctx=call.ctx, merchant_id=call.merchant_id, **said), False


def _add_items(call: Call, ctx: Context, customer_id: str, subscription_id: str) -> None:
    """`invoice_items`: each pending like any other, in the place of the one it names."""
    for number, item in enumerate(call.params.get("invoice_items", ())):
        if "invoiceitem" in item:
            delete_invoice_item(ctx=ctx, merchant_id=call.merchant_id, item_id=item["invoiceitem"])
        said = dict(item)
        if "price" in said:
            said["pricing"] = {"price": said.pop("price")}
        if "unit_amount" in said:
            said["unit_amount_decimal"] = said.pop("unit_amount")
        request = item_request(call, said, f"invoice_items[{number}]")
        create_invoice_item(
            ctx=ctx,
            merchant_id=call.merchant_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
            request=request,
        )


def _of_customer(call: Call, ctx: Context, customer_id: str) -> InvoicePreview | None:
    """A new subscription, else the customer's next invoice, else what is pending on one of its own."""
    details = call.params.get("subscription_details", {})
    if details.get("items"):
        request, starts = _new_subscription(call, ctx, customer_id)
        return previewing.preview_new(ctx=replace(ctx, as_of=starts), request=request, recurring=_recurring(call))
    running = subscriptions(call.merchant_id).filter(customer_id=customer_id, next_action_at__isnull=False)
    row = running.order_by("next_action_at", "id").first()
    if row is not None:
        return _of_subscription(call, ctx, row)
    return previewing.preview_one_off(
        ctx=ctx,
        merchant_id=call.merchant_id,
        customer_id=customer_id,
        currency=call.params.get("currency", ""),
        discounts=discount_requests(call, call.params["discounts"]) if "discounts" in call.params else None,
    )


def _recurring(call: Call) -> bool:
    return bool(call.params.get("preview_mode") == "recurring")


def _of_subscription(call: Call, ctx: Context, row: Subscription) -> InvoicePreview | None:
    details = call.params.get("subscription_details", {})
    if call.params.get("currency", row.currency) != row.currency:
        raise CurrencyOfAnother(currency=row.currency)
    ids = {"merchant_id": row.merchant_id, "subscription_id": row.id}
    if details.get("cancel_now"):
        prorate = details.get("proration_behavior") != "none"
        return previewing.preview_cancel(ctx=ctx, request=CancelRequest(**ids, prorate=prorate, invoice_now=True))
    if "resume_at" in details:
        asked = ("billing_cycle_anchor", "proration_behavior", "proration_date")
        how = {name: details[name] for name in asked if name in details}
        resumed = ResumeRequest(row.merchant_id, row.id, **how)
        return previewing.preview_resume(ctx=ctx, request=resumed, recurring=_recurring(call))
    request = _change(call, row)
    if request is None:
        return previewing.preview_next(**ids, recurring=_recurring(call))
    return previewing.preview_update(ctx=ctx, request=request, recurring=_recurring(call))


def _of_schedule(call: Call) -> Json:
    row = schedule_of(call, call.params["schedule"], "schedule")
    ctx = clocked_reading(call, row.test_clock_id)
    _add_items(call, ctx, row.customer_id, row.subscription_id or "")
    details = call.params.get("schedule_details", {})
    if details:
        request = schedule_update(call, ctx, row, {name: details[name] for name in details if name != "billing_mode"})
        row, posted = post_schedule_update(ctx, request)
        for one, _ in posted:
            if one.batch.new_invoices:
                return _billed(next(iter(one.batch.new_invoices)))
    preview = previewing.preview_schedule(ctx=ctx, schedule=row, recurring=_recurring(call))
    return _shown(ctx, preview, row.customer_id)


def _of_new_schedule(call: Call, ctx: Context, customer_id: str) -> Json:
    details = {
        name: value for name, value in call.params["schedule_details"].items() if name in ("end_behavior", "phases")
    }
    first = details["phases"][0] if details["phases"] else {}
    _, request = schedule_request(
        call, details | {"customer": customer_id, "start_date": first.get("start_date", "now")}
    )
    schedule, batch = post_schedule(ctx, request)
    if batch is not None and batch.new_invoices and not _recurring(call):
        return _billed(next(iter(batch.new_invoices)))
    preview = previewing.preview_schedule(ctx=ctx, schedule=schedule, recurring=_recurring(call))
    return _shown(ctx, preview, customer_id)


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


def _new_subscription(call: Call, ctx: Context, customer_id: str) -> tuple[SubscribeRequest, datetime]:
    """The subscription that is asked about, and when it would be made: a start to come is waited for."""
    details = call.params["subscription_details"]
    for number, item in enumerate(details["items"]):
        if "id" in item:  # of a subscription that is not named, or of none
            named = f"subscription_details[items][{number}][id]"
            raise NoSuchObject(param=named, what="subscription item", id=item["id"])
    asked = ("billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "proration_behavior", "trial_end")
    # "now", "unchanged" and "" are how a subscription begins anyway.
    values = {name: details[name] for name in asked if details.get(name) not in (None, "now", "unchanged")}
    starts = details.get("start_date", ctx.as_of)
    starts = ctx.as_of if starts == "now" else starts
    if starts < ctx.as_of:
        values["backdate_start_date"] = starts
    request = SubscribeRequest(
        merchant_id=call.merchant_id,
        customer_id=customer_id,
        currency=call.params.get("currency", ""),
        items=new_items(call, details["items"], "subscription_details[items]"),
        discounts=discount_requests(call, call.params.get("discounts")),
        default_tax_rate_ids=tax_rate_ids(
            call, details.get("default_tax_rates"), "subscription_details[default_tax_rates]"
        ),
        **values | ({} if "trial_end" in values else {"trial_period_days": 0}),
    )
    return request, max(starts, ctx.as_of)


def _shown(ctx: Context, preview: InvoicePreview | None, customer_id: str) -> Json:
    if preview is None or preview.planned is None:
        raise NothingUpcoming(customer=customer_id)
    return shown_as_finalized(ctx, preview.planned, customer_id)


def _billed(invoice_id: str) -> Json:
    """An invoice that was written and is about to be taken back, as the draft that nobody has seen yet."""
    row = Invoice.objects.get(id=invoice_id)
    lines = lines_of([invoice_id])[invoice_id]
    row.status, row.number, row.finalized_at, row.paid_at = "draft", None, None, None
    row.amount_paid, row.amount_remaining = 0, row.amount_due
    body = invoice_snapshot(row, lines, {line.id: list(line.taxes.all()) for line in lines})
    return body | {"id": new_id("upcoming_in"), "lines": body["lines"] | {"url": "/v1/invoices/upcoming/lines"}}
