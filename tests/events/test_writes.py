"""The outbox's writer and the bulk helpers below everything else."""

import psycopg
import pytest
from django.db import transaction

from events.copying import copy_rows, update_rows
from events.models import Event, ObjectVersion
from events.types import EventRow
from events.writes import record_events
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db


def row(*, type="invoice.created", object_id="in_1", version=1, **fields):
    return EventRow(
        merchant_id="acct_1", type=type, object_type="invoice", object_id=object_id, object_version=version, **fields
    )


class TestRecordEvents:
    def test_writes_who_and_both_times(self):
        ctx = context(utc(2024, 2, 1), recorded_at=utc(2024, 2, 3), actor="user:usr_1")
        record_events(ctx, [row(customer_id="cus_1", previous_attributes={"status": "draft"})])
        event = Event.objects.get()
        assert (event.created, event.recorded_at) == (utc(2024, 2, 1), utc(2024, 2, 3))
        assert (event.actor, event.request_id, event.customer_id) == ("user:usr_1", "req_test", "cus_1")
        assert event.previous_attributes == {"status": "draft"}
        assert int(event.xid) > 0  # given by the database

    def test_stores_one_body_for_two_events_of_a_version(self):
        body = {"object": "invoice", "note": 'tab\tquote" \\n é'}
        record_events(context(), [row(body=body), row(type="invoice.finalized", body=body)])
        assert Event.objects.count() == 2
        assert ObjectVersion.objects.get().body == body

    def test_keeps_no_body_for_a_merchant_that_wants_none(self):
        record_events(context(), [row()])
        assert not ObjectVersion.objects.exists()

    def test_refuses_a_second_body_of_the_same_version(self):
        record_events(context(), [row(body={"a": 1})])
        with pytest.raises(psycopg.Error), transaction.atomic():
            record_events(context(), [row(body={"a": 2})])

    def test_events_keep_the_order_they_were_given_in(self):
        types = [f"invoice.step_{n}" for n in range(5)]
        record_events(context(), [row(type=type) for type in types])
        assert list(Event.objects.order_by("xid", "id").values_list("type", flat=True)) == types


@pytest.mark.django_db(transaction=True)
def test_refuses_to_write_outside_a_transaction():
    with pytest.raises(AssertionError):
        record_events(context(), [row()])


class TestUpdateRows:
    def test_updates_by_key_and_gives_back_what_is_asked(self):
        fields = ("id", "merchant_id", "object_id", "version", "body", "recorded_at")
        copy_rows(
            ObjectVersion,
            fields,
            [(f"ov_{n}", "acct_1", f"in_{n}", 1, {"n": n}, utc(2024, 1, 1)) for n in (1, 2)],
        )
        got = update_rows(
            ObjectVersion,
            ("id", "body"),
            [("ov_1", {"n": 10}), ("ov_2", {"n": 20})],
            extra="version = t.version + 1",
            returning="t.id, t.version",
        )
        assert sorted(got) == [("ov_1", 2), ("ov_2", 2)]
        assert {v.id: v.body["n"] for v in ObjectVersion.objects.all()} == {"ov_1": 10, "ov_2": 20}
