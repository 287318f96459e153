import pytest

from core.periods import Interval
from subscriptions.rules import prices
from tests.factories.facts import YEARLY, price


def every(unit: str, count: int = 1, **fields):
    return price(1000, Interval(unit, count), **fields)


@pytest.mark.parametrize(
    "together",
    [
        pytest.param([every("month"), every("year")], id="a year is 12 months"),
        pytest.param([every("month", 3), every("month", 6)], id="6 months are 2 x 3"),
        pytest.param([every("week"), every("week", 2)], id="2 weeks are 2 x 1"),
        pytest.param([every("day"), every("month")], id="every month is whole days"),
        pytest.param([every("day"), every("week")], id="a week is 7 days"),
    ],
)
def test_intervals_that_are_multiples_of_the_shortest_go_together(together):
    prices.check_prices_fit(together)


@pytest.mark.parametrize(
    "together",
    [
        pytest.param([every("month", 2), every("month", 3)], id="3 months are no multiple of 2"),
        pytest.param([every("week"), every("month")], id="a month is no number of weeks"),
        pytest.param([every("day", 2), every("month")], id="a month is not always a number of 2 days"),
        pytest.param([every("month", 5), every("year")], id="12 months are no multiple of 5"),
    ],
)
def test_an_interval_that_is_no_multiple_is_refused(together):
    with pytest.raises(prices.PriceIntervalNotMultiple):
        prices.check_prices_fit(together)


def test_two_currencies_are_refused():
    with pytest.raises(prices.MixedCurrencies):
        prices.check_prices_fit([every("month"), every("month", currency="eur", id="euro")])


def test_another_currency_than_the_customers_is_refused():
    with pytest.raises(prices.CustomerCurrencyMismatch):
        prices.check_prices_fit([every("month")], "usd")


def test_the_same_price_twice_is_refused():
    with pytest.raises(prices.PriceTwice):
        prices.check_prices_fit([every("month"), every("month")])


def test_a_one_time_price_cannot_recur():
    with pytest.raises(prices.PriceNotRecurring):
        prices.check_prices_fit([price(1000, None), price(1000, YEARLY)])


def test_no_price_at_all_is_refused():
    with pytest.raises(prices.NoItems):
        prices.check_prices_fit([])
