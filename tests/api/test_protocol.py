"""Stripe's form encoding and what a schema makes of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from api.protocol import forms, schema
from core.errors import OstinatoError

ITEM = schema.hash_of({"price": schema.text(required=True), "quantity": schema.integer(least=0)})
SUBSCRIBE = {
    "customer": schema.text(required=True),
    "items": schema.list_of(ITEM, most=20),
    "trial_end": schema.timestamp("now"),
    "cancel_at_period_end": schema.boolean(),
    "default_tax_rates": schema.list_of(schema.text(), clearable=True),
    "percent": schema.decimal(),
    "metadata": schema.metadata(),
}


def pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&"))]


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("customer=cus_1", {"customer": "cus_1"}),
        ("items[0][price]=p1&items[0][quantity]=2", {"items": {"0": {"price": "p1", "quantity": "2"}}}),
        ("expand[]=a&expand[]=b", {"expand": {"0": "a", "1": "b"}}),
        ("items[][price]=p1", {"items": {"0": {"price": "p1"}}}),
        (
            "items[][price]=p1&items[][quantity]=2&items[][price]=p2",
            {"items": {"0": {"price": "p1", "quantity": "2"}, "1": {"price": "p2"}}},
        ),
        (
            "items[][price]=p1&items[][discounts][][coupon]=a&items[][discounts][][coupon]=b",
            {"items": {"0": {"price": "p1", "discounts": {"0": {"coupon": "a"}, "1": {"coupon": "b"}}}}},
        ),
        ("metadata[a b]=x", {"metadata": {"a b": "x"}}),
    ],
)
def test_brackets_become_nested_values(query: str, tree: dict[str, Any]) -> None:
    assert forms.decode(pairs(query)) == tree


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("a[b=1", forms.MalformedParameter),
        ("[a]=1", forms.MalformedParameter),
        ("a]b=1", forms.MalformedParameter),
        ("a=1&a=2", forms.ParameterTwice),
        ("a=1&a[b]=2", forms.ParameterTwice),
        ("a[b]=1&a=2", forms.ParameterTwice),
        ("a" + "[b]" * 8 + "=1", forms.NestedTooDeep),
    ],
)
def test_a_form_that_means_nothing_is_refused_by_name(query: str, error: type[OstinatoError]) -> None:
    with pytest.raises(error):
        forms.decode(pairs(query))


def test_more_parameters_than_the_bound_are_refused() -> None:
    with pytest.raises(forms.TooManyParameters):
        forms.decode((f"a[{n}]", "1") for n in range(forms.MAX_PAIRS + 1))


def test_a_request_becomes_typed_values_and_what_was_not_sent_is_absent() -> None:
    query = (
        "customer=cus_1&items[1][price]=p2&items[0][price]=p1&items[0][quantity]=2&trial_end=1714521600&percent=9.975"
    )
    assert schema.parse(SUBSCRIBE, forms.decode(pairs(query))) == {
        "customer": "cus_1",
        "items": [{"price": "p1", "quantity": 2}, {"price": "p2"}],
        "trial_end": datetime(2024, 5, 1, tzinfo=UTC),
        "percent": Decimal("9.975"),
    }


@pytest.mark.parametrize(
    ("query", "error", "param"),
    [
        ("customer=c&colour=red", schema.ParameterUnknown, "colour"),
        ("customer=c&items[0][price]=p&items[0][colour]=red", schema.ParameterUnknown, "items[0][colour]"),
        ("cancel_at_period_end=true", schema.ParameterMissing, "customer"),
        ("customer=c&items[0][quantity]=1", schema.ParameterMissing, "items[0][price]"),
        ("customer=", schema.ParameterEmpty, "customer"),
        ("customer[x]=1", schema.ParameterNotString, "customer"),
        ("customer=c&items=1", schema.ParameterNotArray, "items"),
        ("customer=c&items[a]=1", schema.ParameterNotArray, "items"),
        ("customer=c&items[0]=1", schema.ParameterNotObject, "items[0]"),
        ("customer=c&items[0][price]=p&items[0][quantity]=-1", schema.ParameterOutOfRange, "items[0][quantity]"),
        ("customer=c&items[0][price]=p&items[0][quantity]=1.5", schema.ParameterNotInteger, "items[0][quantity]"),
        ("customer=c&cancel_at_period_end=yes", schema.ParameterNotBoolean, "cancel_at_period_end"),
        ("customer=c&trial_end=tomorrow", schema.ParameterNotInteger, "trial_end"),
        ("customer=c&percent=1e3", schema.ParameterNotDecimal, "percent"),
        ("customer=c&percent=NaN", schema.ParameterNotDecimal, "percent"),
        ("customer=c&metadata[" + "k" * 41 + "]=1", schema.ParameterTooLong, "metadata[" + "k" * 41 + "]"),
    ],
)
def test_a_bad_parameter_is_named_as_the_caller_wrote_it(query: str, error: type[OstinatoError], param: str) -> None:
    with pytest.raises(error) as refused:
        schema.parse(SUBSCRIBE, forms.decode(pairs(query)))
    assert refused.value.param == param


def test_a_list_sent_empty_is_cleared_only_where_it_may_be() -> None:
    assert schema.parse(SUBSCRIBE, {"customer": "c", "default_tax_rates": ""})["default_tax_rates"] is None
    with pytest.raises(schema.ParameterEmpty):
        schema.parse(SUBSCRIBE, {"customer": "c", "items": ""})


def test_metadata_is_merged_key_by_key_and_an_empty_value_removes_its_key() -> None:
    sent = schema.parse(SUBSCRIBE, forms.decode(pairs("customer=c&metadata[a]=2&metadata[b]=")))["metadata"]
    assert schema.merged_metadata({"a": "1", "b": "1", "c": "1"}, sent) == {"a": "2", "c": "1"}
    assert schema.merged_metadata({"a": "1"}, None) == {}


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=10)), max_size=20))
def test_no_form_whatever_breaks_anything_but_by_a_named_error(raw: list[tuple[str, str]]) -> None:
    try:
        schema.parse(SUBSCRIBE, forms.decode(raw))
    except OstinatoError as refused:
        refused_as = refused.message
    else:
        refused_as = "taken"
    assert refused_as
