"""Discounts driven by the official SDK: on items, by promotion codes, in other currencies, on customers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def percent(sdk: Sdk, off: int, **fields: Any) -> str:
    return sdk.v1.coupons.create({"percent_off": off, "duration": "forever", **fields}).id


def amount(sdk: Sdk, off: int, **fields: Any) -> str:
    return sdk.v1.coupons.create({"amount_off": off, "currency": "usd", "duration": "forever", **fields}).id


def code(sdk: Sdk, coupon: str, **fields: Any) -> Any:
    return sdk.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon}, **fields})


def subscribe(sdk: Sdk, items: list[dict[str, Any]], clock: str = "", **fields: Any) -> Any:
    wanted = {"customer": sdk.customer(clock).id, "items": items, "expand": ["latest_invoice"], **fields}
    return sdk.v1.subscriptions.create(wanted)


def refused(call: Any, *args: Any) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as error:
        call(*args)
    assert error.value.http_status in (400, 404), error.value
    return error.value


class TestItems:
    def test_an_items_discount_comes_before_the_subscriptions(self, sdk: Sdk) -> None:
        """1000 less 500 is 500, and with the other 2000 it is 2500 less 20 %: 400 + 1600."""
        own, whole = amount(sdk, 500), percent(sdk, 20)
        made = subscribe(
            sdk,
            [
                {"price": sdk.price(1000).id, "discounts": [{"coupon": own}]},
                {"price": sdk.price(2000).id},
            ],
            discounts=[{"coupon": whole}],
        )
        invoice = made.latest_invoice
        assert (invoice.subtotal, invoice.total) == (2500, 2000)
        [first, second] = made["items"].data
        assert (len(first.discounts), second.discounts, len(made.discounts)) == (1, [], 1)
        by_item = {line.parent.subscription_item_details.subscription_item: line for line in invoice.lines.data}
        assert [taken.amount for taken in by_item[first.id].discount_amounts] == [500, 100]
        assert by_item[first.id].discounts == first.discounts
        assert [taken.amount for taken in by_item[second.id].discount_amounts] == [400]
        assert invoice.discounts == made.discounts

    def test_given_replaced_and_cleared_on_an_item(self, sdk: Sdk) -> None:
        made = subscribe(sdk, [{"price": sdk.price(1000).id}])
        item = made["items"].data[0].id
        half, tenth = percent(sdk, 50), percent(sdk, 10)
        given = sdk.v1.subscription_items.update(item, {"discounts": [{"coupon": half}], "expand": ["discounts"]})
        assert given.discounts[0].source.coupon == half
        assert given.discounts[0].subscription_item == item
        assert sdk.v1.invoices.create_preview({"subscription": made.id}).total == 500
        kept = {"discount": given.discounts[0].id}
        both = sdk.v1.subscriptions.update(made.id, {"items": [{"id": item, "discounts": [kept, {"coupon": tenth}]}]})
        assert both["items"].data[0].discounts[0] == given.discounts[0].id
        assert sdk.v1.invoices.create_preview({"subscription": made.id}).total == 450
        assert sdk.v1.coupons.retrieve(half).times_redeemed == 1
        cleared = sdk.v1.subscription_items.update(item, {"discounts": ""})
        assert cleared.discounts == []
        assert sdk.v1.invoices.create_preview({"subscription": made.id}).total == 1000

    def test_a_proration_is_net_of_the_items_discount(self, sdk: Sdk) -> None:
        """11 April, 20 of 30 days: -round(500 x 2/3) = -333 and +round(1000 x 2/3) = +667."""
        clock = sdk.clock(at(2024, 4, 1))
        half = percent(sdk, 50)
        made = subscribe(sdk, [{"price": sdk.price(1000).id, "discounts": [{"coupon": half}]}], clock.id)
        sdk.advance(clock.id, at(2024, 4, 11))
        item = made["items"].data[0].id
        changed = sdk.v1.subscriptions.update(
            made.id,
            {
                "items": [{"id": item, "price": sdk.price(2000).id}],
                "proration_behavior": "always_invoice",
                "expand": ["latest_invoice"],
            },
        )
        lines = changed.latest_invoice.lines.data
        net = [line.amount - sum(one.amount for one in line.discount_amounts) for line in lines]
        assert net == [-333, 667]
        assert changed.latest_invoice.total == 334

    def test_what_is_sold_beside_it_has_discounts_of_its_own(self, sdk: Sdk) -> None:
        extra = {"price": sdk.price(3000, interval="").id, "discounts": [{"coupon": percent(sdk, 50)}]}
        made = subscribe(sdk, [{"price": sdk.price(1000).id}], add_invoice_items=[extra])
        assert made.latest_invoice.total == 2500
        assert made.discounts == []
        sdk.v1.subscriptions.update(made.id, {"add_invoice_items": [extra]})
        assert sdk.v1.invoices.create_preview({"subscription": made.id}).total == 2500

    def test_a_phase_gives_its_items_discounts(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        price, half = sdk.price(1000).id, percent(sdk, 50)
        schedule = sdk.v1.subscription_schedules.create(
            {
                "customer": sdk.customer(clock.id).id,
                "start_date": "now",
                "phases": [
                    {"items": [{"price": price, "discounts": [{"coupon": half}]}], "iterations": 1},
                    {"items": [{"price": price}], "iterations": 1},
                ],
            }
        )
        assert schedule.phases[0]["items"][0].discounts[0].coupon == half
        sdk.advance(clock.id, at(2024, 5, 2))
        assert [one.total for one in sdk.invoices(customer=schedule.customer)] == [500, 1000]


class TestPromotionCodes:
    def test_a_change_redeems_the_code(self, sdk: Sdk) -> None:
        coupon = percent(sdk, 20)
        last = code(sdk, coupon, code="LAST", max_redemptions=1)
        made = subscribe(sdk, [{"price": sdk.price(1000).id}])
        wanted = {"discounts": [{"promotion_code": last.id}]}
        sdk.v1.subscriptions.update(made.id, wanted)
        again = sdk.v1.subscriptions.update(made.id, {**wanted, "expand": ["discounts"]})
        assert again.discounts[0].promotion_code == last.id
        assert sdk.v1.promotion_codes.retrieve(last.id).times_redeemed == 1
        assert sdk.v1.coupons.retrieve(coupon).times_redeemed == 1
        error = refused(
            sdk.v1.subscriptions.create,
            {
                "customer": sdk.customer().id,
                "items": [{"price": sdk.price(1000).id}],
                "discounts": [{"promotion_code": last.id}],
            },
        )
        assert (error.code, error.param) == ("promotion_code_expired", "discounts[0][promotion_code]")

    def test_restrictions_are_kept_and_asked_of_every_purchase(self, sdk: Sdk) -> None:
        asked = {
            "first_time_transaction": True,
            "minimum_amount": 2000,
            "minimum_amount_currency": "usd",
            "currency_options": {"cad": {"minimum_amount": 2600}},
        }
        made = code(sdk, percent(sdk, 10), restrictions=asked)
        shown = made.restrictions
        assert (shown.first_time_transaction, shown.minimum_amount, shown.minimum_amount_currency) == (
            True,
            2000,
            "usd",
        )
        assert shown.currency_options["cad"].minimum_amount == 2600
        changed = sdk.v1.promotion_codes.update(
            made.id, {"restrictions": {"currency_options": {"eur": {"minimum_amount": 1900}}}}
        )
        assert set(changed.restrictions.currency_options.keys()) == {"cad", "eur"}
        customer, item = sdk.customer().id, [{"price": sdk.price(1000).id}]
        wanted = {"customer": customer, "items": item, "discounts": [{"promotion_code": made.id}]}
        error = refused(sdk.v1.subscriptions.create, wanted)
        assert (error.code, error.param) == ("promotion_code_minimum_not_reached", "discounts[0][promotion_code]")
        paid = sdk.v1.subscriptions.create({"customer": customer, "items": item})
        two = {"items": [{"id": paid["items"].data[0].id, "quantity": 2}], "discounts": wanted["discounts"]}
        error = refused(sdk.v1.subscriptions.update, paid.id, two)
        assert error.code == "promotion_code_first_time_only"
        assert sdk.v1.promotion_codes.retrieve(made.id).times_redeemed == 0

    def test_a_code_of_somebody_else_or_out_of_time_is_refused(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        coupon, owner = percent(sdk, 10), sdk.customer()
        theirs = code(sdk, coupon, customer=owner.id)
        archived = code(sdk, coupon, active=False)
        made = subscribe(sdk, [{"price": sdk.price(1000).id}], clock.id)
        for given in (theirs, archived):
            error = refused(sdk.v1.subscriptions.update, made.id, {"discounts": [{"promotion_code": given.id}]})
            assert error.code == "promotion_code_invalid"

    def test_lists_are_filtered(self, sdk: Sdk) -> None:
        first, second, owner = percent(sdk, 10), percent(sdk, 20), sdk.customer().id
        one = code(sdk, first, code="ONE", customer=owner)
        two = code(sdk, second, code="TWO")
        sdk.v1.promotion_codes.update(two.id, {"active": False})

        def found(**filters: Any) -> list[str]:
            return [row.id for row in sdk.v1.promotion_codes.list(filters).data]

        assert found(code="one") == found(coupon=first) == found(customer=owner) == found(active=True) == [one.id]
        assert found(active=False) == [two.id]

    @pytest.mark.parametrize(
        ("restrictions", "param"),
        [
            ({"minimum_amount": 500}, "restrictions[minimum_amount]"),
            ({"minimum_amount": 0, "minimum_amount_currency": "usd"}, "restrictions[minimum_amount]"),
            ({"currency_options": {"usd": {"minimum_amount": 5}}}, "restrictions[currency_options][usd]"),
            (
                {
                    "minimum_amount": 5,
                    "minimum_amount_currency": "usd",
                    "currency_options": {"usd": {"minimum_amount": 5}},
                },
                "restrictions[currency_options][usd]",
            ),
        ],
    )
    def test_minimums_that_say_nothing_are_refused(self, sdk: Sdk, restrictions: dict[str, Any], param: str) -> None:
        wanted = {
            "promotion": {"type": "coupon", "coupon": percent(sdk, 10)},
            "restrictions": restrictions,
        }
        assert refused(sdk.v1.promotion_codes.create, wanted).param == param


class TestCoupons:
    def test_another_currency_takes_its_own_amount(self, sdk: Sdk) -> None:
        coupon = amount(sdk, 500, currency_options={"cad": {"amount_off": 650}})
        made = subscribe(sdk, [{"price": sdk.price(1000, currency="cad").id}], discounts=[{"coupon": coupon}])
        assert made.latest_invoice.total == 350
        changed = sdk.v1.coupons.update(
            coupon,
            {"currency_options": {"eur": {"amount_off": 450}}, "expand": ["currency_options"]},
        )
        assert {name: given.amount_off for name, given in changed.currency_options.items()} == {
            "usd": 500,
            "cad": 650,
            "eur": 450,
        }
        error = refused(
            sdk.v1.subscriptions.create,
            {
                "customer": sdk.customer().id,
                "items": [{"price": sdk.price(1000, currency="gbp").id}],
                "discounts": [{"coupon": coupon}],
            },
        )
        assert (error.code, error.param) == ("coupon_currency_mismatch", "discounts[0][coupon]")

    def test_deleted_it_goes_on_where_it_was_given(self, sdk: Sdk) -> None:
        coupon = percent(sdk, 50)
        made = subscribe(sdk, [{"price": sdk.price(1000).id}], discounts=[{"coupon": coupon}])
        assert sdk.v1.coupons.delete(coupon).deleted
        assert sdk.v1.invoices.create_preview({"subscription": made.id}).total == 500
        error = refused(sdk.v1.subscriptions.update, made.id, {"discounts": [{"coupon": coupon}]})
        assert (error.code, error.param) == ("resource_missing", "discounts[0][coupon]")

    def test_only_its_products_are_discounted(self, sdk: Sdk) -> None:
        product = sdk.v1.products.create({"name": "Box"}).id
        coupon = percent(sdk, 50, applies_to={"products": [product]})
        shown = sdk.v1.coupons.retrieve(coupon, {"expand": ["applies_to"]})
        assert shown.applies_to.products == [product]
        items = [{"price": sdk.price(1000, product=product).id}, {"price": sdk.price(2000).id}]
        assert subscribe(sdk, items, discounts=[{"coupon": coupon}]).latest_invoice.total == 2500

    def test_taken_as_often_as_it_may_be(self, sdk: Sdk) -> None:
        coupon = percent(sdk, 50, max_redemptions=1)
        made = subscribe(sdk, [{"price": sdk.price(1000).id}], discounts=[{"coupon": coupon}])
        used = sdk.v1.coupons.retrieve(coupon)
        assert (used.times_redeemed, used.valid) == (1, False)
        other = subscribe(sdk, [{"price": sdk.price(1000).id}])
        error = refused(sdk.v1.subscriptions.update, other.id, {"discounts": [{"coupon": coupon}]})
        assert (error.code, error.param) == ("coupon_expired", "discounts[0][coupon]")
        assert sdk.v1.subscriptions.retrieve(made.id).discounts

    def test_twice_in_one_stack_is_refused(self, sdk: Sdk) -> None:
        coupon = percent(sdk, 50)
        wanted = {
            "customer": sdk.customer().id,
            "items": [{"price": sdk.price(1000).id}],
            "discounts": [{"coupon": coupon}, {"coupon": coupon}],
        }
        error = refused(sdk.v1.subscriptions.create, wanted)
        assert (error.code, error.param) == ("coupon_duplicate", "discounts[1][coupon]")

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({"amount_off": 10}, "currency"),
            ({"percent_off": 10, "duration": "repeating"}, "duration_in_months"),
            ({"percent_off": 10, "duration": "once", "duration_in_months": 3}, "duration_in_months"),
            ({"percent_off": 10, "currency_options": {"cad": {"amount_off": 5}}}, "currency_options[cad]"),
            (
                {"amount_off": 10, "currency": "usd", "currency_options": {"cad": {"amount_off": 0}}},
                "currency_options[cad][amount_off]",
            ),
            ({"percent_off": 10, "redeem_by": 1}, "redeem_by"),
            ({"percent_off": 10, "max_redemptions": 0}, "max_redemptions"),
        ],
    )
    def test_one_that_makes_no_sense_is_refused(self, sdk: Sdk, fields: dict[str, Any], param: str) -> None:
        assert refused(sdk.v1.coupons.create, fields).param == param


class TestCustomers:
    def test_a_customers_discount_is_given_switched_and_deleted(self, sdk: Sdk) -> None:
        first, second = percent(sdk, 10), percent(sdk, 20)
        owner = sdk.customer(coupon=first)
        assert owner.discount.source.coupon == first
        switched = sdk.v1.customers.update(owner.id, {"coupon": second})
        assert switched.discount.source.coupon == second
        sdk.v1.customers.delete_discount(owner.id)
        assert sdk.v1.customers.retrieve(owner.id).discount is None
        assert refused(sdk.v1.customers.delete_discount, owner.id).code == "resource_missing"
        told = [one.type for one in sdk.v1.events.list({"limit": 100}).data if "discount" in one.type]
        assert list(reversed(told)) == [f"customer.discount.{what}" for what in ("created", "updated", "deleted")]

    def test_it_counts_where_the_subscription_has_none(self, sdk: Sdk) -> None:
        owner = sdk.customer(coupon=percent(sdk, 10))
        items = [{"price": sdk.price(1000).id}]
        wanted = {"customer": owner.id, "items": items, "expand": ["latest_invoice"]}
        made = sdk.v1.subscriptions.create(wanted)
        assert (made.discounts, made.latest_invoice.total) == ([], 900)
        own = sdk.v1.subscriptions.create(
            {**wanted, "items": [{"price": sdk.price(1000).id}], "discounts": [{"coupon": percent(sdk, 50)}]}
        )
        assert own.latest_invoice.total == 500
        gone = sdk.v1.subscriptions.delete_discount(own.id)
        assert gone.deleted
        assert sdk.v1.subscriptions.retrieve(own.id).discounts == []
        assert refused(sdk.v1.subscriptions.delete_discount, own.id).code == "resource_missing"


class TestPaidFirst:
    def test_a_change_that_is_paid_first_gives_and_uses_its_discount(self, sdk: Sdk) -> None:
        """11 April, 20 of 30 days: -667 and, less 50 % once, +667 of 2000 and +1000 of what is sold beside it."""
        clock = sdk.clock(at(2024, 4, 1))
        made = subscribe(sdk, [{"price": sdk.price(1000).id}], clock.id)
        sdk.advance(clock.id, at(2024, 4, 11))
        half = percent(sdk, 50, duration="once")
        changed = sdk.v1.subscriptions.update(
            made.id,
            {
                "items": [{"id": made["items"].data[0].id, "price": sdk.price(2000).id}],
                "add_invoice_items": [
                    {"price": sdk.price(2000, interval="").id},
                    {"price": sdk.price(600, interval="").id, "discounts": [{"coupon": percent(sdk, 100)}]},
                ],
                "discounts": [{"coupon": half}],
                "proration_behavior": "always_invoice",
                "payment_behavior": "error_if_incomplete",
                "expand": ["latest_invoice"],
            },
        )
        assert (changed.latest_invoice.status, changed.latest_invoice.total) == ("paid", 1000)
        assert sdk.v1.coupons.retrieve(half).times_redeemed == 1
        assert changed.discounts == []
        assert sdk.v1.customers.retrieve(made.customer).discount is None
        assert sdk.v1.invoices.create_preview({"subscription": made.id}).total == 2000


def test_a_code_is_shown_as_it_was_written_and_typed_in_any_case(sdk: Sdk) -> None:
    coupon = sdk.v1.coupons.create({"percent_off": 25, "duration": "forever"}).id
    given = {"promotion": {"type": "coupon", "coupon": coupon}, "code": "FallSale"}
    made = sdk.v1.promotion_codes.create(given)
    assert made.code == "FallSale"
    assert [one.code for one in sdk.v1.promotion_codes.list({"code": "fallsale"}).data] == ["FallSale"]
    with pytest.raises(stripe.InvalidRequestError) as taken:
        sdk.v1.promotion_codes.create(given | {"code": "FALLSALE"})
    assert taken.value.param == "code"


@pytest.mark.parametrize("kind", ["coupons", "products"])
def test_a_chosen_id_that_is_taken_is_told_of_the_id(sdk: Sdk, kind: str) -> None:
    given = {"id": "gold", **({"percent_off": 5} if kind == "coupons" else {"name": "Gold"})}
    getattr(sdk.v1, kind).create(given)
    with pytest.raises(stripe.InvalidRequestError) as taken:
        getattr(sdk.v1, kind).create(given)
    assert (taken.value.code, taken.value.param) == ("resource_already_exists", "id")
