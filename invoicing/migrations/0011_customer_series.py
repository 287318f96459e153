from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0010_credit_note_papers")]

    operations = [
        migrations.AddField("numberseries", "customer_id", models.TextField(blank=True, db_collation="C", default="")),
        migrations.RemoveConstraint("numberseries", "one_series_per_entity"),
        migrations.AddConstraint(
            "numberseries",
            models.UniqueConstraint(
                name="one_series_per_entity", fields=["merchant", "billing_entity"], condition=models.Q(customer_id="")
            ),
        ),
        migrations.AddConstraint(
            "numberseries",
            models.UniqueConstraint(
                name="one_series_per_customer", fields=["merchant", "customer_id"], condition=~models.Q(customer_id="")
            ),
        ),
        migrations.AddIndex(
            "numberseries",
            models.Index(name="series_of_entity", fields=["billing_entity"], condition=models.Q(customer_id="")),
        ),
    ]
