"""What lists read: the lower rooms' rows with the joins that one page needs, a fixed number of queries."""

from datetime import datetime

from django.db.models import Case, Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum, Value, When

from catalog import selectors as catalog
from catalog.models import Coupon, PaymentLink, PaymentLinkItem, Price, Product, TaxRate
from customers import selectors as people
from customers.models import Customer, TestClock
from engine.models import BillingRun, DryRun, Refusal
from engine.run_selectors import SILENT_AFTER
from events import selectors as outbox
from events.models import Event
from invoicing.models import Invoice
from invoicing.selectors import late_invoices
from notifications.models import Message
from payments.models import Charge, PaymentIntent
from subscriptions.models import Subscription, SubscriptionItem

ENDED = ["canceled", "incomplete_expired"]


def listed_customers(merchant_id: str) -> QuerySet[Customer]:
    live = Subscription.objects.filter(customer_id=OuterRef("pk")).exclude(status__in=ENDED)
    return with_debts(people.customers(merchant_id)).annotate(live_subscriptions=Exists(live))


def with_debts(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Each with `delinquent`: whether something of theirs could not be collected or is overdue."""
    return customers.annotate(delinquent=Exists(late_invoices().filter(customer_id=OuterRef("pk"))))


def listed_subscriptions(merchant_id: str) -> QuerySet[Subscription]:
    items = SubscriptionItem.objects.filter(deleted_at__isnull=True).select_related("price__product")
    # A subquery, so that only the rows of the page are looked up; a join would group the whole table first.
    last_end = (
        SubscriptionItem.objects.filter(subscription_id=OuterRef("pk"), deleted_at__isnull=True)
        .order_by("-current_period_end")
        .values("current_period_end")[:1]
    )
    return (
        Subscription.objects.filter(merchant_id=merchant_id)
        .select_related("customer")
        .prefetch_related(Prefetch("items", queryset=items.order_by("created", "id")))
        .annotate(listed_period_end=Subquery(last_end))
    )


def listed_invoices(merchant_id: str) -> QuerySet[Invoice]:
    return Invoice.objects.filter(merchant_id=merchant_id).select_related("customer")


def listed_payments(merchant_id: str) -> QuerySet[PaymentIntent]:
    """Each with what went back of it, and whether its cardholder contested it."""
    charges = Charge.objects.filter(merchant_id=merchant_id, payment_intent_id=OuterRef("pk"))
    refunded = charges.values("payment_intent_id").annotate(sum=Sum("amount_refunded")).values("sum")
    rows = PaymentIntent.objects.filter(merchant_id=merchant_id).select_related("customer", "invoice")
    return rows.annotate(refunded=Subquery(refunded), is_disputed=Exists(charges.filter(disputed=True)))


def listed_products(merchant_id: str) -> QuerySet[Product]:
    prices = Price.objects.filter(deleted_at__isnull=True, active=True).order_by("created", "id")
    return catalog.products(merchant_id).prefetch_related(Prefetch("prices", queryset=prices, to_attr="listed_prices"))


def listed_coupons(merchant_id: str) -> QuerySet[Coupon]:
    return catalog.coupons(merchant_id)


def listed_tax_rates(merchant_id: str) -> QuerySet[TaxRate]:
    return catalog.tax_rates(merchant_id)


def listed_payment_links(merchant_id: str) -> QuerySet[PaymentLink]:
    items = PaymentLinkItem.objects.select_related("price__product").order_by("position")
    return catalog.payment_links(merchant_id).prefetch_related(Prefetch("items", queryset=items))


def listed_events(merchant_id: str) -> QuerySet[Event]:
    return outbox.events(merchant_id)


def listed_messages(merchant_id: str) -> QuerySet[Message]:
    return Message.objects.filter(merchant_id=merchant_id).defer("html", "text", "context")


def listed_runs(merchant_id: str, as_of: datetime) -> QuerySet[BillingRun]:
    """Runs cross merchants; those on a test clock are shown to the clock's own sandbox only.

    Each has its `state`: running, finished, or interrupted when its worker has been silent for long.
    """
    clocks = TestClock.objects.filter(merchant_id=merchant_id).values("id")
    state = Case(
        When(ended_at__isnull=False, then=Value("finished")),
        When(Q(noted_at__isnull=True) | Q(noted_at__lt=as_of - SILENT_AFTER), then=Value("interrupted")),
        default=Value("running"),
    )
    mine = BillingRun.objects.filter(Q(test_clock_id__isnull=True) | Q(test_clock_id__in=clocks))
    return mine.annotate(state=state)


def listed_refusals(merchant_id: str) -> QuerySet[Refusal]:
    return Refusal.objects.filter(merchant_id=merchant_id)


def listed_dry_runs(merchant_id: str) -> QuerySet[DryRun]:
    return DryRun.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def listed_clocks(merchant_id: str) -> QuerySet[TestClock]:
    return TestClock.objects.filter(merchant_id=merchant_id, deleted_at__isnull=True).annotate(
        customer_count=Count("customers")
    )
