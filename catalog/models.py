"""What is sold: products, bundles, meters, prices, coupons, promotion codes, tax rates by hand, payment links."""

from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class Product(models.Model):
    """Something sold. `api_id` is the id an API client chose; `external_id` the key of an import source."""

    id = models.TextField(primary_key=True, default=partial(new_id, "prod"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    api_id = models.TextField(null=True, blank=True, db_collation="C")
    name = models.CharField(max_length=250)
    description = models.TextField(blank=True, default="")
    active = models.BooleanField(default=True)
    images = ArrayField(models.URLField(max_length=2000), default=list, blank=True)
    url = models.URLField(max_length=2000, blank=True, default="")
    statement_descriptor = models.CharField(max_length=22, blank=True, default="")
    tax_code = models.CharField(max_length=40, blank=True, default="")
    unit_label = models.CharField(max_length=40, blank=True, default="")
    default_price_id = models.TextField(blank=True, default="", db_collation="C")
    marketing_features = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    package_dimensions = models.JSONField(null=True, blank=True)  # height, length, width in inches, weight in ounces
    shippable = models.BooleanField(null=True, blank=True)
    sku = models.CharField(max_length=100, blank=True, default="")
    stock_quantity = models.IntegerField(null=True, blank=True)  # null: stock is not managed
    external_id = models.CharField(max_length=100, null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="product_api_id", fields=["merchant", "api_id"]),
            models.UniqueConstraint(name="product_external_id", fields=["merchant", "external_id"]),
        ]
        indexes = [models.Index(name="product_by_merchant", fields=["merchant", "-created", "-id"])]

    def __str__(self) -> str:
        return self.name


class BundleComponent(models.Model):
    """What is inside a bundle: `quantity` of `component` for each one sold, at the bundle's own price."""

    id = models.TextField(primary_key=True, default=partial(new_id, "bc"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="components")
    component = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(default=1)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="component_once_per_bundle", fields=["merchant", "product", "component"]),
            models.CheckConstraint(name="bundle_component_counts", condition=Q(quantity__gte=1)),
        ]


class Meter(models.Model):
    """Counts usage events of one name. `customer_key` and `value_key` are the payload's keys, as in Stripe."""

    id = models.TextField(primary_key=True, default=partial(new_id, "mtr"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    display_name = models.CharField(max_length=250)
    event_name = models.CharField(max_length=100)
    formula = models.CharField(max_length=10)  # sum, count, last; ours: max, unique
    customer_key = models.CharField(max_length=100, default="stripe_customer_id")
    value_key = models.CharField(max_length=100, default="value")
    event_time_window = models.CharField(max_length=4, blank=True, default="")  # hour, day: summed before it is sent
    status = models.CharField(max_length=10, default="active")
    deactivated_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_active_meter_per_event", fields=["merchant", "event_name"], condition=Q(status="active")
            )
        ]

    def __str__(self) -> str:
        return self.display_name


class PriceType(models.TextChoices):
    ONE_TIME = "one_time", _("one-time")
    RECURRING = "recurring", _("recurring")


class IntervalUnit(models.TextChoices):
    DAY = "day", _("day")
    WEEK = "week", _("week")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


class TaxBehavior(models.TextChoices):
    UNSPECIFIED = "unspecified", _("unspecified")
    INCLUSIVE = "inclusive", _("inclusive")
    EXCLUSIVE = "exclusive", _("exclusive")


