"""The use cases around a customer's own facts. Each opens one transaction; inside another it joins it."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.money import parse_currency
from customers import rules
from customers.locales import locales_after
from customers.models import Customer, CustomerBalanceTransaction, CustomerTaxId, TestClock
from customers.selectors import payment_method_by_id
from customers.snapshots import (
    balance_transaction_snapshot,
    customer_snapshot,
    tax_id_snapshot,
)
from customers.types import BalanceEntry, CustomerFields, TaxId
from customers.writes import append_balance_entries, lock_customer
from events.types import EventRow
from events.writes import record_events


class InvalidEmail(OstinatoError):
    code = "email_invalid"
    param = "email"
    message_id = gettext_noop("“%(email)s” is not an e-mail address.")


class TestClockNotFound(OstinatoError):
    __test__ = False
    code = "resource_missing"
    param = "test_clock"
    message_id = gettext_noop("There is no such test clock.")


class TaxIdAlreadyThere(OstinatoError):
    code = "tax_id_duplicate"
    param = "tax_id[value]"
    message_id = gettext_noop("This tax number is already on file.")


class TaxIdNotFound(OstinatoError):
    code = "resource_missing"
    param = "tax_id"
    message_id = gettext_noop("There is no such tax number.")


def create_customer(
    *,
    ctx: Context,
    merchant_id: str,
    currency: str = "",
    test_clock_id: str = "",
    tax_ids: Sequence[TaxId] = (),
    strict_tax_ids: bool = True,
    **fields: Unpack[CustomerFields],
) -> Customer:
    """A new customer, with its tax numbers. Raises what is wrong with any field; nothing is half-written.

    Without `strict_tax_ids` a number with a wrong check digit is kept and called unverified, as Stripe does.
    """
    cleaned = _clean(fields)
    cleaned.setdefault("preferred_locales", locales_after(cleaned.get("preferred_locale", ""), ()))
    numbers = [_read_number(tax_id, strict_tax_ids) for tax_id in tax_ids]
    with transaction.atomic():
        customer = Customer.objects.create(
            merchant_id=merchant_id,
            currency=parse_currency(currency) if currency else "",
            test_clock=_clock(merchant_id, test_clock_id),
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
            **cleaned,
        )
        facts = [_fact("customer.created", customer)]
        facts += [_tax_id_fact("customer.tax_id.created", _new_tax_id(ctx, customer, number)) for number in numbers]
        record_events(ctx, facts)
    return customer


def update_customer(*, ctx: Context, merchant_id: str, customer_id: str, **fields: Unpack[CustomerFields]) -> Customer:
    """Change what is sent and leave the rest. The same values again write nothing and tell nothing."""
    cleaned = _clean(fields)
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        before = customer_snapshot(customer)
        if cleaned.get("preferred_locale", customer.preferred_locale) != customer.preferred_locale:
            wished = locales_after(cleaned["preferred_locale"], customer.preferred_locales)
            cleaned.setdefault("preferred_locales", wished)
        changed = [name for name, value in cleaned.items() if getattr(customer, name) != value]
        for name in changed:
            setattr(customer, name, cleaned[name])  # type: ignore[literal-required]
        if changed:
            save_changed(ctx, customer, before, changed)
    return customer


def set_default_payment_method(*, ctx: Context, merchant_id: str, customer_id: str, payment_method_id: str) -> Customer:
    """What future invoices are paid with. Raises `PaymentMethodNotFound` for one that is not its own."""
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        if payment_method_id:
            payment_method_by_id(merchant_id, customer_id, payment_method_id)
        if customer.default_payment_method_id != payment_method_id:
            before = customer_snapshot(customer)
            customer.default_payment_method_id = payment_method_id
            backups = [one for one in customer.backup_payment_method_ids if one != payment_method_id]
            customer.backup_payment_method_ids = backups  # what is tried first is no backup any more
            save_changed(ctx, customer, before, ["default_payment_method_id", "backup_payment_method_ids"])
    return customer


def adjust_balance(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    amount: int,
    currency: str,
    description: str = "",
    credit_note_id: str = "",
    metadata: Mapping[str, str] | None = None,
) -> CustomerBalanceTransaction:
    """Give credit (negative `amount`) or take it. Raises `BalanceInOtherCurrency`, `NothingToAdjust`.

    `credit_note_id` is the credit note that gives the credit, when it is one that does.
    """
    code = parse_currency(currency)
    text = rules.clean_text("description", description)
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        before = customer_snapshot(customer)
        entry = BalanceEntry(
            customer_id=customer_id,
            amount=amount,
            currency=code,
            type="credit_note" if credit_note_id else "adjustment",
            description=text,
            credit_note_id=credit_note_id,
            metadata=metadata or {},
        )
        [row] = append_balance_entries(ctx=ctx, customers={customer.id: customer}, entries=[entry])
        record_events(
            ctx,
            [
                _fact("customer.updated", customer, before),
                EventRow(
                    merchant_id=merchant_id,
                    type="customer_balance_transaction.created",
                    object_type="customer_balance_transaction",
                    object_id=row.id,
                    object_version=1,
                    customer_id=customer_id,
                    test_clock_id=customer.test_clock_id,
                    body=kept_body(customer, balance_transaction_snapshot(row)),
                ),
            ],
        )
    return row


def describe_balance_transaction(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    entry_id: str,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> CustomerBalanceTransaction:
    """Words and metadata (merged) of a ledger's entry; its amount never changes. Raises `CustomerNotFound`."""
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        row = CustomerBalanceTransaction.objects.get(merchant_id=merchant_id, customer=customer, id=entry_id)
        if description is not None:
            row.description = rules.clean_text("description", description)
        if metadata is not None:
            row.metadata = {key: value for key, value in {**row.metadata, **metadata}.items() if value != ""}
        row.save(update_fields=["description", "metadata"])
    return row


