from django.db import migrations, models


class Migration(migrations.Migration):
    """A card or a source that Stripe's older calls made is shown by them as such."""

    dependencies = [
        ('customers', '0011_backup_payment_methods'),
    ]

    operations = [
        migrations.AddField(
            model_name='paymentmethod',
            name='made_as',
            field=models.CharField(blank=True, default='', max_length=10),
        ),
    ]
