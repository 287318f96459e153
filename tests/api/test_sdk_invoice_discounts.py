"""Discounts on invoices and on what waits for them, driven by the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk


def percent(sdk: Sdk, off: int, **fields: Any) -> str:
    return sdk.v1.coupons.create({"percent_off": off, "duration": "forever", **fields}).id


def amount(sdk: Sdk, off: int, **fields: Any) -> str:
    return sdk.v1.coupons.create({"amount_off": off, "currency": "usd", "duration": "once", **fields}).id


def item(sdk: Sdk, customer: str, cents: int, **fields: Any) -> Any:
    return sdk.v1.invoice_items.create({"customer": customer, "amount": cents, "currency": "usd", **fields})


def invoice(sdk: Sdk, customer: str, **fields: Any) -> Any:
    return sdk.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include", **fields})


def test_an_invoice_has_discounts_of_its_own(sdk: Sdk) -> None:
    """10000 with 20 % then 500 is 7500; the customer's own 50 % stands back."""
    owner = sdk.customer(coupon=percent(sdk, 50)).id
    fifth, five = percent(sdk, 20), amount(sdk, 500)
    item(sdk, owner, 10_000)
    made = invoice(sdk, owner, discounts=[{"coupon": fifth}, {"coupon": five}], expand=["discounts"])
    assert made.total == 7500
    assert [one.source.coupon for one in made.discounts] == [fifth, five]
    assert {one.invoice for one in made.discounts} == {made.id}
    assert sdk.v1.coupons.retrieve(five).times_redeemed == 1
    paid = sdk.v1.invoices.pay(sdk.v1.invoices.finalize_invoice(made.id).id)
    assert (paid.amount_paid, paid.discounts) == (7500, [one.id for one in made.discounts])


def test_without_its_own_it_takes_the_customers_or_none_when_told(sdk: Sdk) -> None:
    owner = sdk.customer(coupon=percent(sdk, 50)).id
    item(sdk, owner, 1000)
    assert invoice(sdk, owner).total == 500
    item(sdk, owner, 1000)
    assert invoice(sdk, owner, discounts="").total == 1000


def test_a_preview_of_what_is_pending_takes_them_too(sdk: Sdk) -> None:
    owner = sdk.customer(coupon=percent(sdk, 50)).id
    item(sdk, owner, 1000)
    tenth = percent(sdk, 10)

    def shown(**fields: Any) -> int:
        return sdk.v1.invoices.create_preview({"customer": owner, **fields}).total

    assert (shown(), shown(discounts=[{"coupon": tenth}]), shown(discounts="")) == (500, 900, 1000)
    assert sdk.v1.coupons.retrieve(tenth).times_redeemed == 0


def test_a_once_discount_of_the_customer_is_used_by_one_invoice_and_comes_back_with_its_draft(sdk: Sdk) -> None:
    owner = sdk.customer(coupon=percent(sdk, 50, duration="once")).id
    item(sdk, owner, 1000)
    first = invoice(sdk, owner)
    assert (first.total, sdk.v1.customers.retrieve(owner).discount) == (500, None)
    sdk.v1.invoices.delete(first.id)
    assert sdk.v1.customers.retrieve(owner).discount is not None
    assert invoice(sdk, owner).total == 500
    item(sdk, owner, 1000)
    assert invoice(sdk, owner).total == 1000


def test_a_draft_is_discounted_anew(sdk: Sdk) -> None:
    owner = sdk.customer().id
    item(sdk, owner, 1000)
    made = invoice(sdk, owner)
    half, tenth = percent(sdk, 50), percent(sdk, 10)
    changed = sdk.v1.invoices.update(made.id, {"discounts": [{"coupon": half}]})
    assert (changed.total, len(changed.discounts)) == (500, 1)
    both = sdk.v1.invoices.update(made.id, {"discounts": [{"coupon": tenth}, {"discount": changed.discounts[0]}]})
    assert (both.total, both.discounts[1]) == (450, changed.discounts[0])
    assert sdk.v1.coupons.retrieve(half).times_redeemed == 1
    sdk.v1.invoices.add_lines(made.id, {"lines": [{"amount": 2000}]})
    assert sdk.v1.invoices.retrieve(made.id).total == 1350
    cleared = sdk.v1.invoices.update(made.id, {"discounts": ""})
    assert (cleared.total, cleared.discounts) == (3000, [])
    sdk.v1.invoices.finalize_invoice(made.id)
    with pytest.raises(stripe.InvalidRequestError) as error:
        sdk.v1.invoices.update(made.id, {"discounts": [{"coupon": half}]})
    assert error.value.code == "invoice_not_editable"


