from functools import partial

import django.db.models.deletion
from django.db import migrations, models

from core.ids import new_id


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0005_discounts_on_invoices"),
        ("customers", "0003_credit_grants"),
        ("merchants", "0002_proration_discounts"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="billing_threshold_resets_anchor",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="EntitlementSummary",
            fields=[
                (
                    "id",
                    models.TextField(
                        db_collation="C",
                        default=partial(new_id, "entsum"),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("held", models.JSONField(default=list)),
                ("version", models.BigIntegerField(default=0)),
                ("recorded_at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="merchants.merchant"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant", "customer"), name="entitlement_summary_per_customer"
                    )
                ]
            },
        ),
    ]
