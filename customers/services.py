"""The use cases around a customer's own facts. Each opens one transaction; inside another it joins it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.money import parse_currency
from customers import rules
from customers.models import CreditGrant, Customer, CustomerBalanceTransaction, CustomerTaxId, TestClock
from customers.selectors import credit_grant_by_id, payment_method_by_id
from customers.snapshots import (
    balance_transaction_snapshot,
    credit_grant_snapshot,
    customer_snapshot,
    tax_id_snapshot,
)
from customers.types import BalanceEntry, CustomerFields, GrantEntry, TaxId
from customers.writes import append_balance_entries, append_grant_entries, lock_customer, save_grant
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
                    body=_kept(customer, balance_transaction_snapshot(row)),
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


def _kept(customer: Customer, body: dict[str, Any]) -> dict[str, Any] | None:
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
        previous_attributes=None if before is None else rules.changed_values(before, body, body),
        test_clock_id=customer.test_clock_id,
        body=_kept(customer, body),
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
        body=_kept(tax_id.customer, tax_id_snapshot(tax_id)),
    )


MAX_GRANTS = 100


def create_credit_grant(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    amount: int,
    currency: str,
    name: str = "",
    category: str = "paid",
    priority: int = 50,
    price_ids: Sequence[str] = (),
    effective_at: datetime | None = None,
    expires_at: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
) -> CreditGrant:
    """Credit that invoices spend on metered lines (of `price_ids`, or of every metered price).

    Raises `CustomerNotFound`, `UnknownCurrency`, `TooManyGrants` and what `customers.rules.check_credit_grant` does.
    """
    effective = effective_at or ctx.as_of
    rules.check_credit_grant(
        amount=amount, priority=priority, category=category, effective_at=effective, expires_at=expires_at
    )
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        if CreditGrant.objects.filter(customer_id=customer_id, balance__gt=0).count() >= MAX_GRANTS:
            raise rules.TooManyGrants(most=MAX_GRANTS)
        grant = CreditGrant.objects.create(
            merchant_id=merchant_id,
            customer=customer,
            name=rules.clean_text("name", name)[:100],
            category=category,
            currency=parse_currency(currency),
            amount=amount,
            priority=priority,
            price_ids=list(price_ids),
            effective_at=effective,
            expires_at=expires_at,
            test_clock_id=customer.test_clock_id,
            metadata=dict(metadata or {}),
            version=0,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        [grant] = append_grant_entries(ctx, [GrantEntry(grant.id, "credits_granted", amount)]).values()
        record_events(ctx, [grant_fact("created", grant, customer)])
    return grant


def expire_credit_grant(*, ctx: Context, merchant_id: str, credit_grant_id: str) -> CreditGrant:
    """It ends now; what is left is written off. Raises `CreditGrantNotFound`, `GrantNotChangeable`."""
    return _end_grant(ctx, merchant_id, credit_grant_id, "credits_expired")


def void_credit_grant(*, ctx: Context, merchant_id: str, credit_grant_id: str) -> CreditGrant:
    """It was a mistake: nothing of it may have been spent. Raises `CreditGrantNotFound`, `GrantNotChangeable`,
    `GrantSpent`."""
    return _end_grant(ctx, merchant_id, credit_grant_id, "credits_voided")


def _end_grant(ctx: Context, merchant_id: str, credit_grant_id: str, type_: str) -> CreditGrant:
    owner = credit_grant_by_id(merchant_id, credit_grant_id).customer_id
    with transaction.atomic():
        customer = lock_customer(merchant_id, owner)
        grant = CreditGrant.objects.get(id=credit_grant_id)
        check_standing(grant, ctx)
        if type_ == "credits_voided" and grant.balance != grant.amount:
            raise rules.GrantSpent
        had_something = grant.balance > 0
        if had_something:
            [grant] = append_grant_entries(ctx, [GrantEntry(grant.id, type_, -grant.balance)]).values()
        ended = "voided_at" if type_ == "credits_voided" else "expires_at"
        setattr(grant, ended, ctx.as_of)
        save_grant(ctx, grant, [ended], is_bumped=had_something)
        record_events(ctx, [grant_fact("updated", grant, customer)])
    return grant


def check_standing(grant: CreditGrant, ctx: Context) -> None:
    """Raises `GrantNotChangeable` for one that was voided or is over."""
    if grant.voided_at or (grant.expires_at is not None and grant.expires_at <= ctx.as_of):
        raise rules.GrantNotChangeable


def grant_fact(what: str, grant: CreditGrant, customer: Customer) -> EventRow:
    """A fact about a grant whose version was bumped."""
    return EventRow(
        merchant_id=grant.merchant_id,
        type=f"billing.credit_grant.{what}",
        object_type="billing.credit_grant",
        object_id=grant.id,
        object_version=grant.version,
        customer_id=grant.customer_id,
        test_clock_id=grant.test_clock_id,
        body=_kept(customer, credit_grant_snapshot(grant)),
    )
