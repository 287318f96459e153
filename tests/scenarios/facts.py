"""What must be true of a merchant's books at any moment, whatever has happened: read from the rows alone.

Each check says in its name what holds. `check_facts` asserts all that hold at every moment, `check_nothing_waits`
what holds once a clock has arrived.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from django.db.models import Count, Sum

from customers.models import (
    CreditGrant,
    CreditGrantTransaction,
    Customer,
    CustomerBalanceTransaction,
    TestClock,
)
from engine.due import next_due_moment
from engine.models import PendingSubscribe
from events.models import Event
from invoicing.models import Invoice, InvoiceLine, InvoiceLineTax, NumberSeries
from payments.models import (
    IN_FLIGHT_CHARGE_STATUSES,
    OPEN_INTENT_STATUSES,
    Charge,
    InvoicePayment,
    PaymentIntent,
    Refund,
    SandboxObject,
)
from subscriptions.entitlements import active_entitlements_of
from subscriptions.models import BilledPeriod, EntitlementSummary, Subscription, SubscriptionSchedule
from subscriptions.types import TERMINAL_STATUSES

VERSIONED = ("subscription", "invoice", "subscription_schedule", "billing.credit_grant")


def check_facts(merchant_id: str) -> None:
    """All that holds after every single step."""
    invoices = {row.id: row for row in Invoice.objects.filter(merchant_id=merchant_id)}
    check_every_invoice_adds_up(merchant_id, invoices)
    check_what_is_paid_is_what_was_allocated(merchant_id, invoices)
    check_numbers_are_gapless(merchant_id)
    check_no_second_is_billed_twice(merchant_id)
    check_balances_are_their_ledgers(merchant_id)
    check_one_payment_at_a_time(merchant_id, invoices)
    check_the_processor_has_the_same_books(merchant_id)
    check_money_is_kept(merchant_id)
    check_statuses_follow_from_invoices(merchant_id, invoices)
    check_versions_are_told_one_by_one(merchant_id, invoices)
    check_grants_are_their_ledgers(merchant_id, invoices)
    check_everyone_was_told_what_they_hold(merchant_id)
    check_schedules_lead_what_runs(merchant_id)
    check_what_waits_for_its_payment(merchant_id, invoices)


def check_nothing_waits(clock_id: str) -> None:
    """A clock that arrived has nothing left to do, and what ended waits for nothing."""
    clock = TestClock.objects.get(id=clock_id)
    assert (clock.status, clock.target_time) == ("ready", None), clock.status_detail
    due = next_due_moment(clock_id)
    assert due is None or due > clock.frozen_time, f"{due} is past at {clock.frozen_time}"


def check_every_invoice_adds_up(merchant_id: str, invoices: dict[str, Invoice]) -> None:
    lines = _sums(InvoiceLine.objects.filter(merchant_id=merchant_id), "invoice_id", "amount")
    discounts = _sums(InvoiceLine.objects.filter(merchant_id=merchant_id), "invoice_id", "discount_amount")
    taxes = InvoiceLineTax.objects.filter(merchant_id=merchant_id)
    exclusive = _sums(taxes.filter(inclusive=False), "invoice_id", "amount")
    inclusive = _sums(taxes.filter(inclusive=True), "invoice_id", "amount")
    for id, row in invoices.items():
        assert row.lines_gross == lines.get(id, 0), f"{id}: its lines"
        assert row.total_discount == discounts.get(id, 0), f"{id}: its discounts"
        assert row.exclusive_tax == exclusive.get(id, 0), f"{id}: its exclusive taxes"
        assert row.inclusive_tax == inclusive.get(id, 0), f"{id}: its inclusive taxes"
        taken = row.total_discount + row.credit_grants_applied + row.inclusive_tax_backed_out
        assert row.total == row.lines_gross - taken + row.exclusive_tax, f"{id}: its total"
        if row.status != "draft":
            assert row.amount_due == row.total - row.balance_applied, f"{id}: what is due"
    for line in InvoiceLine.objects.filter(merchant_id=merchant_id).exclude(discount_amounts=[]):
        assert line.discount_amount == sum(int(given["amount"]) for given in line.discount_amounts), line.id
        assert abs(line.discount_amount) <= abs(line.amount), f"{line.id} is discounted by more than itself"


def check_what_is_paid_is_what_was_allocated(merchant_id: str, invoices: dict[str, Invoice]) -> None:
    allocated = _sums(InvoicePayment.objects.filter(merchant_id=merchant_id), "invoice_id", "amount_paid")
    for id, row in invoices.items():
        assert row.amount_paid == allocated.get(id, 0), f"{id}: what is paid"
        left = row.amount_due - row.amount_paid - row.pre_payment_credit_notes_amount
        assert row.amount_remaining == left, f"{id}: what remains"
        if row.status == "paid":
            assert row.paid_at is not None, f"{id} was paid some day"


def check_numbers_are_gapless(merchant_id: str) -> None:
    for series in NumberSeries.objects.filter(merchant_id=merchant_id):
        given = Invoice.objects.filter(number_series_id=series.id).order_by("number_value")
        values = list(given.values_list("number_value", flat=True))
        assert values == list(range(1, series.next_number)), f"{series.prefix}: {values}"


def check_no_second_is_billed_twice(merchant_id: str) -> None:
    """What stands of an item's debits never overlaps; a reversed one does not stand, a credited one to its credit."""
    standing = BilledPeriod.objects.filter(merchant_id=merchant_id, reversed_at__isnull=True).order_by("start")
    by_item = defaultdict(list)
    for row in standing:
        until = min(row.end, row.credited_from or row.end)
        if until > row.start:
            by_item[row.subscription_item_id, row.kind].append((row.start, until))
    for (item_id, kind), billed in by_item.items():
        for earlier, later in pairwise(billed):
            assert earlier[1] <= later[0], f"{item_id} is billed twice {kind}: {earlier} and {later}"


