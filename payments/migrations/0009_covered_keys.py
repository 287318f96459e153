"""A key that begins another index of its table needs none of its own: each new row would be written into both.

The indexes are dropped by name: Django's own way would take the foreign key off and hold every row against it anew.
"""

import django.db.models.deletion
from django.db import migrations, models


def unindexed(model_name, name, field, index, table):
    return migrations.SeparateDatabaseAndState(
        state_operations=[migrations.AlterField(model_name=model_name, name=name, field=field)],
        database_operations=[
            migrations.RunSQL(
                f"DROP INDEX IF EXISTS {index}", f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({name}_id)"
            )
        ],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0004_bank_details"),
        ("payments", "0008_dispute_metadata"),
    ]
    operations = [
        unindexed(
            "paymentintent",
            "merchant",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="merchants.merchant"),
            "payments_paymentintent_merchant_id_9d324c66",
            "payments_paymentintent",
        ),
    ]
