"""What detail pages read about one object; every read is the merchant's own."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import NoReverseMatch, reverse

from catalog.models import PaymentLink, Price, Product, TaxRate
from core.ids import id_prefix
from customers.models import PaymentMethod
from dashboard.selectors import integration
from dunning.models import RecoveryCase
from events import selectors as outbox
from events.models import Event
from invoicing.models import CreditNote, Invoice, InvoiceItem, InvoiceLineTax
from merchants.models import User
from notifications.models import Message
from payments.models import Charge, InvoicePayment, Refund
from payments.selectors import methods_by_id
from subscriptions.models import CheckoutSession, Discount, Subscription, SubscriptionItem

TIMELINE_LENGTH = 16

# Steps that another event of the same moment tells better; a customer's timeline leaves them out.
STEPS = [
    "charge.captured",
    "charge.expired",
    "charge.pending",
    "charge.succeeded",
    "charge.updated",
    "customer.updated",
    "invoice.created",
    "invoice.payment_succeeded",
    "invoice.updated",
    "invoice_payment.paid",
    "invoiceitem.created",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
]

# What a charge and a refund tell beside their payment: the same twice.
TOLD_BY_PAYMENT = [
    "charge.succeeded",
    "charge.captured",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refunded",
    "charge.refund.updated",
]

# id prefix -> url name of the page that shows the object
PAGES = {
    "cus": "dashboard:customer",
    "sub": "dashboard:subscription",
    "in": "dashboard:invoice",
    "pi": "dashboard:payment",
    "du": "dashboard:dispute",
    "qt": "dashboard:quote",
    "prod": "dashboard:product",
    "mtr": "dashboard:meter",
    "sub_sched": "dashboard:schedule",
    "coup": "dashboard:coupon",
    "txr": "dashboard:tax_rate",
    "plink": "dashboard:payment_link",
    "evt": "dashboard:event",
    "msg": "dashboard:message",
    "clock": "dashboard:test_clock",
}


def page_of(object_id: str) -> str:
    """The address of an object's page; blank for what has none."""
    name = PAGES.get(id_prefix(object_id)) if "_" in object_id else None
    return reverse(name, args=[object_id]) if name else ""


def actor_email(actor: str) -> str:
    """The address of the person behind an event; blank when it was no person."""
    kind, _colon, user_id = actor.partition(":")
    return User.objects.values_list("email", flat=True).filter(pk=user_id).first() or "" if kind == "user" else ""


def actor_name(merchant_id: str, actor: str) -> str:
    """Who is behind an event: a person's address, or a key's name and last characters; blank for all others."""
    kind, _colon, key_id = actor.partition(":")
    return integration.key_words(merchant_id, key_id) if kind == "api" else actor_email(actor)


def timeline_of(merchant_id: str, object_id: str) -> list[Event]:
    return list(outbox.events_of_object(merchant_id, object_id)[:TIMELINE_LENGTH])


def timeline_of_payment(merchant_id: str, object_ids: Iterable[str]) -> list[Event]:
    """A payment's own story with those of its charges, refunds and disputes; a charge tells nothing of its own."""
    rows = outbox.events_of_objects(merchant_id, object_ids).exclude(type__in=TOLD_BY_PAYMENT)
    return list(rows[:TIMELINE_LENGTH])


def timeline_of_invoice(invoice: Invoice, charges: Iterable[Charge]) -> list[Event]:
    """What happened to the invoice, and each attempt at paying it that was refused."""
    about = Q(object_id=invoice.pk) | Q(object_id__in=[charge.pk for charge in charges], type="charge.failed")
    return list(outbox.events(invoice.merchant_id).filter(about)[:TIMELINE_LENGTH])


def timeline_of_customer(merchant_id: str, customer_id: str) -> list[Event]:
    return list(outbox.events_of_customer(merchant_id, customer_id).exclude(type__in=STEPS)[:TIMELINE_LENGTH])


def paid_by_currency(merchant_id: str, customer_id: str) -> list[Any]:
    """What a customer has paid so far, one row per currency."""
    rows = InvoicePayment.objects.filter(merchant_id=merchant_id, invoice__customer_id=customer_id)
    return list(rows.values("currency").annotate(paid=Sum("amount_paid")).order_by("currency"))


def item_discounts(subscription: Subscription) -> dict[str, str]:
    """The names of what stands on single items of a subscription, by item."""
    live = Discount.objects.filter(
        merchant_id=subscription.merchant_id, subscription=subscription, deleted_at=None, consumed_at=None
    ).exclude(subscription_item_id="")
    found: dict[str, list[str]] = {}
    for row in live.select_related("coupon").order_by("position", "id"):
        found.setdefault(row.subscription_item_id, []).append(str(row.coupon))
    return {item_id: ", ".join(names) for item_id, names in found.items()}