def check_balances_are_their_ledgers(merchant_id: str) -> None:
    ledgers = defaultdict(list)
    for row in CustomerBalanceTransaction.objects.filter(merchant_id=merchant_id).order_by("sequence"):
        ledgers[row.customer_id].append(row)
    for customer in Customer.objects.filter(merchant_id=merchant_id):
        running = 0
        for n, row in enumerate(ledgers[customer.id], start=1):
            before, running = running, running + row.amount
            assert (row.sequence, row.ending_balance) == (n, running), f"{customer.id}: entry {n}"
            if row.type == "applied_to_invoice":
                assert before * running >= 0, f"{customer.id}: entry {n} crosses zero"
        assert (customer.balance, customer.balance_sequence) == (running, len(ledgers[customer.id])), customer.id


def check_one_payment_at_a_time(merchant_id: str, invoices: dict[str, Invoice]) -> None:
    open_intents = PaymentIntent.objects.filter(merchant_id=merchant_id, status__in=OPEN_INTENT_STATUSES)
    of_invoice = defaultdict(list)
    for intent in open_intents:
        of_invoice[intent.invoice_id or intent.id].append(intent)
    in_flight = Charge.objects.filter(merchant_id=merchant_id, status__in=IN_FLIGHT_CHARGE_STATUSES)
    charging = defaultdict(list)
    for charge in in_flight:
        charging[charge.payment_intent_id].append(charge)
    for id, intents in of_invoice.items():
        assert len(intents) == 1, f"{id} has {len(intents)} open intents"
        invoice = invoices.get(id)
        if invoice is not None:
            assert invoice.status in ("open", "uncollectible"), f"{id} is {invoice.status} and still collected"
    for id, charges in charging.items():
        assert len(charges) == 1, f"{id} has {len(charges)} charges in flight"
        assert charges[0].payment_intent_id in {intent.id for found in of_invoice.values() for intent in found}, (
            f"{charges[0].id} is {charges[0].status} on an intent that is closed"
        )


