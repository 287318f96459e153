"""/v1/checkout/sessions, /v1/payment_links, /v1/billing_portal/sessions: pages of ours that a shop sends people to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from api.lookup import found, new_metadata
from api.paging import in_range, page, page_of
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    ParameterMissing,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    merged_metadata,
    text,
    timestamp,
)
from api.resources.customers import customer_of
from api.resources.prices import shown as shown_prices
from api.resources.pricing import RECURRING_PRICE_DATA, price_ids, tax_rate_ids
from catalog import baskets, services as catalog
from catalog.models import PaymentLink, PaymentLinkItem
from catalog.selectors import payment_links
from catalog.snapshots import payment_link_snapshot
from core.errors import OstinatoError, gettext_noop
from core.ids import hash_secret, new_id
from engine.rules.checkout import NothingRecurs
from engine.services.checkout_closing import body_of, expire_session
from subscriptions.facts import price_facts
from subscriptions.models import CheckoutSession
from subscriptions.rules.amounts import line_amount
from subscriptions.services.checkout_sessions import SESSION_LIFETIME, derived_secret
from subscriptions.services.portal_sessions import open_portal_session

SESSIONS, LINKS, PORTAL = "/v1/checkout/sessions", "/v1/payment_links", "/v1/billing_portal/sessions"
SOONEST = timedelta(minutes=30)
_LINE = hash_of(
    {
        "adjustable_quantity": hash_of({"enabled": boolean(required=True)}),
        "price": text(most=200),
        "price_data": RECURRING_PRICE_DATA,
        "quantity": integer(least=1, most=999),
    }
)
_TRIAL = integer(least=1, most=730)
CREATE_SESSION = fields(
    METADATA,
    allow_promotion_codes=boolean(),
    cancel_url=text(most=2000),
    client_reference_id=text(most=200),
    customer=text(most=200),
    customer_email=text(most=512),
    expires_at=timestamp(),
    line_items=list_of(_LINE, most=20),
    locale=text(most=10),
    mode=choice("payment", "setup", "subscription", required=True),
    payment_method_types=list_of(text(most=30), most=20),
    subscription_data=hash_of(
        fields(METADATA, default_tax_rates=list_of(text(most=200), most=20), trial_period_days=_TRIAL)
    ),
    success_url=text(most=1900),
    ui_mode=choice("hosted_page"),
)
LIST_SESSIONS = fields(
    PAGE,
    created=RANGE,
    customer=text(most=200),
    payment_link=text(most=200),
    status=choice("complete", "expired", "open"),
    subscription=text(most=200),
)
_AFTER = hash_of(
    {
        "redirect": hash_of({"url": text(required=True, most=2000)}),
        "type": choice("hosted_confirmation", "redirect", required=True),
    }
)
_LINK = fields(METADATA, after_completion=_AFTER, allow_promotion_codes=boolean())
CREATE_LINK = fields(
    _LINK,
    line_items=list_of(_LINE, required=True, most=20),
    subscription_data=hash_of({"trial_period_days": _TRIAL}),
)
UPDATE_LINK = fields(_LINK, active=boolean())
CREATE_PORTAL = fields(customer=text(required=True, most=200), return_url=text(most=2000))


class ModeNotOffered(OstinatoError):
    code = "parameter_invalid"
    param = "mode"
    message_id = gettext_noop("Ostinato's checkout sells subscriptions: mode=%(mode)s is not offered.")


class AddressInvalid(OstinatoError):
    code = "url_invalid"
    message_id = gettext_noop("Not a valid URL")


class ExpiryOutOfRange(OstinatoError):
    code = "parameter_invalid_integer"
    param = "expires_at"
    message_id = gettext_noop("The `expires_at` timestamp must be between 30 minutes and 24 hours from now.")


class BuyerOnClock(OstinatoError):
    code = "parameter_invalid"
    param = "customer"
    message_id = gettext_noop("A customer on a test clock cannot visit a page: subscribe it by /v1/subscriptions.")


class BuyerTwice(OstinatoError):
    code = "parameters_exclusive"
    param = "customer_email"
    message_id = gettext_noop("Say who buys in one way: customer or customer_email.")


def _address(given: str, param: str) -> str:
    """http(s) only, in one word: it is sent back to browsers."""
    if not given.startswith(("https://", "http://")) or any(mark.isspace() or mark < " " for mark in given):
        raise AddressInvalid(param=param)
    return given


def _items(call: Call) -> list[tuple[str, int]]:
    lines = call.params.get("line_items", ())
    ids = price_ids(call, lines, "line_items")
    for number, price_id in enumerate(ids):
        if not price_id:
            raise ParameterMissing(param=f"line_items[{number}][price]", name=f"line_items[{number}][price]")
    return [(price_id, line.get("quantity", 1)) for price_id, line in zip(ids, lines, strict=True)]


def _adjustable(call: Call) -> bool:
    return any(line.get("adjustable_quantity", {}).get("enabled") for line in call.params.get("line_items", ()))


def create_session(call: Call) -> Json:
    params = call.params
    if params["mode"] != "subscription":
        raise ModeNotOffered(mode=params["mode"])
    for name in ("line_items", "success_url"):
        if not params.get(name):
            raise ParameterMissing(param=name, name=name)
    session_id = new_id("cs")
    customer_id, asked = _buyer(call)
    with transaction.atomic():
        row = CheckoutSession.objects.create(
            id=session_id,
            merchant_id=call.merchant_id,
            payment_link=_basket(call, session_id),
            secret_hash=hash_secret(derived_secret(session_id)),
            customer_id=customer_id,
            asked=asked,
            locale=params.get("locale", "").replace("auto", ""),
            cancel_url=_address(params["cancel_url"], "cancel_url") if "cancel_url" in params else "",
            client_reference_id=params.get("client_reference_id", ""),
            metadata=new_metadata(params),
            subscription_metadata=new_metadata(params.get("subscription_data", {})),
            expires_at=_expiry(call),
            created=call.ctx.as_of,
            recorded_at=call.ctx.recorded_at,
        )
    return shown(call, row)


def _basket(call: Call, session_id: str) -> PaymentLink:
    params, data = call.params, call.params.get("subscription_data", {})
    success = _address(params["success_url"], "success_url").replace("{CHECKOUT_SESSION_ID}", session_id)
    rates = tax_rate_ids(call, data.get("default_tax_rates"), "subscription_data[default_tax_rates]")
    basket = baskets.create_basket(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        items=_items(call),
        after_completion_url=success,
        adjustable_quantity=_adjustable(call),
        allow_promotion_codes=params.get("allow_promotion_codes", False),
        tax_rate_ids=list(rates),
        trial_period_days=data.get("trial_period_days"),
    )
    if not basket.items.filter(price__type="recurring").exists():
        raise NothingRecurs(param="line_items")
    return basket


def _buyer(call: Call) -> tuple[str, Json]:
    """The customer's id, and what the form is filled in with."""
    if "customer" not in call.params:
        return "", {"email": call.params["customer_email"]} if "customer_email" in call.params else {}
    if "customer_email" in call.params:
        raise BuyerTwice
    row = customer_of(call, call.params["customer"], "customer")
    if row.test_clock_id:
        raise BuyerOnClock
    names = ("email", "name", "line1", "line2", "city", "state", "postal_code", "country")
    return row.id, {name: getattr(row, name) for name in names}


