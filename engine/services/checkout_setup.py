"""Buying from a payment link with a way to pay that is entered on the processor's own page.

The visitor leaves in the middle of a purchase, so what was filled in waits on the session's row: nothing is sold
before there is something to pay with. Coming back, by the browser's way or by reloading it, buys and pays once.
"""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from core.context import Context
from customers.models import PaymentMethod
from engine.services.checkout import buy_and_pay, plan_and_note_buyer, result_of, standing_of
from engine.types import CheckoutRequest, CheckoutResult
from payments.models import Charge, GatewaySetupStatus
from payments.setups import SetupNotFound, finish_setup, start_setup
from subscriptions.models import CheckoutSession
from subscriptions.services.checkout_sessions import CheckoutExpired, checkout_session, note_setup


def start_checkout_setup(
    *, ctx: Context, session_id: str, secret: str, request: CheckoutRequest | None, return_url: str
) -> str:
    """The address of the processor's page; blank when nothing is left to pay with it.

    `request` is the form of a purchase, None when only its payment is missing. Raises what is wrong with the
    request, `CheckoutExpired`, and `GatewayRefused` when the processor makes no page.
    """
    session = checkout_session(session_id, secret)
    standing = standing_of(ctx=ctx, session=session)
    if standing.status == "expired":
        raise CheckoutExpired
    if standing.status not in ("open", "unpaid"):
        return ""
    free = standing.status == "open" and request is not None and plan_and_note_buyer(ctx, session, secret, request)
    session.refresh_from_db()
    if free:
        buy_and_pay(ctx, session, secret, None, request)
        return ""
    setup, url = start_setup(
        ctx=ctx,
        merchant_id=session.merchant_id,
        customer_id=session.customer_id,
        return_url=return_url,
        currency=session.payment_link.currency if session.payment_link else "",
        locale=session.locale,
        make_default=False,
    )
    with transaction.atomic():
        locked = checkout_session(session_id, secret, lock=True)
        note_setup(locked, setup_id=setup.id, asked=asdict(request) if request else locked.asked)
    return url


def finish_checkout_setup(*, ctx: Context, session_id: str, secret: str, setup_id: str) -> CheckoutResult:
    """The visitor is back: buy and pay with what was stored, once, however often this is called.

    Raises `SetupNotFound` for a setup that is not this visit's last one, and what is wrong with the request by now.
    """
    session = checkout_session(session_id, secret)
    if not setup_id or session.setup_id != setup_id:
        raise SetupNotFound
    setup = finish_setup(ctx=ctx, merchant_id=session.merchant_id, setup_id=setup_id)
    standing = standing_of(ctx=ctx, session=session)
    method = _usable(session, setup.payment_method_id)
    if setup.status != GatewaySetupStatus.SUCCEEDED or method is None or standing.status not in ("open", "unpaid"):
        return result_of(session, standing.status, None)
    if Charge.objects.filter(merchant_id=session.merchant_id, payment_method_id=method.id).exists():
        return result_of(session, standing.status, None)  # this page was reloaded: it was tried already
    request = CheckoutRequest(**session.asked) if standing.status == "open" else None
    return buy_and_pay(ctx, session, secret, method, request)


def _usable(session: CheckoutSession, payment_method_id: str) -> PaymentMethod | None:
    """The stored method; None when it was tried, did not pay and was let go of."""
    return PaymentMethod.objects.filter(
        merchant_id=session.merchant_id,
        customer_id=session.customer_id,
        id=payment_method_id,
        detached_at__isnull=True,
    ).first()
