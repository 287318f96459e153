"""Reads of intents, charges and refunds. Always within one merchant, but for what the runs read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet

from core.errors import OstinatoError, gettext_noop
from customers.models import PaymentMethod
from events.copying import Row
from events.statements import Statement
from payments.models import (
    IN_FLIGHT_CHARGE_STATUSES,
    Charge,
    GatewayEvent,
    InvoicePayment,
    PaymentIntent,
    Payout,
    Refund,
)


class PaymentIntentNotFound(OstinatoError):
    code = "resource_missing"
    param = "payment_intent"
    message_id = gettext_noop("There is no such payment.")


class ChargeNotFound(OstinatoError):
    code = "resource_missing"
    param = "charge"
    message_id = gettext_noop("There is no such charge.")


class RefundNotFound(OstinatoError):
    code = "resource_missing"
    param = "refund"
    message_id = gettext_noop("There is no such refund.")


def payment_intents(merchant_id: str) -> QuerySet[PaymentIntent]:
    """The merchant's payments, the latest first."""
    return PaymentIntent.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def payment_intent_by_id(merchant_id: str, payment_intent_id: str) -> PaymentIntent:
    """One payment. Raises `PaymentIntentNotFound`, for another merchant's too."""
    found = payment_intents(merchant_id).filter(id=payment_intent_id).first()
    if found is None:
        raise PaymentIntentNotFound
    return found


def charges(merchant_id: str) -> QuerySet[Charge]:
    """The merchant's attempts, the latest first."""
    return Charge.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def charge_by_id(merchant_id: str, charge_id: str) -> Charge:
    """One attempt. Raises `ChargeNotFound`, for another merchant's too."""
    found = charges(merchant_id).filter(id=charge_id).first()
    if found is None:
        raise ChargeNotFound
    return found


def refunds_of(merchant_id: str, charge_id: str) -> list[Refund]:
    """What went back of a charge, the oldest first."""
    return list(Refund.objects.filter(merchant_id=merchant_id, charge_id=charge_id).order_by("created", "id"))


def invoice_payments(merchant_id: str, invoice_id: str) -> list[InvoicePayment]:
    """How an invoice was paid, the oldest first."""
    return list(InvoicePayment.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id).order_by("created", "id"))


def usable_methods(payment_method_ids: Iterable[str]) -> dict[str, Row]:
    """Those of these methods that are still attached, by id. One query."""
    return {method.id: method for method in _usable_methods.rows(ids={*payment_method_ids} - {""})}


def methods_by_id(payment_method_ids: Iterable[str]) -> dict[str, PaymentMethod]:
    """These methods, attached or not. One query."""
    return {method.id: method for method in _methods.models(ids={*payment_method_ids} - {""})}


_methods = Statement(lambda ids: PaymentMethod.objects.filter(id__any=ids))
_usable_methods = Statement(lambda ids: PaymentMethod.objects.filter(id__any=ids, detached_at__isnull=True))


def charges_of_tries(first_charge_ids: Iterable[str]) -> dict[str, list[Charge]]:
    """The charges of each try by its first one, in order: that one, then those of the backups. One query."""
    wanted = {*first_charge_ids} - {""}
    rows = Charge.objects.filter(Q(id__in=wanted) | Q(backup_of__in=wanted)).order_by("attempt", "id")
    found: dict[str, list[Charge]] = defaultdict(list)
    for charge in rows:
        found[charge.backup_of or charge.id].append(charge)
    return found


def failed_charges(invoice_ids: Iterable[str]) -> list[Charge]:
    """What was refused for these invoices, the oldest first. One query."""
    rows = Charge.objects.filter(invoice_id__in=set(invoice_ids), status="failed")
    return list(rows.order_by("recorded_at", "attempt", "id"))


def last_attempts(payment_intent_ids: Iterable[str]) -> dict[str, int]:
    """The number of the latest attempt of each intent. One query."""
    return dict(_last_attempts.tuples(intents=payment_intent_ids))


def in_flight(payment_intent_ids: Iterable[str]) -> dict[str, Row]:
    """The one charge in flight of each intent that has one, by intent. One query."""
    return {charge.payment_intent_id: charge for charge in _in_flight.rows(intents=payment_intent_ids)}


_last_attempts = Statement(
    lambda intents: (
        Charge.objects.filter(payment_intent_id__any=intents)
        .values("payment_intent_id")
        .annotate(last=Max("attempt"))
        .values_list("payment_intent_id", "last")
    )
)
_in_flight = Statement(
    lambda intents: Charge.objects.filter(payment_intent_id__any=intents, status__in=IN_FLIGHT_CHARGE_STATUSES)
)


