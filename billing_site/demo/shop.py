"""Bout du Rang: a roastery and sugar house at the end of a country road in Bellechasse, and what it sells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from billing_site.demo.logo import logo_png
from billing_site.demo.specialties import stock_specialties
from catalog.models import Price, Product
from catalog.services import (
    create_coupon,
    create_payment_link,
    create_price,
    create_product,
    create_promotion_code,
    create_tax_rate,
)
from core.context import Context
from engine.services.merchants import NewMerchant, create_merchant
from merchants.models import Merchant

NAME = "Bout du Rang"
DOMAIN = "boutdurang.example"
BRAND = "#8a3b22"

SELLER = {
    "line1": "218, rang Saint-Joseph",
    "city": "Saint-Damien-de-Buckland",
    "state": "QC",
    "postal_code": "G0R 2Y0",
    "country": "CA",
    "tax_registrations": [
        {"type": "ca_gst_hst", "value": "700357742RT0001"},
        {"type": "ca_qst", "value": "1220357742TQ0001"},
    ],
    "footer": "Merci de boire et de manger local. Thank you for keeping it local.",
    "bank_details": "Caisse: 815 Desjardins\nTransit: 20042\nCompte: 081-742-6",
}


@dataclass(frozen=True, slots=True)
class _Price:
    """What a product costs: minor units by currency, how often, and how popular that is."""

    nickname: str
    amounts: Mapping[str, int]
    interval: str = "month"
    count: int = 1
    popularity: int = 10
    trial_days: int | None = None
    seats: int = 1
    by_invoice: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class _Product:
    name: str
    description: str
    sku: str
    prices: tuple[_Price, ...]
    unit: str = ""
    stock: int | None = None


PRODUCTS = (
    _Product(
        "Boîte Café",
        "Un café torréfié au bois, choisi chaque mois.\nWood-roasted coffee, chosen each month.",
        "CAFE",
        (
            _Price(
                "1 sac, mensuel", {"cad": 2200, "usd": 1900, "eur": 1800}, popularity=30, trial_days=14, key="cafe_1"
            ),
            _Price("2 sacs, mensuel", {"cad": 3900, "usd": 3400, "eur": 3200}, popularity=16, key="cafe_2"),
            _Price("4 sacs, mensuel", {"cad": 7200}, popularity=4, key="cafe_4"),
            _Price("1 sac, annuel", {"cad": 22800, "usd": 19800}, "year", popularity=5, key="cafe_1_an"),
        ),
    ),
    _Product(
        "Coffret Érable",
        "Sirop, beurre et sucre de notre érablière.\nMaple syrup, butter and sugar from our grove.",
        "ERABLE",
        (
            _Price("Petit, mensuel", {"cad": 3400, "usd": 2900, "eur": 2700}, popularity=14, key="erable_petit"),
            _Price("Grand, mensuel", {"cad": 5600, "usd": 4700}, popularity=7, key="erable_grand"),
            _Price("Grand, aux 3 mois", {"cad": 15900}, count=3, popularity=4, key="erable_saison"),
            _Price("Petit, annuel", {"cad": 36000}, "year", popularity=2, key="erable_petit_an"),
        ),
    ),
    _Product(
        "Panier du rang",
        "Légumes, œufs et fromages des fermes voisines.\nVegetables, eggs and cheese from next door.",
        "PANIER",
        (
            _Price("Petit", {"cad": 4200}, "week", 2, popularity=3, key="panier_petit"),
            _Price("Grand", {"cad": 6400}, "week", 2, popularity=2, key="panier_grand"),
        ),
    ),
    _Product(
        "Café au bureau",
        "Du bon café pour toute l'équipe.\nGood coffee for the whole team.",
        "BUREAU",
        (
            _Price("Mensuel", {"cad": 1400}, popularity=6, seats=18, by_invoice=True, key="bureau_mois"),
            _Price("Annuel", {"cad": 14900}, "year", popularity=2, seats=12, by_invoice=True, key="bureau_an"),
        ),
        unit="personne",
    ),
    _Product(
        "Moulin manuel",
        "Moulin en acier et noyer.\nA hand mill of steel and walnut.",
        "MOULIN",
        (_Price("", {"cad": 8900, "usd": 7900, "eur": 7400}, "", popularity=0, key="moulin"),),
        stock=38,
    ),
    _Product(
        "Coffret cadeau du rang",
        "Un café, un sirop, un savon de la voisine.\nA coffee, a syrup, and soap from next door.",
        "CADEAU",
        (_Price("", {"cad": 6500, "usd": 5900, "eur": 5500}, "", popularity=0, key="cadeau"),),
        stock=120,
    ),
)

COUPONS: tuple[dict[str, Any], ...] = (
    {"api_id": "bienvenue20", "name": "Bienvenue : 20 % sur la première boîte", "percent_off": Decimal(20)},
    {
        "api_id": "trois-mois",
        "name": "10 % pendant trois mois",
        "percent_off": Decimal(10),
        "duration": "repeating",
        "duration_in_months": 3,
    },
    {"api_id": "ami5", "name": "5 $ d'un ami", "amount_off": 500, "currency": "cad"},
    {"api_id": "voisins", "name": "Voisins du rang", "percent_off": Decimal(15), "duration": "forever"},
)
CODES = (("bienvenue20", "BIENVENUE", None), ("trois-mois", "ERABLE3", 200), ("ami5", "AMI5", None))


def open_shop(ctx: Context) -> Merchant:
    """The merchant with its seller, catalog, taxes, coupons and payment links. The caller holds the transaction."""
    merchant = create_merchant(
        ctx=ctx,
        request=NewMerchant(
            name=NAME,
            country="CA",
            default_currency="cad",
            timezone="America/Toronto",
            locale="fr-ca",
            number_prefix="BDR",
            legal_name="Bout du Rang, torréfacteur et érablière inc.",
            entity=SELLER,
            settings={
                "support_email": f"bonjour@{DOMAIN}",
                "support_url": f"https://{DOMAIN}/aide",
                "brand_color": BRAND,
                "statement_descriptor": "BOUT DU RANG",
                "finalization_grace_seconds": 0,  # usage is told the day it happens: none to wait for
                "logo": ContentFile(logo_png(), name="bout-du-rang.png"),
            },
        ),
    )
    rates = _tax_rates(ctx, merchant)
    prices = {price.lookup_key: price for price in stock_shelves(ctx, merchant, PRODUCTS)}
    _coupons(ctx, merchant)
    _links(ctx, merchant, prices, rates)
    stock_specialties(ctx, merchant, rates)
    return merchant


def stock_shelves(ctx: Context, merchant: Merchant, products: tuple[_Product, ...]) -> list[Price]:
    """The products with all their prices; `lookup_key` is the key, with the currency where it is another."""
    made = []
    for wanted in products:
        product = create_product(
            ctx=ctx,
            merchant_id=merchant.id,
            name=wanted.name,
            description=wanted.description,
            sku=wanted.sku,
            unit_label=wanted.unit,
            stock_quantity=wanted.stock,
        )
        for price in wanted.prices:
            made += [
                _price(ctx, merchant, product, price, currency, amount) for currency, amount in price.amounts.items()
            ]
    return made


def _price(ctx: Context, merchant: Merchant, product: Product, wanted: _Price, currency: str, amount: int) -> Price:
    abroad = currency != merchant.default_currency
    fields: dict[str, Any] = {"type": "one_time"}
    if wanted.interval:
        fields = {"type": "recurring", "interval": wanted.interval, "interval_count": wanted.count}
        fields["trial_period_days"] = wanted.trial_days
    told: dict[str, Any] = {"popularity": max(1, wanted.popularity // 8) if abroad else wanted.popularity}
    if wanted.by_invoice:
        told |= {"sold_by_invoice": "yes", "most_seats": wanted.seats}
    return create_price(
        ctx=ctx,
        merchant_id=merchant.id,
        product_id=product.id,
        nickname=wanted.nickname,
        currency=currency,
        unit_amount_decimal=str(amount),
        tax_behavior="exclusive",
        lookup_key=f"{wanted.key}_{currency}" if abroad else wanted.key,
        metadata={name: str(value) for name, value in told.items()},
        **fields,
    )


def _tax_rates(ctx: Context, merchant: Merchant) -> list[str]:
    """GST everywhere in Canada, QST in Quebec, Ontario's and New Brunswick's HST in their place. Gives Quebec's."""

    def rate(name: str, percentage: str, tax_type: str, state: str, description: str) -> str:
        made = create_tax_rate(
            ctx=ctx,
            merchant_id=merchant.id,
            display_name=name,
            percentage=Decimal(percentage),
            tax_type=tax_type,
            country="CA",
            state=state,
            description=description,
        )
        return made.id

    quebec = [
        rate("TPS/GST", "5", "gst", "", "Taxe sur les produits et services"),
        rate("TVQ/QST", "9.975", "qst", "QC", "Taxe de vente du Québec"),
    ]
    rate("TVH/HST", "13", "hst", "ON", "Taxe de vente harmonisée, Ontario")
    rate("TVH/HST", "15", "hst", "NB", "Taxe de vente harmonisée, Nouveau-Brunswick")
    return quebec


def _coupons(ctx: Context, merchant: Merchant) -> None:
    made = {fields["api_id"]: create_coupon(ctx=ctx, merchant_id=merchant.id, **fields) for fields in COUPONS}
    for api_id, code, most in CODES:
        create_promotion_code(
            ctx=ctx, merchant_id=merchant.id, coupon_id=made[api_id].id, code=code, max_redemptions=most
        )


def _links(ctx: Context, merchant: Merchant, prices: Mapping[str | None, Price], rates: list[str]) -> None:
    for name, key, trial in (
        ("Boîte Café, deux sacs par mois", "cafe_2", None),
        ("Boîte Café, 14 jours à l'essai", "cafe_1", 14),
        ("Coffret Érable, le grand", "erable_grand", None),
    ):
        create_payment_link(
            ctx=ctx,
            merchant_id=merchant.id,
            items=[(prices[key].id, 1)],
            name=name,
            tax_rate_ids=rates,
            trial_period_days=trial,
            allow_promotion_codes=True,
        )
