from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("merchants", "0002_proration_discounts")]

    operations = [
        migrations.AddField(
            "merchant",
            "invoice_numbering",
            models.CharField(
                choices=[("billing_entity", "one series for all"), ("customer", "a series for each customer")],
                default="billing_entity",
                max_length=14,
            ),
        ),
    ]
