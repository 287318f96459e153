"""What the engine reads: claims of due rows, and all that a chunk of them depends on, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.models import Coupon, Price, Product, TaxRate
from catalog.selectors import contents_of
from customers.models import Customer, CustomerTaxId
from customers.types import CreditGrantFacts
from engine.types import BillingSettings, FinalizationSnapshot, RenewalSnapshot
from engine.types.usage import UsageFacts
from engine.usage import usage_of
from events.copying import Row
from events.reading import read_rows
from events.statements import Statement
from invoicing.facts import customer_facts, invoice_facts, pending_item_facts, tax_rate_facts
from invoicing.models import Invoice, InvoiceItem
from invoicing.rules.legal import customer_snapshot, seller_snapshot
from invoicing.types import CustomerFacts, PendingItemFacts, TaxRateFacts
from merchants.models import BillingEntity, Merchant
from subscriptions.facts import coupon_facts, discount_facts, item_facts, price_facts, subscription_facts
from subscriptions.models import Discount, Subscription, SubscriptionSchedule
from subscriptions.rules.amounts import item_in_currency
from subscriptions.selectors import live_item_rows
from subscriptions.types import DiscountFacts, ItemFacts, PriceFacts

# --- claims ----------------------------------------------------------------------------------------------------


def claim_subscriptions(
    as_of: datetime, *, clock_id: str | None, limit: int, only: Collection[str] | None = None
) -> list[Row]:
    """Due subscriptions that no other worker holds, locked: on the clock, or all that are on none.

    One whose next phase is due waits for it: the new period is billed as the phase says.
    """
    stepping = SubscriptionSchedule.objects.filter(id=OuterRef("schedule_id"), next_action_at__lte=as_of)
    ready = Subscription.objects.filter(Q(schedule_id="") | ~Exists(stepping))
    return _claim(ready, as_of, clock_id, limit, only)


def claim_drafts(
    as_of: datetime, *, clock_id: str | None, limit: int, only: Collection[str] | None = None
) -> list[Row]:
    """Drafts whose grace is over and that no other worker holds, locked."""
    drafts = Invoice.objects.filter(status="draft", auto_advance=True)
    return _claim(drafts, as_of, clock_id, limit, only)


def claim_overdue(
    as_of: datetime, *, clock_id: str | None, limit: int, only: Collection[str] | None = None
) -> list[Row]:
    """Open invoices that were sent and whose due date has passed for the first time, locked."""
    late = Invoice.objects.filter(
        status="open", collection_method="send_invoice", overdue_since__isnull=True, due_date__lte=as_of
    )
    return _claim(late, as_of, clock_id, limit, only)


def claim_collections(as_of: datetime, *, clock_id: str | None, limit: int) -> list[Row]:
    """Open invoices to be charged whose next attempt, or the day until which their customer was asked, has come."""
    due = Invoice.objects.filter(status="open", collection_method="charge_automatically", auto_advance=True)
    return _claim(due, as_of, clock_id, limit, None)


def over_collections(as_of: datetime, *, clock_id: str | None, limit: int) -> list[tuple[str, str | None]]:
    """Those of the above that are due for no attempt: (invoice, subscription) of recoveries that are over. No lock."""
    due = Invoice.objects.filter(status="open", collection_method="charge_automatically", auto_advance=True)
    over = due.filter(next_action_at__lte=as_of, test_clock_id=clock_id).filter(
        Q(next_payment_attempt__isnull=True) | Q(next_payment_attempt__gt=as_of)
    )
    return list(over.order_by("next_action_at", "id").values_list("id", "subscription_id")[:limit])


def _claim(
    rows: QuerySet[Any], as_of: datetime, clock_id: str | None, limit: int, only: Collection[str] | None
) -> list[Row]:
    # Written so that the partial indexes (subscription_due, …_on_clock) serve it.
    due = rows.filter(next_action_at__isnull=False, next_action_at__lte=as_of, test_clock_id=clock_id)
    if only is not None:
        due = due.filter(id__any=list(only))
    locked = due.select_for_update(skip_locked=True, no_key=True).order_by("next_action_at", "id")
    return read_rows(locked[:limit])


# --- what a chunk depends on ---------------------------------------------------------------------------------------

_subscriptions = Statement(lambda ids: Subscription.objects.filter(id__any=ids))
_customers = Statement(lambda ids: Customer.objects.filter(id__any=ids).order_by("id"))
_held_customers = Statement(
    lambda ids: Customer.objects.filter(id__any=ids).order_by("id").select_for_update(no_key=True)
)
_tax_ids = Statement(lambda ids: CustomerTaxId.objects.filter(customer_id__any=ids))
_merchants = Statement(lambda ids: Merchant.objects.filter(id__any=ids))
_keeping_bodies = Statement(lambda ids: Merchant.objects.filter(id__any=ids, keep_event_bodies=True).values_list("id"))
_entities = Statement(lambda ids: BillingEntity.objects.filter(merchant_id__any=ids))
_prices = Statement(lambda owners, ids: Price.objects.filter(merchant_id__any=owners, id__any=ids))
_products = Statement(lambda ids: Product.objects.filter(id__any=ids))
_coupons = Statement(lambda ids: Coupon.objects.filter(id__any=ids))
_tax_rates = Statement(lambda owners, ids: TaxRate.objects.filter(merchant_id__any=owners, id__any=ids))
_pending_items = Statement(
    lambda owners, customers: InvoiceItem.objects.filter(
        merchant_id__any=owners,
        customer_id__any=customers,
        invoice_id="",
        deleted_at__isnull=True,
        held_for_invoice_id="",
    ).order_by("created", "id")
)
_discounts = Statement(
    lambda subscriptions, customers, items: (
        Discount.objects.filter(deleted_at__isnull=True, consumed_at__isnull=True)
        .filter(
            Q(subscription_id__any=subscriptions)
            | Q(subscription__isnull=True, customer_id__any=customers, invoice_id="", invoice_item_id="")
            | Q(invoice_item_id__any=items)
        )
        .order_by("position", "id")
    )
)


@dataclass(slots=True)
class BillingRows:
    """All that a chunk depends on, shared by its plans. `spent` are pending items and discounts already used in it."""

    customers: dict[str, Row] = field(default_factory=dict)
    tax_ids: dict[str, list[Row]] = field(default_factory=dict)
    merchants: dict[str, Row] = field(default_factory=dict)
    settings: dict[str, BillingSettings] = field(default_factory=dict)
    entities: dict[str, Row] = field(default_factory=dict)
    items: dict[str, list[Row]] = field(default_factory=dict)
    prices: dict[str, PriceFacts] = field(default_factory=dict)
    subscription_discounts: dict[str, list[DiscountFacts]] = field(default_factory=dict)
    customer_discounts: dict[str, list[DiscountFacts]] = field(default_factory=dict)
    pending: dict[str, list[PendingItemFacts]] = field(default_factory=dict)
    tax_rates: dict[str, TaxRateFacts] = field(default_factory=dict)
    usage: dict[str, UsageFacts] = field(default_factory=dict)  # by subscription, of those with metered prices
    spent: set[str] = field(default_factory=set)
    sellers: dict[str, dict[str, object]] = field(default_factory=dict)
    grants: dict[str, list[CreditGrantFacts]] | None = None  # by customer; read when the first draft is finalized

    def seller(self, billing_entity_id: str) -> dict[str, object]:
        """The seller's part of the paper: the same for every invoice of the entity in this chunk."""
        if billing_entity_id not in self.sellers:
            entity = self.entities[billing_entity_id]
            self.sellers[billing_entity_id] = seller_snapshot(entity, self.merchants[entity.merchant_id])  # type: ignore[arg-type]
        return self.sellers[billing_entity_id]

    def customer(self, customer_id: str) -> CustomerFacts:
        row = self.customers[customer_id]
        return customer_facts(row, self.merchants[row.merchant_id].locale)

    def keeps_bodies(self, merchant_id: str) -> bool:
        return bool(self.merchants[merchant_id].keep_event_bodies)

    def default_entity_id(self, merchant_id: str) -> str:
        of_merchant = [row for row in self.entities.values() if row.merchant_id == merchant_id]
        return next(row.id for row in sorted(of_merchant, key=lambda row: (not row.is_default, row.id)))

    def pending_for(self, customer_id: str, subscription_id: str, currency: str) -> tuple[PendingItemFacts, ...]:
        """The subscription's pending items and the customer's own, without what this chunk has billed already."""
        return tuple(
            item
            for item in self.pending.get(customer_id, ())
            if item.currency == currency and item.subscription_id in ("", subscription_id) and item.id not in self.spent
        )

    def discounts_of_subscription(self, subscription_id: str) -> tuple[DiscountFacts, ...]:
        return tuple(given for given in self.subscription_discounts.get(subscription_id, ()))

    def discounts_of_customer(self, customer_id: str) -> tuple[DiscountFacts, ...]:
        return tuple(given for given in self.customer_discounts.get(customer_id, ()) if given.id not in self.spent)


