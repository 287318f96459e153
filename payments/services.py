"""Storing and forgetting ways to pay. The gateway is called first or last, never inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from core.context import Context
from core.ids import new_id
from customers.backups import forget_method
from customers.models import Customer, PaymentMethod
from customers.rules import card_notice_at
from customers.selectors import PaymentMethodNotFound, customer_by_id, payment_method_by_id
from customers.services import set_default_payment_method
from customers.snapshots import payment_method_snapshot
from customers.writes import lock_customer
from events.copying import Row, update_rows
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from payments.events import told
from payments.gateways import gateway_named
from payments.gateways.base import Call, InstrumentDeclined, NoSuchGatewayObject
from payments.gateways.sandbox import SandboxGateway
from payments.gateways.sandbox_intents import known_instrument
from payments.gateways.sandbox_methods import expiry_of
from payments.models import GatewayCustomer
from payments.types import MethodFacts


def attach_payment_method(
    *, ctx: Context, merchant_id: str, customer_id: str, instrument: str, make_default: bool | None = None
) -> PaymentMethod:
    """Store an instrument (a sandbox token such as "pm_card_visa") for the customer.

    It becomes the default when `make_default` says so, or when it says nothing and there is none yet.
    Raises `CustomerNotFound`, `InstrumentDeclined`, `UnknownInstrument`; nothing is stored then.
    """
    customer = customer_by_id(merchant_id, customer_id)
    gateway_name = customer.merchant.gateway
    gateway = gateway_named(gateway_name)
    method_id = new_id("pm")
    call = Call(merchant_id, f"{method_id}/attach", ctx.as_of, ctx.recorded_at)
    gateway.ensure_customer(call, customer_id, email=customer.email, name=customer.name)
    facts = gateway.attach(call, customer_id, instrument)
    with transaction.atomic(durable=True):
        customer = lock_customer(merchant_id, customer_id)
        method = store_method(ctx, customer, gateway_name, facts, method_id)
        if make_default or (make_default is None and not customer.default_payment_method_id):
            set_default_payment_method(
                ctx=ctx, merchant_id=merchant_id, customer_id=customer_id, payment_method_id=method.id
            )
    return method


def create_payment_method(*, ctx: Context, merchant_id: str, instrument: str, **fields: Any) -> PaymentMethod:
    """A method of nobody yet, from a sandbox's token: `attach_stored_method` gives it to a customer.

    `fields` are the row's own: billing_details, metadata, allow_redisplay, what is printed on it (last4, exp_month,
    exp_year). Raises `UnknownInstrument`.
    """
    token = known_instrument(instrument)
    month, year = expiry_of(token, ctx.as_of)
    printed = {"brand": token.brand, "last4": token.last4, "exp_month": month, "exp_year": year}
    with transaction.atomic():
        method = PaymentMethod.objects.create(
            merchant_id=merchant_id,
            gateway="sandbox",
            gateway_method_id="",
            type=token.type,
            fingerprint=f"sandbox-{token.token}",
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
            **printed | fields,
        )
    return method


def attach_stored_method(*, ctx: Context, merchant_id: str, customer_id: str, payment_method_id: str) -> PaymentMethod:
    """Give a method of nobody to a customer. Raises `PaymentMethodNotFound` and what attaching raises."""
    rows = PaymentMethod.objects.filter(merchant_id=merchant_id, customer__isnull=True, detached_at__isnull=True)
    method = rows.filter(id=payment_method_id).first()
    if method is None:
        raise PaymentMethodNotFound
    customer = customer_by_id(merchant_id, customer_id)
    gateway = gateway_named(method.gateway)
    call = Call(merchant_id, f"{method.id}/attach", ctx.as_of, ctx.recorded_at)
    gateway.ensure_customer(call, customer_id, email=customer.email, name=customer.name)
    facts = gateway.attach(call, customer_id, method.fingerprint.removeprefix("sandbox-"))
    with transaction.atomic(durable=True):
        customer = lock_customer(merchant_id, customer_id)
        method = rows.select_for_update(no_key=True).filter(id=payment_method_id).first()
        if method is None:
            raise PaymentMethodNotFound
        method.gateway_method_id = facts.gateway_method_id
        _give(ctx, method, customer)
    return method


def check_can_be_kept(merchant_id: str, payment_method_id: str) -> None:
    """Of a method of nobody: raises `InstrumentDeclined` as attaching it to a customer would."""
    method = PaymentMethod.objects.filter(merchant_id=merchant_id, id=payment_method_id, customer__isnull=True).first()
    token = known_instrument(method.fingerprint.removeprefix("sandbox-")) if method else None
    if token is not None and token.declines_attach and token.decline is not None:
        raise InstrumentDeclined(decline_code=token.decline.decline_code)


def name_method(merchant_id: str, payment_method_id: str, made_as: str) -> str:
    """By which of Stripe's older calls it was made ("card" or "source"): how it is shown by them."""
    PaymentMethod.objects.filter(merchant_id=merchant_id, id=payment_method_id).update(made_as=made_as)
    return made_as


