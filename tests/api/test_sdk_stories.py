"""Stories that a reader can check by hand, driven as an application drives Stripe. Amounts are minor units."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from dashboard.filters.lists import CustomerFilter
from dashboard.selectors.lists import listed_customers
from tests.api.sdk import Sdk

HOUR = 3600


def at(month: int, day: int, hour: int = 0, year: int = 2024) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def subscribe(sdk: Sdk, customer: str, price: str, **fields: Any) -> Any:
    return sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": price}], **fields})


def pending(sdk: Sdk, customer: str) -> list[int]:
    return sorted(one.amount for one in sdk.v1.invoice_items.list({"customer": customer, "pending": True}).data)


def test_the_last_of_january_through_a_leap_year(sdk: Sdk) -> None:
    clock = sdk.clock(at(12, 31, 10, 2023))
    customer = sdk.customer(clock.id)
    subscribe(sdk, customer.id, sdk.price(1000).id)
    sdk.advance(clock.id, at(6, 1, 12))
    begins = [
        datetime.fromtimestamp(one.lines.data[0].period.start, UTC).strftime("%d %b %Hh")
        for one in sdk.invoices(customer=customer.id)
    ]
    assert begins == ["31 Dec 10h", "31 Jan 10h", "29 Feb 10h", "31 Mar 10h", "30 Apr 10h", "31 May 10h"]


def test_two_upgrades_and_a_downgrade_in_one_month(sdk: Sdk) -> None:
    clock = sdk.clock(at(3, 1))
    customer = sdk.customer(clock.id)
    small, middle, large = (sdk.price(amount) for amount in (3100, 6200, 9300))
    subscription = subscribe(sdk, customer.id, small.id)
    item = subscription["items"].data[0].id
    for day, price in ((11, middle), (21, large), (26, small)):
        sdk.advance(clock.id, at(3, day))
        sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": price.id}]})
    of_the_first = [-2100, 4200]  # 21 of 31 days: 3100 back, 6200 charged
    of_the_second = [-2200, 3300]  # 11 of the 21 days that 4200 were for, 11 of 31 at 9300
    of_the_third = [-1800, 600]  # 6 of the 11 days that 3300 were for, 6 of 31 at 3100
    assert pending(sdk, customer.id) == sorted([*of_the_first, *of_the_second, *of_the_third])
    foreseen = sdk.v1.invoices.create_preview({"subscription": subscription.id})
    sdk.advance(clock.id, at(4, 1, 2))
    renewal = sdk.invoices(customer=customer.id)[-1]
    assert (foreseen.total, renewal.total, renewal.status) == (5100, 5100, "paid")  # 3100 + 2000 of the changes


def test_an_upgrade_with_a_repeating_coupon_and_qst(sdk: Sdk) -> None:
    gst, qst = (
        sdk.v1.tax_rates.create({"display_name": name, "percentage": percentage, "inclusive": False}).id
        for name, percentage in (("GST", 5), ("QST", 9.975))
    )
    quarter_off = sdk.v1.coupons.create({"percent_off": 25, "duration": "repeating", "duration_in_months": 2})
    clock = sdk.clock(at(4, 1))
    customer = sdk.customer(clock.id)
    subscription = subscribe(
        sdk,
        customer.id,
        sdk.price(4000).id,
        discounts=[{"coupon": quarter_off.id}],
        default_tax_rates=[gst, qst],
    )
    sdk.advance(clock.id, at(4, 16))
    item = subscription["items"].data[0].id
    sdk.v1.subscriptions.update(
        subscription.id,
        {"items": [{"id": item, "price": sdk.price(9000).id}], "proration_behavior": "always_invoice"},
    )
    sdk.advance(clock.id, at(6, 1, 2))
    april, change, may, june = sdk.invoices(customer=customer.id)
    assert (april.subtotal, april.total) == (4000, 3000 + 150 + 299)
    # Half a month: 1500 back with its 75 and 150; 3375 charged with 169 (168.75) and 337 (336.66).
    assert change.total == 3375 - 1500 + (169 - 75) + (337 - 150)
    assert (may.total, june.total) == (6750 + 338 + 673, 9000 + 450 + 898)


@pytest.mark.parametrize(
    ("behaviour", "status", "invoices"),
    [("create_invoice", "past_due", 2), ("cancel", "canceled", 1), ("pause", "paused", 1)],
)
def test_a_trial_that_ends_without_a_card(sdk: Sdk, behaviour: str, status: str, invoices: int) -> None:
    clock = sdk.clock(at(1, 1))
    customer = sdk.customer(clock.id, card="")
    subscription = subscribe(
        sdk,
        customer.id,
        sdk.price(2000).id,
        trial_period_days=14,
        trial_settings={"end_behavior": {"missing_payment_method": behaviour}},
    )
    sdk.advance(clock.id, at(1, 15, 2))
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == status
    assert len(sdk.invoices(customer=customer.id)) == invoices
    told = sdk.v1.events.list({"type": "customer.subscription.trial_will_end"}).data
    assert [(one.data.object.id, one.created) for one in told] == [(subscription.id, at(1, 12))]


@pytest.mark.parametrize(
    ("currency", "before", "after", "due"),
    [("jpy", 1000, 2000, 666), ("kwd", 12345, 24690, 8230), ("usd", 1000, 2000, 666)],
)
def test_an_upgrade_in_any_currencys_own_minor_unit(sdk: Sdk, currency: str, before: int, after: int, due: int) -> None:
    clock = sdk.clock(at(4, 1))
    customer = sdk.customer(clock.id)
    subscription = subscribe(sdk, customer.id, sdk.price(before, currency=currency).id)
    sdk.advance(clock.id, at(4, 11))  # 20 of 30 days are left
    changed = sdk.v1.subscriptions.update(
        subscription.id,
        {
            "items": [{"id": subscription["items"].data[0].id, "price": sdk.price(after, currency=currency).id}],
            "proration_behavior": "always_invoice",
        },
    )
    invoice = sdk.v1.invoices.retrieve(changed.latest_invoice)
    assert (invoice.currency, invoice.total) == (currency, due)


def test_a_customer_is_delinquent_while_something_could_not_be_collected(sdk: Sdk) -> None:
    clock = sdk.clock(at(1, 1))
    customer = sdk.customer(clock.id)
    subscribe(sdk, customer.id, sdk.price(1000).id)
    assert sdk.v1.customers.retrieve(customer.id).delinquent is False
    refusing = sdk.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": refusing.id}})
    sdk.advance(clock.id, at(2, 1, 2))
    assert sdk.v1.customers.retrieve(customer.id).delinquent is True
    assert [row.id for row in CustomerFilter({"delinquent": "1"}, listed_customers(sdk.merchant.id)).qs] == [
        customer.id
    ]
    failed = sdk.invoices(customer=customer.id)[-1]
    with pytest.raises(stripe.CardError):
        sdk.v1.invoices.pay(failed.id)
    sdk.v1.invoices.pay(failed.id, {"payment_method": "pm_card_visa"})
    assert sdk.v1.customers.retrieve(customer.id).delinquent is False
    assert not CustomerFilter({"delinquent": "1"}, listed_customers(sdk.merchant.id)).qs