def discounts_of(merchant_id: str, subscription_id: str) -> list[Discount]:
    rows = Discount.objects.filter(merchant_id=merchant_id, subscription_id=subscription_id, deleted_at__isnull=True)
    return list(rows.select_related("coupon").order_by("position", "created", "id"))


def pending_items_of(merchant_id: str, subscription_id: str) -> list[InvoiceItem]:
    rows = InvoiceItem.objects.filter(
        merchant_id=merchant_id, subscription_id=subscription_id, invoice_id="", deleted_at__isnull=True
    )
    return list(rows.order_by("created", "id"))


def tax_rates_by_id(merchant_id: str, ids: Iterable[str]) -> list[TaxRate]:
    ids = list(ids)
    return list(TaxRate.objects.filter(merchant_id=merchant_id, id__in=ids).order_by("created")) if ids else []


def taxes_of(invoice: Invoice) -> list[Any]:
    """Tax by rate, as the paper shows it."""
    rows = InvoiceLineTax.objects.filter(invoice_id=invoice.pk, merchant_id=invoice.merchant_id)
    return list(
        rows.values("display_name", "percentage", "inclusive").annotate(amount=Sum("amount")).order_by("display_name")
    )


def charges_of_invoice(merchant_id: str, invoice_id: str) -> list[Charge]:
    rows = Charge.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id)
    return _with_methods(rows.order_by("created", "attempt", "id"))


def charges_of_payment(merchant_id: str, payment_intent_id: str) -> list[Charge]:
    rows = Charge.objects.filter(merchant_id=merchant_id, payment_intent_id=payment_intent_id)
    return _with_methods(rows.order_by("created", "attempt", "id"))


def _with_methods(charges: Iterable[Charge]) -> list[Charge]:
    """Each charge knows what it was made on: `method_name`, in the reader's words."""
    found = list(charges)
    methods = methods_by_id(charge.payment_method_id for charge in found)
    for charge in found:
        charge.method_name = str(methods.get(charge.payment_method_id, ""))  # type: ignore[attr-defined]
    return found


def refunds_of(merchant_id: str, charge_ids: list[str]) -> list[Refund]:
    return list(Refund.objects.filter(merchant_id=merchant_id, charge_id__in=charge_ids).order_by("created", "id"))


def payment_method_of(merchant_id: str, payment_method_id: str) -> PaymentMethod | None:
    return PaymentMethod.objects.filter(merchant_id=merchant_id, id=payment_method_id).first()


def credit_notes_of(invoice: Invoice) -> list[CreditNote]:
    return list(invoice.credit_notes.order_by("sequence"))


def open_case_of(merchant_id: str, invoice_id: str) -> RecoveryCase | None:
    """The chase after a failed payment, while it lasts."""
    return RecoveryCase.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id, status="open").first()


def messages_about(merchant_id: str, invoice_id: str) -> list[Message]:
    rows = Message.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id).defer("html", "text", "context")
    return list(rows.order_by("created", "id"))


def with_subscriber_counts(prices: QuerySet[Price]) -> QuerySet[Price]:
    """Prices with the number of running subscriptions on each."""
    running = (
        SubscriptionItem.objects.filter(price_id=OuterRef("pk"), deleted_at__isnull=True)
        .exclude(subscription__status__in=["canceled", "incomplete_expired"])
        .order_by()
        .values("price_id")
        .annotate(n=Count("subscription_id", distinct=True))
        .values("n")
    )
    return prices.annotate(subscribers=Coalesce(Subquery(running), 0))


def product_names(merchant_id: str, ids: Iterable[str]) -> list[str]:
    ids = list(ids)
    rows = Product.objects.filter(merchant_id=merchant_id, id__in=ids).order_by("name")
    return list(rows.values_list("name", flat=True)) if ids else []


def checkout_counts(merchant_id: str, payment_link_id: str) -> dict[str, int]:
    """How many opened a payment link and how many went through."""
    return CheckoutSession.objects.filter(merchant_id=merchant_id, payment_link_id=payment_link_id).aggregate(
        opened=Count("id"), completed=Count("id", filter=Q(status="complete"))
    )


# The subscriber's pages belong to the portal, which the dashboard does not import: their addresses are asked by name.
def payment_link_url(link: PaymentLink) -> str:
    return _public("payment_link", link.pk)


def hosted_invoice_url(invoice: Invoice) -> str:
    return _public("hosted_invoice", invoice.hosted_token) if invoice.hosted_token else ""


def _public(name: str, *args: str) -> str:
    try:
        return settings.SITE_URL + reverse(name, args=args)
    except NoReverseMatch:
        return ""
