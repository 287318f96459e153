

from django.db import migrations, models


# Cards that are stored already are told of too, when their last month begins.
FILL = """
    UPDATE customers_paymentmethod AS m
       SET test_clock_id = c.test_clock_id,
           next_action_at = make_timestamptz(m.exp_year, m.exp_month, 1, 0, 0, 0, 'UTC')
      FROM customers_customer AS c
     WHERE c.id = m.customer_id AND m.detached_at IS NULL
       AND m.exp_month BETWEEN 1 AND 12 AND m.exp_year BETWEEN 1 AND 9999
       AND make_timestamptz(m.exp_year, m.exp_month, 1, 0, 0, 0, 'UTC') + interval '1 month' > m.recorded_at
"""


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0008_tax_id_verification'),
        ('merchants', '0002_proration_discounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='paymentmethod',
            name='next_action_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='paymentmethod',
            name='test_clock_id',
            field=models.TextField(blank=True, db_collation='C', null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='paymentmethod',
            index=models.Index(condition=models.Q(('next_action_at__isnull', False), ('test_clock_id__isnull', True)), fields=['next_action_at', 'id'], name='card_due'),
        ),
        migrations.AddIndex(
            model_name='paymentmethod',
            index=models.Index(condition=models.Q(('next_action_at__isnull', False), ('test_clock_id__isnull', False)), fields=['test_clock_id', 'next_action_at', 'id'], name='card_due_on_clock'),
        ),
    ]
