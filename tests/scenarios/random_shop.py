"""What random lives are made of: instruments, prices, coupons, tax rates, signups and phases of every kind."""

from hypothesis import strategies as st

from catalog.models import Feature, ProductFeature
from tests.factories.catalog import coupon, price, product, tax_rate
from tests.factories.times import NEW_YEAR, utc
from tests.factories.usage import meter, metered_price

INSTRUMENTS = (
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_chargeCustomerFail",
    "pm_sandbox_declineThenSucceed",
    "pm_card_threeDSecure2Required",
    "pm_acss_debit",
    "pm_acss_debit_fails",
    "pm_sandbox_timeoutAfterCharge",
    "pm_sandbox_timeoutBeforeCharge",
    "pm_sandbox_serverErrorAfterCharge",
    "pm_card_visa_chargeDeclinedStolenCard",
    "pm_card_refundFail",
)
PRORATIONS = ("create_prorations", "always_invoice", "none")
STARTS = (utc(2024, 1, 31), utc(2023, 2, 28, 23), utc(2024, 3, 10, 6, 30))

picks = st.integers(0, 11)
amounts = st.sampled_from([1, 50, 999, 1000, 123_456])
signups = st.fixed_dictionaries(
    {
        "who": picks,
        "what": st.lists(st.tuples(picks, st.integers(0, 5)), min_size=1, max_size=2),
        "coupons": st.lists(picks, max_size=2),
        "rates": st.sampled_from([(), (0,), (0, 1), (2,), (0, 2)]),
        "trial": st.sampled_from([None, None, None, 1, 10]),
        "sent": st.sampled_from([False, False, True]),
        "missing": st.sampled_from(["create_invoice", "cancel", "pause"]),
        "behavior": st.sampled_from(
            ["allow_incomplete", "allow_incomplete", "error_if_incomplete", "default_incomplete"]
        ),
        "anchored": st.sampled_from([None, None, 10]),
        "stub": st.sampled_from(["create_prorations", "none"]),
    }
)
phases = st.lists(
    st.fixed_dictionaries(
        {
            "what": st.lists(st.tuples(picks, st.integers(0, 3)), min_size=1, max_size=2),
            "coupons": st.lists(picks, max_size=1),
            "mode": st.sampled_from(PRORATIONS),
            "anchor": st.sampled_from(["automatic", "automatic", "phase_start"]),
            "trial": st.sampled_from([False, False, False, True]),
            "sent": st.sampled_from([False, False, True]),
            "ends": st.sampled_from([{}, {"iterations": 2}, {"duration": ("day", 10)}]),
        }
    ),
    min_size=1,
    max_size=2,
)
TIERS = [
    {"up_to": 5, "unit_amount_decimal": "700", "flat_amount_decimal": None},
    {"up_to": 40, "unit_amount_decimal": "12.5", "flat_amount_decimal": "100"},
    {"up_to": None, "unit_amount_decimal": "3.3", "flat_amount_decimal": None},
]


def metered(shop):
    """Prices on two meters: graduated and volume tiers, packages, a minimum, weekly and monthly."""
    calls, peak = meter(merchant=shop), meter(merchant=shop, event_name="peak", formula="max")
    tiered = {"billing_scheme": "tiered", "tiers": TIERS}
    return [
        metered_price(meter=calls, amount="0.7"),
        metered_price(meter=calls, tiers_mode="graduated", **tiered),
        metered_price(meter=calls, amount=90, interval="week", transform_quantity={"divide_by": 25, "round": "up"}),
        metered_price(meter=peak, tiers_mode="volume", minimum_amount=2000, **tiered),
    ]


def features(shop, *products):
    """Each product gives one feature of its own, and all give one they share."""
    for n, made in enumerate(products):
        for key in (f"own_{n}", "shared"):
            fields = {"name": key, "created": NEW_YEAR, "recorded_at": NEW_YEAR}
            given, _ = Feature.objects.get_or_create(merchant=shop, lookup_key=key, defaults=fields)
            ProductFeature.objects.create(
                merchant=shop, product=made, feature=given, created=NEW_YEAR, recorded_at=NEW_YEAR
            )


def prices(shop):
    thing = product(merchant=shop)
    return [
        price(merchant=shop, product=thing, amount=amount, interval=interval, interval_count=count)
        for amount, interval, count in (
            (1000, "month", 1),
            ("333.5", "month", 1),
            (0, "month", 1),
            (2999, "month", 1),
            (8000, "month", 3),
            (12000, "year", 1),
            (250, "week", 1),
        )
    ]


def coupons(shop):
    return [
        coupon(merchant=shop, percent_off=20),
        coupon(merchant=shop, percent_off="33.33", duration="repeating", duration_in_months=2),
        coupon(merchant=shop, amount_off=500, duration="forever"),
        coupon(merchant=shop, percent_off=100, duration="forever"),
    ]


def rates(shop):
    return [
        tax_rate(merchant=shop, percentage="5"),
        tax_rate(merchant=shop, percentage="9.975", display_name="QST"),
        tax_rate(merchant=shop, percentage="20", inclusive=True, display_name="VAT"),
    ]
