from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0006_entitlement_summary"),
    ]

    operations = [
        migrations.AddField(
            model_name="checkoutsession",
            name="asked",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="checkoutsession",
            name="setup_id",
            field=models.TextField(blank=True, db_collation="C", default=""),
        ),
    ]
