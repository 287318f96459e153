"""Buying from a payment link or a checkout session, once, however often the button is pressed.

The gateway is never called inside a transaction, so a purchase is several short steps. The session's row says how
far it came, and each step locks it:

1. the basket is planned as it will be sold; whatever is wrong is refused here, before anything is written;
2. the customer is made and noted on the session;
3. the instrument is attached (the gateway; a card that is declined here leaves a customer and nothing else);
4. under the session's lock, unless somebody was quicker: the subscription and its first invoice (or the invoice of
   what is sold once, or the setup intent) are written and noted on the session, in one transaction. Nothing is
   charged yet (`default_incomplete`);
5. the invoice is paid on session. One open intent per invoice and one charge in flight per intent are the
   database's own rules, so a second click that comes this far finds the first one's charge.

A declined payment leaves the subscription incomplete; the next try starts at 3 and pays the same invoice.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from catalog.models import PaymentLink
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import PaymentMethod
from customers.services import create_customer, set_default_payment_method, update_customer
from customers.types import CustomerFields
from engine.rules.checkout import InstrumentMissing, answers_of
from engine.services.checkout_closing import close_session
from engine.services.checkout_preview import (
    basket_of,
    needs_no_method,
    preview_checkout,
    sale_request,
    subscribe_request,
)
from engine.services.pay import InvoiceAlreadyPaid, complete_action, pay_invoice
from engine.services.selling import post_sale
from engine.services.subscribe import subscribe
from engine.types import CheckoutRequest, CheckoutResult, PaymentOutcome
from invoicing.models import Invoice
from payments.cancellation import PaymentInFlight
from payments.describing import describe_intent
from payments.rules import INSTRUMENTS, NO_WAY
from payments.selectors import in_flight, payment_intents
from payments.services import attach_payment_method, detach_payment_method
from payments.setup_intents import create_setup_intent, succeed_setup_intent
from payments.setups import NoWayToPay, way_of
from subscriptions.models import CheckoutMode, CheckoutSession, CheckoutStatus
from subscriptions.services.checkout_sessions import (
    CheckoutExpired,
    check_still_open,
    checkout_session,
    note_customer,
    note_purchase,
    open_checkout_session,
    purchases_by_link,
)


class PaymentLinkClosed(OstinatoError):
    code = "payment_link_inactive"
    param = "payment_link"
    message_id = gettext_noop("This payment link is not open.")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a session came: open, unpaid, requires_action, waiting (for the bank), complete, expired."""

    status: str
    payment_intent_id: str = ""
    problem: str = ""


def open_checkout(*, ctx: Context, payment_link_id: str, locale: str) -> tuple[str, str]:
    """A visit: the session's id and its secret. Raises `PaymentLinkClosed`, `BasketIsEmpty`, `NothingRecurs`."""
    link = PaymentLink.objects.filter(id=payment_link_id, one_visit=False).first()
    if link is None:
        raise PaymentLinkClosed
    if not link.active:
        raise PaymentLinkClosed(inactive_message=link.terms.get("inactive_message", ""))
    check_not_sold_out(link)
    with transaction.atomic():
        session, secret = open_checkout_session(
            ctx=ctx, merchant_id=link.merchant_id, payment_link_id=link.id, locale=locale, metadata=link.metadata
        )
        basket_of(session)
    return session.id, secret


def check_not_sold_out(link: PaymentLink) -> None:
    """Raises `PaymentLinkClosed` where as many have bought as may. The last to buy holds the link's lock."""
    limit = link.terms.get("completed_sessions_limit")
    if limit and purchases_by_link([link.id]).get(link.id, 0) >= limit:
        raise PaymentLinkClosed(inactive_message=link.terms.get("inactive_message", ""))


def standing_of(*, ctx: Context, session: CheckoutSession) -> Standing:
    """Where the visitor is; closes the session when its invoice was paid meanwhile."""
    if session.status == CheckoutStatus.COMPLETE:
        return Standing("complete")
    try:
        check_still_open(session, ctx)
    except OstinatoError:
        return Standing("expired")
    if not session.invoice_id:
        return Standing("open")
    invoice = Invoice.objects.get(merchant_id=session.merchant_id, id=session.invoice_id)
    if invoice.status == "paid":
        close_session(ctx, session)
        return Standing("complete")
    if invoice.status != "open":
        return Standing("expired")
    return _standing_of_payment(session)


