"""Credits that wait for an invoice to be paid are found by that invoice whenever one is settled."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0003_hosted_token_index")]
    operations = [
        migrations.AddIndex(
            model_name="invoiceitem",
            index=models.Index(
                condition=models.Q(("held_for_invoice_id", ""), _negated=True),
                fields=["held_for_invoice_id"],
                name="invoice_item_held",
            ),
        ),
    ]