def load_rows(
    *,
    subscriptions: Sequence[Row] = (),
    invoices: Sequence[Row] = (),
    customer_ids: Iterable[str] = (),
    merchant_ids: Iterable[str] = (),
    price_ids: Iterable[str] = (),
    tax_rate_ids: Iterable[str] = (),
    usage_until: datetime | None = None,
    lock: bool,
) -> BillingRows:
    """Everything these rows depend on: eleven queries, whatever their number, and two for usage up to `usage_until`.

    `lock` takes the customers' rows in id order, and with them what their subscriptions share: balance,
    pending items, discounts. A preview does not lock.
    """
    owners = [*subscriptions, *invoices]
    rows = BillingRows()
    _load_customers(rows, {*customer_ids, *(row.customer_id for row in owners)}, lock)
    _load_merchants(rows, {*merchant_ids, *(row.merchant_id for row in owners)})
    if subscriptions or price_ids:
        _load_items(rows, [row.id for row in subscriptions], set(price_ids))
    pending = _load_pending(rows)
    own = _load_discounts(rows, [row.id for row in subscriptions], pending)
    _gather_pending(rows, pending, own)
    _load_tax_rates(rows, subscriptions, set(tax_rate_ids))
    if usage_until is not None:
        facts = [subscription_facts(row, _items(rows, row)) for row in subscriptions]
        rows.usage = usage_of(facts, rows.prices, usage_until)
    return rows


