"""/v1/checkout/sessions: pages of ours that a shop sends people to."""

from __future__ import annotations

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
    text,
    timestamp,
)
from api.resources.checkout_terms import (
    AS_IT_IS,
    INVOICE_CREATION,
    PAYMENT_DATA,
    SETUP_DATA,
    SUBSCRIPTION_DATA,
    terms_of,
)
from api.resources.customers import customer_of
from api.resources.page_terms import ADJUSTABLE, CONSENT, PAGE_TERMS, line_terms_of, page_terms_of
from api.resources.prices import shown as shown_prices
from api.resources.pricing import SOLD_PRICE_DATA, price_ids, tax_rate_ids
from catalog import baskets
from catalog.models import PaymentLink, PaymentLinkItem
from core.errors import OstinatoError, gettext_noop
from core.ids import hash_secret, new_id
from core.money import parse_currency
from customers.services import checked_email
from engine.rules.checkout import NothingRecurs, SomethingRecurs
from engine.services.checkout_closing import body_of, expire_session
from merchants.models import Merchant
from subscriptions.facts import price_facts
from subscriptions.models import CheckoutSession
from subscriptions.rules.amounts import line_amount
from subscriptions.services.checkout_sessions import SESSION_LIFETIME, derived_secret

SESSIONS = "/v1/checkout/sessions"
SOONEST = timedelta(minutes=30)
_LINE = {
    "adjustable_quantity": ADJUSTABLE,
    "price": text(most=200),
    "price_data": SOLD_PRICE_DATA,
    "quantity": integer(least=1, most=999_999),
}
LINE = hash_of(_LINE)
_TAXED_LINE = hash_of(_LINE | {"tax_rates": list_of(text(most=200), most=20)})
CREATE_SESSION = fields(
    METADATA,
    AS_IT_IS,
    PAGE_TERMS,
    consent_collection=CONSENT,
    allow_promotion_codes=boolean(),
    cancel_url=text(most=2000),
    client_reference_id=text(most=200),
    currency=text(most=3),
    customer=text(most=200),
    customer_creation=choice("always", "if_required"),
    customer_email=text(most=512),
    discounts=list_of(hash_of({"coupon": text(most=200), "promotion_code": text(most=200)}), most=1),
    expires_at=timestamp(),
    invoice_creation=INVOICE_CREATION,
    line_items=list_of(_TAXED_LINE, most=20),
    locale=text(most=10),
    mode=choice("payment", "setup", "subscription", required=True),
    payment_intent_data=PAYMENT_DATA,
    payment_method_types=list_of(text(most=30), most=20),
    setup_intent_data=SETUP_DATA,
    subscription_data=SUBSCRIPTION_DATA,
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


# What belongs to one mode alone.
_OF_MODE = {
    "invoice_creation": "payment",
    "payment_method_collection": "subscription",
    "payment_intent_data": "payment",
    "setup_intent_data": "setup",
    "subscription_data": "subscription",
}


class OfAnotherMode(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("You can not pass `%(name)s` in `%(mode)s` mode.")


class CodeBesideDiscount(OstinatoError):
    code = "parameters_exclusive"
    param = "discounts"
    message_id = gettext_noop("A session has discounts or takes promotion codes, not both.")


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


def checked_address(given: str, param: str) -> str:
    """http(s) only, in one word: it is sent back to browsers."""
    if not given.startswith(("https://", "http://")) or any(mark.isspace() or mark < " " for mark in given):
        raise AddressInvalid(param=param)
    return given


def items_of(call: Call) -> list[tuple[str, int]]:
    lines = call.params.get("line_items", ())
    ids = price_ids(call, lines, "line_items")
    for number, price_id in enumerate(ids):
        if not price_id:
            raise ParameterMissing(param=f"line_items[{number}][price]", name=f"line_items[{number}][price]")
    return [(price_id, line.get("quantity", 1)) for price_id, line in zip(ids, lines, strict=True)]


def is_adjustable(call: Call) -> bool:
    return any(line.get("adjustable_quantity", {}).get("enabled") for line in call.params.get("line_items", ()))


def create_session(call: Call) -> Json:
    params = call.params
    _check_mode(params)
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
            mode=params["mode"],
            terms=terms_of(call),
            locale=params.get("locale", "").replace("auto", ""),
            cancel_url=checked_address(params["cancel_url"], "cancel_url") if "cancel_url" in params else "",
            client_reference_id=params.get("client_reference_id", ""),
            metadata=new_metadata(params),
            subscription_metadata=new_metadata(params.get("subscription_data", {})),
            expires_at=_expiry(call),
            created=call.ctx.as_of,
            recorded_at=call.ctx.recorded_at,
        )
    return shown(call, row)


def _check_mode(params: dict[str, Any]) -> None:
    mode = params["mode"]
    for name, of in _OF_MODE.items():
        if name in params and mode != of:
            raise OfAnotherMode(param=name, name=name, mode=mode)
    if mode == "setup":
        for name in ("line_items", "discounts", "allow_promotion_codes"):
            if params.get(name):
                raise OfAnotherMode(param=name, name=name, mode=mode)
    for name in ("success_url",) if mode == "setup" else ("line_items", "success_url"):
        if not params.get(name):
            raise ParameterMissing(param=name, name=name)
    if params.get("discounts") and params.get("allow_promotion_codes"):
        raise CodeBesideDiscount


def _basket(call: Call, session_id: str) -> PaymentLink:
    params, data = call.params, call.params.get("subscription_data", {})
    success = checked_address(params["success_url"], "success_url").replace("{CHECKOUT_SESSION_ID}", session_id)
    rates = tax_rate_ids(call, data.get("default_tax_rates"), "subscription_data[default_tax_rates]")
    basket = baskets.create_basket(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        items=items_of(call),
        line_terms=line_terms_of(call),
        terms=page_terms_of(params),
        currency=_currency(call) if params["mode"] == "setup" else "",
        after_completion_url=success,
        adjustable_quantity=is_adjustable(call),
        allow_promotion_codes=params.get("allow_promotion_codes", False),
        tax_rate_ids=list(rates),
        trial_period_days=data.get("trial_period_days"),
    )
    recurs = basket.items.filter(price__type="recurring").exists()
    if params["mode"] == "subscription" and not recurs:
        raise NothingRecurs(param="line_items")
    if params["mode"] == "payment" and recurs:
        raise SomethingRecurs
    return basket


def _currency(call: Call) -> str:
    """In which a way to pay is set up: it decides which debits are offered."""
    if "currency" in call.params:
        return parse_currency(call.params["currency"])
    return str(Merchant.objects.values_list("default_currency", flat=True).get(id=call.merchant_id))


def _buyer(call: Call) -> tuple[str, Json]:
    """The customer's id, and what the form is filled in with."""
    if "customer" not in call.params:
        given = call.params.get("customer_email")
        return "", {"email": checked_email(given, "customer_email")} if given is not None else {}
    if "customer_email" in call.params:
        raise BuyerTwice
    row = customer_of(call, call.params["customer"], "customer")
    if row.test_clock_id:
        raise BuyerOnClock
    names = ("email", "name", "line1", "line2", "city", "state", "postal_code", "country", "phone")
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
    return lines_of(call, row.payment_link, f"{SESSIONS}/{row.id}/line_items")


def lines_of(call: Call, link: PaymentLink, url: str) -> Json:
    items = list(link.items.select_related("price__product").order_by("position", "id"))
    prices = shown_prices(call, [item.price for item in items])
    return page_of([_line(item, price) for item, price in zip(items, prices, strict=True)], call, url=url)


def _line(item: PaymentLinkItem, price: Json) -> Json:
    """Before discounts and taxes, which depend on who buys."""
    amount = line_amount(price_facts(item.price, item.price.product), item.quantity)
    return {
        "id": item.id,
        "object": "item",
        "adjustable_quantity": item.adjustable_quantity,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": item.price.currency,
        "description": item.price.product.name,
        "price": price,
        "quantity": item.quantity,
    }


OPERATIONS = [
    Operation("POST", SESSIONS, create_session, CREATE_SESSION),
    Operation("GET", SESSIONS, list_sessions, LIST_SESSIONS),
    Operation("GET", SESSIONS + "/{id}", retrieve_session),
    Operation("POST", SESSIONS + "/{id}/expire", expire),
    Operation("GET", SESSIONS + "/{id}/line_items", list_session_lines, PAGE),
]
