"""What a payment link would cost one visitor: the basket put through the very planner that sells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from catalog.models import Coupon, PaymentLink, PaymentLinkItem, PromotionCode, TaxRate
from catalog.selectors import coupon_for_code, tax_rates
from core.context import Context
from customers.services import create_customer
from engine.rules.checkout import (
    BasketIsEmpty,
    NothingChosen,
    NothingRecurs,
    SomethingRecurs,
    applicable_tax_rates,
    chosen_quantity,
    quantity_bounds,
)
from engine.rules.renewal import plan_renewal
from engine.rules.subscribe import plan_subscribe, subscribed
from engine.selectors import load_rows
from engine.services.crediting import settled_preview
from engine.services.offers import has_paid, offers_asked_for
from engine.services.selling import plan_sale
from engine.types import (
    CheckoutRequest,
    DiscountRequest,
    ItemRequest,
    RefusedPlan,
    SubscribeRequest,
    SubscribeSnapshot,
)
from engine.types.invoices import InvoiceTexts
from engine.types.sales import Sale
from invoicing.rules.balance import Settlement
from invoicing.types import CustomerFacts, PlannedInvoice
from subscriptions.facts import coupon_facts, promotion_code_facts
from subscriptions.models import CheckoutMode, CheckoutSession


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

    @property
    def due_now(self) -> int:
        if self.settlement is not None:
            return self.settlement.amount_due
        return self.now.totals.draft_amount_due if self.now else 0


def basket_of(session: CheckoutSession) -> Basket:
    """The session's basket; one that sets up a way to pay is empty.

    Raises `BasketIsEmpty` when anything in it is no longer sold, `NothingRecurs`, `SomethingRecurs`.
    """
    link = session.payment_link
    if link is None:
        raise BasketIsEmpty
    items = list(link.items.select_related("price__product", "price__meter").order_by("position", "id"))
    if session.mode == CheckoutMode.SETUP:
        return Basket(session, link, [])
    if not items or not link.active or not all(_is_sold(item) for item in items):
        raise BasketIsEmpty
    recurs = any(item.price.type == "recurring" for item in items)
    if recurs != (session.mode == CheckoutMode.SUBSCRIPTION):
        raise SomethingRecurs if recurs else NothingRecurs
    return Basket(session, link, items)


def preview_checkout(*, ctx: Context, basket: Basket, request: CheckoutRequest) -> CheckoutPreview:
    """What completing with `request` would charge now and then. Nothing is written. Raises what is wrong with it."""
    if basket.session.mode != CheckoutMode.SUBSCRIPTION:
        return _preview_of_sale(ctx, basket, request)
    coupon = _coupon(ctx, basket, request)
    wanted = subscribe_request(ctx=ctx, basket=basket, request=request, customer_id=basket.session.customer_id)
    snapshot = _snapshot(ctx, basket, request, wanted)
    plan = plan_subscribe(snapshot, wanted, ctx.as_of)
    boundary = min(item.current_period_end for item in plan.items)
    following = _renewal(snapshot, wanted, ctx.as_of, boundary)
    passing = coupon is not None and coupon.duration == "repeating"
    without_coupon = replace(wanted, promotion_code="", coupon_ids=(), discounts=None)
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
    items = _item_requests(basket, request, "recurring")
    if not items:  # all of them were set to 0
        raise NothingChosen
    return SubscribeRequest(
        merchant_id=link.merchant_id,
        customer_id=customer_id,
        items=items,
        add_invoice_items=_item_requests(basket, request, "one_time"),
        coupon_ids=(coupon.id,) if coupon and not code else (),
        promotion_code=code.code if code else "",
        discounts=_preset(basket) or None,
        trial_period_days=link.trial_period_days,
        default_tax_rate_ids=applicable_tax_rates(_rates(link), request.country, request.state),
        payment_behavior="default_incomplete",
        metadata=_metadata(basket),
        **_said_of_subscription(basket.session.terms.get("subscription") or _said_of_link(link), ctx.as_of),
    )


def _said_of_subscription(terms: Mapping[str, Any], as_of: datetime) -> dict[str, Any]:
    """What a merchant's server said of the subscription. An anchor that has gone by meanwhile is none."""
    names = ("description", "proration_behavior", "trial_missing_payment_method")
    said: dict[str, Any] = {name: str(terms[name]) for name in names if terms.get(name)}
    for name in ("billing_cycle_anchor", "trial_end"):
        if name in terms and (at := datetime.fromtimestamp(terms[name], UTC)) > as_of:
            said[name] = at
    return said


def _said_of_link(link: PaymentLink) -> Mapping[str, Any]:
    said: Mapping[str, Any] = link.terms.get("subscription", {})
    return said


def sale_request(*, ctx: Context, basket: Basket, request: CheckoutRequest, customer_id: str) -> Sale:
    """The basket and the form as what is sold once, paid on the page. Raises as `subscribe_request`."""
    coupon, code = resolve_code(ctx, basket, request)
    typed = (
        DiscountRequest(promotion_code_id=code.id) if code else DiscountRequest(coupon_id=coupon.id if coupon else "")
    )
    terms = basket.session.terms
    texts = terms.get("invoice") or {}
    items = _item_requests(basket, request, "one_time")
    if not items:
        raise NothingChosen
    return Sale(
        merchant_id=basket.link.merchant_id,
        customer_id=customer_id,
        items=items,
        discounts=_preset(basket) or ((typed,) if coupon else None),
        default_tax_rate_ids=applicable_tax_rates(_rates(basket.link), request.country, request.state),
        finalize_now=True,
        charge=False,
        off_session=False,
        description=str(texts.get("description") or terms.get("payment", {}).get("description") or ""),
        texts=InvoiceTexts(
            footer=texts.get("footer") or None, custom_fields=tuple(texts.get("custom_fields") or ()) or None
        ),
        metadata=texts.get("metadata") or {},
    )


