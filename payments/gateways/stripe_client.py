"""A client per merchant, and what Stripe's errors mean to us.

Retries are ours: the library's are off, and its time-out of 80 s is replaced, for a worker holds a lease meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import stripe
from django.conf import settings

from payments.gateways.base import (
    CurrencyNotSupported,
    GatewayKeyRefused,
    GatewayRefused,
    GatewayUnreachable,
    IdempotencyKeyReused,
    InstrumentDeclined,
    MethodNotUsable,
    NoSuchGatewayObject,
    NotConnected,
    UnexpectedIntentState,
    UnknownInstrument,
)
from payments.keys import API_KEY, open_secret
from payments.models import AccountStatus, GatewayAccount
from payments.sealing import SealBroken
from payments.types import REPLAYED_ERROR, Unknown

logger = logging.getLogger(__name__)
T = TypeVar("T")

_KEPT_CLIENTS = 64
_clients: OrderedDict[tuple[str, str, str], stripe.StripeClient] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Connection:
    """A merchant's account at Stripe and the client that speaks for it."""

    account: GatewayAccount
    client: stripe.StripeClient


def connection_of(merchant_id: str) -> Connection:
    """Raises `NotConnected`, and `GatewayKeyRefused` for a key that does not even open here."""
    account = GatewayAccount.objects.filter(merchant_id=merchant_id, gateway="stripe").exclude(
        status=AccountStatus.DISCONNECTED
    )
    found = account.first()
    if found is None:
        raise NotConnected
    return Connection(found, _client_of(found))


def _client_of(account: GatewayAccount) -> stripe.StripeClient:
    # The sealed text changes with the key: a rotated key gets a new client, in every process.
    name = (account.id, account.api_key_sealed, settings.STRIPE_API_BASE)
    with _guard:
        if name in _clients:
            _clients.move_to_end(name)
            return _clients[name]
    try:
        made = new_client(open_secret(account, API_KEY))
    except SealBroken:
        logger.error(
            "the key of %s does not open: ENCRYPTION_KEYS or SECRET_KEY lost the one that sealed it", account.id
        )
        raise GatewayKeyRefused from None
    with _guard:
        _clients[name] = made
        while len(_clients) > _KEPT_CLIENTS:
            _clients.popitem(last=False)
    return made


def new_client(api_key: str) -> stripe.StripeClient:
    """A client with our time-outs. The key is in memory only."""
    timeout = (settings.STRIPE_CONNECT_TIMEOUT_S, settings.STRIPE_READ_TIMEOUT_S)
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": settings.STRIPE_API_BASE, "files": settings.STRIPE_FILES_BASE or _files_base()},
        http_client=stripe.RequestsClient(timeout=timeout),
        max_network_retries=0,
    )


def _files_base() -> str:
    """Stripe takes files elsewhere than the rest; whatever stands in for it has one address."""
    api: str = settings.STRIPE_API_BASE
    return "https://files.stripe.com" if api == "https://api.stripe.com" else api


@contextmanager
def translated(object_id: str = "") -> Iterator[None]:
    """Stripe's errors as the port's. What got no answer is `GatewayUnreachable`."""
    try:
        yield
    except stripe.StripeError as error:
        raise _refusal(error, object_id) from error


def ask_about_money(work: Callable[[], T]) -> T | Unknown:
    """A call that may move money: what got no answer is unknown, and so is what came of a key that is refused."""
    try:
        with translated():
            return work()
    except GatewayUnreachable as lost:
        return Unknown(str(lost.params.get("reason", "")))


def _refusal(error: stripe.StripeError, object_id: str) -> GatewayRefused:
    if isinstance(error, stripe.CardError):
        return InstrumentDeclined(decline_code=_said(error, "decline_code") or "generic_decline")
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        logger.warning("Stripe refused a key: %s", error.code or error.http_status)
        return GatewayKeyRefused()
    if isinstance(error, stripe.IdempotencyError):
        return IdempotencyKeyReused()
    if isinstance(error, stripe.InvalidRequestError):
        return _invalid(error, object_id)
    if isinstance(error, stripe.RateLimitError):
        return GatewayUnreachable(reason="rate_limited")
    if isinstance(error, stripe.APIConnectionError):
        return GatewayUnreachable(reason="no_answer")
    if (error.http_status or 0) >= 500 and _is_replayed(error):
        return GatewayUnreachable(reason=REPLAYED_ERROR)
    # 5xx, and 409 while the same key is being worked on: no word on what was done.
    return GatewayUnreachable(reason=f"http_{error.http_status or 0}")


def _is_replayed(error: stripe.StripeError) -> bool:
    """Whether the answer is the one that is stored under the key, and not the work of this call."""
    return {name.lower(): value for name, value in (error.headers or {}).items()}.get("idempotent-replayed") == "true"


def _invalid(error: stripe.InvalidRequestError, object_id: str) -> GatewayRefused:
    param = str(error.param or "")
    if error.code == "resource_missing" and param == "payment_method":
        return UnknownInstrument(instrument=object_id)
    if error.code == "resource_missing":
        return NoSuchGatewayObject(id=object_id)
    if error.code == "payment_intent_unexpected_state":
        return UnexpectedIntentState()
    if error.code in ("payment_method_unactivated", "payment_method_not_available") or param == "payment_method":
        return MethodNotUsable()
    if param == "currency":
        return CurrencyNotSupported(CurrencyNotSupported.lacking)
    refused = GatewayRefused(param=param)
    # Stripe's word for it is kept: "amount_too_small" tells more than ours.
    refused.code = error.code or "parameter_invalid"
    logger.warning("Stripe refused a request: %s %s", refused.code, param)
    return refused


def _said(error: stripe.StripeError, name: str) -> str:
    """A field of the error's own object; blank where it has none."""
    return str(getattr(error.error, name, None) or "") if error.error is not None else ""
