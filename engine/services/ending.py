"""What an update says of the subscription's end, beside what it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.context import Context
from engine.services.cancel import post_schedule_cancel, post_undo_cancel
from engine.services.change_posting import Posted
from engine.types import ChangeRequest, ScheduleCancelRequest
from subscriptions.models import Subscription


def speaks_of_ending(request: ChangeRequest) -> bool:
    return request.cancel_at is not None or request.cancel_at_period_end is not None


def post_ending(ctx: Context, request: ChangeRequest) -> Posted | None:
    """The end that is asked for; None where none is, or one is taken back that never was."""
    if not speaks_of_ending(request):
        return None
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
