"""What is sold once beside a subscription (`add_invoice_items`), by the official SDK."""

from __future__ import annotations

from tests.api.sdk import Sdk


def sold(sdk: Sdk, **words):
    return {"price": sdk.price(500, interval="").id, **words}


def subscribed(sdk: Sdk, **fields):
    sdk.v1.coupons.create({"id": "tenth", "percent_off": 10, "duration": "forever"})
    made = {"customer": sdk.customer().id, "items": [{"price": sdk.price(1000).id}], "discounts": [{"coupon": "tenth"}]}
    return sdk.v1.subscriptions.create({**made, **fields})


def line_of(invoice, price: str):
    [line] = [one for one in invoice.lines.data if one.pricing.price_details.price == price]
    return line


def test_what_says_so_is_left_out_of_the_discount_and_keeps_its_metadata(sdk: Sdk) -> None:
    setup = sold(sdk, discountable=False, metadata={"kind": "setup"})
    made = subscribed(sdk, add_invoice_items=[setup], expand=["latest_invoice"])
    line = line_of(made.latest_invoice, setup["price"])
    # 1000 less a tenth, and 500 whole.
    assert (made.latest_invoice.total, line.discount_amounts, line.discountable) == (1400, [], False)
    assert dict(line.metadata) == {"kind": "setup"}


def test_what_is_added_later_waits_with_its_words_for_the_invoice_that_bills_it(sdk: Sdk) -> None:
    made = subscribed(sdk)
    extra = sold(sdk, discountable=False, metadata={"kind": "training"})
    sdk.v1.subscriptions.update(made.id, {"add_invoice_items": [extra]})
    [item] = sdk.v1.invoice_items.list({"customer": made.customer, "pending": True}).data
    assert (item.amount, item.discountable, dict(item.metadata)) == (500, False, {"kind": "training"})
    sdk.v1.invoice_items.delete(item.id)
    changed = sdk.v1.subscriptions.update(
        made.id,
        {"add_invoice_items": [extra], "proration_behavior": "always_invoice", "expand": ["latest_invoice"]},
    )
    line = line_of(changed.latest_invoice, extra["price"])
    assert (changed.latest_invoice.total, dict(line.metadata)) == (500, {"kind": "training"})


def test_a_phase_shows_what_it_will_sell(sdk: Sdk) -> None:
    setup = sold(sdk, discountable=False, metadata={"kind": "setup"})
    phase = {"items": [{"price": sdk.price(1000).id}], "add_invoice_items": [setup]}
    made = sdk.v1.subscription_schedules.create(
        {"customer": sdk.customer().id, "start_date": "now", "phases": [{**phase, "duration": {"interval": "month"}}]}
    )
    [shown] = made.phases[0].add_invoice_items
    assert (shown.discountable, dict(shown.metadata)) == (False, {"kind": "setup"})
    [invoice] = sdk.invoices(customer=made.customer)
    assert dict(line_of(invoice, setup["price"]).metadata) == {"kind": "setup"}


def test_subscriptions_are_listed_by_who_reckons_their_tax(sdk: Sdk) -> None:
    made = subscribed(sdk)
    assert [one.id for one in sdk.v1.subscriptions.list({"automatic_tax": {"enabled": False}}).data] == [made.id]
    assert sdk.v1.subscriptions.list({"automatic_tax": {"enabled": True}}).data == []
