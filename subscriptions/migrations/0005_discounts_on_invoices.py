from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0004_billing_thresholds")]

    operations = [
        migrations.AddField("discount", "invoice_id", models.TextField(blank=True, db_collation="C", default="")),
        migrations.AddField("discount", "invoice_item_id", models.TextField(blank=True, db_collation="C", default="")),
        migrations.AddIndex(
            "discount",
            models.Index(name="discount_by_invoice", fields=["invoice_id"], condition=~models.Q(invoice_id="")),
        ),
        migrations.AddIndex(
            "discount",
            models.Index(
                name="discount_by_invoice_item", fields=["invoice_item_id"], condition=~models.Q(invoice_item_id="")
            ),
        ),
    ]
