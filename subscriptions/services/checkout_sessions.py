"""Visits to payment links: one row each, known to its visitor by a secret whose hash is kept."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.signing import Signer
from django.db.models import Count, F, Q

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import hash_secret, new_secret
from subscriptions.models import CheckoutMode, CheckoutSession, CheckoutStatus

SESSION_LIFETIME = timedelta(hours=24)  # Stripe's


class CheckoutNotFound(OstinatoError):
    """No such session, or not this visitor's: one answer for both."""

    code = "resource_missing"
    param = "checkout_session"
    message_id = gettext_noop("This checkout is not open here. Start again from the payment link.")


class CheckoutExpired(OstinatoError):
    code = "checkout_session_expired"
    param = "checkout_session"
    message_id = gettext_noop("This checkout has expired. Start again from the payment link.")


def open_checkout_session(
    *, ctx: Context, merchant_id: str, payment_link_id: str, locale: str, metadata: Mapping[str, str]
) -> tuple[CheckoutSession, str]:
    """A new visit and its secret, which nobody can read again."""
    secret = new_secret()
    session = CheckoutSession.objects.create(
        merchant_id=merchant_id,
        payment_link_id=payment_link_id,
        secret_hash=hash_secret(secret),
        locale=locale[:10],
        metadata=dict(metadata),
        expires_at=ctx.recorded_at + SESSION_LIFETIME,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )
    return session, secret


def derived_secret(session_id: str) -> str:
    """The secret of a session that a merchant's server opened: its address can be told again while it is open."""
    return Signer(salt="checkout-session").signature(session_id)


def checkout_session(session_id: str, secret: str, *, lock: bool = False) -> CheckoutSession:
    """The visitor's own session, its row locked if asked. Raises `CheckoutNotFound`."""
    rows = CheckoutSession.objects.select_related("merchant", "payment_link")
    if lock:
        rows = rows.select_for_update(no_key=True, of=("self",))
    session = rows.filter(id=session_id).first()
    if session is None or not hmac.compare_digest(session.secret_hash, hash_secret(secret)):
        raise CheckoutNotFound
    return session


def check_still_open(session: CheckoutSession, ctx: Context) -> None:
    """Raises `CheckoutExpired` when its day is over and nothing was begun that could still be paid."""
    if session.status == CheckoutStatus.EXPIRED or (not session.invoice_id and session.expires_at <= ctx.recorded_at):
        raise CheckoutExpired


def note_locale(session: CheckoutSession, locale: str) -> None:
    """The visitor reads in another language now; so will the invoices be."""
    if session.locale != locale[:10]:
        session.locale = locale[:10]
        CheckoutSession.objects.filter(id=session.id).update(locale=session.locale)


def note_customer(session: CheckoutSession, customer_id: str, answers: Mapping[str, Any]) -> None:
    """Remember who is buying and what was answered. The caller holds the row's lock."""
    session.customer_id, session.answers = customer_id, dict(answers)
    _save(session, "customer_id", "answers")


def note_purchase(
    session: CheckoutSession, *, subscription_id: str = "", invoice_id: str = "", setup_intent_id: str = ""
) -> None:
    """Remember what was bought or set up, so that it is done once. The caller holds the row's lock."""
    session.subscription_id, session.invoice_id = subscription_id, invoice_id
    session.setup_intent_id = setup_intent_id
    _save(session, "subscription_id", "invoice_id", "setup_intent_id")


def note_setup(session: CheckoutSession, *, setup_id: str, asked: Mapping[str, Any]) -> None:
    """Remember what was filled in while the visitor enters a way to pay elsewhere. The caller holds the row's lock."""
    session.setup_id, session.asked = setup_id, dict(asked)
    _save(session, "setup_id", "asked")


def complete_checkout_session(*, ctx: Context, session_id: str, awaits_payment: bool = False) -> bool:
    """Close a session that was paid, or whose payment is on its way. False when it had been closed already."""
    closed = CheckoutSession.objects.filter(id=session_id, status=CheckoutStatus.OPEN).update(
        status=CheckoutStatus.COMPLETE,
        completed_at=ctx.as_of,
        awaits_payment=awaits_payment,
        version=F("version") + 1,
    )
    return bool(closed)


def answered_sessions(invoice_ids: Collection[str]) -> list[CheckoutSession]:
    """Complete sessions that waited for the payment of one of these invoices, locked, and wait no more."""
    rows = CheckoutSession.objects.select_for_update(no_key=True, of=("self",)).filter(
        invoice_id__in=invoice_ids, awaits_payment=True
    )
    found = list(rows.select_related("merchant", "payment_link").order_by("id"))
    for session in found:
        session.awaits_payment = False
        _save(session, "awaits_payment")
    return found


def purchases_by_link(link_ids: Collection[str]) -> dict[str, int]:
    """How many visits to each link came to a purchase; one whose payment is still to come is one."""
    rows = CheckoutSession.objects.filter(payment_link_id__in=link_ids).exclude(status=CheckoutStatus.EXPIRED)
    bought = rows.filter(Q(status=CheckoutStatus.COMPLETE) | ~Q(subscription_id=""))
    return dict(bought.values_list("payment_link_id").annotate(Count("id")).order_by())


def unpaid_sessions_over(moment: datetime, limit: int) -> list[CheckoutSession]:
    """Sessions whose day is over and whose one-time sale was not paid, the earliest first."""
    rows = CheckoutSession.objects.filter(
        mode=CheckoutMode.PAYMENT, status=CheckoutStatus.OPEN, expires_at__lte=moment
    ).exclude(invoice_id="")
    return list(rows.order_by("expires_at", "id")[:limit])


def expire_checkout_session(session: CheckoutSession) -> None:
    """Nobody may begin with it any more. The caller holds the row's lock."""
    session.status = CheckoutStatus.EXPIRED
    _save(session, "status")


def _save(session: CheckoutSession, *fields: str) -> None:
    session.version += 1
    session.save(update_fields=[*fields, "version"])
