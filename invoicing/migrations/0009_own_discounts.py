import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0008_invoice_texts")]

    operations = [
        migrations.AddField(
            "invoice",
            "discount_ids",
            django.contrib.postgres.fields.ArrayField(models.TextField(), blank=True, default=None, null=True, size=None),
        ),
        migrations.AddField(
            "invoiceitem",
            "discount_ids",
            django.contrib.postgres.fields.ArrayField(models.TextField(), blank=True, default=list, size=None),
        ),
    ]
