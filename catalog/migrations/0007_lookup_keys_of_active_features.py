from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_currency_options_of_offers")]

    operations = [
        migrations.RemoveConstraint(model_name="feature", name="feature_lookup_key_once"),
        migrations.AddConstraint(
            model_name="feature",
            constraint=models.UniqueConstraint(
                condition=models.Q(("active", True)),
                fields=("merchant", "lookup_key"),
                name="feature_lookup_key_once",
            ),
        ),
    ]
