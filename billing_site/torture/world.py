"""A merchant, its customers with every kind of card, and invoices that wait for their money."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from core.context import Context
from core.ids import new_ids
from customers.backups import set_backup_payment_methods
from customers.models import Customer
from engine.services.merchants import NewMerchant, create_lone_sandbox
from events.copying import insert_rows, new_row
from invoicing.models import Invoice, NumberSeries
from merchants.models import Merchant
from payments.accounts import connect_account
from payments.services import attach_payment_method

# Stripe's test cards as the fake knows them, the good ones more often.
TOKENS = (
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_amex",
    "pm_card_chargeCustomerFail",
    "pm_fake_declineThenSucceed",
    "pm_card_threeDSecure2Required",
    "pm_fake_sepa",
    "pm_fake_sepa_fails",
    "pm_fake_acss",
    "pm_card_refundFail",
    "pm_card_pendingRefund",
)
# What is tried next after a decline: one that pays, one that answers days later, one that declines as well.
BACKUPS = ("pm_card_visa", "pm_fake_acss", "pm_card_chargeCustomerFail")


class World:
    """The merchant's side. `now` is business and wall time at once, and goes with the fake's."""

    def __init__(self, api_key: str, seed: int, started: float) -> None:
        self.dice = random.Random(seed)
        self.now = datetime.fromtimestamp(started, tz=UTC)
        request = NewMerchant(name="Torture", country="CA", default_currency="cad", number_prefix="T")
        self.merchant: Merchant = create_lone_sandbox(ctx=self.ctx, request=request)
        connect_account(ctx=self.ctx, merchant_id=self.merchant.id, api_key=api_key)
        self.customers = [self._customer(number) for number in range(24)]
        self.series = NumberSeries.objects.get(merchant=self.merchant)
        self.made = 0

    @property
    def ctx(self) -> Context:
        return Context(as_of=self.now, recorded_at=self.now, actor="run")

    def _customer(self, number: int) -> Customer:
        """One in three has a second way to pay; of each two with the same card one has a backup, and one more."""
        customer = Customer.objects.create(
            merchant=self.merchant,
            name=f"Customer {number}",
            email=f"customer{number}@example.com",
            created=self.now,
            recorded_at=self.now,
        )
        for token in (TOKENS[number % len(TOKENS)], *(("pm_card_visa",) if number % 3 == 0 else ())):
            self._attach(customer, token)
        if number >= len(TOKENS):
            backups = [self._attach(customer, token) for token in (BACKUPS[number % 3], "pm_card_mastercard")]
            set_backup_payment_methods(
                ctx=self.ctx, merchant_id=self.merchant.id, customer_id=customer.id, payment_method_ids=backups
            )
        customer.refresh_from_db()
        return customer

    def _attach(self, customer: Customer, token: str) -> str:
        method = attach_payment_method(
            ctx=self.ctx, merchant_id=self.merchant.id, customer_id=customer.id, instrument=token, make_default=None
        )
        return method.id

    def open_invoices(self, count: int) -> list[str]:
        """Invoices as finalization leaves them: open, and due for their first attempt."""
        ids = new_ids("in", count)
        insert_rows(Invoice, [self._invoice(invoice_id, self.dice.randrange(500, 20_000)) for invoice_id in ids])
        return list(ids)

    def _invoice(self, invoice_id: str, amount: int):  # type: ignore[no-untyped-def]
        self.made += 1
        return new_row(
            Invoice,
            id=invoice_id,
            merchant_id=self.merchant.id,
            customer_id=self.dice.choice(self.customers).id,
            billing_entity_id=self.series.billing_entity_id,
            status="open",
            billing_reason="manual",
            currency="cad",
            number_series_id=self.series.id,
            number_value=self.made,
            number=f"T{self.made:06}",
            lines_gross=amount,
            total=amount,
            amount_due=amount,
            amount_remaining=amount,
            period_start=self.now,
            period_end=self.now + timedelta(days=31),
            finalized_at=self.now,
            next_payment_attempt=self.now,
            next_action_at=self.now,
            created=self.now,
            recorded_at=self.now,
        )
