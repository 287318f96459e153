import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """Further ways to pay that are tried when the default is declined, and when a card was replaced."""

    dependencies = [("customers", "0010_no_delinquent")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="backup_payment_method_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="paymentmethod",
            name="replaced_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