def admit_method(ctx: Context, method: PaymentMethod, customer_id: str) -> None:
    """Make a method of nobody chargeable once, for this customer or for nobody; whether it pays is the charge's to say.

    Only a sandbox has such methods. Never inside a transaction. Raises `UnknownInstrument`.
    """
    if method.gateway_method_id or method.gateway != "sandbox":
        return
    call = Call(method.merchant_id, f"{method.id}/admit", ctx.as_of, ctx.recorded_at)
    token = method.fingerprint.removeprefix("sandbox-")
    made = SandboxGateway().admit(call, customer_id, token)
    with transaction.atomic():
        PaymentMethod.objects.filter(id=method.id, gateway_method_id="").update(gateway_method_id=made)


def keep_tried_method(ctx: Context, intent: Row, charge: Row) -> None:
    """A payment that says `setup_future_usage` leaves its customer the method that it was made with, if that was
    nobody's. Inside the caller's transaction."""
    if not intent.customer_id or not intent.terms.get("setup_future_usage"):
        return
    rows = PaymentMethod.objects.select_for_update(no_key=True).filter(
        merchant_id=intent.merchant_id, id=charge.payment_method_id, customer__isnull=True, detached_at__isnull=True
    )
    method = rows.first()
    if method is not None:
        _give(ctx, method, customer_by_id(intent.merchant_id, intent.customer_id))


def _give(ctx: Context, method: PaymentMethod, customer: Customer) -> None:
    method.customer_id, method.test_clock_id = customer.id, customer.test_clock_id
    method.next_action_at = card_notice_at(method.exp_month, method.exp_year, ctx.as_of)
    method.version += 1
    method.save(update_fields=["customer_id", "gateway_method_id", "test_clock_id", "next_action_at", "version"])
    record_events(ctx, [_event("attached", method, customer.test_clock_id, customer.merchant.keep_event_bodies)])


def detach_payment_method(*, ctx: Context, merchant_id: str, customer_id: str, payment_method_id: str) -> PaymentMethod:
    """Forget one; it is no default any more. Raises `PaymentMethodNotFound`, for another customer's too.

    Subscriptions and invoices that name it keep the name: collecting passes over what is detached.
    """
    with transaction.atomic(durable=True):
        customer = lock_customer(merchant_id, customer_id)
        method = payment_method_by_id(merchant_id, customer.id, payment_method_id)
        _detach(ctx, method)
    call = Call(merchant_id, f"{method.id}/detach", ctx.as_of, ctx.recorded_at)
    try:
        gateway_named(method.gateway).detach(call, method.gateway_method_id)
    except NoSuchGatewayObject:
        pass  # it is as forgotten as it was to be
    return method


def update_payment_method(*, ctx: Context, merchant_id: str, payment_method_id: str, **fields: Any) -> PaymentMethod:
    """Change `metadata`, `billing_details`, `allow_redisplay` or a sandbox card's date.

    Raises `PaymentMethodNotFound`.
    """
    assert not set(fields) - {"metadata", "billing_details", "allow_redisplay", "exp_month", "exp_year"}
    with transaction.atomic():
        rows = PaymentMethod.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id)
        method = rows.filter(id=payment_method_id).first()
        if method is None:
            raise PaymentMethodNotFound
        changed = {name: getattr(method, name) for name, value in fields.items() if getattr(method, name) != value}
        if not changed:
            return method
        for name in changed:
            setattr(method, name, fields[name])
        if method.customer_id and {"exp_month", "exp_year"} & set(changed):
            method.next_action_at = card_notice_at(method.exp_month, method.exp_year, ctx.as_of)
        method.version += 1
        method.save(update_fields=[*changed, "next_action_at", "version"])
        owner = method.customer
        clock_id = owner.test_clock_id if owner else None
        event = _event("updated", method, clock_id, method.merchant.keep_event_bodies)
        record_events(ctx, [replace(event, previous_attributes=changed)])
    return method


def store_method(
    ctx: Context, customer: Customer, gateway: str, facts: MethodFacts, method_id: str = ""
) -> PaymentMethod:
    """A method that the gateway has stored for this customer, whose row the caller holds; known already, that one."""
    known = PaymentMethod.objects.filter(
        merchant_id=customer.merchant_id,
        customer=customer,
        gateway=gateway,
        gateway_method_id=facts.gateway_method_id,
        detached_at__isnull=True,
    ).first()
    if known is not None:
        return known
    method = PaymentMethod.objects.create(
        id=method_id or new_id("pm"),
        merchant_id=customer.merchant_id,
        customer=customer,
        gateway=gateway,
        gateway_method_id=facts.gateway_method_id,
        type=facts.type,
        **_shown(facts),
        fingerprint=facts.fingerprint,
        gateway_mandate_id=facts.mandate_id,
        next_action_at=card_notice_at(facts.exp_month, facts.exp_year, ctx.as_of),
        test_clock_id=customer.test_clock_id,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )
    record_events(ctx, [_event("attached", method, customer.test_clock_id, customer.merchant.keep_event_bodies)])
    return method


