"""The shop's regulars: whatever a price, a credit or a schedule can be is there to be looked at after one seeding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from billing_site.demo.regulars import REGULAR, REGULARS, usage_of_day
from billing_site.demo.seeding import seed_demo
from billing_site.demo.simulation import Report
from catalog.models import BundleComponent, Price
from customers.models import CreditGrant, CreditGrantTransaction, Customer, CustomerBalanceTransaction
from invoicing.models import CreditNote, Invoice, InvoiceLine
from payments.models import Dispute
from subscriptions.models import Subscription, SubscriptionSchedule
from tests.factories.times import utc
from usage.models import UsageEvent

NOW = utc(2024, 6, 20, 15)


@pytest.fixture
def lived(db) -> Report:
    report = seed_demo(now=NOW, progress=lambda text: None, subscribers=3, days=95).report
    assert report is not None
    return report


def price(key: str) -> Price:
    return Price.objects.get(merchant__livemode=True, lookup_key=key)


def regular(key: str) -> Customer:
    return Customer.objects.get(**{f"metadata__{REGULAR}": key})


def of(key: str) -> Subscription:
    return Subscription.objects.get(customer=regular(key))


def sold_twice(key: str) -> bool:
    return InvoiceLine.objects.filter(price_id=price(key).pk, amount__gt=0).count() >= 2


def anchor_day(key: str) -> int:
    return of(key).billing_cycle_anchor.astimezone(ZoneInfo("America/Toronto")).day


def all_is_paid() -> bool:
    mine = Invoice.objects.filter(customer__metadata__has_key=REGULAR)
    return not mine.exclude(status__in=["paid", "draft"]).exists()


def usage_is_billed_as_told() -> bool:
    """What lines say was counted is what the period's events sum to."""
    sub = of("fromagerie")
    for line in InvoiceLine.objects.filter(invoice__subscription=sub):
        told = UsageEvent.objects.filter(
            customer_id=sub.customer_id, timestamp__gte=line.period_start, timestamp__lt=line.period_end
        )
        if line.quantity != sum(event.value for event in told):
            return False
    return True


FEATURES: dict[str, Callable[[], bool]] = {
    "graduated tiers with a flat amount": lambda: price("fournee").tiers_mode == "graduated" and sold_twice("fournee"),
    "volume tiers with a flat amount": lambda: price("vrac").tiers_mode == "volume" and sold_twice("vrac"),
    "packages of a dozen": lambda: (
        price("oeufs").transform_quantity == {"divide_by": 12, "round": "up"} and sold_twice("oeufs")
    ),
    "a metered price with tiers": lambda: price("tasse").usage_type == "metered" and sold_twice("tasse"),
    "a minimum commitment": lambda: price("livraison").minimum_amount == 2000 and sold_twice("livraison"),
    "a percentage": lambda: price("consigne").percentage == 12 and sold_twice("consigne"),
    "a bundle": lambda: BundleComponent.objects.filter(product=price("dejeuner").product).count() == 3,
    "usage of each meter": lambda: UsageEvent.objects.values("meter_id").distinct().count() == 3,
    "a credit grant that usage spends": lambda: CreditGrantTransaction.objects.filter(type="credits_applied").exists(),
    "a dispute to answer": lambda: Dispute.objects.filter(status="needs_response", evidence_due_by__gt=NOW).exists(),
    "a dispute whose bank decides": lambda: Dispute.objects.filter(status="under_review").exists(),
    "a grant with something left": lambda: CreditGrant.objects.filter(balance__gt=0).exists(),
    "a credit in the balance": lambda: CustomerBalanceTransaction.objects.filter(type="adjustment").exists(),
    "a credit note": lambda: CreditNote.objects.filter(customer=regular("bolduc")).count() == 1,
    "a schedule at its first phase": lambda: SubscriptionSchedule.objects.filter(
        customer=regular("gendron"), status="active", current_phase=0
    ).exists(),
    "a schedule at its second phase": lambda: SubscriptionSchedule.objects.filter(
        customer=regular("cote"), status="active", current_phase=1
    ).exists(),
    "a schedule not yet started": lambda: SubscriptionSchedule.objects.filter(
        customer=regular("chalet"), status="not_started"
    ).exists(),
    "a paused collection": lambda: of("creperie").pause_behavior == "keep_as_draft",
    "an anchored subscription": lambda: anchor_day("boulangerie") == 1,
    "payment of all that was billed": all_is_paid,
    "usage that was billed as it was told": usage_is_billed_as_told,
    "a backdated subscription": lambda: of("bluebird").start_date < of("bluebird").created,
}


def test_every_feature_of_the_engine_has_somebody_who_uses_it(lived: Report) -> None:
    assert not lived.refused
    assert lived.done["regular_signup"] == len(REGULARS)
    assert [name for name, there in FEATURES.items() if not there()] == []


def test_a_day_counts_the_same_whenever_it_is_asked() -> None:
    saturday, sunday = date(2024, 6, 1), date(2024, 6, 2)
    assert usage_of_day("gare", 31, saturday) == usage_of_day("gare", 31, saturday)
    assert usage_of_day("gare", 31, saturday) > usage_of_day("gare", 31, sunday)
