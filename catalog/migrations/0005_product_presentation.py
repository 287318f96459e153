import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_features")]

    operations = [
        migrations.AddField(
            model_name="product",
            name="default_price_id",
            field=models.TextField(blank=True, db_collation="C", default=""),
        ),
        migrations.AddField(
            model_name="product",
            name="marketing_features",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=80), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="product",
            name="package_dimensions",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="product",
            name="shippable",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="meter",
            name="event_time_window",
            field=models.CharField(blank=True, default="", max_length=4),
        ),
    ]
