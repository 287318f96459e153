"""Every address of the dashboard and the portal, fed what no browser sends: never a 500, and nothing half-written.

The addresses come from the URL table and the fields from the forms themselves, so what is added later is tried too.
"""

import os
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver

from dashboard.actions import FIELD, new_action_token
from engine.services.clocks import create_clock
from engine.services.invoice_items import create_invoice_item
from events.models import Event
from invoicing.models import Invoice
from notifications.models import Message
from payments.models import Charge, PaymentIntent
from portal.views.visitor import SESSION_KEY
from tests.factories import catalog, customers, merchants, signups
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db

HOSTILE = {
    "NUL": "a\x00b",
    "a huge number": "9" * 30,
    "a number past int4": "2147483648",
    "not a number": "NaN",
    "infinity": "Infinity",
    "overlong": "x" * 20_000,
    "half a character": "\ud800",
    "the last year": "9999-12-31T23:59:59",
    "markup": "</script><img src=x>{{ 7|add:7 }}%(x)s",
    "somebody else's": "cus_0",
}
# What went wrong most often; `HOSTILE=all` tries everything, which takes minutes.
WORST = {name: HOSTILE[name] for name in ("NUL", "a number past int4", "the last year")}
ONE = {"a number past int4": HOSTILE["a number past int4"]}
TRIED = HOSTILE if os.environ.get("HOSTILE") == "all" else WORST
BAD_BYTES = ("%00", "%ff%fe", "%ed%a0%80", "%c0%ae%c0%ae/", "..%2f..%2fetc", "x" * 5000, quote("é" * 300))


def addresses(under: str) -> list[URLPattern]:
    """The URL patterns of a face, whatever stands before them."""
    found, waiting = [], [get_resolver()]
    while waiting:
        for entry in waiting.pop().url_patterns:
            if isinstance(entry, URLPattern):
                found.append(entry)
            else:
                waiting.append(entry)
    return [entry for entry in found if entry.callback.__module__.split(".")[0] == under]


@pytest.fixture
def world():
    """A sandbox shop with one of everything, and another shop whose ids must open nothing."""
    cache.clear()
    shop, other = merchants.merchant(), merchants.merchant(prefix="ELSE")
    clock = create_clock(ctx=context(), merchant_id=shop.id, name="clock", frozen_time=NEW_YEAR)
    owner = customers.customer(merchant=shop, payment_method="pm_card_visa")
    price = catalog.price(merchant=shop, amount=1000)
    running = signups.subscription(customer=owner, prices=[price])
    coupon = catalog.coupon(merchant=shop)
    create_invoice_item(ctx=context(), merchant_id=shop.id, customer_id=owner.id, currency="cad", amount=100)
    ids = {
        "customers": owner.id,
        "subscriptions": running.id,
        "invoices": Invoice.objects.get().id,
        "payments": PaymentIntent.objects.get().id,
        "products": price.product_id,
        "coupons": coupon.id,
        "tax-rates": catalog.tax_rate(merchant=shop).id,
        "payment-links": catalog.payment_link(merchant=shop, prices=[price]).id,
        "events": Event.objects.first().id,
        "messages": getattr(Message.objects.first(), "id", "msg_0"),
        "test-clocks": clock.id,
    }
    named = {
        "price": price.id,
        "code": catalog.promotion_code(coupon=coupon).id,
        "charge": Charge.objects.get().id,
        "method": owner.default_payment_method_id,
        "payment_method_id": owner.default_payment_method_id,
        "tax_id": customers.tax_id(customer=owner).id,
        "subscription_id": running.id,
        "payment_link_id": ids["payment-links"],
        "hosted_token": Invoice.objects.get().hosted_token,
        "merchant_id": shop.id,
        "token": "0" * 40,
        "session_id": "cs_0",
    }
    foreign = customers.customer(merchant=other)
    return SimpleNamespace(shop=shop, owner=owner, ids=ids, named=named, foreign=foreign.id)


@pytest.fixture
def browser(world) -> Client:
    """Somebody who is logged in to the dashboard as an owner and to the portal as a subscriber."""
    user = merchants.user()
    merchants.membership(merchant=world.shop, user=user)
    client = Client()
    client.force_login(user)
    session = client.session
    session[SESSION_KEY] = {
        "merchant": world.shop.id,
        "customer": world.owner.id,
        "email": world.owner.email,
        "until": "2100-01-01T00:00:00+00:00",
    }
    session.save()
    client.user_id = str(user.pk)
    return client


def path_of(pattern: URLPattern, world, prefix: str) -> str:
    """The address with ids of the shop's own rows."""
    route = str(pattern.pattern)
    for name in pattern.pattern.converters:
        value = world.ids.get(route.split("/")[0], "x_0") if name == "pk" else world.named.get(name, "x_0")
        route = route.replace(f"<id:{name}>", value).replace(f"<slug:{name}>", value)
    return prefix + route


