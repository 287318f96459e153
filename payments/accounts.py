"""Connecting a merchant's own account at Stripe, trying it, changing its key, letting it go.

Each step that calls Stripe stands between transactions: what is committed before says what was meant, and doing it
again does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from merchants.writes import set_gateway
from payments.events import told
from payments.gateways.base import GatewayKeyRefused, GatewayRefused, NotConnected
from payments.gateways.stripe_client import new_client, translated
from payments.gateways.stripe_intents import plain
from payments.inbox import EVENT_TYPES
from payments.keys import API_KEY, WEBHOOK_SECRET, WEBHOOK_SECRET_BEFORE, hint, open_secret, seal_secret
from payments.models import IN_FLIGHT_CHARGE_STATUSES, AccountStatus, Charge, GatewayAccount
from payments.sealing import SealBroken
from payments.snapshots import gateway_account_snapshot

_WEBHOOK_SECRET = re.compile(r"^whsec_[A-Za-z0-9+/=]{16,200}$")
_KEY = re.compile(r"^(sk|rk)_(test|live)_[A-Za-z0-9]{16,}$")


class ApiKeyMalformed(OstinatoError):
    code = "api_key_invalid"
    param = "api_key"
    message_id = gettext_noop("A secret key begins with sk_test_, sk_live_, rk_test_ or rk_live_.")


class ApiKeyOfOtherMode(OstinatoError):
    code = "api_key_invalid"
    param = "api_key"
    message_id = gettext_noop("A test key belongs to a sandbox, a live key to a live merchant.")


class ApiKeyOfOtherAccount(OstinatoError):
    code = "api_key_invalid"
    param = "api_key"
    message_id = gettext_noop("This key opens another account at the payment processor than the one connected.")


class WebhookSecretMalformed(OstinatoError):
    code = "webhook_secret_invalid"
    param = "webhook_secret"
    message_id = gettext_noop("A webhook's signing secret begins with whsec_.")


class AlreadyConnected(OstinatoError):
    code = "resource_already_exists"
    param = "gateway"
    message_id = gettext_noop("An account at the payment processor is connected already.")


class MoneyUnderWay(OstinatoError):
    code = "gateway_in_use"
    param = "gateway"
    message_id = gettext_noop("Payments through this account are under way: wait for their outcome.")


def connected_account(merchant_id: str) -> GatewayAccount | None:
    """The account that the merchant's money goes through, refused or not; None without one."""
    return (
        GatewayAccount.objects.filter(merchant_id=merchant_id, gateway="stripe")
        .exclude(status=AccountStatus.DISCONNECTED)
        .first()
    )


def connect_account(*, ctx: Context, merchant_id: str, api_key: str) -> GatewayAccount:
    """Store the key, sealed, and ask Stripe to tell us what happens. The merchant's money goes through it from now on.

    Raises `ApiKeyMalformed`, `ApiKeyOfOtherMode`, `AlreadyConnected`, `GatewayKeyRefused`, `GatewayUnreachable`;
    nothing is stored then. An endpoint that cannot be made is made by `check_account` later: until then the sweep
    over the account's events hears everything, only later.
    """
    merchant = Merchant.objects.get(id=merchant_id)
    api_key = _checked(merchant, api_key)
    if connected_account(merchant_id) is not None:
        raise AlreadyConnected
    facts = _own_account(api_key)
    row_id = new_id("gwa")
    try:
        with transaction.atomic(durable=True):
            account = GatewayAccount.objects.create(
                id=row_id,
                merchant_id=merchant_id,
                gateway="stripe",
                gateway_account_id=facts["id"],
                livemode=merchant.livemode,
                name=_name_of(facts),
                country=facts.get("country") or "",
                api_key_sealed=seal_secret(row_id, API_KEY, api_key),
                api_key_hint=hint(api_key),
                events_seen_until=ctx.recorded_at,
                balance_seen_until=ctx.recorded_at,
                created=ctx.as_of,
                recorded_at=ctx.recorded_at,
            )
            set_gateway(merchant_id, "stripe")
            _tell(ctx, account, "connected")
    except IntegrityError:
        raise AlreadyConnected from None
    _listen(account)
    return account