def _items(rows: BillingRows, subscription: Row) -> tuple[ItemFacts, ...]:
    """The subscription's items, their prices as they are sold in its currency."""
    found = (item_facts(item, rows.prices) for item in rows.items.get(subscription.id, ()))
    return tuple(item_in_currency(item, subscription.currency) for item in found)


def renewal_snapshot(rows: BillingRows, subscription: Row) -> RenewalSnapshot:
    """All that the next invoice of one subscription depends on."""
    return RenewalSnapshot(
        subscription=subscription_facts(subscription, _items(rows, subscription)),
        customer=rows.customer(subscription.customer_id),
        settings=rows.settings[subscription.merchant_id],
        discounts=rows.discounts_of_subscription(subscription.id),
        customer_discounts=rows.discounts_of_customer(subscription.customer_id),
        pending_items=rows.pending_for(subscription.customer_id, subscription.id, subscription.currency),
        tax_rates=rows.tax_rates,
        usage=rows.usage.get(subscription.id, UsageFacts()),
    )


def finalization_snapshot(rows: BillingRows, invoice: Row, subscription: Row | None) -> FinalizationSnapshot:
    """A draft with what its finalization needs; the customer's balance is the one under the lock."""
    customer = rows.customers[invoice.customer_id]
    return FinalizationSnapshot(
        invoice=invoice_facts(invoice),
        customer=rows.customer(invoice.customer_id),
        settings=rows.settings[invoice.merchant_id],
        days_until_due=subscription.days_until_due if subscription else None,
        subscription_payment_method_id=subscription.default_payment_method_id if subscription else "",
        subscription_status=subscription.status if subscription else "",
        seller_snapshot=rows.seller(invoice.billing_entity_id),
        customer_snapshot=customer_snapshot(customer, rows.tax_ids.get(customer.id, ())),  # type: ignore[arg-type]
    )


def billing_settings(merchant: Row) -> BillingSettings:
    return BillingSettings(
        finalization_grace_seconds=merchant.finalization_grace_seconds,
        default_days_until_due=merchant.default_days_until_due,
        tax_rounding=merchant.tax_rounding,
        unpaid_proration=merchant.unpaid_proration,
        proration_discounts=merchant.proration_discounts,
        minimum_charges=merchant.minimum_charges,
    )


def subscription_rows(ids: Iterable[str]) -> dict[str, Row]:
    """Subscriptions by id, as they are: for the invoices that belong to them."""
    return {row.id: row for row in _subscriptions.rows(ids={*ids} - {"", None})}


