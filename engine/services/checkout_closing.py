"""The end of a checkout session, told with what it came to: checkout.session.completed, checkout.session.expired."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer
from engine.services.checkout_preview import basket_of, preview_checkout
from engine.types import CheckoutRequest
from events.types import EventRow
from events.writes import record_events
from invoicing.models import Invoice
from subscriptions.models import CheckoutSession, CheckoutStatus
from subscriptions.services.checkout_sessions import (
    answered_sessions,
    complete_checkout_session,
    expire_checkout_session,
)
from subscriptions.snapshots import checkout_session_snapshot


class SessionNotOpen(OstinatoError):
    code = "checkout_session_not_open"
    message_id = gettext_noop("Only an open checkout session can be expired; this one is %(status)s.")


class SessionNotFound(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("There is no such checkout session.")


def close_session(ctx: Context, session: CheckoutSession) -> None:
    """What the session sold was paid, needs no payment now, or waits for a bank. Told once, however often called."""
    with transaction.atomic():
        unpaid = Invoice.objects.filter(id=session.invoice_id, status="open").exists() if session.invoice_id else False
        if complete_checkout_session(ctx=ctx, session_id=session.id, awaits_payment=unpaid):
            session.refresh_from_db()
            _tell(ctx, session, "completed")


def tell_answers(ctx: Context, paid: Collection[str], failed: Collection[str]) -> None:
    """The bank has answered of these invoices: sessions that waited for it are told (Stripe's async events)."""
    with transaction.atomic():
        for session in answered_sessions([*paid, *failed]):
            succeeded = session.invoice_id in paid
            _tell(ctx, session, "async_payment_succeeded" if succeeded else "async_payment_failed")


def expire_session(*, ctx: Context, merchant_id: str, session_id: str) -> CheckoutSession:
    """Nobody may begin to buy any more. Raises `SessionNotFound`, `SessionNotOpen`."""
    with transaction.atomic():
        rows = CheckoutSession.objects.select_for_update(no_key=True, of=("self",)).select_related("payment_link")
        session = rows.filter(merchant_id=merchant_id, id=session_id, payment_link__isnull=False).first()
        if session is None:
            raise SessionNotFound
        if session.status != CheckoutStatus.OPEN or session.invoice_id:
            raise SessionNotOpen(status=session.status)
        expire_checkout_session(session)
        _tell(ctx, session, "expired")
    return session


def tell_expired(ctx: Context, session_id: str) -> bool:
    """The session is over, unless it was closed meanwhile: then False. Inside the caller's transaction."""
    rows = CheckoutSession.objects.select_for_update(no_key=True, of=("self",))
    session = rows.select_related("merchant", "payment_link").get(id=session_id)
    if session.status != CheckoutStatus.OPEN:
        return False
    expire_checkout_session(session)
    _tell(ctx, session, "expired")
    return True


def body_of(ctx: Context, session: CheckoutSession) -> dict[str, Any]:
    """The session as Stripe shows it, with what it came to, or would for a visitor of whom nothing is known."""
    assert session.payment_link is not None
    email = str(session.asked.get("email") or "")
    if session.customer_id:
        email = Customer.objects.values_list("email", flat=True).get(id=session.customer_id)
    rows = Invoice.objects.filter(merchant_id=session.merchant_id, id=session.invoice_id)
    invoice = rows.first() if session.invoice_id else None
    return checkout_session_snapshot(
        session,
        currency=session.payment_link.currency,
        paid=session.status == CheckoutStatus.COMPLETE and (invoice is None or invoice.status == "paid"),
        payment_intent=(invoice.payment_intent_id or None) if invoice else None,
        email=email,
        **_amounts(ctx, session, invoice),
    )


def _amounts(ctx: Context, session: CheckoutSession, found: Any) -> dict[str, int]:
    if found is not None:
        gross, total, discount, tax = found.lines_gross, found.total, found.total_discount, found.exclusive_tax
        return {"subtotal": gross, "total": total, "discount": discount, "tax": tax}
    try:
        offer = preview_checkout(ctx=ctx, basket=basket_of(session), request=CheckoutRequest(email="", instrument=""))
    except OstinatoError:  # what it sold is no longer for sale
        offer = None
    if offer is None or offer.now is None:
        return {"subtotal": 0, "total": 0, "discount": 0, "tax": 0}
    totals = offer.now.totals
    return {
        "subtotal": totals.lines_gross,
        "total": totals.total,
        "discount": totals.total_discount,
        "tax": totals.exclusive_tax,
    }


def _tell(ctx: Context, session: CheckoutSession, verb: str) -> None:
    event = EventRow(
        merchant_id=session.merchant_id,
        type=f"checkout.session.{verb}",
        object_type="checkout.session",
        object_id=session.id,
        object_version=session.version,
        customer_id=session.customer_id,
        body=body_of(ctx, session) if session.merchant.keep_event_bodies else None,
    )
    record_events(ctx, [event])
