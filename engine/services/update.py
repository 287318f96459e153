"""Everything that Stripe's update of a subscription may say at once: a change, and a scheduled end or its recall."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from core.context import Context
from engine.rules.change import NothingToChange
from engine.rules.ending import CancelTwice
from engine.services.cancel import post_schedule_cancel, post_undo_cancel
from engine.services.change import Posted, change_subscription, checked, collected, post_request
from engine.types import ChangeRequest, ChangeResult, ScheduleCancelRequest
from subscriptions.models import Subscription
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
    ended = _post_ending(ctx, request) if speaks_of_ending(request) else None
    return posted if ended is None else [*posted, ended]


def speaks_of_ending(request: ChangeRequest) -> bool:
    return request.cancel_at is not None or request.cancel_at_period_end is not None


def _post_ending(ctx: Context, request: ChangeRequest) -> Posted | None:
    """The end that is asked for; None when one is taken back that never was."""
    current = Subscription.objects.get(id=request.subscription_id)
    if request.cancel_at or request.cancel_at_period_end:
        return Posted(post_schedule_cancel(ctx, schedule_of(request, request.cancel_at or None)))
    if current.cancel_at is None and not current.cancel_at_period_end:
        return None
    return Posted(post_undo_cancel(ctx, request.merchant_id, request.subscription_id))


def schedule_of(request: ChangeRequest, cancel_at: datetime | str | None) -> ScheduleCancelRequest:
    return ScheduleCancelRequest(
        request.merchant_id,
        request.subscription_id,
        at_period_end=cancel_at is None,
        cancel_at=cancel_at,
        proration_behavior=request.proration_behavior,
        feedback=request.cancellation_feedback or "",
        comment=request.cancellation_comment or "",
    )


def without_ending(request: ChangeRequest) -> ChangeRequest:
    """The change alone: what the request says of the reasons goes with the end."""
    unsaid = dict.fromkeys(("cancel_at", "cancel_at_period_end", "cancellation_feedback", "cancellation_comment"))
    return replace(request, **unsaid)  # type: ignore[arg-type]
