"""What the migrations made of PostgreSQL: keys point down, tenants lead.

Asked of the database itself, so that raw SQL counts too.
"""

import pytest
from django.apps import apps
from django.db import connection

from tests.architecture.house import floors

pytestmark = pytest.mark.django_db

WITHOUT_MERCHANT = {
    "merchants_merchant": "is the tenant; its id is the merchant's",
    "merchants_user": "a person may work for several merchants",
    "merchants_user_groups": "Django's own, for staff",
    "merchants_user_user_permissions": "Django's own, for staff",
    "events_consumercursor": "a consumer reads the stream of all merchants",
    "usage_usagecursor": "a reader goes through the usage of all merchants",
    "engine_billingrun": "a run crosses merchants",
    "billing_site_taskstart": "the queue is everybody's",
}
UNIQUE_WITHOUT_MERCHANT = {
    "merchants_user": "people log in by e-mail, whoever they work for",
    "merchants_user_groups": "Django's own",
    "merchants_user_user_permissions": "Django's own",
    "events_consumercursor": "one cursor per consumer, for all merchants",
}


def our_tables() -> dict[str, str]:
    """Table -> app, join tables too."""
    return {
        model._meta.db_table: model._meta.app_label
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in floors() and model._meta.managed and not model._meta.proxy
    }


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_foreign_keys_in_models_point_down():
    height = floors()
    upward = [
        f"{field} -> {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in height
        for field in model._meta.get_fields()
        if (field.many_to_one or field.one_to_one or field.many_to_many) and field.concrete
        if not _points_down(model._meta.app_label, field.related_model._meta.app_label)
    ]
    assert not upward


def test_foreign_keys_in_the_database_point_down():
    tables = our_tables()
    upward = [
        f"{source}.{constraint} -> {target}"
        for source, constraint, target in rows(
            "SELECT conrelid::regclass::text, conname, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
        )
        if source in tables and target in tables and not _points_down(tables[source], tables[target])
    ]
    assert not upward


def _points_down(source: str, target: str) -> bool:
    height = floors()
    # A table of Django's own or of a third party lies below the house.
    return source == target or height.get(target, -1) < height[source]


def test_every_table_carries_its_merchant():
    with_merchant = {
        table
        for (table,) in rows("SELECT table_name FROM information_schema.columns WHERE column_name = 'merchant_id'")
    }
    missing = our_tables().keys() - with_merchant - WITHOUT_MERCHANT.keys()
    assert not missing, "tables without merchant_id, and without a reason in WITHOUT_MERCHANT"


def test_the_merchant_leads_every_unique_key_but_the_primary_one():
    # indkey's first column, by name; an expression there (0) has no name and counts as not leading.
    found = rows(
        """
        SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text
        FROM pg_index i LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND NOT i.indisprimary AND a.attname IS DISTINCT FROM 'merchant_id'
        """
    )
    tables = our_tables()
    wrong = [(table, index) for table, index in found if table in tables and table not in UNIQUE_WITHOUT_MERCHANT]
    assert not wrong


def test_the_exceptions_are_still_needed():
    tables = our_tables().keys()
    assert WITHOUT_MERCHANT.keys() <= tables
    assert UNIQUE_WITHOUT_MERCHANT.keys() <= tables


def test_no_table_of_ours_keeps_a_second_index_for_patterns():
    # Ids are in byte order (collation "C"), where the plain index serves LIKE 'in_%' as well: a twin only costs.
    twins = rows(
        "SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index JOIN pg_opclass o"
        " ON o.oid = indclass[0] JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = indkey[0]"
        " JOIN pg_collation l ON l.oid = a.attcollation WHERE opcname = 'text_pattern_ops' AND l.collname = 'C'"
    )
    assert not [twin for table, twin in twins if table in our_tables()]


def test_prefixes_of_ids_are_found_by_the_plain_index():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT 1 FROM invoicing_invoice WHERE id LIKE 'in\\_0R9%'")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "invoicing_invoice_pkey" in plan
    assert "Index Cond" in plan
