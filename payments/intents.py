"""Payments that stand for themselves: made, and changed while they wait. Confirming is `engine.services.intents`'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from core.money import check_amount, parse_currency
from customers.models import Customer
from events.writes import record_events
from merchants.models import Merchant
from payments import writes
from payments.events import intent_event, told
from payments.models import Charge, PaymentIntent
from payments.selectors import PaymentIntentNotFound
from payments.types import IntentTerms, IntentToPlan

WAITING = ("requires_payment_method", "requires_confirmation")
# What the gateway was told when it was first asked.
_TOLD = ("amount", "currency", "customer_id", "capture_method")
# What moves no money, and may be written whatever became of the payment.
_WORDS = frozenset({"description", "metadata"})


class AmountTooSmall(OstinatoError):
    code = "amount_too_small"
    param = "amount"
    amounts = ("least",)
    message_id = gettext_noop("The amount must be at least %(least)s %(currency)s (in the currency's smallest unit).")


class IntentNotChangeable(OstinatoError):
    code = "payment_intent_unexpected_state"
    message_id = gettext_noop(
        "This PaymentIntent's %(name)s could not be updated because it has a status of %(status)s."
    )


class AlreadyAttempted(OstinatoError):
    code = "payment_intent_unexpected_state"
    message_id = gettext_noop(
        "This PaymentIntent's %(name)s can no longer be updated: a payment was attempted. Cancel it and make another."
    )


@dataclass(frozen=True, slots=True)
class NewIntent:
    """A payment for itself, `amount` in minor units. `customer_id` may be blank: nobody's."""

    merchant_id: str
    amount: int
    currency: str
    customer_id: str = ""
    payment_method_id: str = ""
    capture_method: str = "automatic"
    description: str = ""
    statement_descriptor: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    terms: IntentTerms = field(default_factory=IntentTerms)


def create_intent(*, ctx: Context, wanted: NewIntent) -> PaymentIntent:
    """One that waits for its method or for its confirmation; the gateway hears of it when it is confirmed.

    Raises `AmountTooSmall`, `AmountTooLarge`, `UnknownCurrency`. The customer is the merchant's: the caller looked.
    """
    merchant = Merchant.objects.get(id=wanted.merchant_id)
    currency = _payable(merchant, wanted.amount, wanted.currency)
    with transaction.atomic():
        clock = clock_of(wanted.customer_id)
        row = writes.new_intent(
            ctx,
            new_id("pi"),
            IntentToPlan(
                merchant_id=merchant.id,
                customer_id=wanted.customer_id or None,  # type: ignore[arg-type]
                invoice_id="",
                amount=wanted.amount,
                currency=currency,
                gateway=merchant.gateway,
                payment_method_id=wanted.payment_method_id,
                statement_descriptor=wanted.statement_descriptor,
                description=wanted.description,
            ),
        )
        row.update(
            capture_method=wanted.capture_method, metadata=dict(wanted.metadata), terms={**_DEFAULTS, **wanted.terms}
        )
        writes.insert_intents([row])
        record_events(ctx, [told(intent_event("created", row, clock), merchant.keep_event_bodies)])
    return PaymentIntent.objects.get(id=row.id)


# An intent for itself always has terms: by them it is told from an invoice's, whatever it is given to later.
_DEFAULTS: IntentTerms = {"confirmation_method": "automatic"}


def change_intent(
    *, ctx: Context, merchant_id: str, payment_intent_id: str, terms: Mapping[str, Any], **fields: Any
) -> PaymentIntent:
    """Set columns and terms (None takes a term away) of one that waits; description and metadata of any.

    Raises `PaymentIntentNotFound`, `IntentNotChangeable`, `AlreadyAttempted` for what the gateway was told, and what
    `create_intent` raises.
    """
    with transaction.atomic():
        rows = PaymentIntent.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id)
        row = rows.filter(id=payment_intent_id).first()
        if row is None:
            raise PaymentIntentNotFound
        changes = {name: value for name, value in fields.items() if getattr(row, name) != value}
        asked = {**row.terms, **terms}
        kept = {name: value for name, value in asked.items() if value is not None}
        if kept != row.terms:
            changes["terms"] = kept
        if not changes:
            return row
        _check_changeable(row, changes, terms)
        if {"amount", "currency"} & changes.keys():
            wanted = changes.get("amount", row.amount), changes.get("currency", row.currency)
            changes["currency"] = _payable(row.merchant, *wanted)
        if "payment_method_id" in changes:
            changes["status"] = WAITING[bool(changes["payment_method_id"])]
        for name, value in changes.items():
            setattr(row, name, value)
        row.version += 1
        row.save(update_fields=[*changes, "version"])
        event = intent_event("updated", row, clock_of(row.customer_id or ""))
        record_events(ctx, [told(event, row.merchant.keep_event_bodies)])
    return row


def _check_changeable(row: PaymentIntent, changes: Mapping[str, Any], terms: Mapping[str, Any]) -> None:
    named = next((name for name in changes if name not in _WORDS), "")
    if not named:
        return
    param = next(iter(terms), named) if named == "terms" else named.removesuffix("_id")
    if row.status not in WAITING or row.invoice_id:
        raise IntentNotChangeable(param=param, name=param, status=row.status)
    attempts = Charge.objects.filter(payment_intent_id=row.id)
    if attempts.filter(status__in=["planned", "unknown"]).exists():
        raise IntentNotChangeable(param=param, name=param, status="processing")
    told_of = [name.removesuffix("_id") for name in _TOLD if name in changes]
    if told_of and attempts.exists():
        raise AlreadyAttempted(param=told_of[0], name=told_of[0])


def _payable(merchant: Merchant, amount: int, currency: str) -> str:
    """The currency's code, for an amount that can be charged in it."""
    code = parse_currency(currency)
    check_amount(amount)
    least = merchant.minimum_charges.get(code, 1)
    if amount < least:
        raise AmountTooSmall(least=least, currency=code)
    return code


def authentication_secret(payment_intent_id: str) -> str:
    """What opens the page on which the customer answers the bank: told to the caller alone, worth one payment."""
    return salted_hmac("payments.intents.authenticate", payment_intent_id, algorithm="sha256").hexdigest()[:40]


def is_authentication_secret(payment_intent_id: str, given: str) -> bool:
    return constant_time_compare(authentication_secret(payment_intent_id), given)


def clock_of(customer_id: str) -> str | None:
    """The test clock that a payment of this customer's lives on."""
    return Customer.objects.filter(id=customer_id).values_list("test_clock_id", flat=True).first()