def _preview_of_sale(ctx: Context, basket: Basket, request: CheckoutRequest) -> CheckoutPreview:
    """What is due of it now; nothing follows. An item and, where nobody is known yet, a customer are taken back."""
    draft, settlement = None, None
    if basket.items:
        with transaction.atomic():
            customer_id = basket.session.customer_id or create_customer(ctx=ctx, merchant_id=basket.link.merchant_id).id
            wanted = sale_request(ctx=ctx, basket=basket, request=request, customer_id=customer_id)
            draft = plan_sale(ctx, wanted)[0].invoice
            found = settled_preview(ctx=ctx, planned=draft, customer_id=customer_id)
            draft, settlement = found.invoice, found.settlement
            transaction.set_rollback(True)
    return CheckoutPreview(
        currency=basket.link.currency,
        now=draft,
        settlement=settlement,
        following=None,
        following_at=None,
        regular=None,
        trial_end=None,
        coupon=_coupon(ctx, basket, request),
    )


def _preset(basket: Basket) -> tuple[DiscountRequest, ...]:
    """The discounts that the merchant's server gave the session."""
    return tuple(DiscountRequest(**one) for one in basket.session.terms.get("discounts", ()))


def _coupon(ctx: Context, basket: Basket, request: CheckoutRequest) -> Coupon | None:
    """What takes something off: the session's own discount, else what was typed. Raises `CodeUnknown`."""
    for one in _preset(basket):
        rows = Coupon.objects.filter(merchant_id=basket.link.merchant_id)
        by_code = rows.filter(promotion_codes__id=one.promotion_code_id)
        return (by_code if one.promotion_code_id else rows.filter(id=one.coupon_id)).first()
    return resolve_code(ctx, basket, request)[0]


def _metadata(basket: Basket) -> dict[str, str]:
    """What a merchant's server wrote for what its session sells; else where the sale came from."""
    if basket.link.one_visit:
        return dict(basket.session.subscription_metadata)
    if said := _said_of_link(basket.link).get("metadata"):
        return dict(said)
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
        tax_rate_ids=[
            *wanted.default_tax_rate_ids,
            *(rate for item in (*wanted.items, *wanted.add_invoice_items) for rate in item.tax_rate_ids),
        ],
        lock=False,
    )
    coupon, code = resolve_code(ctx, basket, request)
    offers = offers_asked_for(merchant_id, wanted.customer_id, _preset(basket))
    merchant = rows.merchants[merchant_id]
    visitor = CustomerFacts(id="", locale=basket.session.locale or merchant.locale)
    customer = rows.customer(wanted.customer_id) if wanted.customer_id else visitor
    return SubscribeSnapshot(
        customer=customer,
        settings=rows.settings[merchant_id],
        billing_entity_id=rows.default_entity_id(merchant_id),
        timezone=merchant.timezone,
        prices=rows.prices,
        coupons={**offers.coupons, **({coupon.id: coupon_facts(coupon)} if coupon else {})},
        promotion_code=promotion_code_facts(code) if code else None,
        promotion_codes=offers.promotion_codes,
        has_paid=offers.has_paid or (bool(code and wanted.customer_id) and has_paid(wanted.customer_id)),
        tax_rates=rows.tax_rates,
    )


def _item_requests(basket: Basket, request: CheckoutRequest, type_: str) -> tuple[ItemRequest, ...]:
    chosen = [(item, _quantity(basket, item, request)) for item in basket.items if item.price.type == type_]
    return tuple(
        ItemRequest(item.price_id, quantity, tax_rate_ids=tuple(item.tax_rate_ids))
        for item, quantity in chosen
        if quantity
    )


def _rates(link: PaymentLink) -> Sequence[TaxRate]:
    return list(tax_rates(link.merchant_id).filter(id__in=link.tax_rate_ids, active=True).order_by("id"))


def _quantity(basket: Basket, item: PaymentLinkItem, request: CheckoutRequest) -> int:
    return chosen_quantity(item.price_id, item.quantity, bounds_of(basket, item), request.quantities)


def bounds_of(basket: Basket, item: PaymentLinkItem) -> tuple[int, int] | None:
    """How few and how many of this line the visitor may take; None where it is fixed."""
    return quantity_bounds(basket.link.adjustable_quantity, item.adjustable_quantity, len(basket.items) == 1)


def needs_no_method(basket: Basket, preview: CheckoutPreview) -> bool:
    """Nothing is due now, and the merchant asks for a way to pay only where something is."""
    return basket.link.terms.get("payment_method_collection") == "if_required" and preview.due_now == 0


def _is_sold(item: PaymentLinkItem) -> bool:
    price, product = item.price, item.price.product
    return price.active and price.deleted_at is None and product.active and product.deleted_at is None
