"""The part of random lives that is metered: usage reported, late, taken back; thresholds; credit that pays for it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from customers.granting import create_credit_grant, expire_credit_grant, update_credit_grant, void_credit_grant
from customers.models import CreditGrant
from engine.services.reporting import report_usage
from engine.services.thresholds import set_billing_thresholds
from subscriptions.models import SubscriptionItem
from tests.scenarios.random_shop import amounts, picks
from tests.scenarios.random_words import Words, while_there_is
from usage.models import UsageEvent
from usage.services import cancel_meter_event
from usage.types import MeterEvent


class UsesThings(Words):
    @rule(
        who=picks, value=st.sampled_from([1, 4, 30, 1200]), days_ago=st.sampled_from([0, 0, 0, 2, 20, 34]), what=picks
    )
    def use(self, who, value, days_ago, what) -> None:
        self.attempt_whole(self.report, who=who, value=value, days_ago=days_ago, what=what)

    @while_there_is("used")
    @rule(which=picks)
    def report_again(self, which) -> None:
        """The same identifier is accepted once."""
        event = self.one(UsageEvent.objects.all(), which)
        known = UsageEvent.objects.count()
        self.reported(event.customer_id, event.meter_id, event.value, self.now, event.identifier)
        assert UsageEvent.objects.count() == known

    @while_there_is("used")
    @rule(which=picks)
    def take_back(self, which) -> None:
        event = self.one(UsageEvent.objects.all(), which)
        named = {"event_name": self.meters[event.meter_id].event_name, "identifier": event.identifier}
        self.attempt_whole(cancel_meter_event, **self.ids(), **named)

    def report(self, who, value, days_ago, what) -> None:
        meter_id = sorted(self.meters)[what % len(self.meters)]
        self.reported(self.somebody(who).id, meter_id, value, self.now - timedelta(days=days_ago), "")

    def reported(self, customer_id, meter_id, value, at, identifier) -> None:
        payload = {"stripe_customer_id": customer_id, "value": str(value)}
        event = MeterEvent(self.meters[meter_id].event_name, payload, identifier, at)
        report_usage(**self.ids(), events=[event])

    @while_there_is("running")
    @rule(
        which=picks,
        amount=st.sampled_from([None, 1, 100, 1000]),
        units=st.sampled_from([None, None, 5]),
        resets_anchor=st.booleans(),
    )
    def bill_early(self, which, amount, units, resets_anchor) -> None:
        row = self.running(which)
        metered = SubscriptionItem.objects.filter(subscription=row, deleted_at=None, price__usage_type="metered")
        usages = dict.fromkeys(metered.values_list("id", flat=True)[:1], units)
        how = {"amount_gte": amount, "usage_gte": usages, "resets_anchor": resets_anchor}
        self.attempt_whole(set_billing_thresholds, **self.ids(), subscription_id=row.id, **how)

    @rule(
        who=picks,
        amount=amounts,
        category=st.sampled_from(["paid", "promotional"]),
        priority=st.sampled_from([50, 50, 0]),
        scope=st.lists(picks, max_size=1),
        begins=st.sampled_from([0, 0, 10]),
        lasts=st.sampled_from([None, 20, 40]),
    )
    def grant(self, who, amount, category, priority, scope, begins, lasts) -> None:
        begun = self.now + timedelta(days=begins)
        self.attempt_whole(
            create_credit_grant,
            **self.ids(),
            customer_id=self.somebody(who).id,
            amount=amount,
            currency=self.currency,
            category=category,
            priority=priority,
            price_ids=[self.metered[pick % len(self.metered)].id for pick in scope],
            effective_at=begun,
            expires_at=None if lasts is None else begun + timedelta(days=lasts),
        )

    @while_there_is("granted")
    @rule(which=picks, what=st.sampled_from(["expire", "void", "longer", "for ever"]))
    def change_grant(self, which, what) -> None:
        grant = self.one(CreditGrant.objects.all(), which)
        how = {"longer": {"expires_at": self.now + timedelta(days=15)}, "for ever": {"expires_at": None}}.get(what, {})
        act = {"expire": expire_credit_grant, "void": void_credit_grant}.get(what, update_credit_grant)
        self.attempt_whole(act, **self.ids(), credit_grant_id=grant.id, **how)
