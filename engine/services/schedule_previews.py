"""What a schedule would come to, phase by phase, by the planners that will bill it. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.context import Context
from engine.rules.change import NothingToChange
from engine.rules.schedules import first_request, phase_request, phases_from
from engine.services.change import preview_change
from engine.services.changing import load_change
from engine.services.schedules import checked_intervals, zone_of
from engine.services.subscribe import preview_subscribe
from engine.types import ChangePreview, ChangeRequest
from engine.types.requests import DiscountRequest
from engine.types.schedule_previews import PhasePreview, SchedulePreview
from engine.types.schedules import Phase, PhaseRequest
from subscriptions.models import Discount


def preview_schedule(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    phases: Sequence[PhaseRequest],
    start: datetime | None = None,
    subscription_id: str = "",
    proration_behavior: str = "create_prorations",
) -> SchedulePreview:
    """Each phase's instants and first whole invoice; for a running subscription what its current phase changes now.

    `start` is when the first of `phases` begins (None: now). Raises what making the schedule would.
    """
    phases = _by_coupons(merchant_id, phases)
    intervals = checked_intervals(merchant_id, phases, customer_id, subscription_id)
    planned = phases_from(phases, start or ctx.as_of, intervals, zone_of(merchant_id), ctx.as_of)
    shown = []
    for place, phase in enumerate(planned):
        request = first_request(phase, merchant_id, customer_id)
        if (place or subscription_id) and not phase.request.trial:
            # A price's own trial is for who subscribes to it, not for who is changed to it.
            request = replace(request, trial_period_days=0)
        invoice = preview_subscribe(ctx=replace(ctx, as_of=phase.start), request=request)
        shown.append(PhasePreview(phase.start, phase.end, invoice))
    change = None
    if subscription_id:
        change = _change_now(ctx, merchant_id, subscription_id, planned[0], proration_behavior)
    return SchedulePreview(tuple(shown), change)


def _by_coupons(merchant_id: str, phases: Sequence[PhaseRequest]) -> list[PhaseRequest]:
    """Discounts that stand on the running subscription, as their coupons: each phase is shown as if it were new."""
    standing = [one.discount_id for phase in phases for one in phase.discounts_asked if one.discount_id]
    rows = Discount.objects.filter(merchant_id=merchant_id, id__in=standing).values_list("id", "coupon_id")
    coupons = dict(rows) if standing else {}

    def told(stack: Sequence[DiscountRequest]) -> tuple[DiscountRequest, ...]:
        return tuple(
            replace(one, discount_id="", coupon_id=coupons.get(one.discount_id, "")) if one.discount_id else one
            for one in stack
        )

    return [
        replace(
            phase,
            items=tuple(replace(item, discounts=told(item.discounts)) for item in phase.items),
            discounts=told(phase.discounts_wanted),
            coupon_ids=None,
        )
        for phase in phases
    ]


def _change_now(
    ctx: Context, merchant_id: str, subscription_id: str, phase: Phase, proration_behavior: str
) -> ChangePreview | None:
    _, _, snapshot = load_change(ctx.as_of, merchant_id, subscription_id, lock=False)
    asked = phase_request(phase, merchant_id, subscription_id, snapshot.renewal.subscription.items)
    if not asked.items:
        return None
    change = ChangeRequest(merchant_id, subscription_id, asked.items, proration_behavior=proration_behavior)
    try:
        return preview_change(ctx=ctx, request=change)
    except NothingToChange:
        return None
