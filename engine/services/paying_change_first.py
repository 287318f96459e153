"""A change under error_if_incomplete: the money first, and nothing of the change or its invoice unless it came.

1. The change is tried whole inside a transaction that is rolled back; that says what would be due. A
   `PendingSubscribe` with an intent and a planned charge for it is committed.
2. The gateway is called outside any transaction, and its answer settled.
3. Paid: the change is written, with a scheduled end that it speaks of, and its invoice is paid by that intent.
   Declined: the intent is let go of. Unknown: `finish_pending_changes` goes on once the answer is known.

When money came and the change is refused after all (the subscription was changed meanwhile), it is sent back.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.db.models import Q

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer
from engine.models import PendingSubscribe
from engine.rules.change import NothingToChange
from engine.rules.pending_updates import request_from_json, request_to_json
from engine.services.change_posting import Posted, post_request
from engine.services.collect import cancel_at_gateway
from engine.services.ending import post_ending, without_ending
from engine.services.paying_first import (
    NothingToPayWith,
    PaymentOutcomeUnknown,
    allocate,
    finish_abandoned,
    let_go,
    send_back,
)
from engine.services.sending import send
from engine.services.settlement import settle_answers
from engine.types import ChangeRequest, ChangeResult, PaymentOutcome
from engine.writes import close_pending_subscribe, lock_pending_subscribe, open_pending_subscribe
from payments import writes as payments
from payments.models import Charge
from payments.types import IntentToPlan
from subscriptions.selectors import subscription_by_id
from subscriptions.writes import lock_subscriptions


class ChangePaymentFailed(OstinatoError):
    code = "card_declined"
    param = "default_payment_method"
    message_id = gettext_noop("The payment failed, so nothing was changed. %(reason)s")


class ChangeNeedsAuthentication(OstinatoError):
    code = "subscription_payment_intent_requires_action"
    param = "default_payment_method"
    message_id = gettext_noop("The customer has to authenticate this payment: nothing was changed.")


class ChangedMeanwhile(OstinatoError):
    code = "subscription_changed_meanwhile"
    param = "subscription"
    message_id = gettext_noop("The subscription was changed while this was being paid: nothing was changed.")


def change_if_paid(ctx: Context, request: ChangeRequest) -> ChangeResult:
    """The change, paid for; or a named error and no change.

    Raises `ChangePaymentFailed`, `ChangeNeedsAuthentication`, `NothingToPayWith`, `PaymentOutcomeUnknown`,
    `NothingToChange`, and what planning refuses.
    """
    with transaction.atomic(durable=True):
        pending, charge_id = _promise(ctx, request)
    if pending is None:
        return _written(ctx, request)
    [outcome] = settle_answers(ctx, send(ctx, [charge_id]))
    if outcome.status in ("succeeded", "processing"):
        return _complete_or_send_back(ctx, pending.id, outcome)
    if outcome.status == "unknown":
        raise PaymentOutcomeUnknown
    let_go(ctx, pending.id, charge_id)
    if outcome.status == "requires_action":
        raise ChangeNeedsAuthentication
    raise ChangePaymentFailed(reason=outcome.message, decline_code=outcome.decline_code)


def finish_pending_changes(*, ctx: Context, limit: int = 100) -> int:
    """Go on with changes whose worker died or whose answer came late. Returns how many were ended either way."""
    return finish_abandoned(ctx, ~Q(subscription_id=""), _finish, limit)


def _promise(ctx: Context, request: ChangeRequest) -> tuple[PendingSubscribe | None, str]:
    """The row and its planned charge; (None, "") when nothing is to be paid at once."""
    customer_id = subscription_by_id(request.merchant_id, request.subscription_id).customer_id
    lock_subscriptions([request.subscription_id])
    Customer.objects.select_for_update(no_key=True).get(id=customer_id)
    # Under these locks: a second try while the first one's outcome is unknown could pay twice.
    if PendingSubscribe.objects.filter(customer_id=customer_id, status="open").exists():
        raise PaymentOutcomeUnknown
    intents = _tried(ctx, request)
    if not intents:
        return None, ""
    assert len(intents) == 1, "a change makes one invoice at most"
    if not intents[0].payment_method_id:
        raise NothingToPayWith
    asked = request_to_json(request)
    pending = open_pending_subscribe(ctx, request.merchant_id, customer_id, asked, request.subscription_id)
    planned = payments.plan_intents(ctx, [replace(intents[0], invoice_id="", sent=True)])[0]
    pending.payment_intent_id = planned.payment_intent_id
    pending.save(update_fields=["payment_intent_id"])
    return pending, planned.charge_id


def _tried(ctx: Context, request: ChangeRequest) -> list[IntentToPlan]:
    """What the change would charge at once, by writing it and taking that back."""
    with transaction.atomic():
        posted = _post(ctx, request)
        transaction.set_rollback(True)
    if posted is None:
        return []
    automatic = posted.batch.finalized
    return [one for one in posted.batch.intents if automatic[one.invoice_id].collection_method != "send_invoice"]


def _post(ctx: Context, request: ChangeRequest, paid_by: str = "") -> Posted | None:
    """The change and the end it speaks of; None when there was nothing to change but that."""
    posted = None
    try:
        posted = post_request(ctx, without_ending(request), paid_by=paid_by)
    except NothingToChange:
        if without_ending(request) == request:
            raise
    post_ending(ctx, request)
    return posted


def _written(ctx: Context, request: ChangeRequest) -> ChangeResult:
    """A change that costs nothing now."""
    with transaction.atomic(durable=True):
        posted = _post(ctx, request)
    if posted is None:
        return ChangeResult(request.subscription_id, "", None)
    cancel_at_gateway(ctx, posted.canceled_intents)
    return ChangeResult(request.subscription_id, next(iter(posted.batch.new_invoices), ""), None)


def _complete_or_send_back(ctx: Context, pending_id: str, outcome: PaymentOutcome) -> ChangeResult:
    try:
        with transaction.atomic(durable=True):
            posted = _complete(ctx, pending_id)
    except OstinatoError:
        send_back(ctx, pending_id, "the change was refused")
        raise
    cancel_at_gateway(ctx, posted.canceled_intents)
    invoice_id = next(iter(posted.batch.new_invoices))
    paid = replace(outcome, invoice_id=invoice_id)
    return ChangeResult(posted.batch.finalized[invoice_id].subscription_id, invoice_id, paid)


def _finish(ctx: Context, pending_id: str) -> None:
    """As `_complete_or_send_back`, where nobody waits for the answer."""
    try:
        with transaction.atomic(durable=True):
            posted = _complete(ctx, pending_id)
    except OstinatoError:
        send_back(ctx, pending_id, "the change was refused")
        return
    cancel_at_gateway(ctx, posted.canceled_intents)


def _complete(ctx: Context, pending_id: str) -> Posted:
    """Write what was promised, and give the payment to its invoice."""
    pending = lock_pending_subscribe(pending_id)
    request = request_from_json(pending.request)
    assert isinstance(request, ChangeRequest)
    posted = _post(ctx, request, paid_by=pending.payment_intent_id)
    charge = Charge.objects.get(payment_intent_id=pending.payment_intent_id, status__in=("succeeded", "processing"))
    due = [] if posted is None else [(row.id, row.amount_due) for row in posted.batch.finalized.values()]
    if posted is None or [amount for _, amount in due] != [charge.amount]:
        raise ChangedMeanwhile
    allocate(ctx, pending.payment_intent_id, due[0][0], pending.subscription_id)
    close_pending_subscribe(pending, "complete", pending.subscription_id)
    return posted
