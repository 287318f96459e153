"""Every mail as a merchant may look at it before anybody gets it: the real writers, with a made-up story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.models import Price, Product
from customers.models import Customer, PaymentMethod
from dunning.models import EndBehavior, RecoveryCase, RecoveryPolicy
from invoicing.models import Invoice, InvoiceLine
from merchants.models import Merchant
from merchants.selectors import default_billing_entity
from notifications.compose import WRITERS, compose
from notifications.links import LINK_LIVES
from notifications.payments import Paid
from notifications.selectors import message_settings
from notifications.types import Addressee, Facts
from notifications.writes import sender_of
from payments.models import Charge, Dispute, InvoicePayment, Refund
from subscriptions.models import Subscription, SubscriptionItem

KINDS = tuple(WRITERS)
LOCALES = ("en", "fr-ca", "fr")


@dataclass(frozen=True, slots=True)
class Preview:
    subject: str
    text: str
    html: str


def preview(merchant: Merchant, kind: str, locale: str, at: datetime) -> Preview:
    """The mail of this kind in this language, as if something had happened at `at`. Nothing is stored.

    Raises `KeyError` for a kind or a language that there is none of.
    """
    if kind not in WRITERS or locale not in LOCALES:
        raise KeyError(kind)
    sender = sender_of(merchant, default_billing_entity(merchant.id), message_settings(merchant.id).footer)
    to = Addressee("", "Ada Tremblay", "ada@example.com", locale, merchant.timezone, keep=True)
    return Preview(*compose(kind, story(merchant, at), sender, to))


def story(merchant: Merchant, at: datetime) -> Facts:
    """One subscriber's rows, unsaved: whatever kind of mail is written from them, they agree."""
    month, kept = timedelta(days=31), "preview"
    currency = merchant.default_currency
    customer = Customer(id="cus_preview", merchant=merchant, name="Ada Tremblay", email="ada@example.com")
    price = Price(
        merchant=merchant, product=Product(merchant=merchant, name="Café"), currency=currency, type="recurring",
        interval="month", interval_count=1, unit_amount_decimal=Decimal(2000), billing_scheme="per_unit",
    )  # fmt: skip
    subscription = Subscription(
        id="sub_preview", merchant=merchant, customer=customer, status="active", currency=currency,
        trial_end=at + timedelta(days=3), ended_at=at, cancellation_reason="payment_failed", created=at - month,
    )  # fmt: skip
    invoice = Invoice(
        id="in_preview", merchant=merchant, customer=customer, number="A-0042", currency=currency, total=2300,
        amount_paid=2300, amount_remaining=2300, exclusive_tax=300, hosted_token=kept, created=at, paid_at=at,
        due_date=at + timedelta(days=7), next_payment_attempt=at + timedelta(days=3),
    )  # fmt: skip
    part = InvoicePayment(
        type="out_of_band", amount_paid=1000, currency=currency, reference="VIR-0012", received_at=at, created=at
    )
    card = PaymentMethod(
        merchant=merchant, type="card", brand="visa", last4="4242", exp_month=at.month, exp_year=at.year
    )
    charged = InvoicePayment(type="payment_intent", amount_paid=2300, currency=currency, created=at)
    policy = RecoveryPolicy(merchant=merchant, end_behavior=EndBehavior.CANCEL)
    return {
        "invoice": invoice,
        "lines": [InvoiceLine(description="Café", amount=2000)],
        "subscription": subscription,
        "items": [SubscriptionItem(price=price, quantity=1)],
        "case": RecoveryCase(
            policy=policy, subscription_id=subscription.id, decision="retry", gives_up_at=at + timedelta(days=14)
        ),
        "charge": Charge(decline_code="insufficient_funds", amount=2300, currency=currency),
        "method": card,
        "payments": [Paid(charged, card)],
        "part": Paid(part),
        "left": 1300,
        "refund": Refund(amount=2300, currency=currency),
        "dispute": Dispute(
            amount=2300, currency=currency, reason="fraudulent", status="won", evidence_due_by=at + timedelta(days=7)
        ),
        "customer_name": customer.name,
        "url": "https://example.com/",
        "link_expires_at": at + LINK_LIVES,
    }