DASHBOARD, PORTAL = addresses("dashboard"), addresses("portal")
ALL = [(pattern, "/dashboard/") for pattern in DASHBOARD] + [(pattern, "/") for pattern in PORTAL]
# Some addresses in each test, so that several processes may share the work; the world is made once for all of them.
SHARES = 6
each_share = pytest.mark.parametrize("share", [ALL[n::SHARES] for n in range(SHARES)], ids=range(SHARES))


@contextmanager
def undone():
    """What an address does is forgotten before the next one is tried."""
    block = transaction.atomic()
    block._from_testcase = True  # the services' durable transactions may be inside this one, as inside a test's own
    with block:
        yield
        transaction.set_rollback(True)


def test_the_table_holds_both_faces():
    assert len(DASHBOARD) > 60
    assert len(PORTAL) > 20


@each_share
def test_hostile_questions_get_an_answer(browser, world, share):
    names = ("q", "page", "sort", "since", "until", "status", "format", "item", "customer", "test_clock", "next")
    for pattern, prefix in share:
        path = path_of(pattern, world, prefix)
        for what, value in TRIED.items():
            with undone():
                answer = browser.get(path, dict.fromkeys(names, raw(value)))
                assert answer.status_code < 500, f"{path}: {what}"


@each_share
def test_hostile_forms_are_refused_and_write_nothing(browser, world, share):
    for pattern, prefix in share:
        path = path_of(pattern, world, prefix)
        form = _form(browser, path)
        fields = list(form.fields) if form else ["customer_id", "merchant", "customer", "answer"]
        for what, value in {**TRIED, "somebody else's": world.foreign}.items():
            send(browser, path, dict.fromkeys([*fields, "test_clock_id"], raw(value)), what)


@each_share
def test_one_hostile_field_among_good_ones_is_no_500(browser, world, share):
    for pattern, prefix in share:
        path = path_of(pattern, world, prefix)
        form = _form(browser, path)
        good = {name: _good(form, name) for name in form.fields} if form else {}
        for name in good:
            for what, value in (TRIED if TRIED is HOSTILE else ONE).items():
                send(browser, path, good | {name: raw(value)}, f"{name}: {what}")


def send(browser, path: str, fields: dict, what: str) -> None:
    """Never a 500, and a form that is refused has written nothing."""
    with undone():
        before = Event.objects.count()
        answer = browser.post(path, fields | {FIELD: new_action_token(browser.user_id)})
        assert answer.status_code < 500, f"{path}: {what}"
        assert answer.status_code < 400 or Event.objects.count() == before, f"{path}: half-written: {what}"


def raw(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def test_broken_addresses_are_not_found(browser):
    for pattern, prefix in ALL:
        for broken in BAD_BYTES if pattern.pattern.converters else ():
            route = str(pattern.pattern)
            for name in pattern.pattern.converters:
                route = route.replace(f"<id:{name}>", broken).replace(f"<slug:{name}>", broken)
            assert browser.get(prefix + route).status_code < 500, route
            assert browser.post(prefix + route, {}).status_code < 500, route


def test_a_clock_at_the_end_of_time_goes_no_further(browser, world):
    clock = create_clock(ctx=context(), merchant_id=world.shop.id, name="late", frozen_time=utc(9999, 12, 31, 23))
    path = f"/dashboard/test-clocks/{clock.id}/"
    assert browser.get(path).status_code == 200
    assert browser.get(f"{path}advance/").status_code == 200
    for step in ("1", "3", "12"):
        send(browser, f"{path}advance/", {"step": step}, step)


@pytest.mark.parametrize("raw", [f"{raw}.png" for raw in BAD_BYTES], ids=lambda raw: raw[:16])
def test_broken_names_of_logos_are_not_found(client, raw):
    assert client.get(f"/media/logos/{raw}").status_code in (400, 404)
    assert client.get(f"/brand/{raw}.css").status_code in (200, 404)


def _form(browser, path):
    answer = browser.get(path)
    contexts = answer.context or ()
    found = contexts["form"] if contexts and "form" in contexts else None
    return found if hasattr(found, "fields") else None


def _good(form, name: str):
    """What an honest person might send for this field."""
    field = form.fields[name]
    choices = [value for value, _ in getattr(field, "choices", ()) if value and isinstance(value, str)]
    if choices:
        return choices[0]
    value = form[name].value()
    if value not in (None, ""):
        return field.widget.format_value(value) or ""
    kinds = {"amount": "10", "currency": "cad", "email": "zoe@example.com", "code": "HELLO"}
    return next((found for part, found in kinds.items() if part in name), "" if "DateTime" in repr(field) else "7")
