"""Lists of what is sold."""

from django.utils.translation import gettext_lazy as _

from catalog.models import Coupon, PaymentLink, Product
from dashboard.tables.base import ListTable
from dashboard.tables.columns import Cell, Hidden, Number, When


def _price_ids(product: Product) -> str:
    return " ".join(price.pk for price in product.listed_prices)  # type: ignore[attr-defined]


class ProductTable(ListTable):
    detail = "dashboard:product"
    name = Cell(cell="product", verbose_name=_("Product"))
    active = Cell(cell="active", verbose_name=_("Status"))
    prices = Cell(cell="product_prices", verbose_name=_("Prices"), orderable=False, csv=_price_ids)
    stock_quantity = Number(verbose_name=_("Stock"), css="wide-only")
    sku = Hidden(verbose_name=_("SKU"))
    created = When(verbose_name=_("Created"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


def _terms(coupon: Coupon) -> str:
    return f"{coupon.percent_off} %" if coupon.percent_off is not None else f"{coupon.amount_off} {coupon.currency}"


class CouponTable(ListTable):
    detail = "dashboard:coupon"
    name = Cell(cell="coupon", verbose_name=_("Coupon"))
    terms = Cell(cell="coupon_terms", verbose_name=_("Terms"), orderable=False, csv=_terms)
    times_redeemed = Cell(cell="coupon_used", verbose_name=_("Redeemed"))
    redeem_by = When(verbose_name=_("Valid until"), css="wide-only")
    created = When(verbose_name=_("Created"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class TaxRateTable(ListTable):
    detail = "dashboard:tax_rate"
    display_name = Cell(cell="tax_rate", verbose_name=_("Tax"))
    active = Cell(cell="active", verbose_name=_("Status"))
    percentage = Cell(cell="percent", verbose_name=_("Rate"), css="num")
    inclusive = Cell(cell="inclusive", verbose_name=_("In the price"), css="wide-only")
    country = Cell(cell="country", verbose_name=_("Country"), css="wide-only")
    created = When(verbose_name=_("Created"))

    class Meta(ListTable.Meta):
        pass


def _basket(link: PaymentLink) -> str:
    return "; ".join(f"{item.price.product.name} x {item.quantity}" for item in link.items.all())


class PaymentLinkTable(ListTable):
    detail = "dashboard:payment_link"
    name = Cell(cell="payment_link", verbose_name=_("Payment link"))
    active = Cell(cell="active", verbose_name=_("Status"))
    what = Cell(cell="payment_link_items", verbose_name=_("Sells"), orderable=False, csv=_basket)
    created = When(verbose_name=_("Created"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass
