"""What follows a way to pay that was entered on the processor's page: retries come forward, an invoice is paid."""

from __future__ import annotations

from core.context import Context
from engine.services.pay import PAYABLE, pay_invoice
from engine.services.recover import bring_retries_forward
from engine.types import PaymentOutcome
from invoicing.selectors import invoice_by_id
from payments.models import Charge, GatewaySetup, GatewaySetupStatus
from payments.setups import finish_setup, setup_of


def finish_customer_setup(*, ctx: Context, merchant_id: str, customer_id: str, setup_id: str) -> GatewaySetup:
    """The customer is back from storing a way to pay; what failed is tried with it at the next run.

    Raises `SetupNotFound`, for another customer's too, and `GatewayUnreachable`.
    """
    setup = _own_setup(ctx, merchant_id, customer_id, setup_id)
    if setup.status == GatewaySetupStatus.SUCCEEDED:
        bring_retries_forward(ctx=ctx, merchant_id=merchant_id, customer_id=customer_id)
    return setup


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