def check_account(*, ctx: Context, merchant_id: str) -> GatewayAccount:
    """Try the key now, and make the endpoint where there is none yet. Raises `NotConnected`, `GatewayUnreachable`.

    A key that is refused raises nothing: the account says so from then on.
    """
    account = _connected(merchant_id)
    try:
        facts = _own_account(open_secret(account, API_KEY))
    except GatewayKeyRefused:
        note_refused(ctx, account)
        return account
    account.name, account.country = _name_of(facts), facts.get("country") or ""
    account.status, account.refused_at = AccountStatus.ACTIVE, None
    account.save(update_fields=["name", "country", "status", "refused_at"])
    _listen(account)
    return account


def note_refused(ctx: Context, account: GatewayAccount) -> None:
    """The account's key is refused: kept, so that people see it. No money is asked about with it meanwhile."""
    if account.status != AccountStatus.REFUSED:
        account.status, account.refused_at = AccountStatus.REFUSED, ctx.recorded_at
        _save(ctx, account, "key_refused", "status", "refused_at")


def rotate_key(*, ctx: Context, merchant_id: str, api_key: str) -> GatewayAccount:
    """Another key to the same account, in the place of the one before. What waited for an answer goes on with it.

    Raises `NotConnected`, `ApiKeyMalformed`, `ApiKeyOfOtherMode`, `ApiKeyOfOtherAccount`, `GatewayKeyRefused`,
    `GatewayUnreachable`; the key before stays then.
    """
    account = _connected(merchant_id)
    api_key = _checked(account.merchant, api_key)
    facts = _own_account(api_key)
    if facts["id"] != account.gateway_account_id:
        raise ApiKeyOfOtherAccount
    account.api_key_sealed, account.api_key_hint = seal_secret(account.id, API_KEY, api_key), hint(api_key)
    account.status, account.refused_at = AccountStatus.ACTIVE, None
    _save(ctx, account, "key_rotated", "api_key_sealed", "api_key_hint", "status", "refused_at")
    _listen(account)
    return account


def store_webhook_secret(*, ctx: Context, merchant_id: str, webhook_secret: str) -> GatewayAccount:
    """The secret of an endpoint that somebody made on Stripe's dashboard: for keys that may not make one themselves.

    What is signed with the secret before is believed until the next change. Raises `NotConnected`,
    `WebhookSecretMalformed`.
    """
    account = _connected(merchant_id)
    webhook_secret = webhook_secret.strip()
    if not _WEBHOOK_SECRET.match(webhook_secret):
        raise WebhookSecretMalformed
    before = open_secret(account, WEBHOOK_SECRET)
    account.webhook_secret_before_sealed = seal_secret(account.id, WEBHOOK_SECRET_BEFORE, before) if before else ""
    account.webhook_secret_sealed = seal_secret(account.id, WEBHOOK_SECRET, webhook_secret)
    account.save(update_fields=["webhook_secret_sealed", "webhook_secret_before_sealed"])
    return account


def rotate_webhook_secret(*, ctx: Context, merchant_id: str) -> GatewayAccount:
    """A new endpoint with a new secret; what the old one still delivers is believed until the next rotation."""
    account = _connected(merchant_id)
    before, secret_before = account.webhook_endpoint_id, open_secret(account, WEBHOOK_SECRET)
    _listen(account, again=new_id("req"))
    _save(ctx, account, "secret_rotated")
    if before:
        account.webhook_secret_before_sealed = seal_secret(account.id, WEBHOOK_SECRET_BEFORE, secret_before)
        account.save(update_fields=["webhook_secret_before_sealed"])
        _forget_endpoint(account, before)
    return account


