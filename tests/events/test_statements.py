"""Querysets that are worked out once ask what they would have asked, whatever the values."""

import pytest

from customers.models import Customer
from events.reading import read_rows
from events.statements import Statement
from tests.factories.customers import customer
from tests.factories.merchants import merchant

pytestmark = pytest.mark.django_db

OF_MERCHANT = Statement(lambda merchant, ids: Customer.objects.filter(merchant_id=merchant, id__any=ids).order_by("id"))


@pytest.fixture
def people():
    owner = merchant()
    return owner, [
        customer(merchant=owner, email=f"{name}@example.com", metadata={"n": name}) for name in ("ada", "bob", "cy")
    ]


@pytest.mark.parametrize("how_many", [1, 2, 3])
def test_rows_and_instances_are_those_of_the_queryset(people, how_many):
    owner, found = people
    ids = sorted(one.id for one in found)[:how_many]
    asked = Customer.objects.filter(merchant_id=owner.id, id__in=ids).order_by("id")
    assert [dict(row) for row in OF_MERCHANT.rows(merchant=owner.id, ids=ids)] == [
        dict(row) for row in read_rows(asked)
    ]
    made = OF_MERCHANT.models(merchant=owner.id, ids=ids)
    assert [(one.id, one.metadata, one.created) for one in made] == [
        (one.id, one.metadata, one.created) for one in asked
    ]
    made[0].refresh_from_db()  # an instance like another


def test_each_call_asks_with_its_own_values(people, django_assert_num_queries):
    owner, found = people
    with django_assert_num_queries(3):
        for one in found:
            assert [row.id for row in OF_MERCHANT.rows(merchant=owner.id, ids=[one.id])] == [one.id]


def test_another_merchants_rows_are_not_found(people):
    assert OF_MERCHANT.rows(merchant=merchant(prefix="B").id, ids=[one.id for one in people[1]]) == []


def test_nothing_is_asked_where_all_arrays_are_empty(people, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert OF_MERCHANT.rows(merchant=people[0].id, ids=[]) == []


def test_tuples_give_the_columns_that_are_named(people):
    emails = Statement(lambda ids: Customer.objects.filter(id__any=ids).order_by("email").values_list("email"))
    assert emails.tuples(ids={one.id for one in people[1]}) == [(f"{n}@example.com",) for n in ("ada", "bob", "cy")]


def test_a_value_that_the_queryset_swallows_is_refused():
    deaf = Statement(lambda ids: Customer.objects.all())
    with pytest.raises(AssertionError, match="ids"):
        deaf.rows(ids=["cus_1"])
