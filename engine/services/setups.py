"""What follows a way to pay that was entered on the processor's page: retries come forward, an invoice is paid."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from engine.services.pay import PAYABLE, pay_invoice
from engine.services.recover import bring_retries_forward
from engine.services.transitions import tell_updated
from engine.types import PaymentOutcome
from invoicing.selectors import invoice_by_id
from payments.models import Charge, GatewaySetup, GatewaySetupStatus, SetupIntent
from payments.setup_intents import succeed_setup_intent
from payments.setups import finish_setup, setup_of
from subscriptions.models import Subscription
from subscriptions.writes import lock_subscriptions, update_attributes


def finish_customer_setup(*, ctx: Context, merchant_id: str, customer_id: str, setup_id: str) -> GatewaySetup:
    """The customer is back from storing a way to pay; what failed is tried with it at the next run.

    Raises `SetupNotFound`, for another customer's too, and `GatewayUnreachable`.
    """
    setup = _own_setup(ctx, merchant_id, customer_id, setup_id)
    if setup.status == GatewaySetupStatus.SUCCEEDED:
        bring_retries_forward(ctx=ctx, merchant_id=merchant_id, customer_id=customer_id)
    return setup


def confirm_setup(*, ctx: Context, merchant_id: str, setup_intent_id: str, payment_method_id: str) -> SetupIntent:
    """The intent's method is attached and ready; a subscription that waited for it waits no more.

    It becomes the default of one that says `save_default_payment_method=on_subscription`. Raises `SetupIntentNotFound`,
    `SetupIntentOver`.
    """
    with transaction.atomic():
        waiting = Subscription.objects.filter(merchant_id=merchant_id, pending_setup_intent_id=setup_intent_id)
        owner = SetupIntent.objects.filter(merchant_id=merchant_id, id=setup_intent_id).values_list("customer_id")
        rows = lock_subscriptions(waiting.filter(customer_id__in=owner).values_list("id", flat=True))
        done = succeed_setup_intent(
            ctx=ctx,
            merchant_id=merchant_id,
            setup_intent_id=setup_intent_id,
            payment_method_id=payment_method_id,
        )
        for row in rows:
            row.update(pending_setup_intent_id="", version=row.version + 1)
            if row.save_default_payment_method == "on_subscription":
                row["default_payment_method_id"] = payment_method_id
            update_attributes(row, ["pending_setup_intent_id", "default_payment_method_id", "version"])
        tell_updated(ctx, rows)
    return done


def pay_with_setup(*, ctx: Context, merchant_id: str, invoice_id: str, setup_id: str) -> PaymentOutcome | None:
    """Pay the invoice with what was stored for it. None: nothing was stored, or it was tried already.

    The page that calls this may be reloaded: each stored method is tried once. Raises `SetupNotFound` for the setup
    of another customer, and what `pay_invoice` raises.
    """
    invoice = invoice_by_id(merchant_id, invoice_id)
    setup = _own_setup(ctx, merchant_id, invoice.customer_id, setup_id)
    if setup.status != GatewaySetupStatus.SUCCEEDED or invoice.status not in PAYABLE:
        return None
    tried = Charge.objects.filter(
        merchant_id=merchant_id, invoice_id=invoice_id, payment_method_id=setup.payment_method_id
    )
    if tried.exists():
        return None
    return pay_invoice(
        ctx=ctx, merchant_id=merchant_id, invoice_id=invoice_id, payment_method_id=setup.payment_method_id
    )


def _own_setup(ctx: Context, merchant_id: str, customer_id: str, setup_id: str) -> GatewaySetup:
    setup = setup_of(merchant_id, customer_id, setup_id)
    return finish_setup(ctx=ctx, merchant_id=merchant_id, setup_id=setup.id)
