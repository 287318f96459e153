from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0007_checkout_setup")]

    operations = [
        migrations.AddField("billedperiod", "share_of", models.TextField(blank=True, db_collation="C", default="")),
    ]