def mark_customer_deleted(*, ctx: Context, merchant_id: str, customer_id: str) -> Customer:
    """Nobody finds it any more. Who calls has ended what runs. Raises `CustomerNotFound`."""
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        customer.deleted_at = ctx.as_of
        customer.version += 1
        customer.save(update_fields=["deleted_at", "version"])
        record_events(ctx, [_fact("customer.deleted", customer)])
    return customer


def add_tax_id(
    *, ctx: Context, merchant_id: str, customer_id: str, tax_id: TaxId, strict: bool = True
) -> CustomerTaxId:
    """Put a tax number on file. Raises `UnknownTaxIdType`, `InvalidTaxId`, `TaxIdAlreadyThere`."""
    number = _read_number(tax_id, strict)
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        row = _new_tax_id(ctx, customer, number)
        record_events(ctx, [_tax_id_fact("customer.tax_id.created", row)])
    return row


def remove_tax_id(*, ctx: Context, merchant_id: str, customer_id: str, tax_id_id: str) -> None:
    """Take a tax number off; invoices that were finalized keep their own copy of it."""
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        row = CustomerTaxId.objects.filter(merchant_id=merchant_id, customer=customer, id=tax_id_id).first()
        if row is None:
            raise TaxIdNotFound
        fact = _tax_id_fact("customer.tax_id.deleted", row, version=2)
        row.delete()
        record_events(ctx, [fact])


def _clean(fields: CustomerFields) -> CustomerFields:
    cleaned = rules.clean_fields(fields)
    if cleaned.get("email"):
        checked_email(cleaned["email"])
    return cleaned


def checked_email(given: str, param: str = "email") -> str:
    """Raises `InvalidEmail`."""
    try:
        validate_email(given)
    except ValidationError:
        raise InvalidEmail(param=param, email=given) from None
    return given


def _clock(merchant_id: str, test_clock_id: str) -> TestClock | None:
    if not test_clock_id:
        return None
    found = TestClock.objects.filter(merchant_id=merchant_id, id=test_clock_id, deleted_at__isnull=True).first()
    if found is None:
        raise TestClockNotFound
    return found


def _read_number(given: TaxId, strict: bool) -> TaxId:
    value, verification = rules.read_tax_id(given.type, given.value)
    if strict:
        rules.parse_tax_id(given.type, given.value)
    return TaxId(given.type, value, verification)


def _new_tax_id(ctx: Context, customer: Customer, number: TaxId) -> CustomerTaxId:
    """The caller holds the customer's lock, or has just made it: looking first is enough."""
    if customer.tax_ids.filter(type=number.type, value=number.value).exists():
        raise TaxIdAlreadyThere
    return CustomerTaxId.objects.create(
        merchant_id=customer.merchant_id,
        customer=customer,
        type=number.type,
        value=number.value,
        verification=number.verification,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def save_changed(ctx: Context, customer: Customer, before: dict[str, Any], changed: list[str]) -> None:
    customer.version += 1
    customer.save(update_fields=[*changed, "version"])
    record_events(ctx, [_fact("customer.updated", customer, before)])


def kept_body(customer: Customer, body: dict[str, Any]) -> dict[str, Any] | None:
    """The body to store beside an event; a merchant may want none."""
    return body if customer.merchant.keep_event_bodies else None


def _fact(type_: str, customer: Customer, before: dict[str, Any] | None = None) -> EventRow:
    body = customer_snapshot(customer)
    return EventRow(
        merchant_id=customer.merchant_id,
        type=type_,
        object_type="customer",
        object_id=customer.id,
        object_version=customer.version,
        customer_id=customer.id,
        previous_attributes=None if before is None else rules.changed_values(before, body, {**before, **body}),
        test_clock_id=customer.test_clock_id,
        body=kept_body(customer, body),
    )


def _tax_id_fact(type_: str, tax_id: CustomerTaxId, version: int = 1) -> EventRow:
    return EventRow(
        merchant_id=tax_id.merchant_id,
        type=type_,
        object_type="tax_id",
        object_id=tax_id.id,
        object_version=version,
        customer_id=tax_id.customer_id,
        test_clock_id=tax_id.customer.test_clock_id,
        body=kept_body(tax_id.customer, tax_id_snapshot(tax_id)),
    )
