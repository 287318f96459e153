"""The inbox: what Stripe told us, each thing once. Nothing is believed but that something happened to an object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from stripe import SignatureVerificationError, WebhookSignature

from core.errors import OstinatoError, gettext_noop
from payments.keys import WEBHOOK_SECRET, WEBHOOK_SECRET_BEFORE, open_secret
from payments.models import GatewayAccount, GatewayEvent
from payments.types import EventFacts

# What we ask to be told. A charge's own events are left out: its intent and its refunds tell the same.
EVENT_TYPES = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "payment_method.automatically_updated",
    "payment_method.updated",
    "payment_method.detached",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "payout.created",
    "payout.updated",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
)
# A body that is larger is no event of Stripe's.
LARGEST_BODY = 512 * 1024
TOLERANCE_S = 300


class SignatureRefused(OstinatoError):
    code = "signature_invalid"
    message_id = gettext_noop("The signature does not fit.")


class EventMalformed(OstinatoError):
    code = "event_invalid"
    message_id = gettext_noop("This is not an event of this account.")


def verified_event(account: GatewayAccount, body: bytes, signature: str) -> EventFacts:
    """The event, if one of the account's secrets signed it in the last five minutes.

    Raises `SignatureRefused`, `EventMalformed`.
    """
    secrets = [open_secret(account, column) for column in (WEBHOOK_SECRET, WEBHOOK_SECRET_BEFORE)]
    if not any(_signed_with(secret, body, signature) for secret in secrets if secret):
        raise SignatureRefused
    try:
        event = json.loads(body)
        if bool(event["livemode"]) != account.livemode:
            raise EventMalformed
        return facts_of(event)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EventMalformed from None


def _signed_with(secret: str, body: bytes, signature: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, signature, secret, TOLERANCE_S))
    except (SignatureVerificationError, UnicodeDecodeError):
        return False


def facts_of(event: Mapping[str, Any]) -> EventFacts:
    """Of a webhook's body, or of an event that was listed."""
    told = event["data"]["object"]
    if "\0" in f"{event['id']}{event['type']}{told.get('object')}{told.get('id')}":
        raise ValueError("a database's text holds no NUL")
    return EventFacts(
        gateway_event_id=str(event["id"]),
        type=str(event["type"])[:100],
        object_type=str(told.get("object") or "")[:60],
        object_id=str(told.get("id") or ""),
        created=datetime.fromtimestamp(int(event["created"]), tz=UTC),
    )


def store_events(account: GatewayAccount, events: Iterable[EventFacts], wall: datetime, source: str) -> None:
    """Put events into the inbox; one that is there already stays as it is."""
    GatewayEvent.objects.bulk_create(
        [
            GatewayEvent(
                merchant_id=account.merchant_id,
                gateway_account=account,
                gateway_event_id=facts.gateway_event_id,
                type=facts.type,
                object_type=facts.object_type,
                object_id=facts.object_id,
                source=source,
                apply_after=wall,
                created=facts.created,
                recorded_at=wall,
            )
            for facts in events
        ],
        ignore_conflicts=True,
    )
