"""When a card ends, and when its owner is told, as tables."""

import pytest

from customers.rules import card_ends_at, card_notice_at, card_state
from tests.factories.times import utc


@pytest.mark.parametrize(
    ("month", "year", "end"), [(2, 2024, utc(2024, 3, 1)), (12, 2024, utc(2025, 1, 1)), (1, 2025, utc(2025, 2, 1))]
)
def test_a_card_is_good_to_the_end_of_its_month(month, year, end):
    assert card_ends_at(month, year) == end


@pytest.mark.parametrize(
    ("month", "year", "as_of", "notice"),
    [
        (2, 2024, utc(2024, 1, 10), utc(2024, 2, 1)),
        (2, 2024, utc(2024, 2, 20), utc(2024, 2, 1)),  # stored in its last month: at once
        (2, 2024, utc(2024, 3, 1), None),  # over: a refusal says it
        (None, None, utc(2024, 1, 1), None),  # a bank account
        (13, 2024, utc(2024, 1, 1), None),
    ],
)
def test_when_its_owner_is_told(month, year, as_of, notice):
    assert card_notice_at(month, year, as_of) == notice


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        (utc(2024, 1, 31, 23, 59, 59), ""),
        (utc(2024, 2, 1), "expiring"),
        (utc(2024, 2, 29, 23, 59, 59), "expiring"),
        (utc(2024, 3, 1), "expired"),
    ],
)
def test_how_it_stands(as_of, state):
    assert card_state(2, 2024, as_of) == state
    assert card_state(None, None, as_of) == ""