def check_the_processor_has_the_same_books(merchant_id: str) -> None:
    """What the sandbox took is what we know to be taken, but for answers that are still on their way."""
    theirs = SandboxObject.objects.filter(merchant_id=merchant_id, kind="payment_intent")
    taken = {
        entry.body["metadata"]["payment_intent"]: entry.body
        for entry in theirs
        if entry.body["standing"]["kind"] == "succeeded"
    }
    charges = list(Charge.objects.filter(merchant_id=merchant_id))
    paid = [charge for charge in charges if charge.status == "succeeded"]
    on_the_way = {charge.payment_intent_id for charge in charges if charge.status in IN_FLIGHT_CHARGE_STATUSES}
    assert len({charge.payment_intent_id for charge in paid}) == len(paid), "no intent is charged twice"
    assert {charge.payment_intent_id for charge in paid} <= taken.keys(), "what we know to be taken was taken"
    unknown_to_us = taken.keys() - {charge.payment_intent_id for charge in paid} - on_the_way
    assert not unknown_to_us, f"they took {unknown_to_us} and we do not know"
    asked = set(
        Refund.objects.filter(merchant_id=merchant_id, status__in=["planned", "unknown", "pending"]).values_list(
            "charge_id", flat=True
        )
    )
    for charge in paid:
        assert taken[charge.payment_intent_id]["amount"] == charge.amount, charge.id
        if charge.id not in asked:
            assert taken[charge.payment_intent_id]["refunded"] == charge.amount_refunded, charge.id


def check_money_is_kept(merchant_id: str) -> None:
    """Every charge that took money paid its invoice, and what was over went to its customer's balance."""
    paid = Charge.objects.filter(merchant_id=merchant_id, status="succeeded")
    promised = PendingSubscribe.objects.filter(merchant_id=merchant_id, status="open")
    for charge in paid.filter(invoice_id="").exclude(payment_intent_id__in=promised.values("payment_intent_id")):
        assert charge.amount_refunded == charge.amount, f"{charge.id} paid for nothing"
    paid = paid.exclude(invoice_id="")
    charged = _sums(paid, "customer_id", "amount")
    payments = InvoicePayment.objects.filter(merchant_id=merchant_id, type="payment_intent")
    allocated = _sums(payments, "invoice__customer_id", "amount_paid")
    ledger = CustomerBalanceTransaction.objects.filter(merchant_id=merchant_id, type="adjustment", amount__lt=0)
    given = _sums(ledger, "customer_id", "amount")
    for customer_id, amount in charged.items():
        over = amount - allocated.get(customer_id, 0)
        assert 0 <= over <= -given.get(customer_id, 0), f"{customer_id}: {over} of {amount} is nowhere"


def check_statuses_follow_from_invoices(merchant_id: str, invoices: dict[str, Invoice]) -> None:
    by_subscription = defaultdict(list)
    for row in invoices.values():
        if row.subscription_id and row.status != "draft":
            by_subscription[row.subscription_id].append(row)
    for row in Subscription.objects.filter(merchant_id=merchant_id):
        papers = sorted(by_subscription[row.id], key=lambda paper: (paper.created, paper.id))
        owed = [paper for paper in papers if paper.status == "open"]
        if row.status in TERMINAL_STATUSES:
            assert (row.next_action_at, row.ended_at is None) == (None, False), f"{row.id} has ended"
            # What it was sent at its end may still pass its due day; nothing is tried again.
            waiting_for = {paper.next_action_at for paper in owed} - {None, *(paper.due_date for paper in owed)}
            assert not waiting_for, f"{row.id} is chased"
        if row.status == "past_due":
            assert owed, f"{row.id} is past due and owes nothing"
        if row.status == "incomplete":
            assert papers[0].status != "paid", f"{row.id} is incomplete and its first invoice is paid"
        if row.status in ("active", "trialing") and papers:
            latest = papers[-1]
            failed = latest.status == "open" and latest.attempted and latest.collection_method != "send_invoice"
            waiting = Charge.objects.filter(invoice_id=latest.id, status__in=["processing", "unknown", "planned"])
            assert not failed or row.status == "trialing" or waiting.exists(), f"{row.id} is well and owes {latest.id}"


