"""Ways to pay that customers enter on the processor's own page, so that no number of theirs passes through here."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import PaymentMethod
from customers.selectors import customer_by_id
from customers.services import set_default_payment_method
from customers.writes import lock_customer
from merchants.models import Merchant
from payments.gateways import gateway_named
from payments.gateways.base import Call, SetupRequest
from payments.models import GatewaySetup, GatewaySetupStatus
from payments.rules import way_to_add
from payments.services import store_method
from payments.types import MethodFacts, SetupResult


class SetupNotFound(OstinatoError):
    code = "resource_missing"
    param = "setup"
    message_id = gettext_noop("There is no such setup of a payment method.")


class NoWayToPay(OstinatoError):
    code = "gateway_not_connected"
    message_id = gettext_noop("This merchant does not take cards or bank debits yet.")


def way_of(merchant: Merchant) -> str:
    """ "hosted", "instruments" or "none": see `payments.rules.way_to_add`."""
    return way_to_add(merchant.gateway, livemode=merchant.livemode, demo=settings.DEMO_PAYMENTS)


# What each currency's customers pay with, beside cards: offered on the processor's page.
_DEBITS = {"cad": ("acss_debit",), "eur": ("sepa_debit",), "usd": ("us_bank_account",)}


def start_setup(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    return_url: str,
    currency: str = "",
    locale: str = "",
    make_default: bool = True,
    with_debits: bool = False,
) -> tuple[GatewaySetup, str]:
    """(the setup, the processor's page to send the customer to). Raises `CustomerNotFound`, `GatewayRefused`.

    `return_url` may hold {setup}, our id of the setup, with which `finish_setup` is called when the customer is back.
    """
    customer = customer_by_id(merchant_id, customer_id)
    gateway = gateway_named(customer.merchant.gateway)
    currency = currency or customer.currency or customer.merchant.default_currency
    setup_id = new_id("gws")
    call = Call(merchant_id, f"{setup_id}/setup", ctx.as_of, ctx.recorded_at)
    gateway.ensure_customer(call, customer_id, email=customer.email, name=customer.name)
    started = gateway.start_setup(
        call,
        SetupRequest(
            customer_id=customer_id,
            currency=currency,
            return_url=return_url.replace("{setup}", setup_id),
            method_types=("card", *(_DEBITS.get(currency, ()) if with_debits else ())),
            locale=locale,
            metadata={"setup": setup_id, "customer": customer_id},
        ),
    )
    with transaction.atomic(durable=True):
        setup = GatewaySetup.objects.create(
            id=setup_id,
            merchant_id=merchant_id,
            customer=customer,
            gateway=gateway.name,
            gateway_setup_id=started.gateway_setup_id,
            make_default=make_default,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
    return setup, started.url


def setup_of(merchant_id: str, customer_id: str, setup_id: str) -> GatewaySetup:
    """The customer's own. Raises `SetupNotFound`, for another customer's too."""
    setup = GatewaySetup.objects.filter(merchant_id=merchant_id, customer_id=customer_id, id=setup_id).first()
    if setup is None:
        raise SetupNotFound
    return setup


def finish_setup(*, ctx: Context, merchant_id: str, setup_id: str) -> GatewaySetup:
    """What became of it, asked of the processor; a stored method comes to its customer once, however often this is
    called, and by whomever (the customer's way back, the processor's webhook).

    Raises `SetupNotFound`, `GatewayUnreachable`. The caller brings failed retries forward.
    """
    setup = GatewaySetup.objects.filter(merchant_id=merchant_id, id=setup_id).first()
    if setup is None:
        raise SetupNotFound
    if setup.status != GatewaySetupStatus.OPEN:
        return setup
    call = Call(merchant_id, f"{setup_id}/look", ctx.as_of, ctx.recorded_at)
    result = gateway_named(setup.gateway).finish_setup(call, setup.gateway_setup_id)
    with transaction.atomic(durable=True):
        setup = GatewaySetup.objects.select_for_update(no_key=True).get(id=setup_id)
        if setup.status == GatewaySetupStatus.OPEN:
            _close(ctx, setup, result)
    return setup


def _close(ctx: Context, setup: GatewaySetup, result: SetupResult) -> None:
    setup.failure_code = result.failure_code[:60]
    if result.status in ("failed", "expired"):
        setup.status = result.status
    elif result.status == "succeeded":
        assert result.method is not None
        method = _stored(ctx, setup, result.method)
        setup.status, setup.payment_method_id = GatewaySetupStatus.SUCCEEDED, method.id
    setup.save(update_fields=["status", "payment_method_id", "failure_code"])


def _stored(ctx: Context, setup: GatewaySetup, facts: MethodFacts) -> PaymentMethod:
    customer = lock_customer(setup.merchant_id, setup.customer_id)
    method = store_method(ctx, customer, setup.gateway, facts)
    if setup.make_default or not customer.default_payment_method_id:
        set_default_payment_method(
            ctx=ctx, merchant_id=setup.merchant_id, customer_id=customer.id, payment_method_id=method.id
        )
    return method