def invoices_and_intents(charge_ids: Iterable[str]) -> list[tuple[str, str]]:
    """(invoice, payment intent) of each of these charges. One query."""
    return [(invoice_id, intent_id) for invoice_id, intent_id in _places.tuples(ids=charge_ids)]


_places = Statement(lambda ids: Charge.objects.filter(id__any=ids).values_list("invoice_id", "payment_intent_id"))


def attempts_since(
    since: datetime, tried: Iterable[tuple[str, int, str]]
) -> Mapping[tuple[str, int, str], list[datetime]]:
    """When each (payment method, amount, currency) was tried from `since` on, oldest first. One query."""
    wanted = set(tried)
    rows = Charge.objects.filter(
        payment_method_id__any={method for method, _, _ in wanted}, created__gte=since, called_at__isnull=False
    ).exclude(status="canceled")
    found: dict[tuple[str, int, str], list[datetime]] = defaultdict(list)
    for charge in rows.order_by("created"):
        key = (charge.payment_method_id, charge.amount, charge.currency)
        if key in wanted:
            # A first attempt is made when it was planned; `called_at` is wall time and says nothing here.
            found[key].append(charge.created)
    return found


def gateway_charges_of(payment_intent_ids: Iterable[str]) -> dict[str, set[str]]:
    """The gateway's ids of the attempts that each intent brought home. One query."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = Charge.objects.filter(payment_intent_id__any=set(payment_intent_ids)).exclude(gateway_charge_id="")
    for intent_id, gateway_charge_id in rows.values_list("payment_intent_id", "gateway_charge_id"):
        found[intent_id].add(gateway_charge_id)
    return found


def unanswered_charges(wall: datetime, *, never_sent_before: datetime, sent_before: datetime) -> QuerySet[Charge]:
    """Charges that are due for a look-up: unknown, asked about in vain, or planned by a worker that died."""
    unknown = Q(status__in=IN_FLIGHT_CHARGE_STATUSES, resolve_after__lte=wall)
    never_sent = Q(status="planned", called_at__isnull=True, recorded_at__lte=never_sent_before)
    died = Q(status="planned", resolve_after__isnull=True, called_at__lte=sent_before)
    return Charge.objects.filter(unknown | never_sent | died).order_by("recorded_at", "id")


def due_charges(as_of: datetime, clock_id: str | None) -> QuerySet[Charge]:
    """Debits and authorizations whose day has come: on the clock, or all that are on none."""
    return _on_clock(
        Charge.objects.filter(status__in=["processing", "authorized"], next_action_at__lte=as_of), clock_id
    )


def due_refunds(as_of: datetime, clock_id: str | None) -> QuerySet[Refund]:
    """Refunds whose day has come: on the clock, or all that are on none."""
    return _on_clock(Refund.objects.filter(status="pending", next_action_at__lte=as_of), clock_id)


def unanswered_refunds(wall: datetime, *, sent_before: datetime) -> QuerySet[Refund]:
    """Refunds whose outcome nobody knows and that are due for a look-up."""
    unknown = Q(status="unknown") & (Q(resolve_after__isnull=True) | Q(resolve_after__lte=wall))
    died = Q(status="planned", recorded_at__lte=sent_before)
    return Refund.objects.filter(unknown | died).order_by("recorded_at", "id")


def _on_clock(rows: QuerySet, clock_id: str | None) -> QuerySet:
    return rows.filter(test_clock_id=clock_id).order_by("next_action_at", "id")


def payouts_of(merchant_id: str) -> QuerySet[Payout]:
    """What processors paid out, the latest first."""
    return Payout.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def unapplied_events(merchant_id: str) -> dict[str, int]:
    """How many of the processors' events wait to be applied, and how many a person has to look at. One query."""
    rows = GatewayEvent.objects.filter(merchant_id=merchant_id)
    return rows.aggregate(
        waiting=Count("id", filter=Q(apply_after__isnull=False)), failed=Count("id", filter=Q(status="failed"))
    )


def last_webhook(merchant_id: str, gateway_account_id: str) -> datetime | None:
    """When the account last told something by itself; sweeps do not count."""
    rows = GatewayEvent.objects.filter(merchant_id=merchant_id, gateway_account_id=gateway_account_id, source="webhook")
    return rows.aggregate(last=Max("recorded_at"))["last"]


def refunds_of_invoice(merchant_id: str, invoice_id: str) -> QuerySet[Refund]:
    """What went back, or is on its way, of what an invoice was paid with; the oldest first."""
    rows = Refund.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id).exclude(status="failed")
    return rows.order_by("created", "id")
