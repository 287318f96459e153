"""What a payment link would cost one visitor: the basket put through the very planner that sells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.models import Coupon, PaymentLink, PaymentLinkItem, PromotionCode, TaxRate
from catalog.selectors import coupon_for_code, tax_rates
from core.context import Context
from engine.rules.checkout import BasketIsEmpty, NothingRecurs, applicable_tax_rates, chosen_quantity
from engine.rules.renewal import plan_renewal
from engine.rules.subscribe import plan_subscribe, subscribed
from engine.selectors import load_rows
from engine.services.crediting import settled_preview
from engine.services.offers import has_paid
from engine.types import CheckoutRequest, ItemRequest, RefusedPlan, SubscribeRequest, SubscribeSnapshot
from invoicing.rules.balance import Settlement
from invoicing.types import CustomerFacts, PlannedInvoice
from subscriptions.facts import coupon_facts, promotion_code_facts
from subscriptions.models import CheckoutSession


@dataclass(frozen=True, slots=True)
class Basket:
    """What a session's link sells, its prices and products read."""

    session: CheckoutSession
    link: PaymentLink
    items: list[PaymentLinkItem]


@dataclass(frozen=True, slots=True)
class CheckoutPreview:
    """`now` is the first invoice, None when nothing is invoiced yet; `following` the one after it.

    `regular` is what a renewal costs once a coupon that lasts some months is over, None where that is `following`.
    """

    currency: str
    now: PlannedInvoice | None
    following: PlannedInvoice | None
    following_at: datetime | None
    regular: PlannedInvoice | None
    trial_end: datetime | None
    coupon: Coupon | None
    settlement: Settlement | None = None  # of `now`, for a customer that is known: what the balance leaves due


def basket_of(session: CheckoutSession) -> Basket:
    """The session's basket. Raises `BasketIsEmpty` when anything in it is no longer sold, `NothingRecurs`."""
    link = session.payment_link
    if link is None:
        raise BasketIsEmpty
    items = list(link.items.select_related("price__product", "price__meter").order_by("position", "id"))
    if not items or not link.active or not all(_is_sold(item) for item in items):
        raise BasketIsEmpty
    if not any(item.price.type == "recurring" for item in items):
        raise NothingRecurs
    return Basket(session, link, items)


def preview_checkout(*, ctx: Context, basket: Basket, request: CheckoutRequest) -> CheckoutPreview:
    """What completing with `request` would charge now and then. Nothing is written. Raises what is wrong with it."""
    coupon, _code = resolve_code(ctx, basket, request)
    wanted = subscribe_request(ctx=ctx, basket=basket, request=request, customer_id=basket.session.customer_id)
    snapshot = _snapshot(ctx, basket, request, wanted)
    plan = plan_subscribe(snapshot, wanted, ctx.as_of)
    boundary = min(item.current_period_end for item in plan.items)
    following = _renewal(snapshot, wanted, ctx.as_of, boundary)
    passing = coupon is not None and coupon.duration == "repeating"
    without_coupon = replace(wanted, promotion_code="", coupon_ids=())
    now, settlement = plan.invoices[0] if plan.invoices else None, None
    if wanted.customer_id:
        first = settled_preview(ctx=ctx, planned=now, customer_id=wanted.customer_id) if now else None
        if first:
            now, settlement = first.invoice, first.settlement
        if following:
            who = wanted.customer_id
            following = settled_preview(ctx=ctx, planned=following, customer_id=who, after=first).invoice
    return CheckoutPreview(
        currency=basket.link.currency,
        now=now,
        settlement=settlement,
        following=following,
        following_at=boundary if following else None,
        regular=_renewal(snapshot, without_coupon, ctx.as_of, boundary) if passing else None,
        trial_end=plan.state.trial_end,
        coupon=coupon,
    )


