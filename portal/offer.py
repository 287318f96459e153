"""What a checkout page says about its basket: finished values for the summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from catalog.models import PaymentLinkItem
from catalog.price_words import terms
from engine.services.checkout_preview import Basket, CheckoutPreview, bounds_of
from engine.types import CheckoutRequest
from portal.summaries import Summary, planned_summary
from portal.wording import every, price_words


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One product in the basket."""

    price_id: str
    name: str
    description: str
    image: str
    price: str
    quantity: int
    terms: tuple[str, ...]
    by_use: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """`due_now` is what pressing "pay" charges; `following` what comes `every` so often from `following_at` on.

    `regular_total` is what it is after a coupon that lasts some months, None without one.
    """

    currency: str
    lines: tuple[OfferLine, ...]
    due_now: int
    now: Summary | None
    following: Summary | None
    following_at: datetime | None
    regular_total: int | None
    every: str
    trial_end: datetime | None
    code: str
    code_words: str

    @property
    def headline_amount(self) -> int:
        """The big figure: what is charged now, or after a free trial what comes then."""
        return self.due_now or (self.following.total if self.following else 0)

    @property
    def by_use(self) -> OfferLine | None:
        """The first line that is billed by what is used: its amount cannot be said beforehand."""
        return next((line for line in self.lines if line.by_use), None)

    @property
    def is_free_now(self) -> bool:
        return self.due_now == 0

    @property
    def detail(self) -> Summary | None:
        """The invoice whose lines and taxes are spelled out: the first that costs something."""
        return self.now if self.due_now or not self.following else self.following


def offer_of(basket: Basket, preview: CheckoutPreview, wanted: CheckoutRequest) -> Offer:
    """The planner's answer in a reader's terms."""
    now = planned_summary(preview.now, preview.settlement) if preview.now else None
    recurring = next((item.price for item in basket.items if item.price.type == "recurring"), None)
    return Offer(
        currency=preview.currency,
        lines=tuple(_line(basket, item, wanted) for item in basket.items),
        due_now=now.amount_due if now else 0,
        now=now,
        following=planned_summary(preview.following) if preview.following else None,
        following_at=preview.following_at,
        regular_total=preview.regular.totals.total if preview.regular else None,
        every=every(recurring.interval, recurring.interval_count or 1) if recurring else "",
        trial_end=preview.trial_end,
        code=_code(preview, wanted),
        code_words=coupon_words(preview) if preview.coupon and recurring else "",
    )


def _code(preview: CheckoutPreview, wanted: CheckoutRequest) -> str:
    """What takes something off, by the name that the visitor knows: the code that was typed, else the coupon's."""
    if preview.coupon is None:
        return ""
    return wanted.promotion_code.strip().upper() or preview.coupon.name


def coupon_words(preview: CheckoutPreview) -> str:
    """How long a coupon lasts; how much it takes off stands in the totals."""
    coupon = preview.coupon
    assert coupon is not None
    if coupon.duration == "forever":
        return gettext("on every invoice")
    if coupon.duration == "repeating":
        return gettext("for %(months)s months") % {"months": coupon.duration_in_months}
    return gettext("on the first invoice")


def _line(basket: Basket, item: PaymentLinkItem, wanted: CheckoutRequest) -> OfferLine:
    price, product = item.price, item.price.product
    return OfferLine(
        price_id=price.id,
        name=product.name,
        description=product.description,
        image=product.images[0] if product.images else "",
        price=price_words(price),
        quantity=wanted.quantities.get(price.id, item.quantity) if bounds_of(basket, item) else item.quantity,
        terms=tuple(terms(price)),
        by_use=price.usage_type == "metered",
    )
