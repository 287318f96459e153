"""A year in the life of one customer, told by the official Stripe SDK against an Ostinato sandbox.

    python manage.py sandbox --json            # {"secret_key": "sk_test_…", "base_url": "http://127.0.0.1:8000", …}
    python examples/year_of_a_customer.py --key sk_test_… --url http://127.0.0.1:8000

A trial, an upgrade, a coupon, a card that fails and another that recovers, metered usage, a credit note, the end:
all on one test clock, so that a year takes seconds. Each invoice is printed line by line.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import stripe

PATIENCE_SECONDS = 300


def at(month: int, day: int, hour: int = 12, year: int = 2025) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


class Year:
    """The story's people and things. `wait` is what happens while a clock advances: by default, a short sleep."""

    def __init__(self, client: stripe.StripeClient, wait: Callable[[str], None] | None = None) -> None:
        self.v1: Any = client.v1
        self.wait = wait or (lambda clock_id: time.sleep(0.3))
        self.clock = self.v1.test_helpers.test_clocks.create({"frozen_time": at(1, 1), "name": "A year"})
        self.customer = self.v1.customers.create(
            {"name": "Ada Tremblay", "email": "ada@example.com", "test_clock": self.clock.id}
        )
        self.tax = self.v1.tax_rates.create({"display_name": "GST", "percentage": 5, "inclusive": False})
        self.basic = self._plan("Basic", 2000)
        self.team = self._plan("Team", 5000)
        self.calls = self._metered()
        self.subscription: Any = None

    def _plan(self, name: str, amount: int) -> Any:
        return self.v1.prices.create(
            {
                "product_data": {"name": name},
                "currency": "cad",
                "unit_amount": amount,
                "recurring": {"interval": "month"},
                "tax_behavior": "exclusive",
            }
        )

    def _metered(self) -> Any:
        """The first hundred calls are free, the rest cost 2 cents each."""
        self.meter = self.v1.billing.meters.create(
            {
                "display_name": "API calls",
                "event_name": f"calls_{time.time_ns()}",
                "default_aggregation": {"formula": "sum"},
            }
        )
        return self.v1.prices.create(
            {
                "product_data": {"name": "API calls"},
                "currency": "cad",
                "recurring": {"interval": "month", "usage_type": "metered", "meter": self.meter.id},
                "billing_scheme": "tiered",
                "tiers_mode": "graduated",
                "tiers": [{"up_to": 100, "unit_amount": 0}, {"up_to": "inf", "unit_amount": 2}],
                "tax_behavior": "exclusive",
            }
        )

    # --- the year ---------------------------------------------------------------------------------------------

    def live(self) -> None:
        self._begin_with_a_trial()
        self._use_and_upgrade()
        self._take_a_coupon()
        self._fail_and_recover()
        self._ask_for_a_credit_note()
        self._leave()

    def _begin_with_a_trial(self) -> None:
        self._say("1 January: a trial of 14 days, no card needed")
        self.subscription = self.v1.subscriptions.create(
            {
                "customer": self.customer.id,
                "items": [{"price": self.basic.id}, {"price": self.calls.id}],
                "trial_period_days": 14,
                "default_tax_rates": [self.tax.id],
                "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
            }
        )
        self.go_to(at(1, 10))
        self._say("10 January: Ada gives a card")
        self.use_card("pm_card_visa")
        self.go_to(at(1, 15, 14))

    def _use_and_upgrade(self) -> None:
        self.go_to(at(2, 1))
        self._say("1 February: 450 API calls")
        self.report(450)
        self.go_to(at(3, 1))
        self._say("1 March: upgrade from Basic to Team, the difference paid at once")
        plan = self.item_of(self.basic)
        change = {
            "items": [{"id": plan.id, "price": self.team.id}],
            "proration_behavior": "always_invoice",
            "proration_date": at(3, 1),
        }
        preview = self.v1.invoices.create_preview(
            {"subscription": self.subscription.id, "subscription_details": change}
        )
        self._say(f"   the preview says {money(preview.amount_due)}")
        changed = self.v1.subscriptions.update(self.subscription.id, {**change, "expand": ["latest_invoice"]})
        assert changed.latest_invoice.total == preview.total, "the preview is what comes"

    def _take_a_coupon(self) -> None:
        self.go_to(at(4, 1))
        self._say("1 April: a coupon of 20 % for three months")
        coupon = self.v1.coupons.create({"percent_off": 20, "duration": "repeating", "duration_in_months": 3})
        self.v1.subscriptions.update(self.subscription.id, {"discounts": [{"coupon": coupon.id}]})
        self.go_to(at(7, 20))

    def _fail_and_recover(self) -> None:
        self._say("20 July: the card begins to fail")
        self.use_card("pm_card_chargeCustomerFail")
        self.go_to(at(8, 16))
        self._say(f"16 August: the subscription is {self.status()}")
        self.use_card("pm_card_mastercard")
        latest = self.v1.subscriptions.retrieve(self.subscription.id).latest_invoice
        if self.v1.invoices.retrieve(latest).status == "open":
            self.v1.invoices.pay(latest)
        self._say(f"   with another card it is {self.status()}")

    def _ask_for_a_credit_note(self) -> None:
        self.go_to(at(10, 20))
        invoice = self.v1.subscriptions.retrieve(self.subscription.id).latest_invoice
        self._say("20 October: two days without service: 5.00 goes back to the card, 5.00 to the balance")
        note = self.v1.credit_notes.create(
            {"invoice": invoice, "amount": 1000, "refund_amount": 500, "credit_amount": 500, "memo": "Outage"}
        )
        self._say(f"   credit note {note.number}")

    def _leave(self) -> None:
        self.go_to(at(11, 20))
        self._say("20 November: Ada cancels for the end of the period")
        self.v1.subscriptions.update(self.subscription.id, {"cancel_at_period_end": True})
        self.go_to(at(12, 31))
        self._say(f"31 December: the subscription is {self.status()}")

    # --- what a story needs -----------------------------------------------------------------------------------

    def go_to(self, moment: int) -> None:
        self.v1.test_helpers.test_clocks.advance(self.clock.id, {"frozen_time": moment})
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (clock := self.v1.test_helpers.test_clocks.retrieve(self.clock.id)).status == "advancing":
            assert time.monotonic() < deadline, "the clock does not arrive: is the cluster running?"
            self.wait(self.clock.id)
        assert clock.status == "ready", clock.status

    def use_card(self, token: str) -> None:
        card = self.v1.payment_methods.attach(token, {"customer": self.customer.id})
        self.v1.customers.update(self.customer.id, {"invoice_settings": {"default_payment_method": card.id}})

    def report(self, calls: int) -> None:
        self.v1.billing.meter_events.create(
            {
                "event_name": self.meter.event_name,
                "payload": {"stripe_customer_id": self.customer.id, "value": str(calls)},
            }
        )

    def item_of(self, price: Any) -> Any:
        items = self.v1.subscriptions.retrieve(self.subscription.id)["items"].data
        return next(item for item in items if item.price.id == price.id)

    def status(self) -> str:
        return str(self.v1.subscriptions.retrieve(self.subscription.id).status)

    def invoices(self) -> list[Any]:
        """The oldest first."""
        return list(
            reversed(list(self.v1.invoices.list({"customer": self.customer.id, "limit": 100}).auto_paging_iter()))
        )

    def tell(self) -> None:
        """Every invoice of the year, line by line."""
        for invoice in self.invoices():
            day = datetime.fromtimestamp(invoice.created, UTC).date()
            print(f"\n{invoice.number or '(draft)'}  {day}  {invoice.billing_reason}  {invoice.status}")
            for line in invoice.lines.data:
                print(f"    {money(line.amount):>10}  {line.description}")
            for given in invoice.total_discount_amounts:
                print(f"    {money(-given.amount):>10}  discount")
            for tax in invoice.total_taxes:
                print(f"    {money(tax.amount):>10}  tax")
            print(f"    {money(invoice.total):>10}  total, {money(invoice.amount_paid)} paid")

    def _say(self, text: str) -> None:
        print(text)


def money(amount: int) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--key", default=os.environ.get("OSTINATO_KEY", ""), help="a sandbox's secret key")
    parser.add_argument("--url", default=os.environ.get("OSTINATO_URL", "http://127.0.0.1:8000"))
    given = parser.parse_args()
    year = Year(stripe.StripeClient(given.key, base_addresses={"api": given.url}))
    year.live()
    year.tell()


if __name__ == "__main__":
    main()
