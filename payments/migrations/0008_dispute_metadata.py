from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0007_backup_charges"),
    ]

    operations = [
        migrations.AddField(
            model_name="dispute",
            name="metadata",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
