"""SEMANTICS, discounts and tax, sentence by sentence, driven by the official SDK."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from django.db import connection

from tests.api.sdk import Sdk


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def coupon(sdk: Sdk, **fields: Any) -> str:
    return sdk.v1.coupons.create(fields).id


def percent(sdk: Sdk, off: int, duration: str = "forever", **fields: Any) -> str:
    return coupon(sdk, percent_off=off, duration=duration, **fields)


def amount(sdk: Sdk, off: int, duration: str = "forever", **fields: Any) -> str:
    return coupon(sdk, amount_off=off, currency="usd", duration=duration, **fields)


def rate(sdk: Sdk, percentage: str, *, inclusive: bool = False, name: str = "Tax") -> str:
    made = {"display_name": name, "percentage": percentage, "inclusive": inclusive}
    return sdk.v1.tax_rates.create(made).id  # type: ignore[no-any-return]


def subscribe(sdk: Sdk, amounts: list[int], clock: str = "", customer: str = "", **fields: Any) -> Any:
    wanted = {
        "customer": customer or sdk.customer(clock).id,
        "items": [{"price": sdk.price(one).id} for one in amounts],
        "expand": ["latest_invoice"],
        **fields,
    }
    return sdk.v1.subscriptions.create(wanted)


def totals(sdk: Sdk, made: Any) -> list[int]:
    return [one.total for one in sdk.invoices(subscription=made.id)]


def taxes(invoice: Any) -> list[tuple[int, str]]:
    return [(tax.amount, tax.tax_behavior) for tax in invoice.total_taxes]


class TestDiscounts:
    @pytest.mark.parametrize(("turned", "total"), [(False, 7500), (True, 7600)], ids=["20 % then 500", "500 then 20 %"])
    def test_they_stack_in_order(self, sdk: Sdk, turned: bool, total: int) -> None:
        """10000: less 2000 is 8000, less 500 is 7500; less 500 is 9500, less 1900 is 7600."""
        stack = [percent(sdk, 20), amount(sdk, 500)]
        asked = [{"coupon": one} for one in (reversed(stack) if turned else stack)]
        assert subscribe(sdk, [10_000], discounts=asked).latest_invoice.total == total

    def test_a_fixed_amount_is_spread_in_proportion_and_the_last_line_has_the_rest(self, sdk: Sdk) -> None:
        """500 over 1000 and 2000: floor(166.67) = 166, and 334."""
        made = subscribe(sdk, [1000, 2000], discounts=[{"coupon": amount(sdk, 500)}])
        taken = {line.amount: line.discount_amounts[0].amount for line in made.latest_invoice.lines.data}
        assert taken == {1000: 166, 2000: 334}

    def test_once_is_for_the_first_invoice_that_has_it(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        made = subscribe(sdk, [1000], clock.id, discounts=[{"coupon": percent(sdk, 50, "once")}])
        sdk.advance(clock.id, at(2024, 2, 1) + 7200)
        assert totals(sdk, made) == [500, 1000]
        assert sdk.v1.subscriptions.retrieve(made.id).discounts == []

    def test_a_trials_invoice_of_0_does_not_use_it(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        once = [{"coupon": percent(sdk, 50, "once")}]
        made = subscribe(sdk, [1000], clock.id, discounts=once, trial_period_days=14)
        sdk.advance(clock.id, at(2024, 1, 15) + 7200)
        assert totals(sdk, made) == [0, 500]

    def test_repeating_counts_months_of_the_calendar_and_discounts_whole_what_begins_inside(self, sdk: Sdk) -> None:
        """Three months from 15 January end on 15 April: the year that begins on 1 April is discounted whole."""
        clock = sdk.clock(at(2024, 1, 15))
        three = percent(sdk, 50, "repeating", duration_in_months=3)
        fields = {"discounts": [{"coupon": three}], "expand": ["discounts", "latest_invoice"]}
        made = subscribe(sdk, [1000], clock.id, **fields)
        assert made.discounts[0].end == at(2024, 4, 15)
        yearly = sdk.v1.subscriptions.create(
            {
                "customer": made.customer,
                "items": [{"price": sdk.price(12_000, interval="year").id}],
                "billing_cycle_anchor": at(2024, 4, 1),
                "proration_behavior": "none",
                **fields,
            }
        )
        sdk.advance(clock.id, at(2024, 4, 15) + 7200)
        assert totals(sdk, made) == [500, 500, 500, 1000]
        assert totals(sdk, yearly) == [6000]

    def test_redeem_by_is_the_last_moment_to_take_it(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        short = percent(sdk, 50, redeem_by=at(2030, 1, 1))
        made = subscribe(sdk, [1000], clock.id)
        sdk.advance(clock.id, at(2030, 1, 2))
        with pytest.raises(stripe.InvalidRequestError) as error:
            sdk.v1.subscriptions.update(made.id, {"discounts": [{"coupon": short}]})
        assert (error.value.code, error.value.param) == ("coupon_expired", "discounts[0][coupon]")

    def test_of_two_people_at_once_exactly_one_has_the_last(self, sdk: Sdk) -> None:
        last = percent(sdk, 50, max_redemptions=1)
        asked = [
            {
                "customer": sdk.customer().id,
                "items": [{"price": sdk.price(1000).id}],
                "discounts": [{"coupon": last}],
            }
            for _ in range(2)
        ]

        def take(wanted: dict[str, Any]) -> str:
            try:
                return str(sdk.v1.subscriptions.create(wanted).status)
            except stripe.InvalidRequestError as refusal:
                return str(refusal.code)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(take, asked)) == ["active", "coupon_expired"]
        assert sdk.v1.coupons.retrieve(last).times_redeemed == 1
        assert len(sdk.v1.subscriptions.list({"status": "all"}).data) == 1

    def test_a_proration_knows_the_discounts_active_at_the_change(self, sdk: Sdk) -> None:
        """11 April, 20 of 30 days. -round(500 x 2/3) = -333 of what was charged; the once coupon is consumed: +1333."""
        clock = sdk.clock(at(2024, 4, 1))
        made = subscribe(sdk, [1000], clock.id, discounts=[{"coupon": percent(sdk, 50, "once")}])
        sdk.advance(clock.id, at(2024, 4, 11))
        changed = sdk.v1.subscriptions.update(
            made.id,
            {
                "items": [{"id": made["items"].data[0].id, "price": sdk.price(2000).id}],
                "proration_behavior": "always_invoice",
                "expand": ["latest_invoice"],
            },
        )
        assert changed.latest_invoice.total == 1333 - 333

    def test_a_discount_changed_in_the_same_call_counts_for_its_proration(self, sdk: Sdk) -> None:
        """-round(1000 x 2/3) = -667 and +round(1000 x 2/3) = +667 of 2000 less 50 %."""
        clock = sdk.clock(at(2024, 4, 1))
        made = subscribe(sdk, [1000], clock.id)
        sdk.advance(clock.id, at(2024, 4, 11))
        changed = sdk.v1.subscriptions.update(
            made.id,
            {
                "items": [{"id": made["items"].data[0].id, "price": sdk.price(2000).id}],
                "discounts": [{"coupon": percent(sdk, 50)}],
                "proration_behavior": "always_invoice",
                "expand": ["latest_invoice"],
            },
        )
        assert changed.latest_invoice.total == 0


class TestTax:
    @pytest.mark.parametrize(
        ("inclusive", "total", "excluding"), [(False, 625, 500), (True, 500, 400)], ids=["exclusive", "inclusive"]
    )
    def test_25_percent_on_500(self, sdk: Sdk, inclusive: bool, total: int, excluding: int) -> None:
        made = subscribe(sdk, [500], default_tax_rates=[rate(sdk, "25", inclusive=inclusive)])
        invoice = made.latest_invoice
        assert (invoice.total, invoice.total_excluding_tax) == (total, excluding)
        assert taxes(invoice) == [(100, "inclusive") if inclusive else (125, "exclusive")]

    def test_several_on_a_line_inclusive_first_and_exclusive_on_the_net(self, sdk: Sdk) -> None:
        """1100 with 10 % inside: 100, net 1000; 5 % on 1000: 50."""
        both = [rate(sdk, "10", inclusive=True), rate(sdk, "5")]
        invoice = subscribe(sdk, [1100], default_tax_rates=both).latest_invoice
        assert taxes(invoice) == [(100, "inclusive"), (50, "exclusive")]
        assert (invoice.total, invoice.total_excluding_tax) == (1150, 1000)

    def test_quebec(self, sdk: Sdk) -> None:
        """QST is on the price without GST: 10000 x 9.975 % = 997.5, 998."""
        both = [rate(sdk, "5", name="GST"), rate(sdk, "9.975", name="QST")]
        invoice = subscribe(sdk, [10_000], default_tax_rates=both).latest_invoice
        assert taxes(invoice) == [(500, "exclusive"), (998, "exclusive")]
        assert invoice.total == 11_498

    def test_an_items_own_rates_win_and_a_discount_comes_before_tax(self, sdk: Sdk) -> None:
        """500 at 10 % is 50 on the item; 1000 at 20 % is 200 by default: half of both prices first."""
        items = [{"price": sdk.price(1000).id, "tax_rates": [rate(sdk, "10")]}, {"price": sdk.price(2000).id}]
        made = subscribe(
            sdk, [], items=items, default_tax_rates=[rate(sdk, "20")], discounts=[{"coupon": percent(sdk, 50)}]
        )
        assert taxes(made.latest_invoice) == [(50, "exclusive"), (200, "exclusive")]
        first = next(item for item in made["items"].data if item.tax_rates)
        cleared = sdk.v1.subscription_items.update(first.id, {"tax_rates": ""})
        assert cleared.tax_rates == []
        assert sdk.v1.invoices.create_preview({"subscription": made.id}).total == 1800

    @pytest.mark.parametrize(("rounding", "tax"), [("per_line", 9546), ("per_invoice", 9545)])
    def test_rounding_by_line_or_by_invoice(self, sdk: Sdk, rounding: str, tax: int) -> None:
        """100000 x 10/110 = 9090.91 and 5000 x 10/110 = 454.55: 9091 + 455, or 9545.45 at once."""
        sdk.merchant.tax_rounding = rounding
        sdk.merchant.save()
        invoice = subscribe(sdk, [100_000, 5000], default_tax_rates=[rate(sdk, "10", inclusive=True)]).latest_invoice
        assert taxes(invoice) == [(tax, "inclusive")]
        assert sum(one.amount for line in invoice.lines.data for one in line.taxes) == tax
        assert sum(one.taxable_amount for line in invoice.lines.data for one in line.taxes) == 105_000 - tax

    @pytest.mark.parametrize(
        ("exempt", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")], ids=["exempt", "reverse"]
    )
    def test_an_exempt_customer_does_not_pay_what_is_inside(self, sdk: Sdk, exempt: str, reason: str) -> None:
        """10000 x 10/110 = 909.09 backed out: 9091."""
        owner = sdk.customer(tax_exempt=exempt).id
        ten = rate(sdk, "10", inclusive=True)
        invoice = subscribe(sdk, [10_000], customer=owner, default_tax_rates=[ten]).latest_invoice
        assert (invoice.total, taxes(invoice)) == (9091, [(0, "inclusive")])
        assert invoice.total_taxes[0].taxability_reason == reason
        assert invoice.customer_tax_exempt == exempt

    def test_a_credit_reuses_the_tax_of_what_it_credits(self, sdk: Sdk) -> None:
        """The rate went from 10 to 20 %: 20 of 30 days of 1000 come back with 10 %, those of 2000 are taxed 20 %."""
        clock = sdk.clock(at(2024, 4, 1))
        made = subscribe(sdk, [1000], clock.id, default_tax_rates=[rate(sdk, "10")])
        sdk.advance(clock.id, at(2024, 4, 11))
        changed = sdk.v1.subscriptions.update(
            made.id,
            {
                "items": [{"id": made["items"].data[0].id, "price": sdk.price(2000).id}],
                "default_tax_rates": [rate(sdk, "20")],
                "proration_behavior": "always_invoice",
                "expand": ["latest_invoice"],
            },
        )
        lines = [(line.amount, line.taxes[0].amount) for line in changed.latest_invoice.lines.data]
        assert lines == [(-667, -67), (1333, 267)]

    def test_one_off_items_and_invoices_have_rates_too(self, sdk: Sdk) -> None:
        """1000 at its own 10 %, 2000 at the invoice's 20 %: 100 + 400."""
        owner = sdk.customer().id
        own, default = rate(sdk, "10"), rate(sdk, "20")
        sdk.v1.invoice_items.create({"customer": owner, "amount": 1000, "currency": "usd", "tax_rates": [own]})
        sdk.v1.invoice_items.create({"customer": owner, "amount": 2000, "currency": "usd"})
        made = sdk.v1.invoices.create(
            {"customer": owner, "pending_invoice_items_behavior": "include", "default_tax_rates": [default]}
        )
        assert taxes(made) == [(100, "exclusive"), (400, "exclusive")]
        changed = sdk.v1.invoices.update(made.id, {"default_tax_rates": ""})
        assert (taxes(changed), changed.total) == ([(100, "exclusive")], 3100)

    def test_what_is_sold_beside_it_has_rates_of_its_own(self, sdk: Sdk) -> None:
        extra = {"price": sdk.price(3000, interval="").id, "tax_rates": [rate(sdk, "10")]}
        made = subscribe(sdk, [1000], add_invoice_items=[extra], default_tax_rates=[rate(sdk, "20")])
        assert sorted(taxes(made.latest_invoice)) == [(200, "exclusive"), (300, "exclusive")]

    def test_a_phase_has_default_rates_and_its_items_their_own(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        price, ten, twenty = sdk.price(1000).id, rate(sdk, "10"), rate(sdk, "20")
        schedule = sdk.v1.subscription_schedules.create(
            {
                "customer": sdk.customer(clock.id).id,
                "start_date": "now",
                "phases": [
                    {"items": [{"price": price, "tax_rates": [ten]}], "iterations": 1},
                    {"items": [{"price": price}], "default_tax_rates": [twenty], "iterations": 1},
                ],
            }
        )
        sdk.advance(clock.id, at(2024, 5, 2))
        assert [one.total for one in sdk.invoices(customer=schedule.customer)] == [1100, 1200]

    @pytest.mark.parametrize(
        ("field", "param"),
        [
            ({"default_tax_rates": ["txr_none"]}, "default_tax_rates[0]"),
            ({"items": [{"price": "PRICE", "tax_rates": ["txr_none"]}]}, "items[0][tax_rates][0]"),
        ],
    )
    def test_a_rate_that_is_not_there_is_refused_by_name(self, sdk: Sdk, field: dict[str, Any], param: str) -> None:
        price = sdk.price(1000).id
        wanted = {"customer": sdk.customer().id, "items": [{"price": price}], **field}
        wanted["items"] = [{**one, "price": price} for one in wanted["items"]]
        with pytest.raises(stripe.InvalidRequestError) as error:
            sdk.v1.subscriptions.create(wanted)
        assert (error.value.code, error.value.param) == ("resource_missing", param)

    def test_a_custom_line_of_a_credit_note_has_rates_of_its_own(self, sdk: Sdk) -> None:
        """1100 with 10 % inside: 100; 5 % on the net of 1000: 50. An invoice's line keeps the invoice's taxes."""
        made = subscribe(sdk, [10_000])
        both = [rate(sdk, "10", inclusive=True), rate(sdk, "5")]
        custom = {"type": "custom_line_item", "description": "Goodwill", "unit_amount": 1100, "tax_rates": both}
        wanted = {"invoice": made.latest_invoice.id, "lines": [custom], "credit_amount": 1150}
        note = sdk.v1.credit_notes.create(wanted)
        assert (note.total, note.subtotal, note.total_excluding_tax) == (1150, 1100, 1000)
        assert taxes(note) == [(100, "inclusive"), (50, "exclusive")]
        line = {"type": "invoice_line_item", "invoice_line_item": made.latest_invoice.lines.data[0].id}
        with pytest.raises(stripe.InvalidRequestError) as error:
            sdk.v1.credit_notes.create({**wanted, "lines": [{**line, "quantity": 1, "tax_rates": both}]})
        assert error.value.param == "lines[0][tax_rates]"
