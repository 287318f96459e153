"""Filter bars of disputes, the balance and payouts."""

from django.utils.translation import gettext_lazy as _

from dashboard.filters.base import ListFilter, choice, date_from, date_to, yes_no
from payments.models import BalanceTransaction, Dispute, DisputeStatus, Payout, PayoutStatus

BALANCE_STATUSES = (("pending", _("pending")), ("available", _("available")))


class DisputeFilter(ListFilter):
    search_fields = ("reason", "gateway_dispute_id", "customer_id", "invoice_id")
    placeholder = _("Reason or id")
    status = choice(_("Status"), DisputeStatus.choices)
    to_answer = yes_no(_("Answer"), _("To be answered"), _("Nothing to do"), field_name="is_to_answer")
    since = date_from()
    until = date_to()

    class Meta:
        model = Dispute
        fields: list[str] = []


class BalanceFilter(ListFilter):
    search_fields = ("type", "description", "gateway_source_id", "source_id")
    placeholder = _("Kind, description or id")
    status = choice(_("Status"), BALANCE_STATUSES)
    since = date_from()
    until = date_to()

    class Meta:
        model = BalanceTransaction
        fields: list[str] = []


class PayoutFilter(ListFilter):
    search_fields = ("gateway_payout_id",)
    status = choice(_("Status"), PayoutStatus.choices)
    since = date_from()
    until = date_to()

    class Meta:
        model = Payout
        fields: list[str] = []
