"""What the payments' rules, writers and gateways hand to each other: frozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict


@dataclass(frozen=True, slots=True)
class IntentToPlan:
    """An invoice about to be collected. Without a payment method an intent is planned, but no charge."""

    merchant_id: str
    customer_id: str
    invoice_id: str
    amount: int
    currency: str
    gateway: str
    payment_method_id: str = ""
    test_clock_id: str | None = None
    statement_descriptor: str = ""
    description: str = ""
    off_session: bool = True
    keep_body: bool = True  # the merchant's `keep_event_bodies`
    sent: bool = False  # who plans it sends the charge as soon as it is committed: nobody else does


@dataclass(frozen=True, slots=True)
class PlannedIntent:
    """What `plan_intents` wrote for one invoice; `charge_id` is blank without a payment method."""

    invoice_id: str
    payment_intent_id: str
    charge_id: str = ""


class IntentTerms(TypedDict, total=False):
    """What was asked of a payment that stands for itself, by Stripe's names; what was not said is not there."""

    automatic_payment_methods: dict[str, Any]
    confirmation_method: str
    payment_method_types: list[str]
    receipt_email: str
    return_url: str
    setup_future_usage: str
    shipping: dict[str, Any]
    statement_descriptor_suffix: str


# --- what a gateway answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The money is ours. `look_again_at`, in business time: a sandbox's cardholder will have something to say.

    `captured` is what was taken of an authorization; None: all of it.
    """

    gateway_charge_id: str
    look_again_at: datetime | None = None
    captured: int | None = None


@dataclass(frozen=True, slots=True)
class Authorized:
    """The money is held for us until `capture_before` (business time), and taken when it is captured."""

    gateway_charge_id: str
    capture_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """No money moved. `code` is Stripe's error code, `decline_code` the issuer's reason."""

    code: str
    decline_code: str = ""
    message: str = ""
    network_decline_code: str = ""
    network_advice_code: str = ""
    gateway_charge_id: str = ""


@dataclass(frozen=True, slots=True)
class RequiresAction:
    """The customer has to authenticate; nothing is taken until then."""

    next_action: Mapping[str, object] = field(default_factory=dict)
    gateway_charge_id: str = ""


@dataclass(frozen=True, slots=True)
class Processing:
    """Under way (a bank debit): the answer comes later, at `settles_at` in business time when that is known."""

    settles_at: datetime | None = None
    gateway_charge_id: str = ""


REPLAYED_ERROR = "replayed_error"  # a server error that was stored under the key: it comes back as long as that lives


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether money moved (time-out, 5xx, dropped connection). Never a reason to charge again."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotConfirmed:
    """The intent stands at the gateway and this attempt never reached it: nothing was taken."""


@dataclass(frozen=True, slots=True)
class IntentCanceled:
    """The intent was canceled at the gateway: nothing was taken and nothing can be."""


Outcome = Succeeded | Authorized | Declined | RequiresAction | Processing | Unknown
Standing = Outcome | NotConfirmed | IntentCanceled


@dataclass(frozen=True, slots=True)
class GatewayIntent:
    """How an intent stands at the gateway. `standing` is that of its latest charge, if it has one."""

    gateway_intent_id: str
    standing: Standing
    amount: int = 0
    amount_received: int = 0
    latest_charge_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """How a refund stands at the gateway: pending, succeeded, failed or unknown."""

    status: str
    gateway_refund_id: str = ""
    failure_reason: str = ""
    settles_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """What may be shown of a payment method. No number, ever."""

    gateway_method_id: str
    type: str
    brand: str = ""
    last4: str = ""
    exp_month: int | None = None
    exp_year: int | None = None
    fingerprint: str = ""
    wallet: str = ""
    mandate_id: str = ""
    customer_id: str = ""  # the processor's id of whom it is attached to; blank: nobody, it is detached


@dataclass(frozen=True, slots=True)
class SetupStarted:
    """A setup on the processor's page: send the customer to `url`."""

    gateway_setup_id: str
    url: str


@dataclass(frozen=True, slots=True)
class SetupResult:
    """open, succeeded (with its method), failed (with the reason) or expired."""

    status: str
    method: MethodFacts | None = None
    failure_code: str = ""


@dataclass(frozen=True, slots=True)
class BalanceFacts:
    """One movement of the balance; `fee` is what the processor kept, `net` is amount - fee."""

    gateway_balance_transaction_id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str
    status: str
    created: datetime
    available_on: datetime
    reporting_category: str = ""
    description: str = ""
    gateway_source_id: str = ""
    exchange_rate: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)  # of its source, where that carries ours


@dataclass(frozen=True, slots=True)
class BalancePage:
    """Some movements, and after which to go on; blank: that was all."""

    items: tuple[BalanceFacts, ...]
    next_after: str = ""


# Stripe's names of what can be said against a dispute: what is text, and what is a file.
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
EVIDENCE_FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """A dispute as the processor tells of it. `movements` is what the bank took, and gave back if the merchant won."""

    gateway_dispute_id: str
    gateway_intent_id: str
    gateway_charge_id: str
    status: str
    reason: str
    amount: int
    currency: str
    created: datetime
    network_reason_code: str = ""
    is_charge_refundable: bool = False
    evidence: Mapping[str, str] = field(default_factory=dict)
    evidence_due_by: datetime | None = None
    past_due: bool = False  # what was submitted last came after its day
    submission_count: int = 0
    moves_at: datetime | None = None  # business time, where the processor can say it: a sandbox's bank
    movements: tuple[BalanceFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class PayoutFacts:
    """A payout as the processor tells of it."""

    gateway_payout_id: str
    status: str
    amount: int
    currency: str
    created: datetime
    arrival_date: datetime
    automatic: bool = True
    failure_code: str = ""


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """A refund as the processor tells of it, whoever asked for it. `metadata` names ours, if it is one."""

    refund: GatewayRefund
    gateway_intent_id: str
    amount: int
    currency: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventFacts:
    """All that is kept of what a processor told: that something happened to an object."""

    gateway_event_id: str
    type: str
    object_type: str
    object_id: str
    created: datetime


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, and after which to go on; blank: that was all."""

    items: tuple[EventFacts, ...]
    next_after: str = ""
