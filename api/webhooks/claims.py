"""What a sender takes from the tables and gives back: each a fixed number of statements for any number of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from api.models import DeliveryStatus, EndpointStatus, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from api.webhooks.rules import next_attempt
from core.errors import gettext_noop

# A dead sender's deliveries are sent again after this long; far longer than a try may take.
LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to try. `attempts` are those made before."""

    id: str
    merchant_id: str
    endpoint_id: str
    event_id: str
    attempts: int
    created: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went: the HTTP status, or an error where there was no answer."""

    claimed: Claimed
    url: str
    at: datetime
    duration_ms: int
    status: int | None = None
    error: str = ""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def endpoints_with_work(now: datetime) -> list[WebhookEndpoint]:
    """Enabled endpoints for which something is due."""
    due = (
        "EXISTS (SELECT 1 FROM api_webhookdelivery d WHERE d.endpoint_id = api_webhookendpoint.id"
        " AND d.next_attempt_at <= %s)"
    )
    rows = WebhookEndpoint.objects.filter(status=EndpointStatus.ENABLED, deleted_at__isnull=True)
    return list(rows.extra(where=[due], params=[now]))  # noqa: S610 (a constant)


def claim(room: Mapping[str, int], now: datetime) -> list[Claimed]:
    """At most `room[endpoint id]` due deliveries of each endpoint, the longest due first; other senders skip them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE api_webhookdelivery d SET next_attempt_at = %s FROM ("
            " SELECT x.id FROM unnest(%s::text[], %s::int[]) AS w (endpoint_id, room) CROSS JOIN LATERAL ("
            "  SELECT id FROM api_webhookdelivery q WHERE q.endpoint_id = w.endpoint_id AND q.next_attempt_at <= %s"
            "  ORDER BY q.next_attempt_at LIMIT w.room FOR NO KEY UPDATE SKIP LOCKED) x) c"
            " WHERE d.id = c.id RETURNING d.id, d.merchant_id, d.endpoint_id, d.event_id, d.attempts, d.created,"
            " (SELECT p.body FROM api_webhookpayload p"
            "  WHERE p.merchant_id = d.merchant_id AND p.event_id = d.event_id)",
            [now + LEASE, list(room), list(room.values()), now],
        )
        rows = cursor.fetchall()
    gone = [row[0] for row in rows if row[6] is None]
    if gone:  # its payload went with the retention; there is nothing to send any more
        WebhookDelivery.objects.filter(id__in=gone).update(
            status=DeliveryStatus.FAILED,
            next_attempt_at=None,
            last_error=gettext_noop("its payload is not kept any more"),
        )
    return [Claimed(*row[:6], row[6].encode()) for row in rows if row[6] is not None]  # type: ignore[call-arg]


def record(outcomes: Sequence[Outcome]) -> None:
    """The tries' results, in one transaction."""
    if not outcomes:
        return
    with transaction.atomic():
        _move_on(outcomes)
        WebhookAttempt.objects.bulk_create(
            WebhookAttempt(
                merchant_id=one.claimed.merchant_id,
                delivery_id=one.claimed.id,
                number=one.claimed.attempts + 1,
                url=one.url,
                request_headers=dict(one.request_headers),
                status=one.status,
                response_headers=dict(one.response_headers),
                response_body=one.response_body,
                error=one.error,
                duration_ms=one.duration_ms,
                recorded_at=one.at,
            )
            for one in outcomes
        )
        _endpoints_health(outcomes)


def _move_on(outcomes: Sequence[Outcome]) -> None:
    again = [
        None
        if one.taken
        else next_attempt(
            delivery_id=one.claimed.id, attempts=one.claimed.attempts + 1, created=one.claimed.created, now=one.at
        )
        for one in outcomes
    ]
    statuses = [
        DeliveryStatus.SUCCEEDED if one.taken else DeliveryStatus.PENDING if at else DeliveryStatus.FAILED
        for one, at in zip(outcomes, again, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE api_webhookdelivery d SET status = n.status, attempts = d.attempts + 1, last_status = n.code,"
            " last_error = n.error, next_attempt_at = n.at FROM unnest(%s::text[], %s::text[], %s::smallint[],"
            " %s::text[], %s::timestamptz[]) AS n (id, status, code, error, at) WHERE d.id = n.id",
            [
                [one.claimed.id for one in outcomes],
                [str(status) for status in statuses],
                [one.status for one in outcomes],
                [one.error for one in outcomes],
                again,
            ],
        )


def _endpoints_health(outcomes: Sequence[Outcome]) -> None:
    """One answer that was taken ends an endpoint's bad days; the first failure after one begins them."""
    well = {one.claimed.endpoint_id for one in outcomes if one.taken}
    ill = {one.claimed.endpoint_id: one.at for one in outcomes if not one.taken and one.claimed.endpoint_id not in well}
    if well:
        WebhookEndpoint.objects.filter(id__in=well, failing_since__isnull=False).update(failing_since=None)
    for endpoint_id, at in ill.items():
        WebhookEndpoint.objects.filter(id=endpoint_id, failing_since__isnull=True).update(failing_since=at)
