"""Usage events by month, in partitions that are made as they are needed."""

import functools

from django.db import migrations, models

import core.ids
import events.models

PARTITIONED = """
CREATE TABLE usage_usageevent (
    id text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    meter_id text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    identifier text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    reported_at timestamptz NOT NULL,
    value numeric(30, 12) NOT NULL,
    label text NOT NULL,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (id, "timestamp")  -- a partitioned table's keys hold what it is partitioned by
) PARTITION BY RANGE ("timestamp");
CREATE INDEX usage_by_window ON usage_usageevent (merchant_id, meter_id, customer_id, "timestamp");
CREATE INDEX usage_in_order ON usage_usageevent (xid, id);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(PARTITIONED, "DROP TABLE usage_usageevent")],
            state_operations=[
                migrations.CreateModel(
                    name="UsageEvent",
                    fields=[
                        (
                            "id",
                            models.TextField(
                                db_collation="C",
                                default=functools.partial(core.ids.new_id, "mevt"),
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("merchant_id", models.TextField(db_collation="C")),
                        ("meter_id", models.TextField(db_collation="C")),
                        ("customer_id", models.TextField(db_collation="C")),
                        ("identifier", models.TextField()),
                        ("timestamp", models.DateTimeField()),
                        ("reported_at", models.DateTimeField()),
                        ("value", models.DecimalField(decimal_places=12, max_digits=30)),
                        ("label", models.TextField(blank=True, default="")),
                        ("recorded_at", models.DateTimeField()),
                        (
                            "xid",
                            events.models.XidField(
                                db_default=models.Func(function="pg_current_xact_id"), editable=False
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                fields=["merchant_id", "meter_id", "customer_id", "timestamp"], name="usage_by_window"
                            ),
                            models.Index(fields=["xid", "id"], name="usage_in_order"),
                        ]
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="UsageIdentifier",
            fields=[
                ("id", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                ("merchant_id", models.TextField(db_collation="C")),
                ("identifier", models.TextField(db_collation="C")),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("merchant_id", "identifier"), name="usage_identifier_once")
                ],
                "indexes": [models.Index(fields=["recorded_at"], name="usage_identifier_by_age")],
            },
        ),
        migrations.CreateModel(
            name="UsageCursor",
            fields=[
                ("reader", models.TextField(primary_key=True, serialize=False)),
                ("xid", models.TextField(default="0")),
                ("event_id", models.TextField(db_collation="C", default="")),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
    ]
