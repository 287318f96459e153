"""What COPY is told comes back as it was, whatever it holds; and reading in bulk says what Django says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings, strategies as st

from catalog.models import Price
from events.copy_text import array_text, copy_text, json_text
from events.reading import read_rows
from tests.factories.catalog import price
from tests.factories.merchants import merchant

KINDS = ("bigint", "text", "jsonb", "text[]", "timestamp with time zone", "numeric(30, 12)", "boolean", "bytea")

# PostgreSQL's text knows no NUL; half a surrogate is no character.
words = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=12)
awkward = st.sampled_from(["\\", "\\N", "\t", "\n", "\r\n", '"', "{}", "NULL", "{a,b}", "é", "\\\\n"])
texts = words | awkward
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
instants = st.integers(0, 2**32).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
decimals = st.decimals(Decimal(-(10**15)), Decimal(10**15), places=12)
row = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.none() | texts,
    documents,
    st.lists(texts | st.none(), max_size=3),
    st.none() | instants,
    decimals,
    st.booleans(),
    st.none() | st.binary(max_size=8),
)


@pytest.fixture
def table(db: None) -> str:
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(KINDS))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE told (n serial, {columns}) ON COMMIT DROP")
    return "told"


def _through(table: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    names = ", ".join(f"c{number}" for number in range(len(KINDS)))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table}")
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            copy.write(copy_text(rows, KINDS))
        cursor.execute(f"SELECT {names} FROM {table} ORDER BY n")
        return cursor.fetchall()


def test_every_value_comes_back_as_it_was(table: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(row, min_size=1, max_size=5))
    def check(rows: list[tuple[Any, ...]]) -> None:
        back = _through(table, rows)
        assert len(back) == len(rows)
        for told, read in zip(rows, back, strict=True):
            for number, kind in enumerate(KINDS):
                value = read[number]
                if kind == "jsonb":
                    assert (None if value is None else json.loads(value)) == told[number]  # None is NULL
                elif kind == "bytea":
                    assert (None if value is None else bytes(value)) == told[number]
                else:
                    assert value == told[number], kind

    check()


@pytest.mark.django_db
def test_an_array_comes_back_as_it_was() -> None:
    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.none() | texts, max_size=5),
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=5),
        st.lists(instants, max_size=3),
        st.lists(decimals, max_size=3),
    )
    def check(words: list[Any], integers: list[Any], moments: list[Any], amounts: list[Any]) -> None:
        columns = (words, integers, moments, amounts)
        kinds = ("text", "bigint", "timestamp with time zone", "numeric(30, 12)")
        wanted = ", ".join(f"%s::{kind}[]" for kind in kinds)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {wanted}", [array_text(*given) for given in zip(columns, kinds, strict=True)])
            assert cursor.fetchone() == columns

    check()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ([], "[]"),
        ("", '""'),
        (None, "null"),
        ({"amount": Decimal("10.50")}, '{"amount":"10.50"}'),
        ({"at": datetime(2026, 1, 31, 5, 0, 0, 123456, tzinfo=UTC)}, '{"at":"2026-01-31T05:00:00.123Z"}'),
        ({"n": 2**70}, '{"n":1180591620717411303424}'),
        ({1: "key"}, '{"1":"key"}'),
        ("é\n", '"é\\n"'),
    ],
)
def test_json_is_written_as_django_writes_it(value: Any, text: str) -> None:
    assert json_text(value) == text


@pytest.mark.django_db
def test_rows_read_in_bulk_are_what_django_reads() -> None:
    shop = merchant()
    prices = [price(merchant=shop) for _ in range(3)]
    wanted = Price.objects.filter(merchant_id__any={shop.id}, id__any=[prices[0].id, prices[2].id]).order_by("id")
    assert [dict(read) for read in read_rows(wanted)] == list(wanted.values())
    assert len(read_rows(wanted)) == 2


@pytest.mark.django_db
def test_any_of_nothing_is_nothing_and_asks_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert read_rows(Price.objects.filter(id__any=[])) == []
