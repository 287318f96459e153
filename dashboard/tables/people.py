"""Lists of customers and subscriptions."""

from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from dashboard.tables.base import ListTable
from dashboard.tables.columns import Cell, Hidden, Money, When
from subscriptions.models import Subscription


def _address(customer: Customer) -> str:
    return ", ".join(part for part in (customer.city, customer.state, customer.country) if part)


class CustomerTable(ListTable):
    detail = "dashboard:customer"
    name = Cell(cell="customer", verbose_name=_("Customer"))
    email = Hidden(verbose_name=_("E-mail"), accessor="email")
    country = Cell(cell="country", verbose_name=_("Country"), csv=_address, css="wide-only")
    status = Cell(cell="customer_status", verbose_name=_("Status"), orderable=False, csv=lambda c: c.delinquent)
    balance = Money(verbose_name=_("Balance"), css="wide-only")
    currency = Hidden(verbose_name=_("Currency"))
    created = When(verbose_name=_("Since"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


def _what(subscription: Subscription) -> str:
    return "; ".join(f"{i.price.product.name} x {i.quantity}" for i in subscription.items.all() if not i.deleted_at)


class SubscriptionTable(ListTable):
    detail = "dashboard:subscription"
    customer = Cell(
        cell="subscription", verbose_name=_("Customer"), order_by=("customer__name",), csv=lambda s: str(s.customer)
    )
    status = Cell(cell="subscription_status", verbose_name=_("Status"), csv=lambda s: s.status)
    what = Cell(cell="subscription_items", verbose_name=_("Product"), orderable=False, csv=_what)
    collection_method = Hidden(verbose_name=_("Collection"))
    currency = Hidden(verbose_name=_("Currency"))
    current_period_end = When(
        verbose_name=_("Period ends"), orderable=False, accessor="listed_period_end", css="wide-only"
    )
    created = When(verbose_name=_("Started"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass
