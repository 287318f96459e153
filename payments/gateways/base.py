"""The port: what the product asks of any payment processor, and what may come back.

No call is made inside a database transaction: a rollback would forget money that moved. Each adapter puts
`@outside_transactions` on every method of the port, and the contract suite checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from django.db import connection

from core.errors import OstinatoError, gettext_noop
from payments.types import (
    BalancePage,
    DisputeFacts,
    EventPage,
    GatewayIntent,
    GatewayRefund,
    MethodFacts,
    Outcome,
    PayoutFacts,
    RefundFacts,
    SetupResult,
    SetupStarted,
    Unknown,
)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """What every call carries: whose account, under which idempotency key, at which business and wall time."""

    merchant_id: str
    key: str
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class IntentRequest:
    """What is to be collected. `metadata` names our intent and invoice, so that it can be found without its id."""

    customer_id: str  # ours, as everywhere in the port: an adapter knows the processor's; blank: of nobody
    amount: int
    currency: str
    description: str = ""
    statement_descriptor: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    method_type: str = "card"
    manual_capture: bool = False  # only held when confirmed, until it is captured or canceled


@dataclass(frozen=True, slots=True)
class ToCreate:
    """One intent of a batch."""

    call: Call
    request: IntentRequest


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """One confirmation of a batch."""

    call: Call
    gateway_intent_id: str
    gateway_method_id: str
    off_session: bool
    method_type: str = "card"
    mandate_id: str = ""
    return_url: str = ""  # on session: where the bank's page leads back to


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """A way to pay to be stored for our customer, on the processor's own page; `return_url` is where it leads back."""

    customer_id: str
    currency: str
    return_url: str
    method_types: Sequence[str] = ("card",)
    locale: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class GatewayRefused(OstinatoError):
    """The gateway would not do it. `nothing_taken` says that no money can have moved because of this call."""

    code = "gateway_refused"
    nothing_taken = True
    message_id = gettext_noop("The payment processor refused the request.")


class InstrumentDeclined(GatewayRefused):
    """Attaching was declined by the issuer (Stripe: 402 card_declined)."""

    code = "card_declined"
    param = "payment_method"
    message_id = gettext_noop("Your card was declined.")

    def __init__(self, message_id: str = "", *, decline_code: str = "generic_decline", **params: object) -> None:
        super().__init__(message_id, **params)  # type: ignore[arg-type]
        self.decline_code = decline_code


class UnknownInstrument(GatewayRefused):
    code = "resource_missing"
    param = "payment_method"
    message_id = gettext_noop("“%(instrument)s” is not a payment method that this processor knows.")


class MethodNotUsable(GatewayRefused):
    code = "payment_method_not_available"
    param = "payment_method"
    message_id = gettext_noop("This payment method cannot be used any more.")


class UnexpectedIntentState(GatewayRefused):
    """The intent is not in a state that allows this. It may have been paid: look before deciding anything."""

    code = "payment_intent_unexpected_state"
    nothing_taken = False
    message_id = gettext_noop("The payment is not in a state that allows this.")


class IdempotencyKeyReused(GatewayRefused):
    """The same key came with other parameters: a fault of the caller, and no word on what the first call did."""

    code = "idempotency_key_in_use"
    nothing_taken = False
    message_id = gettext_noop("This idempotency key was used for another request.")


class NoSuchGatewayObject(GatewayRefused):
    code = "resource_missing"
    message_id = gettext_noop("The payment processor has no “%(id)s”.")


class RefundRefused(GatewayRefused):
    code = "charge_not_refundable"
    message_id = gettext_noop("The payment processor refused the refund.")


class GatewayUnreachable(GatewayRefused):
    """No answer, or a server's error, to a call that moves no money."""

    code = "api_connection_error"
    message_id = gettext_noop("The payment processor does not answer. Try again in a moment.")


class GatewayKeyRefused(GatewayRefused):
    """The key was revoked, or may not do this. It says nothing of the customer's money: no decline, no retry."""

    code = "api_key_refused"
    nothing_taken = False
    message_id = gettext_noop("The payment processor refuses this account's key: connect it again.")


class NotConnected(GatewayRefused):
    code = "gateway_not_connected"
    nothing_taken = False
    message_id = gettext_noop("No account at the payment processor is connected.")


class CurrencyNotSupported(GatewayRefused):
    code = "currency_not_supported"
    param = "currency"
    message_id = gettext_noop("The payment processor does not take this amount in %(currency)s.")
    lacking = gettext_noop("The payment processor does not take this currency.")


class UnknownGateway(OstinatoError):
    code = "gateway_unknown"
    param = "gateway"
    message_id = gettext_noop("“%(gateway)s” is not a payment processor of this system.")


class CalledInsideTransaction(RuntimeError):
    """A gateway call inside a database transaction: a fault of the program, never of its user."""


class Gateway(Protocol):
    """A payment processor."""

    name: str

    def ensure_customer(self, call: Call, customer_id: str, *, email: str = "", name: str = "") -> str:
        """The processor's id of our customer, made there when it has none. Raises `GatewayUnreachable`."""
        ...

    def start_setup(self, call: Call, request: SetupRequest) -> SetupStarted:
        """A page of the processor's where the customer enters a way to pay. Raises `GatewayRefused`."""
        ...

    def finish_setup(self, call: Call, gateway_setup_id: str) -> SetupResult:
        """What became of it, asked as often as one likes. Raises `NoSuchGatewayObject`, `GatewayUnreachable`."""
        ...

    def attach(self, call: Call, customer_id: str, instrument: str) -> MethodFacts:
        """Store an instrument for later. Raises `InstrumentDeclined`, `UnknownInstrument`."""
        ...

    def retrieve_method(self, call: Call, gateway_method_id: str) -> MethodFacts:
        """What may be shown of it now: issuers replace cards. Raises `NoSuchGatewayObject`, `GatewayUnreachable`."""
        ...

    def detach(self, call: Call, gateway_method_id: str) -> None:
        """Forget an instrument. Raises `NoSuchGatewayObject`."""
        ...

    def customer_is_gone(self, call: Call, gateway_customer_id: str) -> bool:
        """Whether somebody deleted the customer over there."""
        ...

    def create_intent(self, call: Call, request: IntentRequest) -> GatewayIntent | Unknown:
        """An unconfirmed intent: no money moves. Raises `GatewayRefused`."""
        ...

    def confirm(
        self,
        call: Call,
        gateway_intent_id: str,
        gateway_method_id: str,
        *,
        off_session: bool,
        method_type: str = "card",
        mandate_id: str = "",
        return_url: str = "",
    ) -> Outcome:
        """One attempt. Raises `GatewayRefused`; its `nothing_taken` says whether that is an answer."""
        ...

    def create_intents(self, batch: Sequence[ToCreate]) -> list[GatewayIntent | Unknown | GatewayRefused]:
        """`create_intent` for many, in order. What one raises stands in its place; the others are not touched."""
        ...

    def confirm_all(self, batch: Sequence[ToConfirm]) -> list[Outcome | GatewayRefused]:
        """`confirm` for many, in order. What one raises stands in its place; the others are not touched."""
        ...

    def retrieve(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        """How the intent stands at `call.at`. Raises `NoSuchGatewayObject`."""
        ...

    def find_by_metadata(
        self, call: Call, customer_id: str, metadata: Mapping[str, str]
    ) -> GatewayIntent | Unknown | None:
        """The customer's intent that carries all of our metadata, for when its id was lost; None: there is none."""
        ...

    def capture(self, call: Call, gateway_intent_id: str, amount: int, currency: str) -> Outcome:
        """Take what was authorized, or a part of it; the rest is let go of. Raises `UnexpectedIntentState`."""
        ...

    def cancel(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        """Cancel what can be. An intent that was paid, or is processing, is given back as it stands."""
        ...

    def refund(
        self, call: Call, gateway_intent_id: str, amount: int, *, reason: str = "", metadata: Mapping[str, str]
    ) -> GatewayRefund:
        """Send money back. Raises `RefundRefused`. A status of "unknown" is not an answer."""
        ...

    def retrieve_refund(self, call: Call, gateway_refund_id: str) -> GatewayRefund:
        """How the refund stands at `call.at`. Raises `NoSuchGatewayObject`."""
        ...

    def find_refund(self, call: Call, gateway_intent_id: str, metadata: Mapping[str, str]) -> GatewayRefund | None:
        """The intent's refund that carries our metadata, for when its id was lost; None: there is none."""
        ...

    def complete_action(self, call: Call, gateway_intent_id: str, *, approve: bool) -> Outcome:
        """The customer came back from authenticating. Raises `UnexpectedIntentState`.

        A processor with a page of its own knows what was done there and does not listen to `approve`.
        """
        ...

    def read_refund(self, call: Call, gateway_refund_id: str) -> RefundFacts:
        """A refund, whoever asked for it. As all that reads: raises `NoSuchGatewayObject`, `GatewayUnreachable`."""
        ...

    def read_dispute(self, call: Call, gateway_dispute_id: str) -> DisputeFacts: ...

    def upload_evidence(self, call: Call, name: str, content: bytes) -> str:
        """Hand over a file to be named as evidence; its id there. Raises `GatewayRefused`, `GatewayUnreachable`."""
        ...

    def submit_evidence(
        self, call: Call, gateway_dispute_id: str, evidence: Mapping[str, str], *, submit: bool
    ) -> DisputeFacts:
        """Add to what is said against a dispute, a blank text takes its kind away; `submit` hands it in for good.

        Raises `GatewayRefused`.
        """
        ...

    def close_dispute(self, call: Call, gateway_dispute_id: str) -> DisputeFacts:
        """Give in, for good: a dispute is lost, an inquiry is closed. Raises `GatewayRefused`."""
        ...

    def read_payout(self, call: Call, gateway_payout_id: str) -> PayoutFacts: ...

    def events(self, call: Call, *, since: datetime, after: str = "") -> EventPage:
        """What happened in the account from `since` on, the newest first, a page at a time."""
        ...

    def balance_transactions(self, call: Call, *, since: datetime, after: str = "") -> BalancePage:
        """The account's movements from `since` on, the newest first, a page at a time. Raises `GatewayUnreachable`."""
        ...


PORT = tuple(name for name in vars(Gateway) if not name.startswith("_") and callable(getattr(Gateway, name)))


def outside_transactions(method: Callable[P, T]) -> Callable[P, T]:
    """Refuse to run while this thread has a transaction open. Tests' own wrapping transaction does not count."""

    @wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        # Django's `durable=True` makes the very same exception for the transaction that a TestCase wraps around a test.
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise CalledInsideTransaction(method.__qualname__)
        return method(*args, **kwargs)

    return guarded
