"""What the shop sells besides its boxes: by the kilo, by the dozen, by the cup, by the kilometre, on commission.

Their prices are chosen by a few regulars (`billing_site.demo.regulars`), never by the story: popularity 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog.models import Product
from catalog.services import create_meter, create_payment_link, create_price, create_product, set_bundle
from core.context import Context
from merchants.models import Merchant

# event name: what the meter is called, how it counts
METERS = {
    "tasse_servie": ("Tasses servies", "sum"),
    "km_livre": ("Kilomètres livrés", "sum"),
    "vente_consigne": ("Ventes en consigne", "sum"),
}


def _tier(up_to: int | None, unit: str, flat: str = "0") -> dict[str, Any]:
    return {"up_to": up_to, "unit_amount_decimal": unit, "flat_amount_decimal": flat}


@dataclass(frozen=True, slots=True)
class _Specialty:
    """One product with one price in the merchant's currency; `money` as `create_price` takes it."""

    key: str
    name: str
    description: str
    money: Mapping[str, Any]
    nickname: str = ""
    unit: str = ""
    meter: str = ""  # an event name
    interval: str = "month"
    inside: Mapping[str, int] = field(default_factory=dict)  # a bundle's products, by SKU


SPECIALTIES = (
    _Specialty(
        "fournee",
        "Fournée sur commande",
        "Votre mélange, torréfié au bois le mardi.\nYour own blend, wood-roasted on Tuesdays.",
        {
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [_tier(5, "3200", "1000"), _tier(20, "2800"), _tier(None, "2450")],
        },
        "Au kilo, mise en route comprise",
        "kg",
    ),
    _Specialty(
        "vrac",
        "Sirop en canne, en vrac",
        "Plus on en prend, moins la canne est chère.\nThe more you take, the less a can costs.",
        {
            "billing_scheme": "tiered",
            "tiers_mode": "volume",
            "tiers": [_tier(9, "950", "1200"), _tier(49, "875", "1200"), _tier(None, "790")],
        },
        "À la canne, livraison offerte dès 50",
        "canne",
    ),
    _Specialty(
        "oeufs",
        "Œufs de la voisine",
        "Ramassés le matin, livrés à la douzaine.\nGathered in the morning, delivered by the dozen.",
        {"unit_amount_decimal": "650", "transform_quantity": {"divide_by": 12, "round": "up"}},
        "À la douzaine entamée",
        "œuf",
    ),
    _Specialty(
        "tasse",
        "Café-bar prêté",
        "La machine est à nous, les tasses sont à vous.\nOur machine, your cups.",
        {
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [_tier(200, "0", "4500"), _tier(1000, "32"), _tier(None, "27.5")],
        },
        "200 tasses comprises",
        "tasse",
        "tasse_servie",
    ),
    _Specialty(
        "livraison",
        "Livraison à vélo-cargo",
        "Du rang jusqu'à votre porte, beau temps, mauvais temps.\nFrom our road to your door, rain or shine.",
        {"unit_amount_decimal": "85.5", "minimum_amount": 2000},
        "Au kilomètre, 20 $ au moins par mois",
        "km",
        "km_livre",
    ),
    _Specialty(
        "consigne",
        "Tablette en consigne",
        "Nos produits sur votre tablette : une part de ce qui s'y vend.\nOur goods on your shelf, for a share.",
        {"percentage": Decimal(12)},
        "12 % des ventes",
        meter="vente_consigne",
    ),
    _Specialty(
        "dejeuner",
        "Déjeuner du rang",
        "Un café, un coffret d'érable et le panier : tout le déjeuner.\nCoffee, maple and a basket: all of breakfast.",
        {"unit_amount_decimal": "8900"},
        "L'ensemble, mensuel",
        inside={"CAFE": 1, "ERABLE": 1, "PANIER": 2},
    ),
)


def stock_specialties(ctx: Context, merchant: Merchant, tax_rate_ids: Sequence[str]) -> None:
    """Meters, products, prices, and links that sell two of them. The caller holds the transaction."""
    meters = {
        name: create_meter(ctx=ctx, merchant_id=merchant.id, display_name=shown, event_name=name, formula=formula).id
        for name, (shown, formula) in METERS.items()
    }
    made = {wanted.key: _sell(ctx, merchant, wanted, meters) for wanted in SPECIALTIES}
    for name, key, quantity in (
        ("Fournée sur commande, au kilo", "fournee", 8),
        ("Le déjeuner du rang", "dejeuner", 1),
        ("Un café-bar chez vous", "tasse", 1),
    ):
        create_payment_link(
            ctx=ctx,
            merchant_id=merchant.id,
            items=[(made[key], quantity)],
            name=name,
            tax_rate_ids=list(tax_rate_ids),
        )


def _sell(ctx: Context, merchant: Merchant, wanted: _Specialty, meters: Mapping[str, str]) -> str:
    """Make the product and its price; gives the price's id."""
    product = create_product(
        ctx=ctx,
        merchant_id=merchant.id,
        name=wanted.name,
        description=wanted.description,
        sku=wanted.key.upper(),
        unit_label=wanted.unit,
    )
    if wanted.inside:
        ids = dict(Product.objects.filter(merchant=merchant, sku__in=wanted.inside).values_list("sku", "id"))
        components = [(ids[sku], quantity) for sku, quantity in wanted.inside.items()]
        set_bundle(ctx=ctx, merchant_id=merchant.id, product_id=product.id, components=components)
    usage: dict[str, Any] = {"usage_type": "metered", "meter_id": meters[wanted.meter]} if wanted.meter else {}
    price = create_price(
        ctx=ctx,
        merchant_id=merchant.id,
        product_id=product.id,
        nickname=wanted.nickname,
        type="recurring",
        interval=wanted.interval,
        interval_count=1,
        currency=merchant.default_currency,
        tax_behavior="exclusive",
        lookup_key=wanted.key,
        metadata={"popularity": "0"},
        **wanted.money,
        **usage,
    )
    return price.id
