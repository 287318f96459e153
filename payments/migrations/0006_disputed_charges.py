from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0005_setup_intent"),
    ]

    operations = [
        migrations.AddField(
            model_name="charge",
            name="disputed",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="dispute",
            name="next_action_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(
                condition=models.Q(("next_action_at__isnull", False)),
                fields=["test_clock_id", "next_action_at", "id"],
                name="dispute_due",
            ),
        ),
        migrations.AddField(
            model_name="invoicepayment",
            name="reference",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AddField(
            model_name="invoicepayment",
            name="received_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
