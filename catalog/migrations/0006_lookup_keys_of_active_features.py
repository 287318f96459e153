from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_product_presentation")]

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
