"""What a merchant sells and taxes, as the story needs it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing_site.demo.people import Person
from billing_site.demo.story import Offer
from catalog.models import Price, PromotionCode, TaxRate
from catalog.selectors import active_prices
from core.errors import OstinatoError, gettext_noop

# How often a rhythm is chosen when the price itself does not say ("popularity" in its metadata).
_POPULARITY = {"day": 0, "week": 2, "month": 10, "year": 2}


class NothingRecurring(OstinatoError):
    code = "parameter_missing"
    param = "merchant"
    message_id = gettext_noop("The merchant sells nothing that recurs yet: make a product with a recurring price.")


@dataclass(frozen=True, slots=True)
class World:
    """`extras` are one-time prices, by currency; `codes` promotion codes that can be given away."""

    offers: tuple[Offer, ...]
    extras: dict[str, list[str]]
    tax_rates: tuple[TaxRate, ...]
    codes: tuple[str, ...]

    def tax_rate_ids(self, person: Person) -> tuple[str, ...]:
        """The rates of the subscriber's place: a harmonized one stands alone, others add up."""
        return self.taxes_of(person.country, person.state)

    def taxes_of(self, country: str, state: str) -> tuple[str, ...]:
        here = [rate for rate in self.tax_rates if rate.country == country]
        harmonized = [rate for rate in here if rate.tax_type == "hst" and rate.state == state]
        if harmonized:
            return (harmonized[0].id,)
        return tuple(rate.id for rate in here if rate.tax_type != "hst" and rate.state in ("", state))

    def larger(self, offer: Offer) -> Offer | None:
        return min((o for o in self._beside(offer) if o.amount > offer.amount), key=lambda o: o.amount, default=None)

    def smaller(self, offer: Offer) -> Offer | None:
        return max((o for o in self._beside(offer) if o.amount < offer.amount), key=lambda o: o.amount, default=None)

    def yearly(self, offer: Offer) -> Offer | None:
        same = (o for o in self.offers if (o.product_id, o.currency) == (offer.product_id, offer.currency))
        return next((o for o in same if o.interval == "year" and offer.interval == "month"), None)

    def by_price(self, price_id: str) -> Offer | None:
        return next((offer for offer in self.offers if offer.price_id == price_id), None)

    def _beside(self, offer: Offer) -> Sequence[Offer]:
        key = (offer.product_id, offer.currency, offer.interval)
        return [o for o in self.offers if (o.product_id, o.currency, o.interval) == key]


def load_world(merchant_id: str, *, as_of: datetime) -> World:
    """Raises `NothingRecurring`."""
    prices = active_prices(merchant_id).filter(type="recurring", usage_type="licensed").order_by("id")
    offers = tuple(offer for price in prices if (offer := _offer(price)).weight > 0)
    if not offers:
        raise NothingRecurring
    extras: dict[str, list[str]] = {}
    for price in active_prices(merchant_id).filter(type="one_time").order_by("id"):
        extras.setdefault(price.currency, []).append(price.id)
    codes = PromotionCode.objects.filter(merchant_id=merchant_id, active=True, customer_id="").order_by("id")
    return World(
        offers=offers,
        extras=extras,
        tax_rates=tuple(TaxRate.objects.filter(merchant_id=merchant_id, active=True).order_by("id")),
        codes=tuple(code.code for code in codes if code.expires_at is None or code.expires_at > as_of),
    )


def _offer(price: Price) -> Offer:
    """A price's metadata may say more: popularity, sold_by_invoice, most_seats."""
    told = price.metadata
    return Offer(
        price_id=price.id,
        product_id=price.product_id,
        currency=price.currency,
        interval=price.interval,
        amount=int(price.unit_amount_decimal),
        weight=int(told.get("popularity", _POPULARITY[price.interval])),
        by_invoice=bool(told.get("sold_by_invoice")),
        most_seats=int(told.get("most_seats", 1)),
        trial_days=price.trial_period_days or 0,
    )
