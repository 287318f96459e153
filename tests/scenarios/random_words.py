"""What every rule of a random life speaks in: its clock, a pick among what there is, an attempt that may be refused."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine, precondition

from core.context import Context
from core.errors import OstinatoError
from customers.models import Customer, TestClock
from engine.types import ItemChange, ItemRequest
from events.models import Event
from subscriptions.models import Subscription
from subscriptions.types import TERMINAL_STATUSES


def while_there_is(what: str):
    """A rule that has something to do only then: `see` says after every step what there is."""
    return precondition(lambda self: self.there_is.get(what))


class Words(RuleBasedStateMachine):
    """A machine with a merchant (`shop`), its clock and its catalog; the rules are its children's."""

    def ctx(self, at: datetime | None = None) -> Context:
        """Business time is the clock's; the wall goes on by itself."""
        self.wall += timedelta(seconds=7)
        return Context(as_of=at or self.now, recorded_at=self.wall, actor="life")

    @property
    def now(self) -> datetime:
        return TestClock.objects.get(id=self.clock.id).frozen_time

    def ids(self) -> dict:
        return {"ctx": self.ctx(), "merchant_id": self.shop.id}

    def one(self, rows, pick: int):
        found = list(rows.filter(merchant_id=self.shop.id).order_by("id"))
        return found[pick % len(found)] if found else None

    def running(self, pick: int) -> Subscription | None:
        return self.one(Subscription.objects.exclude(status__in=TERMINAL_STATUSES), pick)

    def somebody(self, pick: int) -> Customer:
        return self.one(Customer.objects.all(), pick)

    def price_id(self, pick: int) -> str:
        return self.prices[pick % len(self.prices)].id

    def items_of(self, what: list[tuple[int, int]]) -> tuple[ItemRequest, ...]:
        wanted = {self.price_id(pick): quantity for pick, quantity in what}
        metered = {price.id for price in self.metered}
        return tuple(ItemRequest(id, 1 if id in metered else quantity) for id, quantity in wanted.items())

    def change_to(self, item_id: str, pick: int | None, quantity: int | None) -> ItemChange:
        """Of an item, or a new one; what is metered takes no quantity."""
        price_id = "" if pick is None else self.price_id(pick)
        is_metered = any(price.id == price_id for price in self.metered)
        return ItemChange(item_id, price_id, None if is_metered else quantity)

    def coupon_ids(self, picked: list[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.coupons[pick % len(self.coupons)].id for pick in picked))

    def attempt(self, act, *args, **kwargs):
        """A named refusal is an answer; anything else is a finding."""
        try:
            return act(*args, **kwargs)
        except OstinatoError as refusal:
            note(type(refusal).__name__)
            return None

    def attempt_whole(self, act, **kwargs):
        """As `attempt`, for what must leave nothing behind when it refuses."""
        told = Event.objects.count()
        try:
            return act(**kwargs)
        except OstinatoError as refusal:
            written = Event.objects.count() - told
            note(f"{type(refusal).__name__} after {written} events")
        assert not written, "half-written when refused"
        return None
