from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_product_presentation")]

    operations = [
        migrations.AddField("coupon", "currency_options", models.JSONField(blank=True, default=dict)),
        migrations.AddField("promotioncode", "currency_options", models.JSONField(blank=True, default=dict)),
    ]
