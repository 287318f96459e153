"""Disputes, the balance at the processor and payouts: what their pages read."""

from typing import Any

from django.db.models import BooleanField, Case, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from customers.models import Customer
from payments.models import BalanceTransaction, Charge, Dispute, Payout, Refund

TO_ANSWER = ["needs_response", "warning_needs_response"]


def listed_disputes(merchant_id: str) -> QuerySet[Dispute]:
    name = Customer.objects.filter(merchant_id=merchant_id, id=OuterRef("customer_id")).values("name")[:1]
    to_answer = Case(When(Q(status__in=TO_ANSWER), then=Value(True)), default=Value(False), output_field=BooleanField())
    return Dispute.objects.filter(merchant_id=merchant_id).annotate(
        customer_name=Subquery(name), is_to_answer=to_answer
    )


def disputes_of_charges(merchant_id: str, charge_ids: list[str]) -> list[Dispute]:
    return list(Dispute.objects.filter(merchant_id=merchant_id, charge_id__in=charge_ids).order_by("created", "id"))


def disputes_of_invoice(merchant_id: str, invoice_id: str) -> list[Dispute]:
    return list(Dispute.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id).order_by("created", "id"))


def listed_balance(merchant_id: str) -> QuerySet[BalanceTransaction]:
    """Each with the payment whose charge or refund moved it, for its link."""
    charges = Charge.objects.filter(merchant_id=merchant_id, id=OuterRef("source_id")).values("payment_intent_id")
    refunds = Refund.objects.filter(merchant_id=merchant_id, id=OuterRef("source_id"))
    payment = Coalesce(Subquery(charges[:1]), Subquery(refunds.values("charge__payment_intent_id")[:1]))
    return BalanceTransaction.objects.filter(merchant_id=merchant_id).annotate(payment_intent_id=payment)


def listed_payouts(merchant_id: str) -> QuerySet[Payout]:
    return Payout.objects.filter(merchant_id=merchant_id)


def balance_sums(merchant_id: str) -> list[Any]:
    """What is there in each currency: available, pending, and the fees so far. Signs as the processor writes them."""
    sums = BalanceTransaction.objects.filter(merchant_id=merchant_id).values("currency").order_by("currency")
    return list(
        sums.annotate(
            available=Sum("net", filter=Q(status="available"), default=0),
            pending=Sum("net", filter=Q(status="pending"), default=0),
            fees=Sum("fee", default=0),
        )
    )
