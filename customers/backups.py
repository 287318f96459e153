"""Which further ways to pay are tried, and in which order, when the default is declined. Ours: Stripe has none."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer
from customers.selectors import PaymentMethodNotFound
from customers.services import save_changed
from customers.snapshots import customer_snapshot
from customers.writes import lock_customer

# More would only be more declines: each try counts at the card networks.
MOST_BACKUPS = 3


class TooManyBackups(OstinatoError):
    code = "parameter_invalid"
    param = "invoice_settings[backup_payment_methods]"
    message_id = gettext_noop("A customer has at most %(most)s backup payment methods.")


class BackupIsDefault(OstinatoError):
    code = "parameter_invalid"
    param = "invoice_settings[backup_payment_methods]"
    message_id = gettext_noop("The default payment method cannot be its own backup.")


def set_backup_payment_methods(
    *, ctx: Context, merchant_id: str, customer_id: str, payment_method_ids: Sequence[str]
) -> Customer:
    """All the backups, in the order in which they are tried; one named twice counts where it stands first.

    Raises `PaymentMethodNotFound` for one that is not the customer's own, `BackupIsDefault`, `TooManyBackups`.
    """
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        _store(ctx, customer, list(dict.fromkeys(payment_method_ids)))
    return customer


def rearrange_backups(
    *, ctx: Context, merchant_id: str, customer_id: str, payment_method_id: str, act: str
) -> Customer:
    """One of the customer's methods becomes the last backup ("add"), none ("remove"), or is tried one earlier ("up").

    What it is already stays so. Raises as `set_backup_payment_methods`.
    """
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        _store(ctx, customer, rearranged(customer.backup_payment_method_ids, payment_method_id, act))
    return customer


def rearranged(backups: Sequence[str], method_id: str, act: str) -> list[str]:
    """The backups after the act: ["a", "b"] with "b" up is ["b", "a"]."""
    others = [one for one in backups if one != method_id]
    if act == "remove":
        return others
    place = backups.index(method_id) if method_id in backups else len(others)
    if act == "up":
        place = max(place - 1, 0)
    return [*others[:place], method_id, *others[place:]]


def _store(ctx: Context, customer: Customer, wanted: list[str]) -> None:
    """The caller holds the customer's row."""
    if len(wanted) > MOST_BACKUPS:
        raise TooManyBackups(most=MOST_BACKUPS)
    own = customer.payment_methods.filter(merchant_id=customer.merchant_id, detached_at__isnull=True)
    if own.filter(id__in=wanted).count() != len(wanted):
        raise PaymentMethodNotFound
    if customer.default_payment_method_id in wanted:
        raise BackupIsDefault
    if customer.backup_payment_method_ids != wanted:
        before = customer_snapshot(customer)
        customer.backup_payment_method_ids = wanted
        save_changed(ctx, customer, before, ["backup_payment_method_ids"])


def forget_method(*, ctx: Context, customer: Customer, payment_method_id: str) -> None:
    """A method is gone: the first backup takes the default's place. The caller holds the customer's row."""
    backups = [one for one in customer.backup_payment_method_ids if one != payment_method_id]
    default = customer.default_payment_method_id
    if default == payment_method_id:
        default, backups = (backups[0], backups[1:]) if backups else ("", [])
    if (default, backups) == (customer.default_payment_method_id, customer.backup_payment_method_ids):
        return
    before = customer_snapshot(customer)
    customer.default_payment_method_id, customer.backup_payment_method_ids = default, backups
    save_changed(ctx, customer, before, ["default_payment_method_id", "backup_payment_method_ids"])
