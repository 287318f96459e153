"""What was used is billed when its month is over: with its hour of grace, late, at the price of its day."""

import pytest

from catalog.services import create_product, set_bundle
from engine.services.cancel import cancel_subscription, schedule_cancel
from engine.services.change import change_subscription
from engine.services.upcoming import preview_upcoming
from engine.types import ChangeRequest, ItemChange
from events.models import Event
from invoicing.models import InvoiceItem, InvoiceLine
from subscriptions.models import BilledPeriod, SubscriptionItem
from tests.factories.catalog import coupon, price, tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.factories.usage import meter, metered_price, report
from tests.scenarios.story import day, paper

pytestmark = pytest.mark.django_db

JAN_10, JAN_31, FEB_1, MARCH_1 = utc(2024, 1, 10), utc(2024, 1, 31, 12), utc(2024, 2, 1), utc(2024, 3, 1)
VOLUME = {
    "billing_scheme": "tiered",
    "tiers_mode": "volume",
    "tiers": [
        {"up_to": 5, "unit_amount_decimal": "700", "flat_amount_decimal": None},
        {"up_to": 10, "unit_amount_decimal": "650", "flat_amount_decimal": None},
        {"up_to": None, "unit_amount_decimal": "600", "flat_amount_decimal": None},
    ],
}


def lines() -> list[tuple[int, int]]:
    """(quantity, amount) of every line, in the order of the paper."""
    rows = InvoiceLine.objects.order_by("invoice__created", "invoice_id", "position")
    return list(rows.values_list("quantity", "amount"))


def user(*, grace: int = 3600, formula: str = "sum", amount: int = 10, **fields):
    """A customer with a card on one metered price, since New Year 2024."""
    shop = merchant(grace=grace)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    counted = meter(merchant=shop, formula=formula)
    sold = metered_price(meter=counted, amount=amount, **fields)
    return owner, sold, subscription(customer=owner, prices=[sold])


def changed(owner, sub, at, *changes, **fields):
    request = ChangeRequest(owner.merchant_id, sub.id, changes, **fields)
    return change_subscription(ctx=context(at), request=request)


def test_a_month_of_usage_with_its_hour_of_grace():
    owner, _, sub = user()
    assert (sub.status, paper()) == ("active", [])  # nothing is due in advance
    report(owner, 5, JAN_10)
    report(owner, 7, JAN_31)
    day(FEB_1)
    assert paper() == [(None, "draft", 120)]
    report(owner, 3, JAN_31, reported=utc(2024, 2, 1, 0, 30))  # inside the hour
    report(owner, 100, utc(2024, 2, 1, 0, 30))  # of the next month
    day(utc(2024, 2, 1, 1))
    assert paper() == [("INV-0001", "paid", 150)]
    assert lines() == [(15, 150)]
    assert BilledPeriod.objects.get().gross_amount == 150


def test_usage_after_the_grace_is_adjusted_on_the_next_invoice_once():
    owner, _, _ = user()
    report(owner, 5, JAN_10)
    day(FEB_1)
    day(utc(2024, 2, 1, 1))
    report(owner, 4, JAN_31, reported=utc(2024, 2, 2))
    report(owner, 1, utc(2024, 2, 2))
    day(MARCH_1)
    day(utc(2024, 3, 1, 1))
    assert paper() == [("INV-0001", "paid", 50), ("INV-0002", "paid", 50)]
    assert lines()[1:] == [(1, 10), (4, 40)]
    late = InvoiceLine.objects.get(explanation__kind="usage_late")
    assert late.description.startswith("Reported late for 1 Jan 2024 – 1 Feb 2024: 9 × ")
    day(utc(2024, 4, 1))
    day(utc(2024, 4, 1, 1))
    assert lines()[3:] == [(0, 0)]


def test_a_volume_tier_that_late_usage_crosses():
    owner, _, _ = user(amount=0, **VOLUME)
    report(owner, 5, JAN_10)
    day(FEB_1)
    day(utc(2024, 2, 1, 1))
    report(owner, 1, JAN_31, reported=utc(2024, 2, 2))
    day(MARCH_1)
    assert paper() == [("INV-0001", "paid", 3500), (None, "draft", 400)]  # 6 x 650 = 3900, less 3500
    late = BilledPeriod.objects.get(kind="late")
    assert (late.quantity, late.gross_amount) == (1, 400)


def test_a_tier_crossed_downwards_gives_something_back():
    owner, _, _ = user(amount=0, **VOLUME)
    report(owner, 10, JAN_10)
    day(FEB_1)
    day(utc(2024, 2, 1, 1))
    report(owner, "0.5", JAN_31, reported=utc(2024, 2, 2))
    day(MARCH_1)
    assert paper()[-1] == (None, "draft", -200)  # 10.5 x 600 = 6300, less 6500