def coupons_by_id(merchant_id: str, ids: Iterable[str]) -> dict[str, Row]:
    """Coupons of the merchant by our id or by the one its API clients chose, deleted ones too."""
    wanted = list(ids)
    found = read_rows(Coupon.objects.filter(Q(id__any=wanted) | Q(api_id__any=wanted), merchant_id=merchant_id))
    return {row.id: row for row in found}


def _load_customers(rows: BillingRows, ids: set[str], lock: bool) -> None:
    rows.customers = {row.id: row for row in (_held_customers if lock else _customers).rows(ids=ids)}
    tax_ids: dict[str, list[Row]] = defaultdict(list)
    for row in _tax_ids.rows(ids=ids):
        tax_ids[row.customer_id].append(row)
    rows.tax_ids = tax_ids


def _load_merchants(rows: BillingRows, ids: set[str]) -> None:
    rows.merchants = {row.id: row for row in _merchants.rows(ids=ids)}
    rows.settings = {row.id: billing_settings(row) for row in rows.merchants.values()}
    rows.entities = {row.id: row for row in _entities.rows(ids=ids)}


def _load_items(rows: BillingRows, subscription_ids: list[str], price_ids: set[str]) -> None:
    items: dict[str, list[Row]] = defaultdict(list)
    for row in live_item_rows(subscription_ids):
        items[row.subscription_id].append(row)
        price_ids.update([row.price_id, *(left["price"] for left in row.prices_left)])
    rows.items = items
    prices = _prices.rows(owners=rows.merchants, ids=price_ids) if price_ids else []
    products = {row.id: row for row in _products.rows(ids=[row.product_id for row in prices])}
    inside = contents_of(products)
    rows.prices = {row.id: price_facts(row, products[row.product_id], inside.get(row.product_id, ())) for row in prices}


def _load_discounts(
    rows: BillingRows, subscription_ids: list[str], pending: Sequence[Row]
) -> dict[str, list[DiscountFacts]]:
    """Those of subscriptions (their items' among them) and customers into `rows`; gives those of pending items."""
    found = _discounts.rows(subscriptions=subscription_ids, customers=rows.customers, items=[row.id for row in pending])
    coupons = {row.id: row for row in _coupons.rows(ids=[row.coupon_id for row in found])}
    on_subscription: dict[str, list[DiscountFacts]] = defaultdict(list)
    on_customer: dict[str, list[DiscountFacts]] = defaultdict(list)
    on_item: dict[str, list[DiscountFacts]] = defaultdict(list)
    for row in found:
        facts = discount_facts(row, coupon_facts(coupons[row.coupon_id]))
        if row.invoice_item_id:
            on_item[row.invoice_item_id].append(facts)
        elif row.subscription_id:
            on_subscription[row.subscription_id].append(facts)
        else:
            on_customer[row.customer_id].append(facts)
    rows.subscription_discounts, rows.customer_discounts = on_subscription, on_customer
    return on_item


def _load_pending(rows: BillingRows) -> list[Row]:
    return _pending_items.rows(owners=rows.merchants, customers=rows.customers)


def _gather_pending(rows: BillingRows, waiting: Sequence[Row], discounts: Mapping[str, list[DiscountFacts]]) -> None:
    pending: dict[str, list[PendingItemFacts]] = defaultdict(list)
    for row in waiting:
        pending[row.customer_id].append(pending_item_facts(row, discounts.get(row.id, ())))
    rows.pending = pending


def _load_tax_rates(rows: BillingRows, subscriptions: Sequence[Row], ids: set[str]) -> None:
    for subscription in subscriptions:
        ids.update(subscription.default_tax_rate_ids)
    for items in rows.items.values():
        for item in items:
            ids.update(item.tax_rate_ids)
    for waiting in rows.pending.values():
        for facts in waiting:
            ids.update(facts.tax_rate_ids)
    found = _tax_rates.rows(owners=rows.merchants, ids=ids) if ids else []
    rows.tax_rates = {row.id: tax_rate_facts(row) for row in found}


def bodies_kept(merchant_ids: Iterable[str]) -> set[str]:
    """The merchants whose events keep their objects' bodies."""
    return {merchant_id for (merchant_id,) in _keeping_bodies.tuples(ids=merchant_ids)}
