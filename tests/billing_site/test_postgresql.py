"""The engine's compiler keeps the columns of plain reads, and of nothing else."""

from importlib import import_module

import pytest
from django.db import connection
from django.db.models import Count, F

from billing_site.postgresql import compiler
from catalog.models import Product
from events.reading import read_rows
from merchants.models import Merchant
from tests.factories import merchants

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(compiler, "_selects", {})
    monkeypatch.setattr(compiler, "_converters", {})


def sql(queryset) -> str:
    return str(queryset.query)


def test_the_columns_of_whole_rows_are_kept_and_the_same_as_djangos():
    anew, kept = sql(Merchant.objects.filter(name="Ada")), sql(Merchant.objects.filter(name="Ada"))
    assert (Merchant, "merchants_merchant") in compiler._selects
    assert anew == kept
    assert kept.startswith('SELECT "merchants_merchant"."id", ')


@pytest.mark.parametrize(
    "other",
    [
        lambda rows: rows.values("id"),
        lambda rows: rows.only("name"),
        lambda rows: rows.defer("name"),
        lambda rows: rows.annotate(other=F("name")),
        lambda rows: rows.annotate(number=Count("id")),
        lambda rows: rows.union(rows),
    ],
    ids=["values", "only", "defer", "annotate", "group", "union"],
)
def test_any_other_query_is_worked_out_by_itself(other):
    before = sql(other(Merchant.objects.order_by()))
    sql(Merchant.objects.all())  # kept from here on
    assert sql(other(Merchant.objects.order_by())) == before


def test_joined_rows_and_subqueries_keep_their_own_aliases():
    merchants.merchant(name="Ada")
    inner = Merchant.objects.filter(name="Ada")
    assert [row.name for row in Merchant.objects.filter(id__in=inner.values("id"))] == ["Ada"]
    assert list(Product.objects.select_related("merchant")) == []
    assert list(Product.objects.filter(merchant__in=inner)) == []


def test_values_are_converted_the_second_time_too():
    merchant = merchants.merchant(name="Ada")
    once, twice = Merchant.objects.get(), Merchant.objects.get()
    assert once.__dict__.keys() == twice.__dict__.keys()
    assert {name: value for name, value in twice.__dict__.items() if name != "_state"} == {
        name: value for name, value in once.__dict__.items() if name != "_state"
    }
    [row] = read_rows(Merchant.objects.filter(id=merchant.id))
    assert {name: getattr(twice, name) for name in row} == dict(row)


def test_rows_that_are_not_whole_are_not_read_as_such():
    with pytest.raises(AssertionError, match="whole rows"):
        read_rows(Merchant.objects.values("id"))


def test_the_tests_run_on_this_engine():
    assert connection.ops.compiler("SQLCompiler") is compiler.SQLCompiler


def test_an_older_house_loses_its_twins_for_patterns_and_no_other_index():
    twins = import_module("billing_site.migrations.0003_pattern_twins")
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX invoicing_invoice_id_like ON invoicing_invoice (id text_pattern_ops)")
        cursor.execute("CREATE INDEX only_one_like ON invoicing_invoice (description text_pattern_ops)")
        cursor.execute(twins.DROP)
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'invoicing_invoice'")
        left = {name for (name,) in cursor.fetchall()}
    assert "invoicing_invoice_id_like" not in left
    assert {"invoicing_invoice_pkey", "only_one_like", "invoice_by_customer"} <= left
