"""What is sold: lists and details of products, coupons, tax rates, payment links."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from catalog.models import Coupon, PaymentLink, Price, Product, ProductFeature, TaxRate
from catalog.selectors import components_of
from core.descriptors import shown_on_card
from dashboard.filters.lists import CouponFilter, PaymentLinkFilter, ProductFilter, TaxRateFilter
from dashboard.selectors import details, lists
from dashboard.tables.catalog import CouponTable, PaymentLinkTable, ProductTable, TaxRateTable
from dashboard.views.pages import DetailPage, ListPage
from merchants.rules import Capability


class ProductList(ListPage):
    title = _("Products")
    table = ProductTable
    filter = ProductFilter
    filename = "products"
    empty_icon = "package"
    empty_title = _("Nothing to sell yet")
    empty_text = _("A product has one or more prices: by the month, by the year, once.")
    create_url = "dashboard:product_new"
    create_label = _("New product")
    create_capability = Capability.CATALOG

    def rows(self) -> QuerySet[Product]:
        return lists.listed_products(self.merchant_id)


class ProductDetail(DetailPage):
    template = "dashboard/products/detail.html"

    def rows(self) -> QuerySet[Product]:
        return lists.listed_products(self.merchant_id)

    def facts(self, found: Product) -> dict[str, Any]:
        prices = Price.objects.filter(merchant_id=self.merchant_id, product=found, deleted_at__isnull=True)
        return {
            "prices": details.with_subscriber_counts(prices.select_related("product", "meter")).order_by(
                "-active", "created", "id"
            ),
            "components": components_of([found.pk]).get(found.pk, []),
            "on_card": shown_on_card(self.scope.merchant.statement_descriptor, found.statement_descriptor),
            "features": ProductFeature.objects.filter(product=found).select_related("feature").order_by("created"),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }


class CouponList(ListPage):
    title = _("Coupons")
    table = CouponTable
    filter = CouponFilter
    filename = "coupons"
    empty_icon = "ticket-percent"
    empty_title = _("No coupons yet")
    empty_text = _("A coupon takes a share or an amount off, once, for some months, or for good.")
    create_url = "dashboard:coupon_new"
    create_label = _("New coupon")
    create_capability = Capability.CATALOG

    def rows(self) -> QuerySet[Coupon]:
        return lists.listed_coupons(self.merchant_id)


class CouponDetail(DetailPage):
    template = "dashboard/coupons/detail.html"

    def rows(self) -> QuerySet[Coupon]:
        return Coupon.objects.filter(merchant_id=self.merchant_id)

    def facts(self, found: Coupon) -> dict[str, Any]:
        return {
            "codes": found.promotion_codes.order_by("-active", "-created", "-id"),
            "products": details.product_names(self.merchant_id, found.applies_to_product_ids),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }


class TaxRateList(ListPage):
    title = _("Tax rates")
    table = TaxRateTable
    filter = TaxRateFilter
    filename = "tax-rates"
    empty_icon = "landmark"
    empty_title = _("No tax rates yet")
    empty_text = _("Add the taxes you collect; a rate's percentage never changes, a new one is a new rate.")
    create_url = "dashboard:tax_rate_new"
    create_label = _("New tax rate")
    create_capability = Capability.CATALOG

    def rows(self) -> QuerySet[TaxRate]:
        return lists.listed_tax_rates(self.merchant_id)


class TaxRateDetail(DetailPage):
    template = "dashboard/tax_rates/detail.html"

    def rows(self) -> QuerySet[TaxRate]:
        return lists.listed_tax_rates(self.merchant_id)

    def facts(self, found: TaxRate) -> dict[str, Any]:
        return {"timeline": details.timeline_of(self.merchant_id, found.pk)}


class PaymentLinkList(ListPage):
    title = _("Payment links")
    table = PaymentLinkTable
    filter = PaymentLinkFilter
    filename = "payment-links"
    empty_icon = "link"
    empty_title = _("No payment links yet")
    empty_text = _("A payment link is a page that sells a plan. Share its address; people subscribe by themselves.")
    create_url = "dashboard:payment_link_new"
    create_label = _("New payment link")
    create_capability = Capability.CATALOG

    def rows(self) -> QuerySet[PaymentLink]:
        return lists.listed_payment_links(self.merchant_id)


class PaymentLinkDetail(DetailPage):
    template = "dashboard/payment_links/detail.html"

    def rows(self) -> QuerySet[PaymentLink]:
        return lists.listed_payment_links(self.merchant_id)

    def facts(self, found: PaymentLink) -> dict[str, Any]:
        return {
            "url": details.payment_link_url(found),
            "tax_rates": details.tax_rates_by_id(self.merchant_id, found.tax_rate_ids),
            "visits": details.checkout_counts(self.merchant_id, found.pk),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }
