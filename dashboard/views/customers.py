"""Customers: list and detail."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers import selectors as people
from customers.backups import MOST_BACKUPS
from customers.models import Customer, PaymentMethod
from customers.rules import card_state
from dashboard.filters.lists import CustomerFilter
from dashboard.selectors import details, lists, making
from dashboard.tables.people import CustomerTable
from dashboard.views.pages import DetailPage, ListPage
from invoicing import selectors as invoicing
from merchants.rules import Capability
from payments.setups import way_of
from subscriptions.entitlements import active_entitlements

RELATED = 10


class CustomerList(ListPage):
    title = _("Customers")
    table = CustomerTable
    filter = CustomerFilter
    filename = "customers"
    empty_icon = "users-round"
    empty_title = _("No customers yet")
    empty_text = _("They come by themselves through a payment link, by import, or you add them here.")
    create_url = "dashboard:customer_new"
    create_label = _("New customer")
    create_capability = Capability.CUSTOMERS

    def rows(self) -> QuerySet[Customer]:
        return lists.listed_customers(self.merchant_id)


class CustomerDetail(DetailPage):
    template = "dashboard/customers/detail.html"

    def rows(self) -> QuerySet[Customer]:
        # A deleted customer keeps its page: its invoices still point here.
        return lists.with_debts(Customer.objects.filter(merchant_id=self.merchant_id)).select_related("test_clock")

    def facts(self, found: Customer) -> dict[str, Any]:
        subscriptions = lists.listed_subscriptions(self.merchant_id).filter(customer=found)
        invoices = lists.listed_invoices(self.merchant_id).filter(customer=found)
        return {
            "subscriptions": subscriptions.order_by("-created", "-id")[:RELATED],
            "invoices": invoices.order_by("-created", "-id")[:RELATED],
            "way": way_of(self.scope.merchant),
            "payment_methods": self._methods(found),
            "numbers": invoicing.customer_numbers(self.merchant_id, [found.pk])[found.pk],
            "tax_ids": people.tax_ids(self.merchant_id, found.pk),
            "balance_entries": people.balance_transactions(self.merchant_id, found.pk)[:RELATED],
            "totals": details.paid_by_currency(self.merchant_id, found.pk),
            "grants": making.grants_of(found, timezone.now()),
            "pending_items": invoicing.pending_items(self.merchant_id, found.pk),
            "entitlements": active_entitlements(self.merchant_id, found.pk),
            "timeline": details.timeline_of_customer(self.merchant_id, found.pk),
        }

    def _methods(self, found: Customer) -> list[tuple[PaymentMethod, str, int]]:
        """As they are charged, each with expired, expiring or "" in the customer's time, and its place as a backup."""
        now, backups = people.customer_time(found, timezone.now()), found.backup_payment_method_ids
        methods = [
            (
                method,
                card_state(method.exp_month, method.exp_year, now),
                backups.index(method.pk) + 1 if method.pk in backups else 0,
            )
            for method in people.payment_methods(self.merchant_id, found.pk)
        ]
        default = found.default_payment_method_id
        return sorted(methods, key=lambda shown: (shown[0].pk != default, shown[2] or MOST_BACKUPS + 1))
