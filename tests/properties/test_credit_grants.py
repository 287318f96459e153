"""Grants are spent in one order whatever the lines' order, never beyond what they hold or what a line costs."""

from datetime import timedelta

from hypothesis import given, strategies as st

from customers.types import CreditGrantFacts
from invoicing.rules.credit_grants import spend_grants
from invoicing.types import PlannedLine
from tests.factories.times import NEW_YEAR

days = st.integers(-30, 30).map(lambda number: NEW_YEAR + timedelta(days=number))
prices = st.sampled_from(["price_a", "price_b", "price_seat"])


@st.composite
def grants(draw):
    return CreditGrantFacts(
        id=f"credgr_{draw(st.integers(0, 10**9))}",
        customer_id="cus_1",
        currency="cad",
        balance=draw(st.integers(0, 5000)),
        effective_at=draw(days),
        created=NEW_YEAR,
        priority=draw(st.integers(0, 3)),
        expires_at=draw(st.none() | days),
        category=draw(st.sampled_from(["paid", "promotional"])),
        price_ids=draw(st.frozensets(prices, max_size=2)),
    )


@st.composite
def lines(draw):
    number = draw(st.integers(0, 10**6))
    return PlannedLine(
        "subscription",
        "",
        "cad",
        draw(st.integers(-500, 3000)),
        NEW_YEAR,
        NEW_YEAR,
        price_id=draw(prices),
        subscription_item_id=f"si_{number}",
    )


many_lines = st.lists(lines(), max_size=6, unique_by=lambda line: line.subscription_item_id)
many_grants = st.lists(grants(), max_size=5, unique_by=lambda grant: grant.id)


@given(many_lines, many_grants, st.randoms())
def test_the_order_of_lines_and_grants_never_matters(of_lines, of_grants, random):
    def spend(of):
        done = spend_grants(of, {"price_a", "price_b"}, of_grants, currency="cad", at=NEW_YEAR)
        return {line.subscription_item_id: line.credit_amounts for line in done}

    expected = spend(of_lines)
    shuffled = list(of_lines)
    random.shuffle(shuffled)
    random.shuffle(of_grants)
    assert spend(shuffled) == expected


@given(many_lines, many_grants)
def test_never_more_than_a_line_costs_or_a_grant_holds(of_lines, of_grants):
    done = spend_grants(of_lines, {"price_a", "price_b"}, of_grants, currency="cad", at=NEW_YEAR)
    used = {}
    for line in done:
        assert 0 <= line.credit_amount <= max(line.amount, 0)
        assert not line.credit_amounts or line.price_id != "price_seat"
        for credit in line.credit_amounts:
            used[credit.credit_grant_id] = used.get(credit.credit_grant_id, 0) + credit.amount
    for grant in of_grants:
        assert used.get(grant.id, 0) <= grant.balance