class Price(models.Model):
    """An amount for a product, once or every `interval_count` `interval`s. Its money never changes once used.

    `api_id` is the id an API client chose for it as a plan.

    A tiered price has its amounts in `tiers` ({up_to, unit_amount_decimal, flat_amount_decimal}, the last up to None)
    and 0 as its own; one that takes a `percentage` of a metered amount has 0 too. `currency_options` holds the same
    fields by currency. `minimum_amount` (minor units) is what a period costs at least.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "price"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="prices")
    api_id = models.TextField(null=True, blank=True, db_collation="C")
    active = models.BooleanField(default=True)
    nickname = models.CharField(max_length=250, blank=True, default="")
    type = models.CharField(max_length=12, choices=PriceType)
    currency = models.CharField(max_length=3)
    billing_scheme = models.CharField(max_length=10, default="per_unit")
    unit_amount_decimal = models.DecimalField(max_digits=30, decimal_places=12)  # in minor units
    interval = models.CharField(max_length=5, choices=IntervalUnit, blank=True, default="")
    interval_count = models.PositiveSmallIntegerField(null=True, blank=True)
    usage_type = models.CharField(max_length=10, default="licensed")
    meter = models.ForeignKey(Meter, null=True, blank=True, on_delete=models.PROTECT, related_name="prices")
    tiers_mode = models.CharField(max_length=10, blank=True, default="")  # graduated, volume
    tiers = models.JSONField(default=list, blank=True)
    transform_quantity = models.JSONField(null=True, blank=True)  # {divide_by, round: up | down}
    percentage = models.DecimalField(max_digits=7, decimal_places=4, null=True, blank=True)
    minimum_amount = models.BigIntegerField(null=True, blank=True)
    currency_options = models.JSONField(default=dict, blank=True)
    trial_period_days = models.PositiveSmallIntegerField(null=True, blank=True)
    cycle_day = models.PositiveSmallIntegerField(null=True, blank=True)  # day of month 1-31, or of week 1-7
    tax_behavior = models.CharField(max_length=12, choices=TaxBehavior, default=TaxBehavior.UNSPECIFIED)
    lookup_key = models.CharField(max_length=200, null=True, blank=True)
    sku = models.CharField(max_length=100, blank=True, default="")
    stock_quantity = models.IntegerField(null=True, blank=True)
    external_id = models.CharField(max_length=100, null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="price_api_id", fields=["merchant", "api_id"], condition=Q(deleted_at__isnull=True)
            ),
            models.UniqueConstraint(name="price_lookup_key", fields=["merchant", "lookup_key"]),
            models.UniqueConstraint(name="price_external_id", fields=["merchant", "external_id"]),
            models.CheckConstraint(name="price_amount_not_negative", condition=Q(unit_amount_decimal__gte=0)),
            models.CheckConstraint(
                name="price_recurring_has_interval",
                condition=Q(type="one_time", interval="", interval_count__isnull=True)
                | Q(type="recurring", interval_count__gte=1) & ~Q(interval=""),
            ),
        ]
        indexes = [models.Index(name="price_by_merchant", fields=["merchant", "-created", "-id"])]

    def __str__(self) -> str:
        return self.nickname or self.id


class CouponDuration(models.TextChoices):
    ONCE = "once", _("once")
    REPEATING = "repeating", _("repeating")
    FOREVER = "forever", _("forever")


class Coupon(models.Model):
    """A discount that can be given: percent or fixed amount. `api_id` is the id people type."""

    id = models.TextField(primary_key=True, default=partial(new_id, "coup"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    api_id = models.TextField(null=True, blank=True, db_collation="C")
    name = models.CharField(max_length=100, blank=True, default="")
    percent_off = models.DecimalField(max_digits=7, decimal_places=4, null=True, blank=True)
    amount_off = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    currency_options = models.JSONField(default=dict, blank=True)  # {currency: amount_off}, beside its own
    duration = models.CharField(max_length=10, choices=CouponDuration, default=CouponDuration.ONCE)
    duration_in_months = models.PositiveSmallIntegerField(null=True, blank=True)
    max_redemptions = models.PositiveIntegerField(null=True, blank=True)
    times_redeemed = models.PositiveIntegerField(default=0)
    redeem_by = models.DateTimeField(null=True, blank=True)
    applies_to_product_ids = ArrayField(models.TextField(), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="coupon_api_id", fields=["merchant", "api_id"]),
            models.CheckConstraint(
                name="coupon_percent_or_amount",
                condition=Q(percent_off__gt=0, percent_off__lte=100, amount_off__isnull=True)
                | Q(percent_off__isnull=True, amount_off__gt=0) & ~Q(currency=""),
            ),
            models.CheckConstraint(
                name="coupon_repeating_has_months",
                condition=Q(duration="repeating", duration_in_months__gte=1)
                | ~Q(duration="repeating") & Q(duration_in_months__isnull=True),
            ),
            models.CheckConstraint(
                name="coupon_not_over_redeemed",
                condition=Q(max_redemptions__isnull=True) | Q(times_redeemed__lte=F("max_redemptions")),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.api_id or self.id


class PromotionCode(models.Model):
    """A code a customer types for a coupon; case-insensitive, with limits of its own."""

    id = models.TextField(primary_key=True, default=partial(new_id, "promo"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="promotion_codes")
    code = models.CharField(max_length=100)  # stored upper-case, which is how codes are compared
    code_as_written = models.CharField(max_length=100, blank=True, default="")  # as it is shown; blank: as `code`
    active = models.BooleanField(default=True)
    customer_id = models.TextField(blank=True, default="", db_collation="C")
    expires_at = models.DateTimeField(null=True, blank=True)
    first_time_transaction = models.BooleanField(default=False)  # only before the customer's first payment
    minimum_amount = models.BigIntegerField(null=True, blank=True)
    minimum_amount_currency = models.CharField(max_length=3, blank=True, default="")
    currency_options = models.JSONField(default=dict, blank=True)  # {currency: minimum_amount}, beside its own
    max_redemptions = models.PositiveIntegerField(null=True, blank=True)
    times_redeemed = models.PositiveIntegerField(default=0)
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_active_promotion_code", fields=["merchant", "code"], condition=Q(active=True)
            ),
            models.CheckConstraint(
                name="promotion_code_minimum_has_currency",
                condition=Q(minimum_amount__isnull=True, minimum_amount_currency="")
                | Q(minimum_amount__gt=0) & ~Q(minimum_amount_currency=""),
            ),
            models.CheckConstraint(
                name="promotion_code_not_over_redeemed",
                condition=Q(max_redemptions__isnull=True) | Q(times_redeemed__lte=F("max_redemptions")),
            ),
        ]

    def __str__(self) -> str:
        return self.code_as_written or self.code


class Feature(models.Model):
    """What a product lets its buyer do; `lookup_key` is what the merchant's own software asks for.

    An archived one leaves its lookup key to others.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "feat"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    lookup_key = models.CharField(max_length=80)
    active = models.BooleanField(default=True)
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="feature_lookup_key_once", fields=["merchant", "lookup_key"], condition=Q(active=True)
            )
        ]

    def __str__(self) -> str:
        return self.name