def _expiry(call: Call) -> Any:
    now = call.ctx.recorded_at
    asked = call.params.get("expires_at", now + SESSION_LIFETIME)
    if not now + SOONEST <= asked.replace(microsecond=999_999) or asked > now + SESSION_LIFETIME:
        raise ExpiryOutOfRange
    return asked


def shown(call: Call, row: CheckoutSession) -> Json:
    """The session, its address as long as it is open."""
    body = body_of(call.ctx, row)
    if row.status == "open" and row.expires_at <= call.ctx.recorded_at and not row.invoice_id:
        body["status"] = "expired"
    link = row.payment_link
    assert link is not None
    is_open = body["status"] == "open"
    body["url"] = None
    if is_open and link.one_visit:
        body["url"] = settings.SITE_URL + reverse("checkout_opened", args=[row.id, derived_secret(row.id)])
    return body


def _sessions(call: Call) -> Any:
    rows = CheckoutSession.objects.filter(merchant_id=call.merchant_id, payment_link__isnull=False)
    return rows.select_related("payment_link", "merchant").order_by("-created", "-id")


def retrieve_session(call: Call) -> Json:
    return shown(call, found(_sessions(call), call.id, "checkout.session"))


def list_sessions(call: Call) -> Json:
    rows = in_range(_sessions(call), "created", call.params.get("created"))
    names = ("customer", "payment_link", "subscription")
    rows = rows.filter(**{f"{name}_id": call.params[name] for name in names if name in call.params})
    if "status" in call.params:
        rows = rows.filter(status=call.params["status"])
    return page(rows, call, lambda found: [shown(call, row) for row in found], url=SESSIONS)


def expire(call: Call) -> Json:
    return shown(call, expire_session(ctx=call.ctx, merchant_id=call.merchant_id, session_id=call.id))


def list_session_lines(call: Call) -> Json:
    row = found(_sessions(call), call.id, "checkout.session")
    return _lines(call, row.payment_link, f"{SESSIONS}/{row.id}/line_items")


def _lines(call: Call, link: PaymentLink, url: str) -> Json:
    items = list(link.items.select_related("price__product").order_by("position", "id"))
    prices = shown_prices(call, [item.price for item in items])
    return page_of([_line(item, price) for item, price in zip(items, prices, strict=True)], call, url=url)


