"""What a signup writes, gathered and not yet written: shared by paying after the commit and paying first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

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
from engine.services.offers import code_typed, offers_asked_for, with_our_coupons
from engine.types import (
    DiscountRequest,
    SubscribePlan,
    SubscribeRequest,
    SubscribeSnapshot,
)
from events.copying import Row, new_row
from invoicing.types import PlannedInvoice
from payments.setup_intents import create_setup_intent
from subscriptions.models import Discount, Subscription, SubscriptionItem
from subscriptions.types import NewDiscount

_NOWHERE: Mapping[str, Mapping[str, str]] = {}


def post_subscribe(ctx: Context, request: SubscribeRequest, *, sends: bool = False) -> Batch:
    """Everything a new subscription writes, gathered; its first invoice finalized when the plan says so.

    `sends`: the caller sends the batch's own charges once they are committed. Else `collect_invoices` does.
    """
    rows = load_subscribe(request, lock=True)
    request, snapshot = subscribe_snapshot(rows, request)
    plan = plan_subscribe(snapshot, request, ctx.as_of)
    check_plan(plan)
    charge = request.payment_behavior != "default_incomplete"
    batch = Batch(ctx, rows, off_session=request.off_session, charge=charge, sends=sends)
    _take_currency(batch, plan)
    _gather(batch, plan)
    for row, asked in zip(batch.new_items, request.items, strict=True):
        row["metadata"] = dict(asked.metadata)
    refused = finalize_new(batch)
    if refused:
        # Somebody waits for an answer: a first invoice that cannot be finalized is no subscription.
        raise FinalizationRefused.of(refused[0])
    if request.with_setup and not batch.intents:
        _begin_setup(ctx, batch, request)
    return batch


def _begin_setup(ctx: Context, batch: Batch, request: SubscribeRequest) -> None:
    """Nothing is paid now and nothing is there to pay with later: Stripe's pending_setup_intent asks for it."""
    known = request.default_payment_method_id or batch.rows.customers[request.customer_id].default_payment_method_id
    if known or request.collection_method != "charge_automatically":
        return
    setup = create_setup_intent(
        ctx=ctx, merchant_id=request.merchant_id, customer_id=request.customer_id, payment_method_types=["card"]
    )
    batch.new_subscriptions[-1]["pending_setup_intent_id"] = setup.id


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
    coupon_ids, discounts = with_our_coupons(request.merchant_id, request.coupon_ids, request.discounts)
    request = replace(request, coupon_ids=coupon_ids, discounts=discounts)
    typed = request.promotion_code if discounts is None else ""
    code = code_typed(request.merchant_id, typed) if typed else None
    asked = [*request.discounts_asked, *([DiscountRequest(promotion_code_id=code.id)] if code else [])]
    offers = offers_asked_for(request.merchant_id, request.customer_id, asked)
    merchant = rows.merchants[request.merchant_id]
    customer = rows.customers[request.customer_id]
    return request, SubscribeSnapshot(
        customer=rows.customer(request.customer_id),
        settings=rows.settings[request.merchant_id],
        billing_entity_id=rows.default_entity_id(request.merchant_id),
        timezone=merchant.timezone,
        prices=rows.prices,
        coupons=offers.coupons,
        promotion_code=code,
        promotion_codes=offers.promotion_codes,
        reusable=offers.reusable,
        has_paid=offers.has_paid,
        customer_discounts=rows.discounts_of_customer(request.customer_id),
        # Items of another subscription wait for that one's invoice.
        pending_items=tuple(item for item in rows.pending.get(request.customer_id, ()) if not item.subscription_id),
        tax_rates=rows.tax_rates,
        test_clock_id=customer.test_clock_id,
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
    invoices = dict(zip(refs.invoices, plan.invoices, strict=True))
    give_discounts(batch, plan.discounts, subscription, refs, discounts_of_lines(invoices, refs))
    for invoice_id, planned in invoices.items():
        batch.add_invoice(planned, invoice_id, refs)
    batch.use_discounts(plan.discounts_used, refs)
    batch.tell(plan.events, refs)


def discounts_of_lines(invoices: Mapping[str, PlannedInvoice], refs: Refs) -> dict[str, dict[str, str]]:
    """On which invoice the discounts stand that are a line's own: by discount. `invoices` are by their new ids."""
    return {
        refs.discount(discount.id): {"invoice_id": invoice_id}
        for invoice_id, planned in invoices.items()
        for line in planned.lines
        for discount in line.discounts
    }


def give_discounts(
    batch: Batch,
    planned: Iterable[NewDiscount],
    subscription: Row,
    refs: Refs,
    places: Mapping[str, Mapping[str, str]] = _NOWHERE,
) -> None:
    """New discounts on a subscription, its items and the lines beside them, each redeeming its coupon once.

    `places` says where those of lines stand: columns by discount. Raises `CouponFullyRedeemed`.
    """
    given = list(planned)
    for discount_id, new in zip(refs.discounts, given, strict=True):
        item_id = refs.item(new.subscription_item) if new.subscription_item else ""
        row = new_row(
            Discount,
            id=discount_id,
            merchant_id=subscription.merchant_id,
            coupon_id=new.coupon_id,
            customer_id=subscription.customer_id,
            subscription_id=None if new.of_line else subscription.id,
            subscription_item_id=item_id,
            promotion_code_id=new.promotion_code_id,
            **places.get(discount_id, {}),
            position=new.position,
            start=new.start,
            end=new.end,
            created=batch.ctx.as_of,
            recorded_at=batch.ctx.recorded_at,
        )
        batch.new_discounts.append(row)
        batch.discounts[discount_id] = row
        if item_id:
            batch.item_discount_ids[item_id].append(discount_id)
        elif not new.of_line:
            batch.discount_ids[subscription.id].append(discount_id)
        batch.tell_of("customer.discount.created", "discount", row)
    redeemed = [new for new in given if new.redeems]
    if redeemed:
        redeem(
            subscription.merchant_id,
            coupon_ids=[new.coupon_id for new in redeemed],
            promotion_code_ids=[new.promotion_code_id for new in redeemed if new.promotion_code_id],
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
        save_default_payment_method=new.save_default_payment_method,
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
