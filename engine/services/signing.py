"""What a signup writes, gathered and not yet written: shared by paying after the commit and paying first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import Q

from catalog.models import Coupon, PromotionCode
from catalog.writes import redeem
from core.context import Context
from core.ids import new_id, new_ids
from customers.selectors import CustomerNotFound, payment_method_by_id
from customers.writes import set_currency
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.checks import check_plan
from engine.rules.subscribe import plan_subscribe
from engine.selectors import BillingRows, load_rows
from engine.services.finalize import FinalizationRefused, finalize_new
from engine.types import (
    SubscribePlan,
    SubscribeRequest,
    SubscribeSnapshot,
)
from events.copying import Row, new_row
from invoicing.models import Invoice
from subscriptions.facts import coupon_facts, promotion_code_facts
from subscriptions.models import Discount, Subscription, SubscriptionItem
from subscriptions.rules.amounts import in_currency, line_amount
from subscriptions.rules.discounts import check_code_restrictions
from subscriptions.types import CouponFacts, NewDiscount, PromotionCodeFacts


def post_subscribe(ctx: Context, request: SubscribeRequest) -> Batch:
    """Everything a new subscription writes, gathered; its first invoice finalized when the plan says so."""
    rows = load_subscribe(request, lock=True)
    request, snapshot = subscribe_snapshot(rows, request)
    plan = plan_subscribe(snapshot, request, ctx.as_of)
    check_plan(plan)
    if request.promotion_code:
        _check_code(rows, request, plan.subscription.currency)
    batch = Batch(ctx, rows, off_session=request.off_session, charge=request.payment_behavior != "default_incomplete")
    _take_currency(batch, plan)
    _gather(batch, plan)
    for row, asked in zip(batch.new_items, request.items, strict=True):
        row["metadata"] = dict(asked.metadata)
    refused = finalize_new(batch)
    if refused:
        # Somebody waits for an answer: a first invoice that cannot be finalized is no subscription.
        raise FinalizationRefused.of(refused[0])
    return batch


def load_subscribe(request: SubscribeRequest, *, lock: bool) -> BillingRows:
    wanted = [*request.items, *request.add_invoice_items]
    rows = load_rows(
        customer_ids=[request.customer_id],
        merchant_ids=[request.merchant_id],
        price_ids=[item.price_id for item in wanted],
        tax_rate_ids=[*request.default_tax_rate_ids, *(rate for item in wanted for rate in item.tax_rate_ids)],
        lock=lock,
    )
    customer = rows.customers.get(request.customer_id)
    if customer is None or customer.merchant_id != request.merchant_id or customer.deleted_at is not None:
        raise CustomerNotFound
    if request.default_payment_method_id:
        payment_method_by_id(request.merchant_id, request.customer_id, request.default_payment_method_id)
    return rows


def subscribe_snapshot(rows: BillingRows, request: SubscribeRequest) -> tuple[SubscribeRequest, SubscribeSnapshot]:
    """The snapshot, and the request with our coupon ids in the place of those that clients chose."""
    code = _promotion_code(request)
    coupons, ids = coupons_asked_for(request.merchant_id, [*request.coupon_ids, *([code.coupon_id] if code else [])])
    request = replace(request, coupon_ids=tuple(ids.get(given, given) for given in request.coupon_ids))
    merchant = rows.merchants[request.merchant_id]
    customer = rows.customers[request.customer_id]
    return request, SubscribeSnapshot(
        customer=rows.customer(request.customer_id),
        settings=rows.settings[request.merchant_id],
        billing_entity_id=rows.default_entity_id(request.merchant_id),
        timezone=merchant.timezone,
        prices=rows.prices,
        coupons=coupons,
        promotion_code=code,
        customer_discounts=rows.discounts_of_customer(request.customer_id),
        # Items of another subscription wait for that one's invoice.
        pending_items=tuple(item for item in rows.pending.get(request.customer_id, ()) if not item.subscription_id),
        tax_rates=rows.tax_rates,
        test_clock_id=customer.test_clock_id,
    )


def coupons_asked_for(merchant_id: str, ids: Iterable[str]) -> tuple[dict[str, CouponFacts], dict[str, str]]:
    """Coupons by our id, and our id by the one asked for (ours, or the one an API client chose)."""
    wanted = list(ids)
    if not wanted:
        return {}, {}
    found = Coupon.objects.filter(Q(id__in=wanted) | Q(api_id__in=wanted), merchant_id=merchant_id)
    coupons = {coupon.id: coupon_facts(coupon) for coupon in found}
    return coupons, {coupon.api_id: coupon.id for coupon in found if coupon.api_id}


def _promotion_code(request: SubscribeRequest) -> PromotionCodeFacts | None:
    if not request.promotion_code:
        return None
    found = _code_row(request)
    return promotion_code_facts(found) if found else None


def _code_row(request: SubscribeRequest) -> PromotionCode | None:
    code = request.promotion_code.strip().upper()
    return PromotionCode.objects.filter(merchant_id=request.merchant_id, code=code, active=True).first()


def _check_code(rows: BillingRows, request: SubscribeRequest, currency: str) -> None:
    """What the code asks of the purchase: the whole prices count, also while a trial or a stub charges less."""
    sold = [(in_currency(rows.prices[item.price_id], currency), item.quantity) for item in request.items]
    check_code_restrictions(
        _code_row(request),
        amount=sum(line_amount(price, quantity) for price, quantity in sold if not price.is_metered),
        currency=currency,
        has_paid=Invoice.objects.filter(customer_id=request.customer_id, amount_paid__gt=0).exists(),
    )


def _take_currency(batch: Batch, plan: SubscribePlan) -> None:
    """The first subscription decides the customer's currency."""
    customer = batch.rows.customers[plan.subscription.customer_id]
    if customer.currency:
        return
    customer.update(currency=plan.subscription.currency)
    customer["version"] = set_currency(customer.id, plan.subscription.currency)
    batch.tell_of("customer.updated", "customer", customer, {"currency": None})


