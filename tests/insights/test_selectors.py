"""The figures a merchant sees, from movements written down: start + movements = end, always."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from core.ids import new_id
from insights import selectors
from insights.models import MrrMovement
from insights.rates import exchange_rate
from insights.selectors import mrr_series, overview_kpis
from payments.models import InvoicePayment
from tests.factories.catalog import price
from tests.factories.customers import clock, customer
from tests.factories.merchants import merchant
from tests.factories.times import utc
from tests.invoicing.paper import paper_invoice
from tests.notifications.stories import subscription

pytestmark = pytest.mark.django_db
NOW = utc(2024, 6, 15, 12)


@pytest.fixture
def shop():
    return merchant(currency="cad", timezone="America/Toronto")


def moved(shop, type: str, amount: int, at: datetime, *, customer="cus_1", currency="cad") -> None:
    MrrMovement.objects.create(
        merchant_id=shop.id, customer_id=customer, subscription_id=new_id("sub"), subscription_version=1, type=type,
        currency=currency, amount=amount, mrr_after=abs(amount), created=at, recorded_at=at,
    )  # fmt: skip


class TestSeries:
    def test_points_and_movements_in_one_currency(self, shop):
        moved(shop, "new", 1000, utc(2023, 12, 1))
        moved(shop, "expansion", 500, utc(2024, 1, 10))
        moved(shop, "new", 2000, utc(2024, 2, 10), customer="cus_2")
        moved(shop, "churn", -1500, utc(2024, 2, 20))
        series = mrr_series(shop.id, utc(2024, 1, 1, 5), utc(2024, 3, 1, 5), "month")
        assert [point.total for point in series.points] == [1000, 1500, 2000]
        assert [step.movements for step in series.steps] == [{"expansion": 500}, {"new": 2000, "churn": -1500}]

    def test_months_begin_on_the_merchants_calendar(self, shop):
        moved(shop, "new", 1000, utc(2024, 2, 1, 4))  # 23:00 on 31 January in Toronto
        series = mrr_series(shop.id, utc(2024, 1, 1, 5), utc(2024, 3, 1, 5), "month")
        assert [point.total for point in series.points] == [0, 1000, 1000]

    def test_start_and_movements_make_the_end_in_every_currency_and_together(self, shop):
        moved(shop, "new", 1000, utc(2024, 1, 3))
        moved(shop, "new", 2000, utc(2024, 1, 4), currency="eur", customer="cus_2")
        moved(shop, "contraction", -300, utc(2024, 3, 4), currency="eur", customer="cus_2")
        moved(shop, "new", 90000, utc(2024, 4, 4), currency="jpy", customer="cus_3")
        series = mrr_series(shop.id, utc(2024, 1, 1, 5), utc(2024, 6, 1, 4), "week")
        assert len(series.steps) > 20
        assert any("fx" in step.movements for step in series.steps)
        for step in series.steps:
            assert step.start.total + sum(step.movements.values()) == step.end.total
            for currency in ("cad", "eur", "jpy"):
                before, after = (point.by_currency.get(currency, 0) for point in (step.start, step.end))
                assert before + sum(step.by_currency.get(currency, {}).values()) == after

    def test_a_currency_without_rates_is_told_apart(self, shop):
        moved(shop, "new", 1000, utc(2024, 1, 3))
        moved(shop, "new", 5000, utc(2024, 1, 3), currency="kwd", customer="cus_2")
        series = mrr_series(shop.id, utc(2024, 1, 1, 5), utc(2024, 2, 1, 5), "month")
        assert series.points[-1].by_currency == {"cad": 1000, "kwd": 5000}
        assert series.points[-1].total is None
        assert series.missing_rates == {"kwd"}

    def test_another_merchants_movements_are_not_ours(self, shop):
        moved(merchant(prefix="B-"), "new", 1000, utc(2024, 1, 3))
        assert mrr_series(shop.id, utc(2024, 1, 1, 5), utc(2024, 2, 1, 5)).points[-1].total == 0

    def test_one_query_beside_the_merchant(self, shop, django_assert_num_queries):
        with django_assert_num_queries(2):
            mrr_series(shop.id, utc(2024, 1, 1), utc(2024, 6, 1), "day")


class TestOverview:
    def test_subscribers_churn_and_arpu(self, shop):
        for n in range(9):
            moved(shop, "new", 1000, utc(2024, 3, 3), customer=f"cus_{n}")
        moved(shop, "new", 3000, utc(2024, 6, 3), customer="cus_new")
        moved(shop, "churn", -1000, utc(2024, 6, 10), customer="cus_0")
        kpis = overview_kpis(shop.id, NOW)
        assert (kpis.mrr.value, kpis.mrr.previous) == (11000, 9000)
        assert (kpis.subscribers.value, kpis.subscribers.previous) == (9, 9)
        assert (kpis.new_this_month.value, kpis.churned_this_month.value) == (1, 1)
        assert kpis.churn_rate.value == Decimal("0.1")  # 1 of 9 + 1
        assert kpis.arpu.value == 1222  # 11000 / 9
        assert len(kpis.mrr.series) == len(kpis.points) == 12
        assert kpis.mrr.series[-5:] == (0, 9000, 9000, 9000, 11000)

    def test_a_customer_with_two_subscriptions_is_one_subscriber(self, shop):
        moved(shop, "new", 1000, utc(2024, 6, 3))
        moved(shop, "new", 1000, utc(2024, 6, 4))
        assert overview_kpis(shop.id, NOW).subscribers.value == 1

    def test_what_happens_at_the_very_moment_counts(self, shop):
        moved(shop, "new", 1000, NOW)
        assert overview_kpis(shop.id, NOW).mrr.value == 1000
        assert overview_kpis(shop.id, NOW - timedelta(seconds=1)).mrr.value == 0

    def test_collected_and_past_due(self, shop):
        ada = customer(merchant=shop)
        paid = paper_invoice(merchant=shop, customer=ada, number="N-0001", created=utc(2024, 6, 2))
        paper_invoice(
            merchant=shop, customer=ada, number="N-0002", status="open", attempt_count=1, created=utc(2024, 6, 2)
        )
        paper_invoice(
            merchant=shop,
            customer=ada,
            number="N-0003",
            status="open",
            due_date=utc(2024, 7, 1),
            created=utc(2024, 6, 2),
        )
        for at, amount in ((utc(2024, 5, 2), 500), (utc(2024, 6, 2), 11498)):
            InvoicePayment.objects.create(
                merchant=shop, invoice=paid, type="out_of_band", amount_paid=amount, currency="cad", created=at,
                recorded_at=at,
            )  # fmt: skip
        kpis = overview_kpis(shop.id, NOW)
        assert kpis.collected.series[-2:] == (500, 11498)
        assert kpis.past_due.value == 11498  # not the one that is due in July

    def test_trials(self, shop):
        ada, sold = customer(merchant=shop), price(merchant=shop)
        both = dict(trial_start=utc(2024, 6, 10), trial_end=utc(2024, 6, 24), status="trialing")
        subscription(customer=ada, price=sold, **both)
        subscription(customer=ada, price=sold, **both | {"ended_at": utc(2024, 6, 12), "status": "canceled"})
        subscription(customer=ada, price=sold, **both | {"test_clock_id": clock(merchant=shop).id})
        assert overview_kpis(shop.id, NOW).trials.series[-2:] == (0, 1)

    def test_an_empty_merchant_has_figures_too(self, shop):
        kpis = overview_kpis(shop.id, NOW)
        assert (kpis.mrr.value, kpis.subscribers.value, kpis.collected.value, kpis.past_due.value) == (0, 0, 0, 0)
        assert (kpis.churn_rate.value, kpis.arpu.value) == (None, None)

    def test_six_queries(self, shop, django_assert_num_queries):
        with django_assert_num_queries(6):
            overview_kpis(shop.id, NOW)


class TestRates:
    def test_known_day(self):
        # The bank's reference rate of 15 March 2024.
        assert exchange_rate("eur", "usd", date(2024, 3, 15)) == Decimal("1.0892")

    def test_a_weekend_has_fridays_rate(self):
        friday, sunday = date(2024, 3, 15), date(2024, 3, 17)
        assert exchange_rate("usd", "cad", sunday) == exchange_rate("usd", "cad", friday)

    def test_after_the_last_shipped_day_the_last_rate_stands(self):
        assert exchange_rate("usd", "cad", date(2040, 1, 1))

    @pytest.mark.parametrize("currency", ["kwd", "rub"])
    def test_no_rate_is_no_rate(self, currency):
        assert exchange_rate(currency, "cad", date(2024, 3, 15)) is None


def test_a_span_must_be_one():
    with pytest.raises(ValueError):
        selectors._points(NOW, NOW, "day", "UTC")
    with pytest.raises(ValueError):
        selectors._points(utc(2000, 1, 1), NOW, "day", "UTC")
