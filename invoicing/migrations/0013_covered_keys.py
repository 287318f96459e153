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
        ("customers", "0011_backup_payment_methods"),
        ("invoicing", "0012_subscription_metadata"),
        ("merchants", "0004_bank_details"),
        ("subscriptions", "0015_portal_configuration"),
    ]
    operations = [
        unindexed(
            "invoice",
            "customer",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="customers.customer"),
            "invoicing_invoice_customer_id_c1b6ead9",
            "invoicing_invoice",
        ),
        unindexed(
            "invoice",
            "merchant",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="merchants.merchant"),
            "invoicing_invoice_merchant_id_9293831e",
            "invoicing_invoice",
        ),
        unindexed(
            "invoice",
            "subscription",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="subscriptions.subscription", blank=True, null=True),
            "invoicing_invoice_subscription_id_1419eb0e",
            "invoicing_invoice",
        ),
        unindexed(
            "invoiceline",
            "invoice",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="invoicing.invoice", db_constraint=False),
            "invoicing_invoiceline_invoice_id_76c97100",
            "invoicing_invoiceline",
        ),
    ]
