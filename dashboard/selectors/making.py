"""What the pages of meters, schedules, quotes, credit grants and API keys read; every read is the merchant's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, Count, Q, QuerySet, TextField, Value, When

from api.models import ApiKey
from catalog import selectors as catalog
from catalog.models import Coupon, Meter, Price
from customers import selectors as people
from customers.models import CreditGrant, Customer
from dashboard.selectors.lists import ENDED
from engine.rules.schedules import phases_from_json
from engine.types.schedules import Phase
from subscriptions import selectors as subscriptions
from subscriptions.models import Discount, Quote, SubscriptionItem, SubscriptionSchedule
from usage.selectors import usage_totals
from usage.types import UsageWindow

SHOWN = 25
OPEN_SCHEDULES = ("not_started", "active")


def listed_meters(merchant_id: str) -> QuerySet[Meter]:
    return catalog.meters(merchant_id).annotate(
        price_count=Count("prices", filter=Q(prices__active=True, prices__deleted_at__isnull=True))
    )


def prices_of_meter(meter: Meter) -> list[Price]:
    rows = catalog.prices(meter.merchant_id).filter(meter=meter)
    return list(rows.order_by("-active", "created", "id")[:SHOWN])


@dataclass(frozen=True, slots=True)
class MeterUse:
    """What a customer used in the current period of its subscription."""

    customer: Customer
    start: datetime
    end: datetime
    total: Decimal


def current_use(meter: Meter) -> list[MeterUse]:
    """The newest subscriptions that the meter bills, each with what its current period counted. Two queries."""
    items = (
        SubscriptionItem.objects.filter(merchant_id=meter.merchant_id, price__meter=meter, deleted_at__isnull=True)
        .exclude(subscription__status__in=ENDED)
        .select_related("subscription__customer")
        .order_by("-created", "-id")[:SHOWN]
    )
    windows = {
        item.pk: UsageWindow(
            meter.merchant_id,
            meter.pk,
            item.subscription.customer_id,
            item.current_period_start,
            item.current_period_end,
        )
        for item in items
    }
    totals = usage_totals(list(windows.values()))
    return [
        MeterUse(item.subscription.customer, window.start, window.end, totals[window])
        for item, window in ((item, windows[item.pk]) for item in items)
    ]


def listed_schedules(merchant_id: str) -> QuerySet[SubscriptionSchedule]:
    return subscriptions.schedules(merchant_id).select_related("customer")


def listed_quotes(merchant_id: str) -> QuerySet[Quote]:
    return subscriptions.quotes(merchant_id).select_related("customer")


@dataclass(frozen=True, slots=True)
class LineOfQuote:
    price: Price | None  # None: it is no longer there
    price_id: str
    quantity: int
    subtotal: int


def lines_of_quote(quote: Quote) -> list[LineOfQuote]:
    """One query for all prices."""
    ids = {line["price"] for line in quote.lines}
    prices = {row.pk: row for row in catalog.prices(quote.merchant_id).filter(id__in=ids).select_related("product")}
    return [
        LineOfQuote(
            prices.get(line["price"]),
            line["price"],
            line["quantity"],
            quote.computed["lines"][line["id"]]["amount_subtotal"],
        )
        for line in quote.lines
    ]


def coupons_of_quote(quote: Quote) -> list[Coupon]:
    ids = [one["coupon"] for one in quote.discounts]
    return list(Coupon.objects.filter(merchant_id=quote.merchant_id, id__in=ids)) if ids else []


@dataclass(frozen=True, slots=True)
class PhaseItem:
    price: Price | None  # None: it is no longer there
    price_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PhaseShown:
    start: datetime
    end: datetime
    current: bool
    trial: bool
    proration_behavior: str
    items: tuple[PhaseItem, ...]
    coupons: tuple[Coupon, ...]


def phases_of(schedule: SubscriptionSchedule) -> list[PhaseShown]:
    """The phases in order, with the prices and coupons they are about. At most three queries."""
    phases = phases_from_json(schedule.phases)
    coupons = _coupons_of(schedule, phases)
    prices = catalog.prices_by_id(schedule.merchant_id, {i.price_id for p in phases for i in p.request.items})
    return [
        PhaseShown(
            start=phase.start,
            end=phase.end,
            current=schedule.status == "active" and place == schedule.current_phase,
            trial=phase.request.trial,
            proration_behavior=phase.request.proration_behavior,
            items=tuple(PhaseItem(prices.get(i.price_id), i.price_id, i.quantity) for i in phase.request.items),
            coupons=tuple(
                coupons[one.coupon_id or one.discount_id]
                for one in phase.request.discounts_wanted
                if (one.coupon_id or one.discount_id) in coupons
            ),
        )
        for place, phase in enumerate(phases)
    ]


def _coupons_of(schedule: SubscriptionSchedule, phases: Sequence[Phase]) -> dict[str, Coupon]:
    """The coupons that phases name, by their own id or that of the discount which stands."""
    asked = [one for phase in phases for one in phase.request.discounts_wanted]
    own = {one.coupon_id for one in asked if one.coupon_id}
    standing = {one.discount_id for one in asked if one.discount_id}
    found = Coupon.objects.filter(merchant_id=schedule.merchant_id).in_bulk(own) if own else {}
    if standing:
        rows = Discount.objects.filter(merchant_id=schedule.merchant_id, id__in=standing).select_related("coupon")
        found |= {row.pk: row.coupon for row in rows}
    return found


def phases_ahead(schedule: SubscriptionSchedule) -> list[Phase]:
    """The current phase and those to come: what can still be changed."""
    return list(phases_from_json(schedule.phases))[schedule.current_phase or 0 :]


def currency_of_schedule(schedule: SubscriptionSchedule) -> str:
    """The customer's, or that of the first price while the customer has none."""
    if schedule.customer.currency:
        return str(schedule.customer.currency)
    first = next((item.price_id for phase in phases_ahead(schedule) for item in phase.request.items), "")
    return str(Price.objects.values_list("currency", flat=True).filter(pk=first).first() or "")


@dataclass(frozen=True, slots=True)
class GrantShown:
    grant: CreditGrant
    status: str  # pending, active, complete (all of it is spent), expired, void

    @property
    def changeable(self) -> bool:
        return self.status in ("pending", "active", "complete")


def grants_of(customer: Customer, as_of: datetime) -> list[GrantShown]:
    """A customer's credit grants, the latest first, each with where it stands at `as_of` in the customer's time."""
    clock = customer.test_clock
    at = clock.frozen_time if clock is not None else as_of
    grants = people.credit_grants(customer.merchant_id, customer.pk)[:SHOWN]
    return [GrantShown(grant, _grant_status(grant, at)) for grant in grants]


def _grant_status(grant: CreditGrant, at: datetime) -> str:
    if grant.voided_at is not None:
        return "void"
    if grant.expires_at is not None and grant.expires_at <= at:
        return "expired"
    if grant.effective_at > at:
        return "pending"
    return "active" if grant.balance else "complete"


def metered_prices(merchant_id: str) -> list[Price]:
    return list(catalog.active_prices(merchant_id).filter(usage_type="metered").order_by("product__name", "id"))


def listed_api_keys(merchant_id: str, now: datetime) -> QuerySet[ApiKey]:
    """Each with its `state`: active, expired, or revoked."""
    state = Case(
        When(revoked_at__isnull=False, then=Value("revoked")),
        When(expires_at__lte=now, then=Value("expired")),
        default=Value("active"),
        output_field=TextField(),
    )
    return ApiKey.objects.filter(merchant_id=merchant_id).annotate(state=state)
