import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Payments without an invoice: of nobody or of a customer, held first and captured later."""

    dependencies = [
        ('customers', '0011_backup_payment_methods'),
        ('payments', '0010_evidence_file'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='charge',
            name='one_charge_in_flight_per_intent',
        ),
        migrations.AddField(
            model_name='charge',
            name='amount_captured',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='charge',
            name='amount_to_capture',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='charge',
            name='authorized_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='paymentintent',
            name='capture_method',
            field=models.CharField(default='automatic', max_length=20),
        ),
        migrations.AddField(
            model_name='paymentintent',
            name='terms',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AlterField(
            model_name='charge',
            name='status',
            field=models.CharField(choices=[('planned', 'planned'), ('processing', 'processing'), ('requires_action', 'needs authentication'), ('authorized', 'authorized, to be captured'), ('unknown', 'unknown'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('canceled', 'canceled')], default='planned', max_length=16),
        ),
        migrations.AlterField(
            model_name='paymentintent',
            name='customer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payment_intents', to='customers.customer'),
        ),
        migrations.AlterField(
            model_name='paymentintent',
            name='status',
            field=models.CharField(choices=[('requires_payment_method', 'needs a payment method'), ('requires_confirmation', 'to be confirmed'), ('requires_action', 'needs authentication'), ('processing', 'processing'), ('requires_capture', 'authorized, to be captured'), ('succeeded', 'succeeded'), ('canceled', 'canceled')], max_length=30),
        ),
        migrations.AddConstraint(
            model_name='charge',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['planned', 'processing', 'requires_action', 'authorized', 'unknown'])), fields=('merchant_id', 'payment_intent'), name='one_charge_in_flight_per_intent'),
        ),
    ]
