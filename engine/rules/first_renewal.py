"""The invoice after the first: what a subscription that is only planned will be charged at its next boundary. Pure."""

from __future__ import annotations

from engine.rules.renewal import plan_renewal
from engine.types import RefusedPlan, RenewalSnapshot, SubscribePlan, SubscribeSnapshot
from invoicing.types import PlannedInvoice
from subscriptions.types import DiscountFacts, ItemFacts, SubscriptionFacts, new_ref


def first_renewal(plan: SubscribePlan, snapshot: SubscribeSnapshot) -> PlannedInvoice | None:
    """The planner's renewal of the planned subscription, as if its first invoice were paid; None when it never comes."""
    boundary = min(item.current_period_end for item in plan.items)
    renewal = plan_renewal(_as_if_written(plan, snapshot), boundary)
    if isinstance(renewal, RefusedPlan) or not renewal.invoices:
        return None
    return renewal.invoices[0]


def _as_if_written(plan: SubscribePlan, snapshot: SubscribeSnapshot) -> RenewalSnapshot:
    """The snapshot that the run would take of it; references stand where ids will be."""
    used = {use.discount_id: use.consumed_at for use in plan.discounts_used}
    return RenewalSnapshot(
        subscription=_subscription(plan, snapshot),
        customer=snapshot.customer,
        settings=snapshot.settings,
        discounts=tuple(
            DiscountFacts(
                id=new_ref(position),
                coupon=snapshot.coupons[given.coupon_id],
                start=given.start,
                end=given.end,
                consumed_at=used.get(new_ref(position)),
                position=given.position,
                promotion_code_id=given.promotion_code_id,
            )
            for position, given in enumerate(plan.discounts)
        ),
        customer_discounts=() if plan.discounts else snapshot.customer_discounts,
        tax_rates=snapshot.tax_rates,
    )


def _subscription(plan: SubscribePlan, snapshot: SubscribeSnapshot) -> SubscriptionFacts:
    new, state = plan.subscription, plan.state
    return SubscriptionFacts(
        id=new_ref(0),
        merchant_id=new.merchant_id,
        customer_id=new.customer_id,
        billing_entity_id=new.billing_entity_id,
        status="trialing" if state.status == "trialing" else "active",
        currency=new.currency,
        billing_cycle_anchor=state.billing_cycle_anchor,
        anchor_day_of_month=state.anchor_day_of_month,
        start_date=new.start_date,
        items=tuple(
            ItemFacts(
                id=new_ref(position),
                price=snapshot.prices[item.price_id],
                quantity=item.quantity,
                current_period_start=item.current_period_start,
                current_period_end=item.current_period_end,
                tax_rate_ids=item.tax_rate_ids,
            )
            for position, item in enumerate(plan.items)
        ),
        collection_method=new.collection_method,
        timezone=new.timezone,
        trial_start=new.trial_start,
        trial_end=new.trial_end,
        trial_will_end_sent_at=new.trial_start,  # its notice is not what is asked for
        days_until_due=new.days_until_due,
        default_tax_rate_ids=new.default_tax_rate_ids,
        next_action_at=state.next_action_at,
    )
