"""How the staff admin looks and what its sidebar holds. Read by the settings: no models here."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

# Before django.contrib.admin in INSTALLED_APPS.
UNFOLD_APPS = ["unfold", "unfold.contrib.filters", "unfold.contrib.forms"]


def _mark(request: Any) -> str:
    return static("img/mark.svg")


def _page(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


def _group(title: Any, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "collapsible": True, "items": list(items)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Ostinato staff"),
    "SITE_HEADER": "Ostinato",
    "SITE_SUBHEADER": _("staff admin"),
    "SITE_URL": "/",
    "SITE_ICON": _mark,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _mark}],
    "DASHBOARD_CALLBACK": "billing_site.staff_front.front_page",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    # The product's cobalt, in the steps that Unfold's classes ask for.
    "COLORS": {
        "primary": {
            "50": "#eef1fd",
            "100": "#dfe5fb",
            "200": "#c3cdf8",
            "300": "#a0aff2",
            "400": "#8c9ff2",
            "500": "#7189ec",
            "600": "#2746c7",
            "700": "#1f39a6",
            "800": "#1c3186",
            "900": "#1b2c6c",
            "950": "#121c45",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": False,
        "show_all_applications": True,
        "navigation": [
            _group(
                _("Merchants"),
                _page(_("Merchants"), "storefront", "merchants_merchant"),
                _page(_("Billing entities"), "apartment", "merchants_billingentity"),
                _page(_("Users"), "person", "merchants_user"),
                _page(_("Memberships"), "badge", "merchants_membership"),
            ),
            _group(
                _("Catalog"),
                _page(_("Products"), "inventory_2", "catalog_product"),
                _page(_("Prices"), "sell", "catalog_price"),
                _page(_("Coupons"), "percent", "catalog_coupon"),
                _page(_("Promotion codes"), "confirmation_number", "catalog_promotioncode"),
                _page(_("Tax rates"), "account_balance", "catalog_taxrate"),
                _page(_("Payment links"), "link", "catalog_paymentlink"),
            ),
            _group(
                _("Subscribers"),
                _page(_("Customers"), "group", "customers_customer"),
                _page(_("Subscriptions"), "autorenew", "subscriptions_subscription"),
                _page(_("Payment methods"), "credit_card", "customers_paymentmethod"),
                _page(_("Test clocks"), "schedule", "customers_testclock"),
            ),
            _group(
                _("Money"),
                _page(_("Invoices"), "receipt_long", "invoicing_invoice"),
                _page(_("Charges"), "payments", "payments_charge"),
                _page(_("Payment intents"), "pending_actions", "payments_paymentintent"),
                _page(_("Refunds"), "undo", "payments_refund"),
                _page(_("Balance ledger"), "balance", "customers_customerbalancetransaction"),
                _page(_("Recovery cases"), "healing", "dunning_recoverycase"),
                _page(_("Recovery policies"), "rule", "dunning_recoverypolicy"),
            ),
            _group(
                _("The run"),
                _page(_("Billing runs"), "play_circle", "engine_billingrun"),
                _page(_("Refusals"), "front_hand", "engine_refusal"),
                _page(_("Dry runs"), "preview", "engine_dryrun"),
                _page(_("Events"), "bolt", "events_event"),
                _page(_("Held events"), "hourglass_top", "events_heldevent"),
                _page(_("Messages"), "mail", "notifications_message"),
                _page(_("Failed tasks"), "error", "django_q_failure"),
                _page(_("Schedules"), "alarm", "django_q_schedule"),
            ),
        ],
    },
}