def disconnect_account(*, ctx: Context, merchant_id: str) -> None:
    """Forget the keys. The merchant's money goes nowhere until another account is connected: no sandbox takes over.

    Raises `NotConnected`, and `MoneyUnderWay` while a payment is unsettled: without the key nobody could find out.
    """
    account = _connected(merchant_id)
    unsettled = Charge.objects.filter(merchant_id=merchant_id, gateway="stripe", status__in=IN_FLIGHT_CHARGE_STATUSES)
    if unsettled.exists():
        raise MoneyUnderWay
    if account.webhook_endpoint_id:
        _forget_endpoint(account, account.webhook_endpoint_id)
    account.status = AccountStatus.DISCONNECTED
    account.api_key_sealed = account.webhook_secret_sealed = account.webhook_secret_before_sealed = ""
    sealed = ("api_key_sealed", "webhook_secret_sealed", "webhook_secret_before_sealed")
    _save(ctx, account, "disconnected", "status", *sealed)


def webhook_url(account: GatewayAccount) -> str:
    return f"{settings.SITE_URL}/webhooks/stripe/{account.id}/"


# --- steps ---------------------------------------------------------------------------------------------------


def _save(ctx: Context, account: GatewayAccount, what: str, *fields: str) -> None:
    """What changed and that it did, together. Whoever did it stands in the event."""
    with transaction.atomic():
        account.version += 1
        account.save(update_fields=["version", *fields])
        _tell(ctx, account, what)


def _tell(ctx: Context, account: GatewayAccount, what: str) -> None:
    row = EventRow(
        merchant_id=account.merchant_id,
        type=f"gateway_account.{what}",
        object_type="gateway_account",
        object_id=account.id,
        object_version=account.version,
        body=gateway_account_snapshot(account),
    )
    record_events(ctx, [told(row, account.merchant.keep_event_bodies)])


def _connected(merchant_id: str) -> GatewayAccount:
    account = connected_account(merchant_id)
    if account is None:
        raise NotConnected
    return account


def _checked(merchant: Merchant, api_key: str) -> str:
    api_key = api_key.strip()
    found = _KEY.match(api_key)
    if found is None:
        raise ApiKeyMalformed
    if (found[2] == "live") != merchant.livemode:
        raise ApiKeyOfOtherMode
    return api_key


def _name_of(facts: Mapping[str, Any]) -> str:
    shown = (facts.get("settings") or {}).get("dashboard") or {}
    return str(shown.get("display_name") or (facts.get("business_profile") or {}).get("name") or "")[:200]


def _own_account(api_key: str) -> dict[str, Any]:
    with translated():
        return plain(new_client(api_key).v1.accounts.retrieve_current())


def _listen(account: GatewayAccount, again: str = "") -> None:
    """Have an endpoint of ours at Stripe. One that cannot be made now is made later: the sweep stands in for it."""
    if account.webhook_secret_sealed and not again:
        return
    client = new_client(open_secret(account, API_KEY))
    try:
        with translated():
            made = client.v1.webhook_endpoints.create(
                {"url": webhook_url(account), "enabled_events": list(EVENT_TYPES)},  # type: ignore[arg-type]
                {"idempotency_key": f"{account.id}/endpoint/{again}"},
            )
    except GatewayRefused:
        if again:
            raise
        return
    account.webhook_endpoint_id = made.id
    account.webhook_secret_sealed = seal_secret(account.id, WEBHOOK_SECRET, made.secret or "")
    account.save(update_fields=["webhook_endpoint_id", "webhook_secret_sealed"])


def _forget_endpoint(account: GatewayAccount, endpoint_id: str) -> None:
    try:
        with translated(endpoint_id):
            new_client(open_secret(account, API_KEY)).v1.webhook_endpoints.delete(endpoint_id)
    except (GatewayRefused, SealBroken):
        pass  # it goes on delivering to an address that no longer believes it