class ProductFeature(models.Model):
    """A feature of a product. Who has a bundle has its components' features too."""

    id = models.TextField(primary_key=True, default=partial(new_id, "prodft"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="features")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="feature_once_per_product", fields=["merchant", "product", "feature"])
        ]


class TaxRate(models.Model):
    """A tax by hand. The percentage never changes: a new rate is a new row."""

    id = models.TextField(primary_key=True, default=partial(new_id, "txr"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)
    display_name = models.CharField(max_length=50)
    description = models.CharField(max_length=250, blank=True, default="")
    percentage = models.DecimalField(max_digits=7, decimal_places=4)
    inclusive = models.BooleanField(default=False)
    country = models.CharField(max_length=2, blank=True, default="")
    state = models.CharField(max_length=10, blank=True, default="")
    jurisdiction = models.CharField(max_length=50, blank=True, default="")
    tax_type = models.CharField(max_length=20, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="tax_rate_between_0_and_100", condition=Q(percentage__gte=0, percentage__lte=100)
            )
        ]

    def __str__(self) -> str:
        return f"{self.display_name} {self.percentage.normalize():f} %"


class PaymentLink(models.Model):
    """A public page that sells a fixed basket."""

    id = models.TextField(primary_key=True, default=partial(new_id, "plink"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200, blank=True, default="")
    active = models.BooleanField(default=True)
    currency = models.CharField(max_length=3)
    allow_promotion_codes = models.BooleanField(default=True)
    adjustable_quantity = models.BooleanField(default=False)  # the visitor may say how many
    trial_period_days = models.PositiveSmallIntegerField(null=True, blank=True)
    tax_rate_ids = ArrayField(models.TextField(), default=list, blank=True)
    after_completion_url = models.URLField(max_length=2000, blank=True, default="")
    one_visit = models.BooleanField(default=False)  # the basket of one checkout session: nobody else may open it
    terms = models.JSONField(default=dict, blank=True)  # what its page asks and says: catalog.page_terms
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name or self.id


class PaymentLinkItem(models.Model):
    """One price and quantity of a payment link."""

    id = models.TextField(primary_key=True, default=partial(new_id, "pli"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    payment_link = models.ForeignKey(PaymentLink, on_delete=models.CASCADE, related_name="items")
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(default=1)
    position = models.PositiveSmallIntegerField(default=0)
    adjustable_quantity = models.JSONField(null=True, blank=True)  # {enabled, minimum, maximum}; None: as the link
    tax_rate_ids = ArrayField(models.TextField(), default=list, blank=True)  # beside the link's, wherever the buyer is

    class Meta:
        constraints = [
            models.UniqueConstraint(name="payment_link_price_once", fields=["merchant", "payment_link", "price"])
        ]
