"""Payments: list and detail with every attempt."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from dashboard.filters.lists import PaymentFilter
from dashboard.selectors import details, lists, money
from dashboard.tables.money import PaymentTable
from dashboard.views.pages import DetailPage, ListPage
from payments.models import PaymentIntent


class PaymentList(ListPage):
    title = _("Payments")
    table = PaymentTable
    filter = PaymentFilter
    filename = "payments"
    empty_icon = "credit-card"
    empty_title = _("No payments yet")
    empty_text = _("Each invoice that is collected shows here, with every attempt.")

    def rows(self) -> QuerySet[PaymentIntent]:
        return lists.listed_payments(self.merchant_id)


class PaymentDetail(DetailPage):
    template = "dashboard/payments/detail.html"

    def rows(self) -> QuerySet[PaymentIntent]:
        return lists.listed_payments(self.merchant_id)

    def facts(self, found: PaymentIntent) -> dict[str, Any]:
        charges = details.charges_of_payment(self.merchant_id, found.pk)
        return {
            "charges": charges,
            "refunds": details.refunds_of(self.merchant_id, [charge.pk for charge in charges]),
            "disputes": money.disputes_of_charges(self.merchant_id, [charge.pk for charge in charges]),
            "refundable": next((c for c in charges if c.status == "succeeded" and c.amount_refunded < c.amount), None),
            "refunded": sum(charge.amount_refunded for charge in charges),
            "method": details.payment_method_of(self.merchant_id, found.payment_method_id),
            "timeline": details.timeline_of(self.merchant_id, found.pk),
        }
