"""Which reported uses count (SEMANTICS, Usage). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from core.errors import OstinatoError, gettext_noop
from core.money import AmountTooLarge, InvalidAmount, TooManyDecimals, parse_unit_amount
from usage.types import AcceptedUsage, MeterEvent, MeterFacts

LATEST_PAST = timedelta(days=35)
LATEST_FUTURE = timedelta(minutes=5)
# Longer than any event may be late, so that a late repetition still meets its identifier.
IDENTIFIERS_KEPT = timedelta(days=36)
IDENTIFIER_MAX = 100
# Stripe's bound: what was reported longer ago stands.
CANCELED_WITHIN = timedelta(hours=24)
LABEL_MAX = 250


class UnknownMeter(OstinatoError):
    code = "no_meter"
    param = "event_name"
    message_id = gettext_noop("No active meter counts “%(event_name)s”.")


class CustomerNotNamed(OstinatoError):
    code = "meter_event_no_customer_defined"
    param = "payload"
    message_id = gettext_noop("The payload has no “%(key)s”, which names the customer.")


class UnknownUsageCustomer(OstinatoError):
    code = "meter_event_customer_not_found"
    param = "payload"
    message_id = gettext_noop("There is no customer “%(customer)s”.")


class TimestampTooOld(OstinatoError):
    code = "timestamp_too_far_in_past"
    param = "timestamp"
    message_id = gettext_noop("Usage is reported within 35 days; this was at %(timestamp)s.")


class TimestampInFuture(OstinatoError):
    code = "timestamp_in_future"
    param = "timestamp"
    message_id = gettext_noop("Usage is at most 5 minutes ahead of the customer's time; this is at %(timestamp)s.")


class UsageValueMissing(OstinatoError):
    code = "meter_event_value_not_found"
    param = "payload"
    message_id = gettext_noop("The payload has no “%(key)s”, which the meter adds up.")


class UsageValueInvalid(OstinatoError):
    code = "meter_event_invalid_value"
    param = "payload"
    message_id = gettext_noop("“%(value)s” is no value for this meter: a plain number with at most 12 decimals.")


class IdentifierInvalid(OstinatoError):
    code = "parameter_invalid_string"
    param = "identifier"
    message_id = gettext_noop("An identifier has at most 100 characters.")


class MeterEventNotFound(OstinatoError):
    code = "resource_missing"
    param = "cancel[identifier]"
    message_id = gettext_noop("No event of “%(event_name)s” was reported with the identifier “%(identifier)s”.")


class MeterEventAlreadyCanceled(OstinatoError):
    code = "meter_event_already_canceled"
    param = "cancel[identifier]"
    message_id = gettext_noop("The event “%(identifier)s” is canceled already.")


class MeterEventTooOldToCancel(OstinatoError):
    code = "meter_event_too_old_to_cancel"
    param = "cancel[identifier]"
    message_id = gettext_noop("The event “%(identifier)s” was reported more than 24 hours ago: it stands.")


def accepted_usage(
    event: MeterEvent, meter: MeterFacts | None, now_of: Mapping[str, datetime], identifier: str
) -> AcceptedUsage:
    """The use as it counts. `now_of` has each known customer's time by id; `identifier` is the event's or a new one.

    Raises the errors above.
    """
    if meter is None or meter.status != "active":
        raise UnknownMeter(event_name=event.event_name[:100])
    customer_id = named_customer(event, meter)
    now = now_of.get(customer_id)
    if now is None:
        raise UnknownUsageCustomer(customer=customer_id[:100])
    if len(identifier) > IDENTIFIER_MAX or "\x00" in identifier:
        raise IdentifierInvalid
    timestamp = event.timestamp or now
    if timestamp < now - LATEST_PAST:
        raise TimestampTooOld(timestamp=timestamp.isoformat())
    if timestamp > now + LATEST_FUTURE:
        raise TimestampInFuture(timestamp=timestamp.isoformat())
    value, label = _value(event, meter)
    return AcceptedUsage(meter.id, customer_id, identifier, timestamp, now, value, label)


def named_customer(event: MeterEvent, meter: MeterFacts) -> str:
    """Raises `CustomerNotNamed`."""
    customer_id = event.payload.get(meter.customer_key, "")
    if not customer_id:
        raise CustomerNotNamed(key=meter.customer_key)
    return customer_id


def _value(event: MeterEvent, meter: MeterFacts) -> tuple[Decimal, str]:
    """What the event adds: a number, or under `unique` the text that is counted once."""
    given = event.payload.get(meter.value_key)
    if meter.formula == "count":
        return Decimal(1), ""
    if given is None or given == "":
        raise UsageValueMissing(key=meter.value_key)
    if meter.formula == "unique":
        if len(given) > LABEL_MAX or "\x00" in given:
            raise UsageValueInvalid(value=given[:LABEL_MAX])
        return Decimal(1), given
    try:
        return parse_unit_amount(given), ""
    except (InvalidAmount, AmountTooLarge, TooManyDecimals):
        raise UsageValueInvalid(value=given[:100]) from None
