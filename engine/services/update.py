"""Everything that Stripe's update of a subscription may say at once: a change, and a scheduled end or its recall."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from engine.rules.change import NothingToChange
from engine.rules.ending import CancelTwice
from engine.services.change import change_subscription
from engine.services.change_posting import Posted, checked, collected, post_request
from engine.services.ending import post_ending, speaks_of_ending, without_ending
from engine.services.paying_change_first import change_if_paid
from engine.types import ChangeRequest, ChangeResult
from subscriptions.selectors import subscription_by_id


def update_subscription(*, ctx: Context, request: ChangeRequest) -> ChangeResult:
    """Change the subscription, then schedule its end or take that back; all of it or nothing.

    A request that changes nothing is answered as if it had. Raises what `change_subscription`, `schedule_cancel`
    and `undo_cancel` raise, and `CancelTwice`.
    """
    subscription = subscription_by_id(request.merchant_id, request.subscription_id)
    if not speaks_of_ending(request):
        try:
            return change_subscription(ctx=ctx, request=request)
        except NothingToChange:
            return ChangeResult(subscription.id, "", None)
    if request.cancel_at and request.cancel_at_period_end:
        raise CancelTwice
    if request.payment_behavior == "error_if_incomplete":
        return change_if_paid(ctx, checked(request))
    changing = checked(without_ending(request))
    with transaction.atomic(durable=True):
        posted = _post(ctx, request, changing)
    results = [collected(ctx, one, changing) for one in posted]
    invoiced = [result for result in results if result.invoice_id]
    return (invoiced or results or [ChangeResult(subscription.id, "", None)])[0]


def rehearse_update(*, ctx: Context, request: ChangeRequest) -> None:
    """All that `update_subscription` writes, inside a transaction that its caller takes back. No gateway is called."""
    _post(ctx, request, checked(without_ending(request)))


def _post(ctx: Context, request: ChangeRequest, changing: ChangeRequest) -> list[Posted]:
    """The change, then the end it speaks of: what of it there is."""
    posted: list[Posted] = []
    try:
        posted.append(post_request(ctx, changing))
    except NothingToChange:
        pass
    ended = post_ending(ctx, request)
    return posted if ended is None else [*posted, ended]
