"""Meters, metered and tiered prices, bundles, lookup keys: what is written and what is refused."""

import pytest

from catalog import services
from catalog.models import BundleComponent, Meter, Price
from catalog.selectors import components_of
from catalog.snapshots import price_snapshot
from events.models import Event
from tests.factories import catalog as make
from tests.factories.merchants import merchant
from tests.factories.times import context

pytestmark = pytest.mark.django_db

MONTHLY = {"type": "recurring", "currency": "cad", "interval": "month", "interval_count": 1}


def meter(shop, event_name="calls", **fields) -> Meter:
    return services.create_meter(
        ctx=context(), merchant_id=shop.id, display_name="Calls", event_name=event_name, **fields
    )


def test_a_tiered_metered_price_reads_as_stripes():
    shop = merchant()
    counted = meter(shop)
    price = services.create_price(
        ctx=context(),
        merchant_id=shop.id,
        product_id=make.product(merchant=shop).id,
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=[{"up_to": 5, "unit_amount_decimal": "0.5"}, {"up_to": "inf", "flat_amount_decimal": 100}],
        usage_type="metered",
        meter_id=counted.id,
        **MONTHLY,
    )
    told = price_snapshot(Price.objects.get(id=price.id), livemode=False)
    assert told["tiers"] == [
        {
            "up_to": 5,
            "unit_amount": None,
            "unit_amount_decimal": "0.5",
            "flat_amount": None,
            "flat_amount_decimal": None,
        },
        {
            "up_to": None,
            "unit_amount": None,
            "unit_amount_decimal": None,
            "flat_amount": 100,
            "flat_amount_decimal": "100",
        },
    ]
    assert (told["unit_amount"], told["recurring"]["meter"]) == (None, counted.id)


def test_one_active_meter_per_event_name():
    shop = merchant()
    first = meter(shop)
    with pytest.raises(services.AlreadyTaken):
        meter(shop)
    services.set_meter_status(ctx=context(), merchant_id=shop.id, meter_id=first.id, status="inactive")
    meter(shop)
    assert Event.objects.filter(type="billing.meter.updated").count() == 1


def test_an_inactive_meter_gets_no_new_price():
    shop = merchant()
    counted = meter(shop)
    services.set_meter_status(ctx=context(), merchant_id=shop.id, meter_id=counted.id, status="inactive")
    with pytest.raises(services.MeterInactive):
        services.create_price(
            ctx=context(),
            merchant_id=shop.id,
            product_id=make.product(merchant=shop).id,
            unit_amount_decimal=5,
            usage_type="metered",
            meter_id=counted.id,
            **MONTHLY,
        )


def test_a_lookup_key_moves_only_when_it_is_asked_to():
    shop = merchant()
    old = make.price(merchant=shop, lookup_key="pro")
    new = {"merchant_id": shop.id, "product_id": old.product_id, "unit_amount_decimal": 5, "lookup_key": "pro"}
    with pytest.raises(services.AlreadyTaken):
        services.create_price(ctx=context(), **new, **MONTHLY)
    moved = services.create_price(ctx=context(), **new, **MONTHLY, transfer_lookup_key=True)
    old.refresh_from_db()
    assert (old.lookup_key, moved.lookup_key) == (None, "pro")
    services.update_price(
        ctx=context(), merchant_id=shop.id, price_id=old.id, lookup_key="pro", transfer_lookup_key=True
    )
    assert Price.objects.get(lookup_key="pro").id == old.id


def test_a_bundle_knows_what_is_inside_it():
    shop = merchant()
    bundle, seat, support = (make.product(merchant=shop, name=name) for name in ("Office", "Seat", "Support"))
    services.set_bundle(
        ctx=context(), merchant_id=shop.id, product_id=bundle.id, components=[(seat.id, 3), (support.id, 1)]
    )
    inside = [(row.component.name, row.quantity) for row in components_of([bundle.id])[bundle.id]]
    assert inside == [("Seat", 3), ("Support", 1)]
    with pytest.raises(services.BundleOfBundles):
        services.set_bundle(ctx=context(), merchant_id=shop.id, product_id=seat.id, components=[(bundle.id, 1)])
    assert BundleComponent.objects.count() == 2
