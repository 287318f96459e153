from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="usageevent",
            name="canceled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