def check_versions_are_told_one_by_one(merchant_id: str, invoices: dict[str, Invoice]) -> None:
    """Each version of a subscription, an invoice, a schedule, a grant has its event, and the last one is the row's."""
    told = (
        Event.objects.filter(merchant_id=merchant_id, object_type__in=VERSIONED)
        .values_list("object_id")
        .annotate(Count("object_version", distinct=True))
    )
    counted = dict(told)
    current = {row.id: row.version for row in invoices.values()}
    current |= dict(Subscription.objects.filter(merchant_id=merchant_id).values_list("id", "version"))
    for model in (SubscriptionSchedule, CreditGrant):
        current |= dict(model.objects.filter(merchant_id=merchant_id).values_list("id", "version"))
    for id, version in current.items():
        assert counted.get(id, 0) == version, f"{id} is at version {version}, {counted.get(id, 0)} were told"


def check_grants_are_their_ledgers(merchant_id: str, invoices: dict[str, Invoice]) -> None:
    """Each grant is the sum of its ledger, and what invoices show as paid by credit was taken from grants."""
    ledgers = defaultdict(list)
    for entry in CreditGrantTransaction.objects.filter(merchant_id=merchant_id).order_by("sequence"):
        ledgers[entry.credit_grant_id].append(entry)
    taken: dict[str, int] = defaultdict(int)
    for grant in CreditGrant.objects.filter(merchant_id=merchant_id):
        running = 0
        for n, entry in enumerate(ledgers[grant.id], start=1):
            running += entry.amount
            taken[entry.invoice_id] -= entry.amount
            assert (entry.sequence, entry.ending_balance) == (n, running), f"{grant.id}: entry {n}"
        assert (grant.balance, grant.sequence) == (running, len(ledgers[grant.id])), grant.id
        assert not (grant.voided_at and grant.balance), f"{grant.id} is void and worth something"
    for id, row in invoices.items():
        assert taken[id] == (0 if row.status == "void" else row.credit_grants_applied), f"{id}: its credit"
    for line in InvoiceLine.objects.filter(merchant_id=merchant_id).exclude(credit_amounts=[]):
        paid = sum(given["amount"] for given in line.credit_amounts)
        assert 0 < paid <= line.amount - line.discount_amount, f"{line.id} is paid by credit for more than itself"


def check_everyone_was_told_what_they_hold(merchant_id: str) -> None:
    ids = list(Customer.objects.filter(merchant_id=merchant_id).values_list("id", flat=True))
    told = dict(EntitlementSummary.objects.filter(merchant_id=merchant_id).values_list("customer_id", "held"))
    for customer_id, held in active_entitlements_of(merchant_id, ids).items():
        said = [given["feature"] for given in told.get(customer_id, [])]
        assert said == [one.feature_id for one in held], f"{customer_id} holds {held} and was told {said}"


def check_schedules_lead_what_runs(merchant_id: str) -> None:
    """A schedule under way leads one subscription that runs and knows it; one that is over leads none."""
    led = {}
    for row in SubscriptionSchedule.objects.filter(merchant_id=merchant_id).select_related("subscription"):
        waits = row.status in ("not_started", "active")
        assert waits == (row.next_action_at is not None), f"{row.id} is {row.status} and due {row.next_action_at}"
        if row.status == "active":
            assert row.subscription is not None, f"{row.id} leads nothing"
            assert row.subscription.status not in TERMINAL_STATUSES, f"{row.id} leads what has ended"
            led[row.subscription_id] = row.id
    running = Subscription.objects.filter(merchant_id=merchant_id).exclude(status__in=TERMINAL_STATUSES)
    known = dict(running.exclude(schedule_id="").values_list("id", "schedule_id"))
    assert known == led, "who leads and who is led agree"


def check_what_waits_for_its_payment(merchant_id: str, invoices: dict[str, Invoice]) -> None:
    """A pending update has an invoice of its own, and one that ended waits for nothing."""
    for row in Subscription.objects.filter(merchant_id=merchant_id):
        if row.pending_update_expires_at is not None:
            assert row.status not in TERMINAL_STATUSES, f"{row.id} has ended and waits"
            assert invoices[row.pending_update["invoice"]].subscription_id == row.id, f"{row.id}: its invoice"


def _sums(rows, key: str, amount: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(key).annotate(Sum(amount)))
