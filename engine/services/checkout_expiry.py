"""One-time sales that were never paid: when their session is over the invoice is void, so nobody owes for them."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from engine.services.checkout_closing import tell_expired
from engine.services.invoices import InvoiceAlreadyVoid, InvoiceHasPayments, InvoiceNotOpen, void_invoice
from payments.cancellation import PaymentInFlight
from subscriptions.services.checkout_sessions import unpaid_sessions_over

SESSIONS_AT_ONCE = 1_000


def run_checkout_expiries(*, ctx: Context) -> int:
    """Void what the sessions that are over have sold once, and expire them. Returns how many.

    One whose bank has not answered, or of which something was paid, is left as it is.
    """
    done = 0
    for session in unpaid_sessions_over(ctx.recorded_at, SESSIONS_AT_ONCE):
        try:
            void_invoice(ctx=ctx, merchant_id=session.merchant_id, invoice_id=session.invoice_id)
        except InvoiceAlreadyVoid:
            pass  # by hand, or by a worker that died before the next line
        except (InvoiceHasPayments, InvoiceNotOpen, PaymentInFlight):
            continue
        with transaction.atomic():
            done += tell_expired(ctx, session.id)
    return done
