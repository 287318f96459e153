"""An invoice adds up, whatever is on it and in whatever order."""

from decimal import Decimal

from hypothesis import given, strategies as st

from core.periods import Period
from engine.rules.drafting import Frame, draft_invoice
from engine.types import BillingSettings
from invoicing.rules.balance import apply_balance
from invoicing.rules.tax import tax_lines
from invoicing.rules.totals import invoice_totals
from invoicing.types import CustomerFacts, TaxRateFacts
from subscriptions.rules.discounts import Discountable, spread_discounts
from tests.factories.facts import amount_off, discount, line, percent_off
from tests.factories.times import utc

NOW = utc(2026, 4, 1)

percentages = st.decimals(min_value=0, max_value=100, places=4)
rates = st.builds(
    TaxRateFacts,
    id=st.sampled_from(["txr_a", "txr_b", "txr_c"]),
    display_name=st.just("Tax"),
    percentage=percentages,
    inclusive=st.booleans(),
)
rate_tables = st.lists(rates, max_size=3, unique_by=lambda rate: rate.id).map(
    lambda found: {rate.id: rate for rate in found}
)
coupons = st.one_of(
    st.builds(percent_off, st.decimals(min_value=Decimal("0.01"), max_value=100, places=2).map(str)),
    st.builds(amount_off, st.integers(1, 50_000)),
)
stacks = st.lists(coupons, max_size=3).map(
    lambda found: tuple(discount(coupon, id=f"di_{n}", position=n) for n, coupon in enumerate(found))
)
exemptions = st.sampled_from(["none", "exempt", "reverse"])
roundings = st.sampled_from(["per_line", "per_invoice"])


@st.composite
def baskets(draw):
    """Lines, some negative, each with some of the rates."""
    table = draw(rate_tables)
    amounts = draw(st.lists(st.integers(-50_000, 100_000), min_size=1, max_size=6))
    chosen = [[rate for rate in table.values() if draw(st.booleans())] for _ in amounts]
    return table, [line(amount, *carried) for amount, carried in zip(amounts, chosen, strict=True)]


def drafted(table, lines, stack, exempt, rounding):
    frame = Frame(
        merchant_id="acct_1",
        billing_entity_id="be_1",
        subscription_id="sub_1",
        customer=CustomerFacts("cus_1", tax_exempt=exempt),
        settings=BillingSettings(tax_rounding=rounding),
        tax_rates=table,
        collection_method="charge_automatically",
        currency="cad",
    )
    return draft_invoice(frame, lines, stack, billing_reason="manual", period=Period(NOW, NOW), as_of=NOW).invoice


@given(baskets(), stacks, exemptions, roundings)
def test_an_invoice_adds_up(basket, stack, exempt, rounding):
    invoice = drafted(*basket, stack, exempt, rounding)
    totals = invoice.totals
    assert totals == invoice_totals(invoice.lines)
    paid = sum(
        one.net_of_discounts - one.backed_out + sum(tax.amount for tax in one.taxes if not tax.inclusive)
        for one in invoice.lines
    )
    assert totals.total == paid
    for one in invoice.lines:
        if one.amount > 0:
            assert 0 <= one.discount_amount <= one.amount


@given(baskets(), stacks, exemptions, roundings, st.randoms())
def test_the_order_of_lines_never_matters_to_totals(basket, stack, exempt, rounding, random):
    table, lines = basket
    # A fixed coupon's remainder goes to the last line (Stripe), so it alone knows an order.
    by_percent = tuple(one for one in stack if one.coupon.percent_off is not None)
    shuffled = random.sample(lines, len(lines))
    straight = drafted(table, lines, by_percent, exempt, rounding).totals
    assert straight == drafted(table, shuffled, by_percent, exempt, rounding).totals


@given(baskets(), exemptions)
def test_the_tax_of_a_rate_is_the_tax_on_its_base_rounded_once(basket, exempt):
    table, lines = basket
    taxed = tax_lines(lines, table, tax_exempt=exempt, rounding="per_invoice")
    for rate in table.values():
        taxes = [tax for one in taxed for tax in one.taxes if tax.tax_rate_id == rate.id]
        if taxes and not rate.inclusive and exempt == "none":
            base = sum(tax.taxable_amount for tax in taxes)
            # Twice the distance is at most one unit: |tax - base x rate / 100| <= 1/2.
            assert abs(2 * (100 * sum(tax.amount for tax in taxes) - base * rate.percentage)) <= 100


@given(baskets(), roundings)
def test_nets_and_inclusive_taxes_are_the_price(basket, rounding):
    table, lines = basket
    for one in tax_lines(lines, table, tax_exempt="none", rounding=rounding):
        inside = sum(tax.amount for tax in one.taxes if tax.inclusive)
        assert all(tax.taxable_amount == one.net_of_discounts - inside for tax in one.taxes)


@given(baskets(), roundings)
def test_lines_and_their_opposites_net_0_with_their_taxes(basket, rounding):
    table, lines = basket
    back = [line(-one.amount, *(table[rate_id] for rate_id in one.tax_rate_ids)) for one in lines]
    totals = invoice_totals(tax_lines([*lines, *back], table, tax_exempt="none", rounding=rounding))
    assert (totals.total, totals.exclusive_tax, totals.inclusive_tax) == (0, 0, 0)


@given(stacks, st.lists(st.integers(-1000, 100_000), min_size=1, max_size=6))
def test_discounts_never_take_more_than_there_is(stack, amounts):
    spread = spread_discounts(stack, [Discountable(amount) for amount in amounts], "cad")
    for amount, taken in zip(amounts, spread, strict=True):
        assert all(one.amount > 0 for one in taken)
        assert sum(one.amount for one in taken) <= max(amount, 0)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(0, 100))
def test_a_balance_settles_exactly_what_it_moves(total, balance, minimum):
    settled = apply_balance(total, balance, minimum)
    assert settled.amount_due == total - settled.balance_applied >= 0
    assert settled.amount_due == 0 or settled.amount_due >= minimum
    assert settled.ending_balance == balance + settled.balance_applied
    ending = balance
    for moved in settled.transactions:
        ending += moved.amount
        assert moved.ending_balance == ending
