"""The whole demo, safe to run again: what is there is left alone, what a killed run left out is done.

1. The shop, its catalog and its people: one transaction.
2. Fourteen months of subscribers, lived by `simulation`.
3. A sandbox with a customer on a test clock. It comes last: that it is there says that everything is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import NoReverseMatch, reverse

from billing_site.demo import shop
from billing_site.demo.accounts import LOGINS, open_accounts
from billing_site.demo.simulation import Progress, Report, deliver_outbox, simulate
from catalog.models import PaymentLink, Price
from core.context import Context
from customers.models import Customer, TestClock
from customers.services import create_customer
from engine.services.clocks import create_clock
from engine.services.merchants import create_sandbox
from engine.services.subscribe import subscribe
from engine.types import ItemRequest, SubscribeRequest
from merchants.models import Merchant
from payments.services import attach_payment_method
from subscriptions.models import Subscription
from subscriptions.services.portal_sessions import open_portal_session

DAYS = 425  # fourteen months
SUBSCRIBERS = 340
SEED = 1608
CLOCK = "Horloge d'essai"


@dataclass(frozen=True, slots=True)
class Demo:
    merchant: Merchant
    sandbox: Merchant
    report: Report | None  # None: nothing had to be lived


def seed_demo(
    *, now: datetime, progress: Progress, subscribers: int = SUBSCRIBERS, seed: int = SEED, days: int = DAYS
) -> Demo:
    """Make what is missing of the demo."""
    found = _found()
    if found is not None:
        return found
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    ctx = Context(as_of=start, recorded_at=now)
    with transaction.atomic():
        merchant = _merchant()
        if merchant is None:
            progress("opening the shop")
            merchant = shop.open_shop(ctx)
        open_accounts(ctx, [merchant])
    report = simulate(
        merchant=merchant,
        start=start,
        now=now,
        subscribers=subscribers,
        seed=seed,
        progress=progress,
        regulars=True,
    )
    progress("the sandbox")
    sandbox = _sandbox(Context(as_of=now, recorded_at=now), merchant)
    deliver_outbox(now)
    return Demo(merchant, sandbox, report)


def _merchant() -> Merchant | None:
    return Merchant.objects.filter(
        livemode=True, name=shop.NAME, billing_entities__tax_registrations=shop.SELLER["tax_registrations"]
    ).first()


def _found() -> Demo | None:
    """The demo when it is complete: its last piece is there."""
    merchant = _merchant()
    sandbox = Merchant.objects.filter(parent=merchant).first() if merchant else None
    if merchant is None or sandbox is None:
        return None
    if not Subscription.objects.filter(merchant=sandbox, test_clock_id__isnull=False).exists():
        return None
    return Demo(merchant, sandbox, None)


def _sandbox(ctx: Context, parent: Merchant) -> Merchant:
    """A place to try things, with one subscriber whose clock can be advanced at once."""
    sandbox = Merchant.objects.filter(parent=parent).first()
    if sandbox is None:
        with transaction.atomic():
            sandbox = create_sandbox(ctx=ctx, parent_id=parent.id, name=f"{shop.NAME} (essais)", number_prefix="ESSAI")
            shop.stock_shelves(ctx, sandbox, shop.PRODUCTS[:2])
            open_accounts(ctx, [sandbox])
    clock = TestClock.objects.filter(merchant=sandbox).first()
    if clock is None:
        at = ctx.as_of.replace(minute=0, second=0, microsecond=0)
        clock = create_clock(ctx=ctx, merchant_id=sandbox.id, name=CLOCK, frozen_time=at)
    _clock_customer(ctx, sandbox, clock)
    return sandbox


def _clock_customer(ctx: Context, sandbox: Merchant, clock: TestClock) -> None:
    on_clock = Context(as_of=clock.frozen_time, recorded_at=ctx.recorded_at)
    customer = Customer.objects.filter(merchant=sandbox, test_clock=clock).first() or create_customer(
        ctx=on_clock,
        merchant_id=sandbox.id,
        test_clock_id=clock.id,
        name="Gaston Essai",
        email="gaston.essai@example.com",
        line1="1, rue de l'Essai",
        city="Lévis",
        state="QC",
        postal_code="G6V 1A1",
        country="CA",
        preferred_locale="fr-ca",
    )
    if not customer.default_payment_method_id:
        attach_payment_method(ctx=on_clock, merchant_id=sandbox.id, customer_id=customer.id, instrument="pm_card_visa")
    price = Price.objects.get(merchant=sandbox, lookup_key="cafe_1")
    subscribe(
        ctx=on_clock,
        request=SubscribeRequest(sandbox.id, customer.id, (ItemRequest(price.id),), trial_period_days=0),
    )


# --- what is printed -----------------------------------------------------------------------------------------


def summary(demo: Demo, *, now: datetime) -> dict[str, Any]:
    """Logins and links. The portal's link works once and for half an hour: each call makes a new one."""
    link = PaymentLink.objects.filter(merchant=demo.merchant, active=True).order_by("created", "id").first()
    facts: dict[str, Any] = {
        "merchant": demo.merchant.name,
        "logins": [
            {"role": login.role.replace("_", "-"), "email": login.email, "password": login.password} for login in LOGINS
        ],
        "dashboard": f"{settings.SITE_URL}/dashboard/",
        "admin": f"{settings.SITE_URL}/admin/",
        "payment_link": _address("payment_link", link.id) if link else "",
        "portal_link": _portal_link(demo.merchant, now),
        "sandbox": demo.sandbox.name,
    }
    if demo.report is not None:
        facts["subscribers"] = demo.report.subscribers
    return facts


def _portal_link(merchant: Merchant, now: datetime) -> str:
    """For a subscriber with something to see: the longest active one."""
    subscription = (
        Subscription.objects.filter(
            merchant=merchant, status="active", collection_method="charge_automatically", cancel_at_period_end=False
        )
        .order_by("created", "id")
        .first()
    )
    if subscription is None:
        return ""
    _, token = open_portal_session(
        ctx=Context(as_of=now, recorded_at=now), merchant_id=merchant.id, customer_id=subscription.customer_id
    )
    return _address("portal_link", merchant.id, token)


def _address(name: str, *args: str) -> str:
    try:
        return f"{settings.SITE_URL}{reverse(name, args=args)}"
    except NoReverseMatch:
        return ""