def test_a_discount_and_tax_are_reckoned_anew_within_the_grace():
    shop = merchant(grace=3600)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    sold = [price(merchant=shop, amount=1000), metered_price(meter=meter(merchant=shop))]
    off = coupon(merchant=shop, amount_off=500, duration="forever")
    rate = tax_rate(merchant=shop, percentage="10")
    subscription(customer=owner, prices=sold, coupon_ids=(off.id,), default_tax_rate_ids=(rate.id,))
    day(FEB_1)
    assert paper() == [("INV-0001", "paid", 550), (None, "draft", 550)]
    report(owner, 200, JAN_31, reported=utc(2024, 2, 1, 0, 59))
    day(utc(2024, 2, 1, 1))
    assert paper()[-1] == ("INV-0002", "paid", 2750)  # 1000 + 2000 - 500, and 10 %
    advance, usage = BilledPeriod.objects.filter(start__lt=FEB_1.replace(day=2)).order_by("-kind", "start")[:2]
    last = {row.kind: row.amount for row in BilledPeriod.objects.filter(end__gte=FEB_1).exclude(start__lt=JAN_10)}
    assert last == {"advance": 834}  # 500 over 2000 and 1000: 333 by floor and the rest, or the other way round
    assert {advance.kind, usage.kind} == {"advance", "arrears"}


def test_without_grace_usage_is_billed_as_it_is_at_the_boundary():
    owner, _, _ = user(grace=0)
    report(owner, 5, JAN_10)
    day(FEB_1)
    assert paper() == [("INV-0001", "paid", 50)]
    day(FEB_1)
    assert len(paper()) == 1


def test_missed_months_are_billed_month_by_month():
    owner, _, _ = user(grace=0)
    report(owner, 5, JAN_10)
    report(owner, 6, utc(2024, 2, 10))
    day(utc(2024, 3, 2))
    assert lines() == [(5, 50), (6, 60)]


def test_usage_in_a_trial_is_free():
    shop = merchant(grace=0)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=owner, prices=[metered_price(meter=meter(merchant=shop))], trial_period_days=14)
    assert paper() == [("INV-0001", "paid", 0)]
    report(owner, 5, JAN_10)
    report(owner, 7, utc(2024, 1, 20))
    day(utc(2024, 2, 15))
    assert paper()[1:] == [("INV-0002", "paid", 70)]


def test_usage_keeps_the_price_that_was_in_force_when_it_was_reported():
    owner, old, sub = user(grace=0)
    dearer = metered_price(meter=old.meter, amount=20)
    report(owner, 5, JAN_10)
    changed(owner, sub, utc(2024, 1, 15), ItemChange(SubscriptionItem.objects.get().id, dearer.id))
    report(owner, 3, utc(2024, 1, 20))
    report(owner, 2, JAN_10, reported=utc(2024, 1, 21))  # used before, reported after
    assert not InvoiceItem.objects.exists()
    day(FEB_1)
    assert lines() == [(5, 50), (5, 100)]
    assert paper() == [("INV-0001", "paid", 150)]
    day(MARCH_1)
    assert lines()[2:] == [(0, 0)]


def test_from_metered_to_licensed_and_back_bills_each_part_once():
    owner, metered, sub = user(grace=0)
    flat = price(merchant=owner.merchant, amount=3100)
    item = SubscriptionItem.objects.get()
    report(owner, 5, JAN_10)
    changed(owner, sub, utc(2024, 1, 11), ItemChange(item.id, flat.id))
    report(owner, 9, utc(2024, 1, 12))  # a flat price covers it
    changed(owner, sub, utc(2024, 1, 21), ItemChange(item.id, metered.id))
    report(owner, 2, utc(2024, 1, 22))
    day(FEB_1)
    # 5 x 10 and 2 x 10; 21 of 31 days of 3100, less the 11 that were left: 10 days.
    assert paper() == [("INV-0001", "paid", 50 + 20 + 2100 - 1100)]


def test_a_metered_item_that_is_removed_leaves_its_usage_pending():
    owner, metered, sub = user(grace=0)
    flat = price(merchant=owner.merchant, amount=3100)
    changed(owner, sub, JAN_10, ItemChange(price_id=flat.id), proration_behavior="none")
    report(owner, 5, JAN_10)
    item = SubscriptionItem.objects.get(price=metered)
    changed(owner, sub, utc(2024, 1, 20), ItemChange(item.id, deleted=True))
    assert InvoiceItem.objects.get().amount == 50
    day(FEB_1)
    assert lines() == [(1, 3100), (5, 50)]


def test_without_prorations_a_removed_item_takes_its_usage_with_it():
    owner, metered, sub = user(grace=0)
    flat = price(merchant=owner.merchant, amount=3100)
    changed(owner, sub, JAN_10, ItemChange(price_id=flat.id), proration_behavior="none")
    report(owner, 5, JAN_10)
    item = SubscriptionItem.objects.get(price=metered)
    changed(owner, sub, utc(2024, 1, 20), ItemChange(item.id, deleted=True), proration_behavior="none")
    day(FEB_1)
    assert lines() == [(1, 3100)]


