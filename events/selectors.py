"""Reads of the outbox: lists, timelines, bodies, and how far consumers are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from events.models import Event, HeldEvent, ObjectVersion
from events.types import Consumer, DeliveredEvent

_BEYOND_CURSOR = (
    "(e.xid, e.id) > (COALESCE((SELECT c.xid FROM events_consumercursor c WHERE c.consumer = %(name)s), '0')::xid8,"
    " COALESCE((SELECT c.event_id FROM events_consumercursor c WHERE c.consumer = %(name)s), ''))"
)


def events(merchant_id: str) -> QuerySet[Event]:
    """A merchant's events, newest first."""
    return Event.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def events_of_object(merchant_id: str, object_id: str) -> QuerySet[Event]:
    """What happened to one object, newest first."""
    return events(merchant_id).filter(object_id=object_id)


def events_of_objects(merchant_id: str, object_ids: Iterable[str]) -> QuerySet[Event]:
    """What happened to several objects that make one story, newest first."""
    return events(merchant_id).filter(object_id__in=list(object_ids))


def events_of_customer(merchant_id: str, customer_id: str) -> QuerySet[Event]:
    """A customer's timeline, newest first."""
    return events(merchant_id).filter(customer_id=customer_id)


def event_body(event: Event) -> dict[str, Any] | None:
    """The object's JSON as of the event; None where the merchant keeps no bodies."""
    return (
        ObjectVersion.objects.filter(
            merchant_id=event.merchant_id, object_id=event.object_id, version=event.object_version
        )
        .values_list("body", flat=True)
        .first()
    )


def bodies_of(delivered: Iterable[DeliveredEvent]) -> dict[tuple[str, str, int], dict[str, Any]]:
    """The objects' JSON as of these events, by (merchant, object, version); one query, absent where none was kept."""
    wanted = {event.version_key for event in delivered}
    rows = ObjectVersion.objects.filter(
        merchant_id__in={key[0] for key in wanted},
        object_id__in={key[1] for key in wanted},
        version__in={key[2] for key in wanted},
    ).values_list("merchant_id", "object_id", "version", "body")
    return {
        (merchant, obj, version): body for merchant, obj, version, body in rows if (merchant, obj, version) in wanted
    }


def held_events(merchant_id: str) -> QuerySet[HeldEvent]:
    """Events that some consumer could not take, oldest first."""
    return HeldEvent.objects.filter(merchant_id=merchant_id).order_by("id")


def nothing_to_do(consumer: Consumer, wall: datetime) -> bool:
    """Whether nothing can be read and nothing held is due: an idle relay looks every few seconds and locks nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT NOT EXISTS (SELECT 1 FROM events_event e WHERE {_BEYOND_CURSOR}"  # noqa: S608 (constants)
            " AND e.xid < pg_snapshot_xmin(pg_current_snapshot()))"
            " AND NOT EXISTS (SELECT 1 FROM events_heldevent h WHERE h.consumer = %(name)s AND h.retry_at <= %(wall)s)",
            {"name": consumer.name, "wall": wall},
        )
        return bool(cursor.fetchone()[0])


def oldest_unread(consumer: Consumer) -> datetime | None:
    """When the first event that the consumer has not passed was recorded; None when it has passed all. By index."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.recorded_at FROM events_event e WHERE {_BEYOND_CURSOR} ORDER BY e.xid, e.id LIMIT 1",  # noqa: S608
            {"name": consumer.name},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def unread_of(consumer_name: str, merchant_id: str) -> RawSQL:
    """The ids of a merchant's events that the consumer has not passed yet, for a query of events to be in."""
    sql = f"SELECT e.id FROM events_event e WHERE e.merchant_id = %s AND {_BEYOND_CURSOR.replace('%(name)s', '%s')}"  # noqa: S608 (constants)
    return RawSQL(sql, [merchant_id, consumer_name, consumer_name])  # noqa: S611 (constants)


def unread_among(consumer_name: str, event_ids: Sequence[str]) -> set[str]:
    """Those of these events that the consumer has not passed yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.id FROM events_event e WHERE e.id = ANY(%(ids)s) AND {_BEYOND_CURSOR}",  # noqa: S608 (constants)
            {"name": consumer_name, "ids": list(event_ids)},
        )
        return {row[0] for row in cursor.fetchall()}


def unread_count(consumer: Consumer) -> int:
    """How many committed events the consumer has not passed yet, those that cannot be read yet included."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM events_event e WHERE {_BEYOND_CURSOR}",  # noqa: S608 (constants)
            {"name": consumer.name},
        )
        return int(cursor.fetchone()[0])
