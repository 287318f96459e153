from django.db import migrations, models


class Migration(migrations.Migration):
    """A try may be several charges: the default payment method's, then those of its backups."""

    dependencies = [("payments", "0006_disputed_charges")]

    operations = [
        migrations.AddField(
            model_name="charge",
            name="with_backups",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="charge",
            name="backup_of",
            field=models.TextField(blank=True, db_collation="C", default=""),
        ),
    ]
