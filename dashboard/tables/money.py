"""Lists of invoices and payments."""

from django.utils.translation import gettext_lazy as _

from dashboard.tables.base import ListTable
from dashboard.tables.columns import Cell, Hidden, Money, Status, When


class InvoiceTable(ListTable):
    detail = "dashboard:invoice"
    number = Cell(cell="invoice", verbose_name=_("Number"), css="tabular")
    status = Status(verbose_name=_("Status"))
    customer = Cell(
        cell="of_customer", verbose_name=_("Customer"), order_by=("customer__name",), csv=lambda i: str(i.customer)
    )
    total = Money(verbose_name=_("Total"))
    amount_remaining = Money(verbose_name=_("Remaining"), css="wide-only")
    currency = Hidden(verbose_name=_("Currency"))
    due_date = When(verbose_name=_("Due"), css="wide-only")
    created = When(verbose_name=_("Created"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class PaymentTable(ListTable):
    detail = "dashboard:payment"
    amount = Money(cell="payment", verbose_name=_("Amount"), attrs={"td": {"class": "tabular"}})
    status = Status(cell="payment_status", verbose_name=_("Status"))
    description = Cell(
        cell="payment_for",
        verbose_name=_("For"),
        orderable=False,
        csv=lambda p: str(p.invoice or p.description),
        css="wide-only",
    )
    customer = Cell(
        cell="of_customer",
        verbose_name=_("Customer"),
        order_by=("customer__name",),
        csv=lambda p: str(p.customer or ""),
        css="wide-only",
    )
    currency = Hidden(verbose_name=_("Currency"))
    created = When(verbose_name=_("Created"), css="wide-only")
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass
