"""Random lives on a test clock, through the services that run for real; the facts are checked after every step.

Found something? Hypothesis prints the life that does it (`LIFE_SHRINK=1`: takes minutes to find the shortest): make it
a table test where the fault is.
The same 8 lives of 18 steps each time; `LIVES=200 LIFE_STEPS=60` lives others, more of them and longer ones.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.db.models import Q
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test as run_as_test

from customers.models import CreditGrant, Customer
from customers.services import adjust_balance, create_customer
from engine.due import run_all_due
from engine.services.cancel import cancel_subscription, schedule_cancel, undo_cancel
from engine.services.change import change_subscription
from engine.services.clocks import advance_clock, advance_clock_now, create_clock
from engine.services.credit_notes import create_credit_note
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice, mark_uncollectible, void_invoice
from engine.services.pause import pause_subscription, resume_subscription
from engine.services.pay import complete_action, pay_invoice, record_payment
from engine.services.paying_change_first import finish_pending_changes
from engine.services.paying_first import finish_pending_subscribes
from engine.services.recover import add_payment_method
from engine.services.refund import refund_charge
from engine.services.resolve import resolve_unknown
from engine.services.subscribe import subscribe
from engine.types import ChangeRequest, ItemChange, PauseCollection, ResumeRequest, SubscribeRequest
from events.models import Event
from invoicing.models import Invoice, InvoiceItem
from invoicing.rules.credit_notes import CreditNoteRequest
from payments.models import Charge, PaymentIntent
from subscriptions.models import BilledPeriod, Discount, Subscription, SubscriptionItem
from tests.databases import forget_rows
from tests.factories.merchants import merchant
from tests.scenarios.facts import check_facts, check_nothing_waits
from tests.scenarios.random_plans import OPEN, MakesPlans
from tests.scenarios.random_shop import (
    INSTRUMENTS,
    PRORATIONS,
    STARTS,
    amounts,
    coupons,
    features,
    metered,
    picks,
    prices,
    rates,
    signups,
)
from tests.scenarios.random_usage import UsesThings
from tests.scenarios.random_words import while_there_is
from usage.models import UsageEvent

# The checks read every row of the merchant: many short lives find more than a few long ones.
LIVES = int(os.environ.get("LIVES", "8"))
STEPS = int(os.environ.get("LIFE_STEPS", "18"))


class Life(UsesThings, MakesPlans):
    """One merchant, its clock, and whatever its customers do."""

    @initialize(
        start=st.sampled_from(STARTS),
        currency=st.sampled_from(["cad", "jpy"]),
        rounding=st.sampled_from(["per_invoice", "per_line"]),
        grace=st.sampled_from([0, 3600]),
        unpaid=st.sampled_from(["bill", "bill", "defer"]),
        minimum=st.sampled_from([0, 0, 50]),
        instrument=st.sampled_from(INSTRUMENTS),
        first=st.lists(signups, min_size=2, max_size=3),
    )
    def open_a_shop(self, start, currency, rounding, grace, unpaid, minimum, instrument, first) -> None:
        self.start = self.wall = start
        self.shop = merchant(
            currency=currency,
            grace=grace,
            tax_rounding=rounding,
            unpaid_proration=unpaid,
            minimum_charges={currency: minimum} if minimum else {},
        )
        self.currency = currency
        self.clock = create_clock(ctx=self.ctx(start), merchant_id=self.shop.id, name="life", frozen_time=start)
        self.metered = metered(self.shop)
        self.meters = {price.meter_id: price.meter for price in self.metered}
        self.prices = prices(self.shop) + self.metered
        self.coupons, self.rates = coupons(self.shop), rates(self.shop)
        features(self.shop, self.prices[0].product, self.metered[0].product)
        self.add_customer(exempt="none", instrument="pm_card_visa")
        self.add_customer(exempt="reverse", instrument=instrument)
        for wanted in first:
            self.sign_up(wanted)
        self.see()

    def teardown(self) -> None:
        forget_rows()

    # --- people ----------------------------------------------------------------------------------------------------

    @rule(exempt=st.sampled_from(["none", "none", "exempt", "reverse"]), instrument=st.sampled_from(INSTRUMENTS))
    def add_customer(self, exempt, instrument) -> None:
        if Customer.objects.filter(merchant_id=self.shop.id).count() < 3:
            row = create_customer(
                **self.ids(), email="ada@example.com", country="CA", tax_exempt=exempt, test_clock_id=self.clock.id
            )
            self.attempt(add_payment_method, **self.ids(), customer_id=row.id, instrument=instrument)

    @rule(who=picks, instrument=st.sampled_from(INSTRUMENTS))
    def attach(self, who, instrument) -> None:
        owner = self.somebody(who)
        self.attempt(add_payment_method, **self.ids(), customer_id=owner.id, instrument=instrument)

    @rule(who=picks, amount=amounts, sign=st.sampled_from([-1, 1]))
    def adjust(self, who, amount, sign) -> None:
        owner = self.somebody(who)
        self.attempt_whole(
            adjust_balance, **self.ids(), customer_id=owner.id, amount=sign * amount, currency=self.currency
        )

    # --- agreements ------------------------------------------------------------------------------------------------

    @rule(wanted=signups)
    def sign_up(self, wanted) -> None:
        if Subscription.objects.filter(merchant_id=self.shop.id).count() < 5:
            self.attempt(subscribe, ctx=self.ctx(), request=self.request_of(**wanted))

    def request_of(self, who, what, coupons, rates, trial, sent, missing, behavior, anchored, stub) -> SubscribeRequest:
        owner = self.somebody(who)
        return SubscribeRequest(
            merchant_id=self.shop.id,
            customer_id=owner.id,
            items=self.items_of(what),
            coupon_ids=self.coupon_ids(coupons),
            default_tax_rate_ids=tuple(self.rates[n].id for n in rates),
            trial_period_days=trial,
            trial_missing_payment_method=missing,
            collection_method="send_invoice" if sent else "charge_automatically",
            days_until_due=7 if sent else None,
            payment_behavior=behavior,
            billing_cycle_anchor=self.now + timedelta(days=anchored) if anchored and not trial else None,
            proration_behavior=stub,
        )

    @while_there_is("running")
    @rule(
        which=picks,
        item=picks,
        other=st.one_of(st.none(), picks),
        quantity=st.one_of(st.none(), st.integers(0, 5)),
        mode=st.sampled_from(PRORATIONS),
    )
    def change(self, which, item, other, quantity, mode) -> None:
        if row := self.running(which):
            self.change_items(row, self.change_to(self.item_of(row, item), other, quantity), mode=mode)

    @while_there_is("running")
    @rule(which=picks, other=picks, quantity=st.integers(0, 3), mode=st.sampled_from(PRORATIONS))
    def add_item(self, which, other, quantity, mode) -> None:
        if row := self.running(which):
            self.change_items(row, self.change_to("", other, quantity), mode=mode)

    @while_there_is("running")
    @rule(which=picks, item=picks, mode=st.sampled_from(PRORATIONS))
    def remove_item(self, which, item, mode) -> None:
        if row := self.running(which):
            self.change_items(row, ItemChange(self.item_of(row, item), deleted=True), mode=mode)

    @while_there_is("running")
    @rule(which=picks, coupons=st.lists(picks, max_size=2))
    def swap_coupons(self, which, coupons) -> None:
        if row := self.running(which):
            request = ChangeRequest(self.shop.id, row.id, coupon_ids=self.coupon_ids(coupons))
            self.attempt_whole(change_subscription, ctx=self.ctx(), request=request)

    @while_there_is("running")
    @rule(which=picks, item=picks, quantity=st.integers(0, 5))
    def up_and_back(self, which, item, quantity) -> None:
        """At the same instant: what waits afterwards is worth what waited before."""
        row = self.running(which)
        if row is None or Discount.objects.filter(subscription=row).exclude(coupon__duration="forever").exists():
            return  # a consumed coupon counts no more for the way back
        live = SubscriptionItem.objects.get(id=self.item_of(row, item))
        if not self.is_billed_as_it_is(live):
            return  # a free stub or an earlier change without prorations: there is nothing to give back
        before = self.waiting(row)
        if self.change_items(row, ItemChange(live.id, quantity=quantity), mode="create_prorations"):
            assert self.change_items(row, ItemChange(live.id, quantity=live.quantity), mode="create_prorations")
            assert self.waiting(row) == before, "up and back is worth something"

    def is_billed_as_it_is(self, live) -> bool:
        """Nor was a discount given or taken away since it was billed: a change bills by those of its own moment."""
        standing = BilledPeriod.objects.filter(subscription_item_id=live.id, credited_from=None, reversed_at=None)
        billed = standing.filter(price_id=live.price_id, quantity=live.quantity, end__gt=self.now).first()
        given = Discount.objects.filter(subscription_id=live.subscription_id)
        return bool(billed) and not given.filter(Q(deleted_at__isnull=False) | Q(created__gt=billed.created)).exists()

    def change_items(self, row, *changes, mode):
        request = ChangeRequest(self.shop.id, row.id, changes, mode)
        return self.attempt_whole(change_subscription, ctx=self.ctx(), request=request)

    def item_of(self, row, pick: int) -> str:
        return self.one(SubscriptionItem.objects.filter(subscription=row, deleted_at=None), pick).id

    def waiting(self, row) -> int:
        pending = InvoiceItem.objects.filter(subscription=row, invoice_id="", deleted_at=None)
        return sum(pending.values_list("amount", flat=True))

    @while_there_is("running")
    @rule(which=picks, behavior=st.sampled_from(["void", "keep_as_draft", "mark_uncollectible", ""]), days=picks)
    def pause_collection(self, which, behavior, days) -> None:
        row = self.running(which)
        resumes_at = self.now + timedelta(days=5 * days) if behavior and days else None
        request = ChangeRequest(self.shop.id, row.id, pause_collection=PauseCollection(behavior, resumes_at))
        self.attempt_whole(change_subscription, ctx=self.ctx(), request=request)

    @while_there_is("running")
    @rule(which=picks, prorate=st.booleans(), invoice_now=st.booleans(), anchor=st.sampled_from(["now", "unchanged"]))
    def pause_or_resume(self, which, prorate, invoice_now, anchor) -> None:
        row = self.running(which)
        if row.status == "paused":
            request = ResumeRequest(self.shop.id, row.id, anchor)
            self.attempt_whole(resume_subscription, ctx=self.ctx(), request=request)
        else:
            how = {"prorate": prorate, "invoice_now": invoice_now}
            self.attempt_whole(pause_subscription, **self.ids(), subscription_id=row.id, **how)

    @while_there_is("running")
    @rule(which=picks, mode=st.sampled_from(PRORATIONS), trial=st.sampled_from([None, None, "now", 5]))
    def restart(self, which, mode, trial) -> None:
        """The cycle begins anew now, or a trial is moved, ended or added."""
        row = self.running(which)
        how = {"billing_cycle_anchor": "now"} if trial is None else {"trial_end": trial}
        if trial == 5:
            how = {"trial_end": self.now + timedelta(days=5)}
        request = ChangeRequest(self.shop.id, row.id, proration_behavior=mode, **how)
        self.attempt_whole(change_subscription, ctx=self.ctx(), request=request)

    # --- ends ------------------------------------------------------------------------------------------------------

    @while_there_is("running")
    @rule(which=picks, prorate=st.booleans(), invoice_now=st.booleans())
    def cancel(self, which, prorate, invoice_now) -> None:
        if row := self.running(which):
            self.attempt_whole(
                cancel_subscription, **self.ids(), subscription_id=row.id, prorate=prorate, invoice_now=invoice_now
            )

    @while_there_is("running")
    @rule(which=picks, days=st.sampled_from([None, 3, 20, 100]), mode=st.sampled_from(PRORATIONS))
    def cancel_later(self, which, days, mode) -> None:
        if row := self.running(which):
            at = None if days is None else self.now + timedelta(days=days)
            self.attempt_whole(
                schedule_cancel, **self.ids(), subscription_id=row.id, cancel_at=at, proration_behavior=mode
            )

    @while_there_is("running")
    @rule(which=picks)
    def undo(self, which) -> None:
        if row := self.running(which):
            self.attempt_whole(undo_cancel, **self.ids(), subscription_id=row.id)

    # --- paper and money -------------------------------------------------------------------------------------------

    @rule(who=picks, amount=amounts, sign=st.sampled_from([1, 1, -1]), at_once=st.booleans())
    def bill_something(self, who, amount, sign, at_once) -> None:
        owner = self.somebody(who)
        item = {"customer_id": owner.id, "currency": self.currency, "amount": sign * amount}
        self.attempt_whole(create_invoice_item, **self.ids(), **item)
        if at_once:
            self.attempt(create_invoice, **self.ids(), customer_id=owner.id, currency=self.currency)

    @while_there_is("owed")
    @rule(which=picks)
    def pay(self, which) -> None:
        if row := self.one(Invoice.objects.filter(status__in=["open", "uncollectible"]), which):
            self.attempt(pay_invoice, **self.ids(), invoice_id=row.id)

    @while_there_is("owed")
    @rule(which=picks, amount=amounts)
    def transfer(self, which, amount) -> None:
        if row := self.one(Invoice.objects.filter(status__in=["open", "uncollectible"]), which):
            self.attempt(record_payment, **self.ids(), invoice_id=row.id, amount=amount)

    @while_there_is("asked")
    @rule(which=picks, approve=st.booleans())
    def authenticate(self, which, approve) -> None:
        if intent := self.one(PaymentIntent.objects.filter(status="requires_action"), which):
            self.attempt(complete_action, **self.ids(), payment_intent_id=intent.id, approve=approve)

    @while_there_is("paid")
    @rule(which=picks, amount=st.one_of(st.none(), amounts))
    def give_back(self, which, amount) -> None:
        if charge := self.one(Charge.objects.filter(status="succeeded"), which):
            self.attempt_whole(refund_charge, **self.ids(), charge_id=charge.id, amount=amount)

    @while_there_is("owed")
    @rule(which=picks, act=st.sampled_from([void_invoice, mark_uncollectible]))
    def write_off(self, which, act) -> None:
        if row := self.one(Invoice.objects.filter(status__in=["open", "uncollectible"]), which):
            self.attempt_whole(act, **self.ids(), invoice_id=row.id)

    @while_there_is("billed")
    @rule(which=picks, amount=amounts, to=st.sampled_from(["refund_amount", "credit_amount", "out_of_band_amount"]))
    def credit(self, which, amount, to) -> None:
        row = self.one(Invoice.objects.filter(status__in=["open", "paid"]), which)
        given = {to: amount} if row.status == "paid" else {}
        request = CreditNoteRequest(amount=amount, **given)
        self.attempt_whole(create_credit_note, **self.ids(), invoice_id=row.id, request=request)

    # --- time ------------------------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 24, 24 * 8, 24 * 20]))
    def wait(self, hours) -> None:
        self.advance(hours)

    @rule(months=st.sampled_from([1, 1, 3]))
    def wait_for_renewals(self, months) -> None:
        self.advance(24 * 31 * months)

    def advance(self, hours: int) -> None:
        self.wall += timedelta(minutes=30)
        resolve_unknown(ctx=self.ctx())
        finish_pending_subscribes(ctx=self.ctx())
        finish_pending_changes(ctx=self.ctx())
        to = self.now + timedelta(hours=hours)
        advance_clock(**self.ids(), clock_id=self.clock.id, to=to)
        assert advance_clock_now(ctx=self.ctx(), clock_id=self.clock.id)
        check_nothing_waits(self.clock.id)
        told = Event.objects.count()
        run_all_due(self.ctx(), self.clock.id)
        assert Event.objects.count() == told, "planned again at the same instant something was due"

    @invariant()
    @precondition(lambda self: hasattr(self, "shop"))
    def the_facts_hold(self) -> None:
        check_facts(self.shop.id)
        self.see()

    def see(self) -> None:
        invoices, intents = Invoice.objects.filter(amount_remaining__gt=0), PaymentIntent.objects.all()
        self.there_is = {
            "running": self.running(0) is not None,
            "billed": Invoice.objects.filter(status__in=["open", "paid"]).exists(),
            "owed": invoices.filter(status__in=["open", "uncollectible"]).exists(),
            "asked": intents.filter(status="requires_action").exists(),
            "paid": Charge.objects.filter(status="succeeded").exists(),
            "used": UsageEvent.objects.exists(),
            "granted": CreditGrant.objects.exists(),
            "scheduled": OPEN.all().exists(),
        }


@pytest.mark.django_db(transaction=True)
def test_the_facts_hold_through_random_lives(monkeypatch):
    if "LIVES" not in os.environ:
        # Constants found in whatever modules happen to be loaded would make the lives differ from run to run.
        monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *args, **kwargs: None)
    bounds = {"max_examples": LIVES, "stateful_step_count": STEPS, "derandomize": "LIVES" not in os.environ}
    if "LIFE_SHRINK" not in os.environ:
        bounds["phases"] = (Phase.generate,)
    run_as_test(Life, settings=settings(**bounds, deadline=None, suppress_health_check=list(HealthCheck)))