def test_an_item_that_is_added_counts_from_then_on_and_makes_no_line_yet():
    shop = merchant(grace=0)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    sub = subscription(customer=owner, prices=[price(merchant=shop, amount=1000)])
    counted = metered_price(meter=meter(merchant=shop))
    report(owner, 100, JAN_10)
    changed(owner, sub, utc(2024, 1, 15), ItemChange(price_id=counted.id), proration_behavior="always_invoice")
    assert len(paper()) == 1
    report(owner, 5, utc(2024, 1, 20))
    day(FEB_1)
    assert sorted(lines()) == [(1, 1000), (1, 1000), (5, 50)]


def test_a_cancel_at_the_periods_end_bills_the_last_usage():
    owner, _, sub = user(grace=0)
    report(owner, 5, JAN_10)
    schedule_cancel(ctx=context(JAN_10), merchant_id=owner.merchant_id, subscription_id=sub.id)
    day(FEB_1)
    sub.refresh_from_db()
    assert (sub.status, paper()) == ("canceled", [("INV-0001", "paid", 50)])
    day(MARCH_1)
    assert len(paper()) == 1


def test_a_cancel_at_an_instant_bills_the_usage_until_then():
    owner, _, sub = user(grace=0)
    report(owner, 5, JAN_10)
    at = utc(2024, 1, 20)
    schedule_cancel(
        ctx=context(JAN_10), merchant_id=owner.merchant_id, subscription_id=sub.id, at_period_end=False, cancel_at=at
    )
    day(at)
    assert paper() == [("INV-0001", "paid", 50)]


def test_an_immediate_cancel_discards_the_usage_and_says_so():
    owner, _, sub = user(grace=0)
    report(owner, 5, JAN_10)
    cancel_subscription(ctx=context(utc(2024, 1, 20)), merchant_id=owner.merchant_id, subscription_id=sub.id)
    day(FEB_1)
    assert paper() == []
    told = Event.objects.get(type="customer.subscription.usage_discarded").previous_attributes["usage"]
    assert [(one["usage"], one["amount"]) for one in told] == [("5", 50)]


def test_an_immediate_cancel_that_invoices_bills_the_usage():
    owner, _, sub = user(grace=0)
    report(owner, 5, JAN_10)
    cancel_subscription(
        ctx=context(utc(2024, 1, 20)), merchant_id=owner.merchant_id, subscription_id=sub.id, invoice_now=True
    )
    assert paper() == [("INV-0001", "paid", 50)]


def test_a_new_anchor_bills_what_was_used_until_then():
    owner, _, sub = user(grace=0)
    report(owner, 5, JAN_10)
    changed(owner, sub, utc(2024, 1, 20), billing_cycle_anchor="now")
    report(owner, 2, utc(2024, 1, 21))
    assert paper() == [("INV-0001", "paid", 50)]
    day(utc(2024, 2, 20))
    assert lines() == [(5, 50), (2, 20)]


def test_the_next_invoice_is_previewed_with_what_was_used_so_far():
    owner, _, sub = user()
    report(owner, 5, JAN_10)
    moment, preview = preview_upcoming(
        ctx=context(utc(2024, 1, 1)), merchant_id=owner.merchant_id, subscription_id=sub.id
    )
    assert (moment, preview.total) == (FEB_1, 50)


def test_a_minimum_is_topped_up_and_a_percentage_is_taken_of_an_amount():
    owner, _, _ = user(grace=0, minimum_amount=1000)
    report(owner, 5, JAN_10)
    day(FEB_1)
    assert paper() == [("INV-0001", "paid", 1000)]
    assert InvoiceLine.objects.get().explanation["topped_up"] == 950


@pytest.mark.parametrize(("formula", "billed"), [("count", 3), ("last", 2), ("max", 7), ("sum", 14)])
def test_each_formula_is_billed_as_it_counts(formula, billed):
    owner, _, _ = user(grace=0, formula=formula, amount=1)
    for number, value in enumerate((5, 7, 2)):
        report(owner, value, utc(2024, 1, 10 + number))
    day(FEB_1)
    assert lines() == [(billed, billed)]


def test_a_bundle_says_what_is_inside():
    shop = merchant(grace=0)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    sold = price(merchant=shop, amount=5000)
    seat = create_product(ctx=context(), merchant_id=shop.id, name="Seat")
    set_bundle(ctx=context(), merchant_id=shop.id, product_id=sold.product_id, components=[(seat.id, 3)])
    subscription(customer=owner, prices=[sold])
    assert InvoiceLine.objects.get().description.endswith(": 3 × Seat")