def test_an_items_discount_comes_before_the_invoices(sdk: Sdk) -> None:
    """1000 less 50 % and 2000: 500 + 2000 less 10 % is 2250. What is not discountable stays."""
    owner = sdk.customer().id
    half = percent(sdk, 50)
    own = item(sdk, owner, 1000, discounts=[{"coupon": half}], expand=["discounts"])
    assert own.discounts[0].source.coupon == half
    assert own.discounts[0].invoice_item == own.id
    item(sdk, owner, 2000)
    item(sdk, owner, 700, discountable=False)
    made = invoice(sdk, owner, discounts=[{"coupon": percent(sdk, 10)}])
    assert (made.subtotal, made.total) == (3200, 2950)
    by_amount = {line.amount: line for line in made.lines.data}
    assert [one.amount for one in by_amount[1000].discount_amounts] == [500, 50]
    assert by_amount[1000].discounts == [own.discounts[0].id]
    assert by_amount[700].discount_amounts == []


def test_an_items_discount_is_changed_while_it_waits_and_on_a_draft(sdk: Sdk) -> None:
    owner = sdk.customer().id
    one = item(sdk, owner, 1000)
    half, code = (
        percent(sdk, 50),
        sdk.v1.promotion_codes.create(
            {"promotion": {"type": "coupon", "coupon": percent(sdk, 10)}, "max_redemptions": 1}
        ),
    )
    changed = sdk.v1.invoice_items.update(one.id, {"discounts": [{"coupon": half}]})
    assert len(changed.discounts) == 1
    made = invoice(sdk, owner)
    assert made.total == 500
    sdk.v1.invoice_items.update(one.id, {"discounts": [{"promotion_code": code.id}]})
    assert sdk.v1.invoices.retrieve(made.id).total == 900
    assert sdk.v1.promotion_codes.retrieve(code.id).times_redeemed == 1
    sdk.v1.invoice_items.update(one.id, {"discounts": ""})
    assert sdk.v1.invoices.retrieve(made.id).total == 1000


def test_what_is_added_to_a_draft_brings_its_discounts(sdk: Sdk) -> None:
    owner = sdk.customer().id
    made = sdk.v1.invoices.create({"customer": owner})
    half = {"discounts": [{"coupon": percent(sdk, 50)}]}
    item(sdk, owner, 1000, invoice=made.id, **half)
    sdk.v1.invoices.add_lines(made.id, {"lines": [{"amount": 3000, **half}]})
    assert sdk.v1.invoices.retrieve(made.id).total == 2000


def test_a_refused_discount_leaves_nothing_behind(sdk: Sdk) -> None:
    owner = sdk.customer().id
    last = percent(sdk, 50, max_redemptions=1)
    item(sdk, owner, 1000, discounts=[{"coupon": last}])
    with pytest.raises(stripe.InvalidRequestError) as error:
        item(sdk, owner, 1000, discounts=[{"coupon": last}])
    assert (error.value.code, error.value.param) == ("coupon_expired", "discounts[0][coupon]")
    with pytest.raises(stripe.InvalidRequestError) as error:
        invoice(sdk, owner, discounts=[{"coupon": last}])
    assert (error.value.code, error.value.param) == ("coupon_expired", "discounts[0][coupon]")
    assert len(sdk.v1.invoice_items.list({"customer": owner}).data) == 1
    assert sdk.v1.invoices.list({"customer": owner}).data == []