def _shown(facts: MethodFacts) -> dict[str, Any]:
    """What an issuer may replace."""
    return {
        "brand": facts.brand[:20],
        "last4": facts.last4,
        "exp_month": facts.exp_month,
        "exp_year": facts.exp_year,
        "wallet": facts.wallet,
    }


def note_method(*, ctx: Context, merchant_id: str, gateway: str, facts: MethodFacts) -> bool:
    """What the gateway told of a stored method: replaced by its issuer, or detached. False: it is none of ours."""
    with transaction.atomic(durable=True):
        rows = PaymentMethod.objects.select_for_update(no_key=True).filter(
            merchant_id=merchant_id,
            gateway=gateway,
            gateway_method_id=facts.gateway_method_id,
            customer__isnull=False,
            detached_at__isnull=True,
        )
        method = rows.select_related(None).first()
        if method is None:
            return False
        if not facts.customer_id:
            _detach(ctx, method)
            return True
        shown = _shown(facts)
        changed = {name: getattr(method, name) for name, value in shown.items() if getattr(method, name) != value}
        if changed:
            for name in changed:
                setattr(method, name, shown[name])
            method.next_action_at = card_notice_at(method.exp_month, method.exp_year, ctx.as_of)
            method.replaced_at = ctx.as_of
            method.version += 1
            method.save(update_fields=[*changed, "next_action_at", "replaced_at", "version"])
            assert method.customer is not None
            event = _event(
                "automatically_updated", method, method.customer.test_clock_id, method.merchant.keep_event_bodies
            )
            record_events(ctx, [replace(event, previous_attributes=changed)])
    return True


def tell_expiring(ctx: Context, methods: Sequence[Row]) -> None:
    """`payment_method.expiring` of cards whose last month began, each once. The caller holds their rows."""
    for row in methods:
        row.update(next_action_at=None, version=row.version + 1)
    update_rows(PaymentMethod, ("id", "next_action_at", "version"), [(r.id, None, r.version) for r in methods])
    owners = Merchant.objects.in_bulk({row.merchant_id for row in methods})
    record_events(
        ctx,
        [_event("expiring", row, row.test_clock_id, owners[row.merchant_id].keep_event_bodies) for row in methods],
    )


def forget_gateway_customer(*, ctx: Context, merchant_id: str, gateway_customer_id: str) -> bool:
    """Somebody deleted the customer at the gateway, and its methods with it. False: it is none of ours."""
    with transaction.atomic(durable=True):
        known = GatewayCustomer.objects.select_for_update(no_key=True).filter(
            merchant_id=merchant_id, gateway_customer_id=gateway_customer_id
        )
        found = known.first()
        if found is None or found.deleted_at is not None:
            return found is not None
        found.deleted_at = ctx.recorded_at
        found.save(update_fields=["deleted_at"])
        stored = PaymentMethod.objects.select_for_update(no_key=True).filter(
            merchant_id=merchant_id,
            customer_id=found.customer_id,
            gateway=found.gateway_account.gateway,
            detached_at__isnull=True,
        )
        for method in stored.order_by("id"):
            _detach(ctx, method)
    return True


def _detach(ctx: Context, method: PaymentMethod) -> None:
    """Inside the caller's transaction, which holds the method."""
    assert method.customer is not None
    customer = method.customer
    method.detached_at, method.next_action_at = ctx.as_of, None
    method.version += 1
    method.save(update_fields=["detached_at", "next_action_at", "version"])
    record_events(ctx, [_event("detached", method, customer.test_clock_id, customer.merchant.keep_event_bodies)])
    if method.id in (customer.default_payment_method_id, *customer.backup_payment_method_ids):
        forget_method(ctx=ctx, customer=lock_customer(method.merchant_id, customer.id), payment_method_id=method.id)


def _event(type: str, method: Any, test_clock_id: str | None, keep_body: bool) -> EventRow:
    return told(
        EventRow(
            merchant_id=method.merchant_id,
            type=f"payment_method.{type}",
            object_type="payment_method",
            object_id=method.id,
            object_version=method.version,
            customer_id=method.customer_id or "",
            test_clock_id=test_clock_id,
            body=payment_method_snapshot(method),
        ),
        keep_body,
    )


__all__ = [
    "PaymentMethodNotFound",
    "admit_method",
    "attach_payment_method",
    "attach_stored_method",
    "check_can_be_kept",
    "create_payment_method",
    "detach_payment_method",
    "forget_gateway_customer",
    "keep_tried_method",
    "name_method",
    "note_method",
    "store_method",
    "tell_expiring",
    "update_payment_method",
]
