"""Steps of the inbox's tests: a charge at the fake processor, and what that tells of it."""

from datetime import timedelta

from engine.services.collect import collect_invoices
from engine.services.inbox import apply_inbox
from payments.inbox import facts_of, store_events
from payments.models import Charge
from payments.services import attach_payment_method
from tests.factories.customers import customer as new_customer
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context


def paying_with(merchant, instrument: str):
    customer = new_customer(merchant=merchant)
    attach_payment_method(ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument=instrument)
    customer.refresh_from_db()
    return customer


def a_paid_charge(merchant, instrument: str = "pm_card_visa") -> Charge:
    collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=paying_with(merchant, instrument)).id])
    return Charge.objects.get()


def told(theirs, ours, *types: str, at=NEW_YEAR) -> None:
    """Put the account's events of these types (all of them, unless told) into the inbox, and apply it."""
    events = [facts_of(row) for row in theirs.objects["event"].values() if not types or row["type"] in types]
    store_events(ours, events, at, "webhook")
    apply_inbox(ctx=context(at))


def later(days: int):
    return context(NEW_YEAR + timedelta(days=days))