def complete_checkout(*, ctx: Context, session_id: str, secret: str, request: CheckoutRequest) -> CheckoutResult:
    """Buy the basket, or pay for what was bought already.

    Raises what is wrong with the request, `InstrumentMissing` where there is something to pay, and
    `InstrumentDeclined` when the instrument cannot even be stored.
    """
    session = checkout_session(session_id, secret)
    standing = standing_of(ctx=ctx, session=session)
    if standing.status in ("complete", "waiting", "requires_action"):
        return result_of(session, standing.status, None)
    if standing.status == "expired":
        raise CheckoutExpired
    free = standing.status == "open" and plan_and_note_buyer(ctx, session, secret, request)
    session.refresh_from_db()
    if free:
        return buy_and_pay(ctx, session, secret, None, request)
    if way_of(session.merchant) != INSTRUMENTS:
        raise NoWayToPay
    method = attach_payment_method(
        ctx=ctx, merchant_id=session.merchant_id, customer_id=session.customer_id, instrument=request.instrument
    )
    return buy_and_pay(ctx, session, secret, method, request if standing.status == "open" else None)


def buy_and_pay(
    ctx: Context, session: CheckoutSession, secret: str, method: PaymentMethod | None, request: CheckoutRequest | None
) -> CheckoutResult:
    """Steps 4 and 5 with a method that is stored, or none where none is asked for.

    `request` None: it was bought before, and only paying is left.
    """
    if request is not None:
        session, bought_here = _buy(ctx, session.id, secret, request, method)
        if not bought_here:  # another click was quicker and is paying
            _forget(ctx, session, method)
            return result_of(session, standing_of(ctx=ctx, session=session).status, None)
    return _pay(ctx, session, method)


def plan_and_note_buyer(ctx: Context, session: CheckoutSession, secret: str, request: CheckoutRequest) -> bool:
    """Steps 1 and 2: whatever is wrong is refused, then the customer is known. Is no way to pay needed?"""
    basket = basket_of(session)
    free = needs_no_method(basket, preview_checkout(ctx=ctx, basket=basket, request=request))
    if not free and way_of(session.merchant) == INSTRUMENTS and not request.instrument:
        raise InstrumentMissing
    if not free and way_of(session.merchant) == NO_WAY:
        raise NoWayToPay
    _note_buyer(ctx, session.id, secret, request)
    return free


def authenticate_checkout(*, ctx: Context, session_id: str, secret: str, approve: bool) -> CheckoutResult:
    """The customer answered the bank's question."""
    session = checkout_session(session_id, secret)
    standing = standing_of(ctx=ctx, session=session)
    if standing.status != "requires_action":
        return result_of(session, standing.status, None)
    outcome = complete_action(
        ctx=ctx,
        merchant_id=session.merchant_id,
        payment_intent_id=standing.payment_intent_id,
        approve=approve,
    )
    return _settle(ctx, session, outcome)


def _note_buyer(ctx: Context, session_id: str, secret: str, request: CheckoutRequest) -> None:
    """The session's customer, made at the first try and corrected at the next."""
    with transaction.atomic():
        session = checkout_session(session_id, secret, lock=True)
        if session.customer_id and not session.invoice_id:
            fields = _fields(session, request)
            update_customer(ctx=ctx, merchant_id=session.merchant_id, customer_id=session.customer_id, **fields)
            note_customer(session, session.customer_id, answers_of(request))
        elif not session.customer_id:
            customer = create_customer(ctx=ctx, merchant_id=session.merchant_id, **_fields(session, request))
            note_customer(session, customer.id, answers_of(request))


def _fields(session: CheckoutSession, request: CheckoutRequest) -> CustomerFields:
    """What is kept on the customer. Of one whom the merchant knew before, only what it said may be (Stripe's
    `customer_update`), an e-mail address where there was none, and the phone number that was asked for."""
    known = session.terms.get("customer_update")
    fields: CustomerFields = {"preferred_locale": session.locale}
    if known is None or not session.asked.get("email"):
        fields["email"] = request.email
    if known is None or known.get("name") == "auto":
        fields["name"] = request.name
    if known is None or known.get("address") == "auto":
        fields |= CustomerFields(country=request.country, state=request.state, postal_code=request.postal_code)
        if request.line1 or request.city:  # else the page asked for the place alone
            fields |= CustomerFields(line1=request.line1, line2=request.line2, city=request.city)
    if request.phone:
        fields["phone"] = request.phone
    return fields


def _buy(
    ctx: Context, session_id: str, secret: str, request: CheckoutRequest, method: PaymentMethod | None
) -> tuple[CheckoutSession, bool]:
    """Write the subscription and its first invoice, what is sold once, or that `method` was set up.

    Unless another click already has: then False.
    """
    with transaction.atomic():
        session = checkout_session(session_id, secret, lock=True)
        if session.subscription_id or session.invoice_id or session.setup_intent_id:
            return session, False
        if session.payment_link and session.payment_link.terms.get("completed_sessions_limit"):
            check_not_sold_out(PaymentLink.objects.select_for_update(no_key=True).get(id=session.payment_link_id))
        basket = basket_of(session)
        if session.mode == CheckoutMode.SETUP and method is not None:
            note_purchase(session, setup_intent_id=_set_up(ctx, session, method))
            return session, True
        if session.mode == CheckoutMode.PAYMENT:
            sale = sale_request(ctx=ctx, basket=basket, request=request, customer_id=session.customer_id)
            note_purchase(session, invoice_id=post_sale(ctx, sale)[1])
            return session, True
        bought = subscribe(
            ctx=ctx,
            request=subscribe_request(ctx=ctx, basket=basket, request=request, customer_id=session.customer_id),
        )
        note_purchase(session, subscription_id=bought.subscription_id, invoice_id=bought.invoice_id)
    return session, True


