"""Tables that no model of ours describes: the shared cache, and an index that django-q2's queue lacks."""

from django.core.management import call_command
from django.db import migrations


def create_cache_table(apps, schema_editor):
    call_command("createcachetable", "cache_entry", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    initial = True
    dependencies = [("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more")]
    operations = [
        # The broker polls five times a second for (key, lock); without it every poll reads the whole queue.
        migrations.RunSQL(
            "CREATE INDEX django_q_ormq_key_lock ON django_q_ormq (key, lock)", "DROP INDEX django_q_ormq_key_lock"
        ),
        migrations.RunPython(create_cache_table, migrations.RunPython.noop),
    ]