def _gather(batch: Batch, plan: SubscribePlan) -> None:
    """The plan's rows into the batch, ids in the place of its references."""
    refs = Refs(
        subscription_id=new_id("sub"),
        items=tuple(new_ids("si", len(plan.items))),
        discounts=tuple(new_ids("di", len(plan.discounts))),
        invoices=tuple(new_ids("in", len(plan.invoices))),
    )
    subscription = _subscription_row(batch.ctx, plan, refs)
    batch.new_subscriptions.append(subscription)
    items = [_item_row(batch.ctx, plan, number, refs) for number in range(len(plan.items))]
    batch.new_items.extend(items)
    batch.touch(subscription, items)
    give_discounts(batch, plan.discounts, subscription, refs)
    for invoice_id, planned in zip(refs.invoices, plan.invoices, strict=True):
        batch.add_invoice(planned, invoice_id, refs)
    batch.use_discounts(plan.discounts_used, refs)
    batch.tell(plan.events, refs)


def give_discounts(batch: Batch, planned: Iterable[NewDiscount], subscription: Row, refs: Refs) -> None:
    """New discounts on a subscription, each redeeming its coupon once. Raises `CouponFullyRedeemed`."""
    given = list(planned)
    for discount_id, new in zip(refs.discounts, given, strict=True):
        row = new_row(
            Discount,
            id=discount_id,
            merchant_id=subscription.merchant_id,
            coupon_id=new.coupon_id,
            customer_id=subscription.customer_id,
            subscription_id=subscription.id,
            promotion_code_id=new.promotion_code_id,
            position=new.position,
            start=new.start,
            end=new.end,
            created=batch.ctx.as_of,
            recorded_at=batch.ctx.recorded_at,
        )
        batch.new_discounts.append(row)
        batch.discounts[discount_id] = row
        batch.discount_ids[subscription.id].append(discount_id)
        batch.tell_of("customer.discount.created", "discount", row)
    if given:
        redeem(
            subscription.merchant_id,
            coupon_ids=[new.coupon_id for new in given],
            promotion_code_ids=[new.promotion_code_id for new in given if new.promotion_code_id],
        )


def _subscription_row(ctx: Context, plan: SubscribePlan, refs: Refs) -> Row:
    new, state = plan.subscription, plan.state
    return new_row(
        Subscription,
        id=refs.subscription_id,
        merchant_id=new.merchant_id,
        customer_id=new.customer_id,
        billing_entity_id=new.billing_entity_id,
        collection_method=new.collection_method,
        currency=new.currency,
        description=new.description,
        timezone=new.timezone,
        start_date=new.start_date,
        trial_missing_payment_method=new.trial_missing_payment_method,
        days_until_due=new.days_until_due,
        default_payment_method_id=new.default_payment_method_id,
        default_tax_rate_ids=list(new.default_tax_rate_ids),
        test_clock_id=new.test_clock_id,
        billing_cycle_anchor_config=new.billing_cycle_anchor_config,
        metadata=dict(new.metadata),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
        **{name: getattr(state, name) for name in type(state).__slots__},
    )


def _item_row(ctx: Context, plan: SubscribePlan, number: int, refs: Refs) -> Row:
    item = plan.items[number]
    return new_row(
        SubscriptionItem,
        id=refs.items[number],
        merchant_id=plan.subscription.merchant_id,
        subscription_id=refs.subscription_id,
        price_id=item.price_id,
        quantity=item.quantity,
        current_period_start=item.current_period_start,
        current_period_end=item.current_period_end,
        tax_rate_ids=list(item.tax_rate_ids),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )
