"""The part of random lives that is planned ahead: schedules with their phases, changes that wait to be paid."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from engine.services.change import change_subscription
from engine.services.schedules import (
    cancel_schedule,
    create_schedule,
    phase_now,
    release_schedule,
    schedule_subscription,
    update_schedule,
)
from engine.services.upcoming import preview_upcoming
from engine.types import ChangeRequest
from engine.types.schedules import PhaseRequest, ScheduleRequest, ScheduleUpdate
from events.models import Event
from subscriptions.models import SubscriptionItem, SubscriptionSchedule
from tests.scenarios.random_shop import PRORATIONS, phases, picks
from tests.scenarios.random_words import Words, while_there_is

OPEN = SubscriptionSchedule.objects.filter(status__in=["not_started", "active"])


class MakesPlans(Words):
    @rule(who=picks, wanted=phases, in_days=st.sampled_from([0, 0, 3, 30]), end=st.sampled_from(["release", "cancel"]))
    def plan_ahead(self, who, wanted, in_days, end) -> None:
        request = ScheduleRequest(
            self.shop.id,
            self.somebody(who).id,
            self.phases_of(wanted),
            start_date=self.now + timedelta(days=in_days) if in_days else None,
            end_behavior=end,
        )
        self.attempt(create_schedule, ctx=self.ctx(), request=request)

    @while_there_is("running")
    @rule(which=picks, wanted=phases, end=st.sampled_from(["release", "cancel"]))
    def plan_the_rest(self, which, wanted, end) -> None:
        row = self.running(which)
        ahead = (phase_now(row).request, *self.phases_of(wanted))
        self.attempt_whole(schedule_subscription, **self.ids(), subscription_id=row.id, phases=ahead, end_behavior=end)

    @while_there_is("scheduled")
    @rule(which=picks, wanted=phases, mode=st.sampled_from(PRORATIONS))
    def plan_anew(self, which, wanted, mode) -> None:
        row = self.one(OPEN.all(), which)
        request = ScheduleUpdate(self.shop.id, row.id, phases=self.phases_of(wanted), proration_behavior=mode)
        self.attempt_whole(update_schedule, ctx=self.ctx(), request=request)

    @while_there_is("scheduled")
    @rule(which=picks, release=st.booleans(), keep=st.booleans(), prorate=st.booleans())
    def give_the_plan_up(self, which, release, keep, prorate) -> None:
        row = self.one(OPEN.all(), which)
        if release:
            self.attempt_whole(release_schedule, **self.ids(), schedule_id=row.id, preserve_cancel_date=keep)
        else:
            self.attempt(cancel_schedule, **self.ids(), schedule_id=row.id, prorate=prorate)

    def phases_of(self, wanted) -> tuple[PhaseRequest, ...]:
        return tuple(self.phase_of(**one) for one in wanted)

    def phase_of(self, what, coupons, mode, anchor, trial, sent, ends) -> PhaseRequest:
        return PhaseRequest(
            items=self.items_of(what),
            coupon_ids=self.coupon_ids(coupons),
            proration_behavior=mode,
            billing_cycle_anchor=anchor,
            trial=trial,
            collection_method="send_invoice" if sent else "charge_automatically",
            days_until_due=7 if sent else None,
            **ends,
        )

    @while_there_is("running")
    @rule(
        which=picks,
        other=picks,
        quantity=st.integers(0, 3),
        trial=st.sampled_from([None, None, "now"]),
        behavior=st.sampled_from(["pending_if_incomplete", "pending_if_incomplete", "error_if_incomplete"]),
    )
    def change_if_paid(self, which, other, quantity, trial, behavior) -> None:
        row = self.running(which)
        item = self.one(SubscriptionItem.objects.filter(subscription=row, deleted_at=None), 0)
        change = self.change_to(item.id, other, quantity)
        request = ChangeRequest(
            self.shop.id, row.id, (change,), "always_invoice", payment_behavior=behavior, trial_end=trial
        )
        self.attempt(change_subscription, ctx=self.ctx(), request=request)

    @while_there_is("running")
    @rule(which=picks)
    def look_ahead(self, which) -> None:
        """A preview is never refused for what runs, and writes nothing."""
        told = Event.objects.count()
        preview_upcoming(**self.ids(), subscription_id=self.running(which).id)
        assert Event.objects.count() == told
