"""Which reported uses count."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.factories.times import utc
from usage import rules
from usage.types import MeterEvent, MeterFacts

NOW = utc(2026, 5, 1)
SUM = MeterFacts("mtr_1", "calls", "sum")
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def judged(value="5", *, at=NOW, meter=SUM, customer="cus_1", identifier="one"):
    payload = {"stripe_customer_id": customer} | ({} if value is None else {"value": value})
    return rules.accepted_usage(MeterEvent("calls", payload, identifier, at), meter, {"cus_1": NOW}, identifier)


def test_a_use_counts_at_its_own_time_and_is_reported_now():
    usage = judged("2.5", at=NOW - DAY)
    assert (usage.value, usage.timestamp, usage.reported_at) == (Decimal("2.5"), NOW - DAY, NOW)


def test_without_a_time_it_is_now():
    assert judged(at=None).timestamp == NOW


@pytest.mark.parametrize("at", [NOW - 35 * DAY, NOW + timedelta(minutes=5)], ids=["35 days back", "5 minutes ahead"])
def test_the_ends_of_what_may_be_reported_are_inside(at):
    assert judged(at=at).timestamp == at


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({"at": NOW - 35 * DAY - SECOND}, rules.TimestampTooOld, id="a second over 35 days"),
        pytest.param({"at": NOW + timedelta(minutes=5) + SECOND}, rules.TimestampInFuture, id="a second too far ahead"),
        pytest.param({"at": NOW + 7 * DAY}, rules.TimestampInFuture, id="next week"),
        pytest.param({"meter": None}, rules.UnknownMeter, id="no meter"),
        pytest.param({"meter": MeterFacts("m", "calls", "sum", status="inactive")}, rules.UnknownMeter, id="inactive"),
        pytest.param({"customer": "cus_2"}, rules.UnknownUsageCustomer, id="a stranger"),
        pytest.param({"customer": ""}, rules.CustomerNotNamed, id="nobody"),
        pytest.param({"value": None}, rules.UsageValueMissing, id="no value"),
        *(pytest.param({"value": text}, rules.UsageValueInvalid, id=text) for text in ("a", "NaN", "1e9", "9" * 20)),
        pytest.param({"identifier": "x" * 101}, rules.IdentifierInvalid, id="an endless identifier"),
    ],
)
def test_what_does_not_count_is_refused_by_name(fields, error):
    with pytest.raises(error):
        judged(fields.pop("value", "5"), **fields)


def test_a_count_needs_no_value_and_unique_takes_any_text():
    assert judged(None, meter=MeterFacts("m", "calls", "count")).value == 1
    assert judged("user-7", meter=MeterFacts("m", "calls", "unique")).label == "user-7"
