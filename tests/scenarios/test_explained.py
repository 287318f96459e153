"""Every kind of line that the engine makes says how it came about, in English and in French."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from catalog.services import create_product, set_bundle
from customers.granting import create_credit_grant
from engine.services.change import change_subscription
from engine.services.invoice_items import create_invoice_item, update_invoice_item
from engine.services.invoices import create_invoice
from engine.services.schedules import create_schedule
from engine.services.thresholds import run_thresholds, set_billing_thresholds
from engine.types import ChangeRequest, ItemChange, ItemRequest
from engine.types.items import InvoiceItemChange
from engine.types.schedules import PhaseRequest, ScheduleRequest
from invoicing.models import Invoice, InvoiceLine
from invoicing.rules.explaining import explain_invoice
from invoicing.selectors import invoice_lines
from subscriptions.models import SubscriptionItem
from tests.factories.catalog import coupon, one_time_price, price
from tests.factories.customers import clock, customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc
from tests.factories.usage import meter, metered_price, report
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db

JAN_10, JAN_16, FEB_1, FEB_2, MARCH_1 = (
    utc(2024, 1, 10),
    utc(2024, 1, 16, 12),
    utc(2024, 2, 1),
    utc(2024, 2, 2),
    utc(2024, 3, 1),
)
JANUARY = "were used from 1 Jan 2024 00:00 to 1 Feb 2024 00:00."
TIERS = [
    {"up_to": 100, "unit_amount_decimal": "10", "flat_amount_decimal": None},
    {"up_to": None, "unit_amount_decimal": "2.5", "flat_amount_decimal": "300"},
]


@dataclass
class Shop:
    merchant: Any
    owner: Any
    counted: Any

    def ids(self, at):
        return {"ctx": context(at), "merchant_id": self.merchant.id}

    def used_in_january(self, value=120, *, at=JAN_10, **fields):
        """What was used of one metered price until it was billed."""
        sub = subscription(customer=self.owner, prices=[metered_price(meter=self.counted, **fields)])
        report(self.owner, value, at)
        day(FEB_1)
        return sub


@pytest.fixture
def shop():
    owned = merchant(grace=0)
    return Shop(owned, customer(merchant=owned, payment_method="pm_card_visa"), meter(merchant=owned))


def per_unit(shop):
    shop.used_in_january(amount="2.5")


def tiers(shop):
    shop.used_in_january(billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS)


def package(shop):
    shop.used_in_january(amount=90, transform_quantity={"divide_by": 50, "round": "up"})


def percentage(shop):
    shop.used_in_january(100_000, amount=0, percentage="2.9")


def minimum(shop):
    shop.used_in_january(amount=10, minimum_amount=5000)


def late(shop):
    shop.used_in_january(amount=10)
    report(shop.owner, 30, JAN_10, reported=FEB_2)
    day(MARCH_1)


def bundle(shop):
    sold = price(merchant=shop.merchant, amount=5000)
    seat = create_product(**shop.ids(NEW_YEAR), name="Seat")
    set_bundle(**shop.ids(NEW_YEAR), product_id=sold.product_id, components=[(seat.id, 3)])
    subscription(customer=shop.owner, prices=[sold])


def granted(shop):
    given = {"customer_id": shop.owner.id, "amount": 300, "currency": "cad", "name": "Welcome credit"}
    create_credit_grant(**shop.ids(NEW_YEAR), **given)
    shop.used_in_january(amount=10)


def threshold(shop):
    # A clock's thresholds are looked at by its run; others wait for the readers of the outbox.
    at_hand = clock(merchant=shop.merchant, frozen_time=JAN_10)
    shop.owner = customer(merchant=shop.merchant, payment_method="pm_card_visa", test_clock=at_hand)
    sub = subscription(customer=shop.owner, prices=[metered_price(meter=shop.counted, amount=10)])
    set_billing_thresholds(**shop.ids(NEW_YEAR), subscription_id=sub.id, amount_gte=1000)
    report(shop.owner, 120, JAN_10)
    run_thresholds(ctx=context(JAN_10), clock_id=shop.owner.test_clock_id)


def phase_over(shop):
    off = coupon(merchant=shop.merchant, percent_off=10, duration="forever", name="Launch")
    calls, seats = metered_price(meter=shop.counted, amount=10), price(merchant=shop.merchant, amount=1000)
    phases = (PhaseRequest((ItemRequest(calls.id),), coupon_ids=(off.id,)), PhaseRequest((ItemRequest(seats.id),)))
    create_schedule(ctx=context(NEW_YEAR), request=ScheduleRequest(shop.merchant.id, shop.owner.id, phases))
    report(shop.owner, 120, JAN_10)
    day(FEB_1)


def phase_began(shop):
    basic, pro = price(merchant=shop.merchant, amount=1000), price(merchant=shop.merchant, amount=3000)
    half = PhaseRequest((ItemRequest(basic.id),), end_date=JAN_16)
    then = PhaseRequest((ItemRequest(pro.id),), proration_behavior="always_invoice")
    create_schedule(ctx=context(NEW_YEAR), request=ScheduleRequest(shop.merchant.id, shop.owner.id, (half, then)))
    day(JAN_16)


def stub(shop):
    tiered = {"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": TIERS}
    sold = price(merchant=shop.merchant, amount=0, **tiered)
    subscription(customer=shop.owner, prices=[sold], quantity=120, billing_cycle_anchor=utc(2024, 1, 16, 12))


def added_once(shop):
    sub = subscription(customer=shop.owner, prices=[price(merchant=shop.merchant)])
    extra = ItemRequest(one_time_price(merchant=shop.merchant, amount=500).id, 2)
    request = ChangeRequest(
        shop.merchant.id,
        sub.id,
        proration_behavior="always_invoice",
        add_invoice_items=(extra,),
        items=(ItemChange(SubscriptionItem.objects.get().id, quantity=2),),
    )
    change_subscription(ctx=context(NEW_YEAR), request=request)


def entered(shop):
    item = {"customer_id": shop.owner.id, "currency": "cad", "description": "Set-up"}
    made = create_invoice_item(**shop.ids(NEW_YEAR), **item, amount=700)
    update_invoice_item(
        **shop.ids(NEW_YEAR), item_id=made, change=InvoiceItemChange(unit_amount_decimal=Decimal(250), quantity=3)
    )
    create_invoice_item(**shop.ids(NEW_YEAR), **item, amount=700)
    create_invoice(**shop.ids(NEW_YEAR), customer_id=shop.owner.id, currency="cad")


@pytest.mark.parametrize(
    ("lives", "reason", "sentences"),
    [
        (per_unit, "A period of the subscription was over.", [f"120 {JANUARY}", "120 × CA$0.025 = CA$3.00."]),
        (
            tiers,
            "A period of the subscription was over.",
            [
                f"120 {JANUARY}",
                "120 units at graduated tiers make CA$13.50.",
                "100 at CA$0.10 (up to 100).",
                "20 at CA$0.025 plus CA$3.00 (up to any number).",
            ],
        ),
        (
            package,
            "A period of the subscription was over.",
            [f"120 {JANUARY}", "120 units are 3 packages of 50 at CA$0.90: CA$2.70."],
        ),
        (
            percentage,
            "A period of the subscription was over.",
            ["CA$1,000.00 were counted from 1 Jan 2024 00:00 to 1 Feb 2024 00:00.", "2.9% of CA$1,000.00 = CA$29.00."],
        ),
        (
            minimum,
            "A period of the subscription was over.",
            [f"120 {JANUARY}", "120 × CA$0.10 = CA$12.00.", "The minimum of CA$50.00 added CA$38.00."],
        ),
        (
            late,
            "A period of the subscription was over.",
            [
                "This was reported after its period had been billed.",
                f"150 {JANUARY}",
                "150 × CA$0.10 = CA$15.00.",
                "CA$12.00 of it was billed before.",
            ],
        ),
        (bundle, "The subscription began.", ["1 × CA$50.00 = CA$50.00.", "The bundle holds 3 × Seat."]),
        (
            granted,
            "A period of the subscription was over.",
            [f"120 {JANUARY}", "120 × CA$0.10 = CA$12.00.", "Credit Welcome credit pays CA$3.00."],
        ),
        (
            threshold,
            "Usage reached its threshold, so it is invoiced before its period is over.",
            [f"120 {JANUARY}", "120 × CA$0.10 = CA$12.00."],
        ),
        (
            phase_over,
            "A period of the subscription was over.",
            [
                f"120 {JANUARY}",
                "120 × CA$0.10 = CA$12.00.",
                "A phase of the schedule ended with it: that phase's discounts count.",
                "Launch, 10% off: −CA$1.20.",
            ],
        ),
        (
            phase_began,
            "The subscription was changed.",
            [
                "Of CA$10.00 charged for this period, 1,339,200 of 2,678,400 seconds are left: "
                "CA$5.00 goes back (billed period *).",
                "Of CA$30.00 for the whole period, 1,339,200 of 2,678,400 seconds are left: CA$15.00.",
            ],
        ),
        (
            stub,
            "The subscription began.",
            [
                "120 units at volume tiers make CA$6.00.",
                "120 at CA$0.025 plus CA$3.00 (up to any number).",
                "1,339,200 of 2,678,400 seconds of the period are billed: CA$3.00.",
            ],
        ),
        (added_once, "The subscription was changed.", ["2 × CA$5.00 = CA$10.00."]),
        (
            entered,
            "It was made for what was entered or was waiting.",
            ["3 × CA$2.50 = CA$7.50.", "CA$7.00 was entered as it is."],
        ),
    ],
)
def test_each_line_says_how_it_came_about(shop, lives, reason, sentences):
    lives(shop)
    invoice = Invoice.objects.order_by("-created", "-id").first()
    told = explain_invoice(invoice, invoice_lines(invoice), "en")
    assert told.reason == reason
    found = [sentence for line in told.lines for sentence in line.sentences]
    for period in InvoiceLine.objects.exclude(credited_billed_period_id="").values_list(
        "credited_billed_period_id", flat=True
    ):
        found = [sentence.replace(period, "*") for sentence in found]
    assert [sentence for sentence in found if sentence in sentences] == sentences, found
    french = explain_invoice(invoice, invoice_lines(invoice), "fr-ca")
    said = [sentence for line in french.lines for sentence in line.sentences]
    assert len(said) == len(found)
    assert not {reason, *found} & {french.reason, *said} - {s for s in found if "×" in s}, "French is not English"