def subscribe_request(*, ctx: Context, basket: Basket, request: CheckoutRequest, customer_id: str) -> SubscribeRequest:
    """The basket and the form as the request that `subscribe` takes. Raises `CodeUnknown`, `QuantityOutOfRange`."""
    link = basket.link
    coupon, code = resolve_code(ctx, basket, request)
    return SubscribeRequest(
        merchant_id=link.merchant_id,
        customer_id=customer_id,
        items=_item_requests(basket, request, "recurring"),
        add_invoice_items=_item_requests(basket, request, "one_time"),
        coupon_ids=(coupon.id,) if coupon and not code else (),
        promotion_code=code.code if code else "",
        trial_period_days=link.trial_period_days,
        default_tax_rate_ids=applicable_tax_rates(_rates(link), request.country, request.state),
        payment_behavior="default_incomplete",
        metadata=_metadata(basket),
    )


def _metadata(basket: Basket) -> dict[str, str]:
    """What a merchant's server wrote for what its session sells; else where the sale came from."""
    if basket.link.one_visit:
        return dict(basket.session.subscription_metadata)
    return {"checkout_session": basket.session.id, "payment_link": basket.link.id}


def resolve_code(ctx: Context, basket: Basket, request: CheckoutRequest) -> tuple[Coupon | None, PromotionCode | None]:
    """What the typed code stands for. Raises `CodeUnknown`, also where the link takes no codes."""
    if not request.promotion_code.strip() or not basket.link.allow_promotion_codes:
        return None, None
    return coupon_for_code(basket.link.merchant_id, request.promotion_code.strip(), as_of=ctx.as_of)


def _renewal(
    snapshot: SubscribeSnapshot, wanted: SubscribeRequest, as_of: datetime, boundary: datetime
) -> PlannedInvoice | None:
    """The invoice at the first boundary, by the planner that the run will use; None when none will be made."""
    plan = plan_renewal(subscribed(snapshot, wanted, as_of), boundary)
    return None if isinstance(plan, RefusedPlan) or not plan.invoices else plan.invoices[0]


def _snapshot(ctx: Context, basket: Basket, request: CheckoutRequest, wanted: SubscribeRequest) -> SubscribeSnapshot:
    """Like a subscribe's own, for a customer who may not exist yet."""
    merchant_id = basket.link.merchant_id
    rows = load_rows(
        customer_ids=[wanted.customer_id] if wanted.customer_id else [],
        merchant_ids=[merchant_id],
        price_ids=[item.price_id for item in (*wanted.items, *wanted.add_invoice_items)],
        tax_rate_ids=wanted.default_tax_rate_ids,
        lock=False,
    )
    coupon, code = resolve_code(ctx, basket, request)
    merchant = rows.merchants[merchant_id]
    visitor = CustomerFacts(id="", locale=basket.session.locale or merchant.locale)
    customer = rows.customer(wanted.customer_id) if wanted.customer_id else visitor
    return SubscribeSnapshot(
        customer=customer,
        settings=rows.settings[merchant_id],
        billing_entity_id=rows.default_entity_id(merchant_id),
        timezone=merchant.timezone,
        prices=rows.prices,
        coupons={coupon.id: coupon_facts(coupon)} if coupon else {},
        promotion_code=promotion_code_facts(code) if code else None,
        has_paid=bool(code and wanted.customer_id) and has_paid(wanted.customer_id),
        tax_rates=rows.tax_rates,
    )


def _item_requests(basket: Basket, request: CheckoutRequest, type_: str) -> tuple[ItemRequest, ...]:
    return tuple(
        ItemRequest(item.price_id, _quantity(basket.link, item, request))
        for item in basket.items
        if item.price.type == type_
    )


def _rates(link: PaymentLink) -> Sequence[TaxRate]:
    return list(tax_rates(link.merchant_id).filter(id__in=link.tax_rate_ids, active=True).order_by("id"))


def _quantity(link: PaymentLink, item: PaymentLinkItem, request: CheckoutRequest) -> int:
    return chosen_quantity(item.price_id, item.quantity, link.adjustable_quantity, request.quantities)


def _is_sold(item: PaymentLinkItem) -> bool:
    price, product = item.price, item.price.product
    return price.active and price.deleted_at is None and product.active and product.deleted_at is None