def _set_up(ctx: Context, session: CheckoutSession, method: PaymentMethod) -> str:
    terms = session.terms.get("setup", {})
    intent = create_setup_intent(
        ctx=ctx,
        merchant_id=session.merchant_id,
        payment_method_id=method.id,
        customer_id=session.customer_id,
        description=terms.get("description") or "",
        metadata=terms.get("metadata") or {},
    )
    succeed_setup_intent(
        ctx=ctx, merchant_id=session.merchant_id, setup_intent_id=intent.id, payment_method_id=method.id
    )
    return str(intent.id)


def _keep(ctx: Context, session: CheckoutSession, method: PaymentMethod | None, outcome: PaymentOutcome | None) -> None:
    """What recurs is paid with the method from now on; what is sold once leaves it behind unless it was to be kept."""
    if session.mode == CheckoutMode.SETUP or method is None:
        return
    kept = session.mode == CheckoutMode.SUBSCRIPTION or session.terms.get("payment", {}).get("setup_future_usage")
    if kept:
        set_default_payment_method(
            ctx=ctx, merchant_id=session.merchant_id, customer_id=session.customer_id, payment_method_id=method.id
        )
    elif outcome is None or outcome.status == "succeeded":
        _forget(ctx, session, method)


def _pay(ctx: Context, session: CheckoutSession, method: PaymentMethod | None) -> CheckoutResult:
    """Pay the session's invoice with what was just attached; it becomes what later invoices are paid with."""
    outcome = None
    if session.invoice_id and not Invoice.objects.filter(id=session.invoice_id, status="paid").exists():
        if method is None:  # its price changed while the page was read: the next page asks for its payment
            return result_of(session, "open", None)
        try:
            outcome = pay_invoice(
                ctx=ctx, merchant_id=session.merchant_id, invoice_id=session.invoice_id, payment_method_id=method.id
            )
        except (InvoiceAlreadyPaid, PaymentInFlight):  # the other of two clicks at once
            _forget(ctx, session, method)
            return result_of(session, standing_of(ctx=ctx, session=session).status, None)
        _describe_payment(ctx, session)
        if outcome.status == "declined":
            _forget(ctx, session, method)
            return result_of(session, "open", outcome)
    _keep(ctx, session, method, outcome)
    return _settle(ctx, session, outcome)


def _describe_payment(ctx: Context, session: CheckoutSession) -> None:
    """What a merchant's server wrote for the payment of what is sold once goes on its intent."""
    metadata = session.terms.get("payment", {}).get("metadata")
    intent = payment_intents(session.merchant_id).filter(invoice_id=session.invoice_id).first() if metadata else None
    if intent is not None and intent.metadata != metadata:
        describe_intent(ctx=ctx, merchant_id=session.merchant_id, payment_intent_id=intent.id, metadata=metadata)


def _forget(ctx: Context, session: CheckoutSession, method: PaymentMethod | None) -> None:
    """A card that did not pay is not kept for the next invoices."""
    if method is None:
        return
    detach_payment_method(
        ctx=ctx, merchant_id=session.merchant_id, customer_id=session.customer_id, payment_method_id=method.id
    )


def _settle(ctx: Context, session: CheckoutSession, outcome: PaymentOutcome | None) -> CheckoutResult:
    if outcome is None or outcome.status in ("succeeded", "processing", "not_needed"):
        close_session(ctx, session)
        return result_of(session, "complete", outcome)
    return result_of(session, "open", outcome)


def _standing_of_payment(session: CheckoutSession) -> Standing:
    intent = payment_intents(session.merchant_id).filter(invoice_id=session.invoice_id).first()
    if intent is None:
        return Standing("unpaid")
    if intent.status == "requires_action":
        return Standing("requires_action", intent.id)
    if intent.status == "processing" or in_flight([intent.id]):
        return Standing("waiting", intent.id)
    error = intent.last_payment_error or {}
    return Standing("unpaid", intent.id, str(error.get("message", "")))


def result_of(session: CheckoutSession, status: str, outcome: PaymentOutcome | None) -> CheckoutResult:
    return CheckoutResult(
        session_id=session.id,
        status=status,
        customer_id=session.customer_id,
        subscription_id=session.subscription_id,
        invoice_id=session.invoice_id,
        payment=outcome,
    )