def _line(item: PaymentLinkItem, price: Json) -> Json:
    """Before discounts and taxes, which depend on who buys."""
    amount = line_amount(price_facts(item.price, item.price.product), item.quantity)
    return {
        "id": item.id,
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": item.price.currency,
        "description": item.price.product.name,
        "price": price,
        "quantity": item.quantity,
    }


def create_link(call: Call) -> Json:
    params = call.params
    row = catalog.create_payment_link(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        items=_items(call),
        adjustable_quantity=_adjustable(call),
        allow_promotion_codes=params.get("allow_promotion_codes", False),
        metadata=new_metadata(params),
        trial_period_days=params.get("subscription_data", {}).get("trial_period_days"),
        **_after(params),
    )
    return shown_link(row, livemode=call.livemode)


def _after(params: dict[str, Any]) -> dict[str, str]:
    if "after_completion" not in params:
        return {}
    after = params["after_completion"]
    if after["type"] == "hosted_confirmation":
        return {"after_completion_url": ""}
    if "redirect" not in after:
        raise ParameterMissing(param="after_completion[redirect]", name="after_completion[redirect]")
    return {"after_completion_url": _address(after["redirect"]["url"], "after_completion[redirect][url]")}


def shown_link(row: PaymentLink, *, livemode: bool) -> Json:
    after: Json = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": None}}
    if row.after_completion_url:
        after = {"type": "redirect", "redirect": {"url": row.after_completion_url}}
    return payment_link_snapshot(row, livemode=livemode) | {
        "after_completion": after,
        "url": settings.SITE_URL + reverse("payment_link", args=[row.id]),
    }


def retrieve_link(call: Call) -> Json:
    return shown_link(found(payment_links(call.merchant_id), call.id, "payment_link"), livemode=call.livemode)


def update_link(call: Call) -> Json:
    row = found(payment_links(call.merchant_id), call.id, "payment_link")
    names = ("active", "allow_promotion_codes")
    values: dict[str, Any] = {name: call.params[name] for name in names if name in call.params}
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    changed = catalog.update_payment_link(
        ctx=call.ctx, merchant_id=call.merchant_id, payment_link_id=row.id, **values | _after(call.params)
    )
    return shown_link(changed, livemode=call.livemode)


def list_links(call: Call) -> Json:
    rows = in_range(payment_links(call.merchant_id), "created", call.params.get("created"))
    if "active" in call.params:
        rows = rows.filter(active=call.params["active"])
    return page(rows, call, lambda found: [shown_link(row, livemode=call.livemode) for row in found], url=LINKS)


def list_link_lines(call: Call) -> Json:
    row = found(payment_links(call.merchant_id), call.id, "payment_link")
    return _lines(call, row, f"{LINKS}/{row.id}/line_items")


def open_portal(call: Call) -> Json:
    """A way into the portal that works once, for half an hour."""
    customer = customer_of(call, call.params["customer"], "customer")
    back = _address(call.params["return_url"], "return_url") if "return_url" in call.params else ""
    row, token = open_portal_session(
        ctx=call.ctx, merchant_id=call.merchant_id, customer_id=customer.id, return_url=back
    )
    return {
        "id": row.id,
        "object": "billing_portal.session",
        "configuration": "bpc_" + call.merchant_id.removeprefix("acct_"),
        "created": int(row.created.timestamp()),
        "customer": customer.id,
        "customer_account": None,
        "flow": None,
        "livemode": call.livemode,
        "locale": None,
        "on_behalf_of": None,
        "return_url": back or None,
        "url": settings.SITE_URL + reverse("portal_link", args=[call.merchant_id, token]),
    }


OPERATIONS = [
    Operation("POST", SESSIONS, create_session, CREATE_SESSION),
    Operation("GET", SESSIONS, list_sessions, LIST_SESSIONS),
    Operation("GET", SESSIONS + "/{id}", retrieve_session),
    Operation("POST", SESSIONS + "/{id}/expire", expire),
    Operation("GET", SESSIONS + "/{id}/line_items", list_session_lines, PAGE),
    Operation("POST", LINKS, create_link, CREATE_LINK),
    Operation("GET", LINKS, list_links, fields(PAGE, active=boolean(), created=RANGE)),
    Operation("GET", LINKS + "/{id}", retrieve_link),
    Operation("POST", LINKS + "/{id}", update_link, UPDATE_LINK),
    Operation("GET", LINKS + "/{id}/line_items", list_link_lines, PAGE),
    Operation("POST", PORTAL, open_portal, CREATE_PORTAL),
]


def load_links(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows: Iterable[PaymentLink] = payment_links(merchant_id).filter(id__in=ids).select_related("merchant")
    return {row.id: shown_link(row, livemode=row.merchant.livemode) for row in rows}


LOADERS = {"payment_link": load_links}
