from django.db import migrations, models


class Migration(migrations.Migration):
    """The account that a seller's invoices are paid to by transfer."""

    dependencies = [("merchants", "0003_invoice_numbering")]

    operations = [
        migrations.AddField(
            model_name="billingentity",
            name="bank_details",
            field=models.TextField(blank=True, default=""),
        ),
    ]
