"""Payments: list and detail with every attempt."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from dashboard.filters.lists import PaymentFilter
from dashboard.selectors import details, lists, money
from dashboard.tables.money import PaymentTable
from dashboard.views.pages import DetailPage, ListPage
from payments.disputes import money_at_bank
from payments.models import PaymentIntent
from payments.rules import amount_taken


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
        left = [c for c in charges if c.status == "succeeded" and c.amount_refunded < amount_taken(c)]
        at_bank = money_at_bank([charge.pk for charge in left])
        refunds = details.refunds_of(self.merchant_id, [charge.pk for charge in charges])
        disputes = money.disputes_of_charges(self.merchant_id, [charge.pk for charge in charges])
        story = [found.pk, *(row.pk for row in [*charges, *refunds, *disputes])]
        return {
            "charges": charges,
            "refunds": refunds,
            "disputes": disputes,
            "refundable": next((c for c in left if c.pk not in at_bank), None),
            "refunded": sum(charge.amount_refunded for charge in charges),
            "method": details.payment_method_of(self.merchant_id, found.payment_method_id),
            "timeline": details.timeline_of_payment(self.merchant_id, story),
        }
