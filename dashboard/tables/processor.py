"""Lists of disputes, of the balance's movements and of payouts."""

from django.utils.translation import gettext_lazy as _, pgettext_lazy

from dashboard.tables.base import ListTable
from dashboard.tables.columns import Cell, Hidden, Money, Status, When


class DisputeTable(ListTable):
    detail = "dashboard:dispute"
    amount = Money(cell="dispute", verbose_name=_("Amount"), attrs={"td": {"class": "tabular"}})
    status = Status(verbose_name=_("Status"))
    reason = Cell(cell="dispute_reason", verbose_name=_("Reason"), css="wide-only")
    customer_id = Cell(cell="dispute_customer", verbose_name=_("Customer"), orderable=False, css="wide-only")
    evidence_due_by = Cell(cell="dispute_due", verbose_name=_("Answer by"), css="tabular wide-only")
    currency = Hidden(verbose_name=_("Currency"))
    created = When(verbose_name=pgettext_lazy("a dispute", "Opened"), css="wide-only")
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class BalanceTable(ListTable):
    type = Cell(cell="balance_kind", verbose_name=_("Kind"))
    status = Status(verbose_name=_("Status"), css="wide-only")
    amount = Money(verbose_name=_("Amount"))
    fee = Money(verbose_name=_("Fee"), css="wide-only")
    net = Money(verbose_name=_("Net"))
    currency = Hidden(verbose_name=_("Currency"))
    available_on = When(verbose_name=_("Available"), css="wide-only")
    created = When(verbose_name=_("Created"), css="wide-only")
    source_id = Hidden(verbose_name=_("Source"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class PayoutTable(ListTable):
    amount = Money(verbose_name=_("Amount"), attrs={"td": {"class": "tabular"}})
    status = Status(verbose_name=_("Status"))
    gateway_payout_id = Cell(cell="code", verbose_name=_("Its id there"), css="wide-only")
    failure_code = Cell(cell="payout_failure", verbose_name=_("Failure"), css="wide-only")
    currency = Hidden(verbose_name=_("Currency"))
    arrival_date = When(verbose_name=_("In the bank"))
    created = When(verbose_name=_("Created"), css="wide-only")
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass
