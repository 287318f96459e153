"""The sidebar: what a member can open, in the order of a working day."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard.access import Scope
from merchants.rules import Capability


@dataclass(frozen=True, slots=True)
class Entry:
    title: str | Promise
    icon: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str | Promise
    entries: tuple[Entry, ...]


# title, icon, url name, section: the first part of the address, which marks the entry as current
SECTIONS: tuple[tuple[str | Promise, tuple[tuple[str | Promise, str, str, str], ...]], ...] = (
    ("", ((_("Overview"), "layout-dashboard", "overview", ""),)),
    (
        _("Billing"),
        (
            (_("Customers"), "users-round", "customers", "customers"),
            (_("Subscriptions"), "repeat", "subscriptions", "subscriptions"),
            (_("Schedules"), "calendar-clock", "schedules", "schedules"),
            (_("Quotes"), "file-pen", "quotes", "quotes"),
            (_("Invoices"), "receipt-text", "invoices", "invoices"),
            (_("Payments"), "credit-card", "payments", "payments"),
            (_("Disputes"), "scale", "disputes", "disputes"),
            (_("Balance"), "wallet", "balance", "balance"),
        ),
    ),
    (
        _("Catalogue"),
        (
            (_("Products"), "package", "products", "products"),
            (_("Meters"), "gauge", "meters", "meters"),
            (_("Coupons"), "ticket-percent", "coupons", "coupons"),
            (_("Tax rates"), "landmark", "tax_rates", "tax-rates"),
            (_("Payment links"), "link", "payment_links", "payment-links"),
        ),
    ),
    (
        _("Activity"),
        (
            (_("Events"), "activity", "events", "events"),
            (_("Sent messages"), "mail", "messages", "messages"),
            (_("Billing runs"), "timer-reset", "runs", "runs"),
        ),
    ),
)


def nav_for(scope: Scope, path: str) -> list[Group]:
    """The groups of the sidebar; test clocks exist in a sandbox only, keys are for those who set up."""
    groups = [Group(title, tuple(_entry(scope, path, *entry) for entry in entries)) for title, entries in SECTIONS]
    last: list[Entry] = []
    if not scope.merchant.livemode:
        last.append(_entry(scope, path, _("Test clocks"), "clock", "test_clocks", "test-clocks"))
    if scope.may(Capability.SETTINGS):
        last.append(_entry(scope, path, _("Payment processor"), "plug", "processor", "processor"))
        last.append(_entry(scope, path, _("Customer portal"), "door-open", "portal", "portal"))
        last.append(_entry(scope, path, _("API keys"), "key-round", "api_keys", "api-keys"))
        last.append(_entry(scope, path, _("Webhooks"), "webhook", "webhooks", "webhooks"))
        last.append(_entry(scope, path, _("API requests"), "scroll-text", "logs", "logs"))
    last.append(_entry(scope, path, _("Settings"), "settings-2", "settings", "settings"))
    return [*groups, Group(_("Set-up"), tuple(last))]


def _entry(scope: Scope, path: str, title: str | Promise, icon: str, name: str, section: str) -> Entry:
    root = reverse("dashboard:overview")
    here = path.removeprefix(root).split("/", 1)[0]
    return Entry(title, icon, reverse(f"dashboard:{name}"), here == section)
