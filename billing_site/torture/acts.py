"""What happens at once in one round: workers, customers, staff, the bank and the network, each doing its worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import connection

from billing_site.torture.children import KILL_POINTS, spawn, wait_for
from billing_site.torture.stripe_process import Steering
from billing_site.torture.world import World
from core.errors import OstinatoError
from engine.services.collect import collect_invoices, run_collections
from engine.services.inbox import apply_inbox, sweep_events
from engine.services.pay import complete_action, pay_invoice, record_payment
from engine.services.refund import refund_charge
from engine.services.resolve import resolve_unknown, settle_due
from invoicing.models import Invoice
from payments.models import Charge, PaymentIntent

ROUGH = {"drop_before": 0.04, "drop_after": 0.06, "500_before": 0.02, "500_after": 0.04, "429": 0.03}
OUTAGE = {"drop_before": 0.5, "drop_after": 0.5}
BAD_POST = {"shuffle": True, "lose": 0.25, "twice": 0.2, "mangle": 0.15, "stale": 0.05}
BATCH = 40
Work = Callable[[], object]


class Rounds:
    """One round after another, and a count of what was done to us."""

    def __init__(self, world: World, steer: Steering) -> None:
        self.world, self.steer, self.dice = world, steer, world.dice
        self.counts: Counter[str] = Counter()
        self.accepted_forgeries: list[str] = []

    def play(self) -> None:
        """New invoices, then the run and everybody else at the same time, then news, then time passes."""
        invoices = self.world.open_invoices(BATCH)
        self.steer("throw", rates=OUTAGE if self.dice.random() < 0.15 else ROUGH, seed=self.dice.randrange(10**9))
        self._together(self._run(), self._press(invoices))
        self._together(self._run(), self._transfer(invoices), self._staff())
        self._bank()
        self._together(self._refund(), self._find_out())
        self._post()
        self._together(self._hear(), self._find_out(), self._run())
        self._pass(hours=self.dice.choice((1, 6, 26, 26, 72)))

    def calm_down(self) -> None:
        """The line is good again: retries, look-ups and sweeps until nothing moves."""
        self.steer("throw", rates={})
        for _ in range(8):
            self._pass(hours=49)
            self._post(gently=True)
            self._one(self._all_of_it)
        Invoice.objects.update(next_action_at=None, next_payment_attempt=None)
        for _ in range(4):
            self._pass(hours=24 * 8)
            self._post(gently=True)
            self._one(self._find_everything_out)

    # --- processes -------------------------------------------------------------------------------------------

    def _one(self, work: Work) -> None:
        self.counts.update(wait_for([spawn("calm", work)]))

    def _together(self, *works: Work) -> None:
        """Side by side; one of them may be killed at a point or at random, or all lose the database."""
        fate = self.dice.random()
        point = self.dice.choice(list(KILL_POINTS)) if fate < 0.4 else ""
        kill_after = self.dice.uniform(0.02, 0.4) if 0.4 <= fate < 0.55 else 0.0
        cut = self._cut if 0.55 <= fate < 0.65 else None
        children = [spawn(work.__name__, work, die=point if number == 0 else "") for number, work in enumerate(works)]
        self.counts.update(wait_for(children, kill_after_s=kill_after, cut=cut))
        self.counts["cuts"] += cut is not None

    def _cut(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    # --- who does what ---------------------------------------------------------------------------------------

    def _ids(self) -> dict[str, Any]:
        return {"ctx": self.world.ctx, "merchant_id": self.world.merchant.id}

    def _run(self) -> Work:
        def run() -> None:
            run_collections(ctx=self.world.ctx, chunk_size=20, max_chunks=4)

        return run

    def _press(self, invoice_ids: list[str]) -> Work:
        """Customers who pay at the very moment at which the run charges them."""
        chosen = self.dice.sample(invoice_ids, 6)

        def press() -> None:
            for invoice_id in chosen:
                _dare(partial(pay_invoice, **self._ids(), invoice_id=invoice_id))
            collect_invoices(ctx=self.world.ctx, invoice_ids=chosen, off_session=False)

        return press

    def _transfer(self, invoice_ids: list[str]) -> Work:
        """Money that comes by another way, in full, in part or too much."""
        chosen = [
            (invoice_id, self.dice.choice((300, 1_000, 25_000))) for invoice_id in self.dice.sample(invoice_ids, 2)
        ]

        def transfer() -> None:
            for invoice_id, amount in chosen:
                _dare(partial(record_payment, **self._ids(), invoice_id=invoice_id, amount=amount))

        return transfer

    def _staff(self) -> Work:
        """Somebody who presses "try again" on what is open."""
        owed = list(Invoice.objects.filter(status="open").order_by("?").values_list("id", flat=True)[:4])

        def staff() -> None:
            for invoice_id in owed:
                _dare(partial(pay_invoice, **self._ids(), invoice_id=invoice_id, off_session=True))

        return staff

    def _bank(self) -> None:
        """Customers answer their bank; half of them never come back to us."""
        for intent in PaymentIntent.objects.filter(status="requires_action").order_by("id")[:6]:
            self._steered("authenticate", intent=intent.gateway_intent_id, approve=self.dice.random() < 0.7)
            if self.dice.random() < 0.5:
                _dare(partial(complete_action, **self._ids(), payment_intent_id=intent.id, approve=True))
        disputes = self._open_disputes()
        for dispute in self.dice.sample(disputes, min(2, len(disputes))):
            self._steered("close_dispute", dispute=dispute, status=self.dice.choice(("won", "lost")))

    def _open_disputes(self) -> list[str]:
        return [row["id"] for row in self.steer("audit")["dispute"] if row["status"] == "needs_response"]

    def _steered(self, name: str, **given: Any) -> None:
        try:
            self.steer(name, **given)
        except OSError:
            pass  # over there it was too late for that

    def _refund(self) -> Work:
        """Refunds, while the cardholders of the same charges go to their banks."""
        charges = list(Charge.objects.filter(status="succeeded", amount_refunded=0).order_by("?")[:5])
        parts = [(charge, self.dice.choice((None, 300, charge.amount))) for charge in charges]
        for charge in self.dice.sample(charges, min(2, len(charges))):
            self._steered("dispute", charge=charge.gateway_charge_id)

        def refund() -> None:
            for charge, amount in parts:
                _dare(partial(refund_charge, **self._ids(), charge_id=charge.id, amount=amount))

        return refund

    def _find_out(self) -> Work:
        def find_out() -> None:
            resolve_unknown(ctx=self.world.ctx)
            settle_due(ctx=self.world.ctx)

        return find_out

    def _hear(self) -> Work:
        with_sweep = self.dice.random() < 0.3

        def hear() -> None:
            if with_sweep:
                sweep_events(ctx=self.world.ctx)
            apply_inbox(ctx=self.world.ctx)

        return hear

    def _all_of_it(self) -> None:
        run_collections(ctx=self.world.ctx)
        self._find_everything_out()

    def _find_everything_out(self) -> None:
        resolve_unknown(ctx=self.world.ctx, limit=5_000)
        settle_due(ctx=self.world.ctx)
        sweep_events(ctx=self.world.ctx)
        apply_inbox(ctx=self.world.ctx, limit=50_000)

    # --- the network and the clock ---------------------------------------------------------------------------

    def _post(self, *, gently: bool = False) -> None:
        """Webhooks, late, twice, out of order, lost, altered, forged, replayed."""
        for _, mangled, status in self.steer("flush", **({} if gently else BAD_POST)):
            self.counts["webhooks"] += 1
            if mangled:
                self.counts["forgeries"] += 1
                if status == 200:
                    self.accepted_forgeries.append(f"a webhook with a bad {mangled} was accepted")

    def _pass(self, *, hours: int) -> None:
        self.world.now = datetime.fromtimestamp(self.steer("advance", seconds=hours * 3600)["now"], tz=UTC)
        self.counts["rounds"] += 1


def _dare(act: Work) -> None:
    """A refusal by name is an answer: nothing moved."""
    try:
        act()
    except OstinatoError:
        pass
