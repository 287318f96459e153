"""What the processor's account holds: its movements with their fees, and what it paid out."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.context import Context
from dashboard.filters.money import BalanceFilter, PayoutFilter
from dashboard.selectors import money
from dashboard.tables.processor import BalanceTable, PayoutTable
from dashboard.views.pages import ActPage, ListPage
from engine.services.balances import fetch_balance
from merchants.rules import Capability
from payments.models import BalanceTransaction, Payout


class BalanceList(ListPage):
    template = "dashboard/balance/list.html"
    title = _("Balance")
    subtitle = _("Every movement of the account at the processor, with its fee, mirrored from there.")
    table = BalanceTable
    filter = BalanceFilter
    filename = "balance"
    empty_icon = "wallet"
    empty_title = _("No movements yet")
    empty_text = _("They are fetched every few hours, and now if you ask for them.")

    def rows(self) -> QuerySet[BalanceTransaction]:
        return money.listed_balance(self.merchant_id)

    def extra(self) -> dict[str, Any]:
        return {"sums": money.balance_sums(self.merchant_id)}


class BalanceFetch(ActPage):
    capability = Capability.REFUNDS
    title = _("Fetch the movements?")
    text = _("The last 30 days are read from the processor.")
    button = _("Fetch")
    done = _("The movements were fetched.")

    def perform(self, ctx: Context, form: Form) -> str:
        fetch_balance(ctx=ctx, merchant_id=self.merchant_id)
        return self.back_url()

    def back_url(self) -> str:
        return reverse("dashboard:balance")


class PayoutList(ListPage):
    title = _("Payouts")
    subtitle = _("What the processor sent to your bank.")
    table = PayoutTable
    filter = PayoutFilter
    filename = "payouts"
    empty_icon = "landmark"
    empty_title = _("No payouts yet")
    empty_text = _("A payout shows here as soon as the processor tells of it.")

    def rows(self) -> QuerySet[Payout]:
        return money.listed_payouts(self.merchant_id)
