"""What happens to each subscriber, decided before anything happens. Pure: the same seed tells the same story.

A story is a list of signups, oldest first, each with what its subscriber will do later and after how long. Whether
it can be done then is the product's own decision: a subscription that ended meanwhile is not changed any more.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from billing_site.demo.people import Person, person

T = TypeVar("T")

# Shares of a hundred subscribers.
INSTRUMENTS = {
    "pm_card_visa": 52,
    "pm_card_mastercard": 25,
    "pm_card_amex": 8,
    "pm_card_discover": 2,
    "pm_sandbox_declineThenSucceed": 4,
    "pm_card_authenticationRequiredOnSetup": 2,
}
DEBITS = {"cad": "pm_acss_debit", "usd": "pm_us_bank_account", "eur": "pm_sepa_debit"}
DEBIT_SHARE = 0.12
BAD_CARDS = (
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_chargeCustomerFail",
)
GOOD_CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")
CANCEL_FEEDBACK = ("too_expensive", "unused", "switched_service", "missing_features", "customer_service", "other")


class Act(StrEnum):
    """What a subscriber does."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    CANCEL = "cancel"  # at the period's end
    CANCEL_NOW = "cancel_now"
    KEEP = "keep"  # takes a cancellation back
    BAD_CARD = "bad_card"  # the card on file is one that will fail
    ASK_REFUND = "ask_refund"
    BUY = "buy"  # something that does not recur, with the next box or at once
    RETURN = "return"  # subscribes again after an end


@dataclass(frozen=True, slots=True)
class Offer:
    """One recurring price that can be chosen, and how often it is, against the others."""

    price_id: str
    product_id: str
    currency: str
    interval: str
    amount: int
    weight: int
    by_invoice: bool = False  # sold to companies that pay invoices by transfer
    most_seats: int = 1
    trial_days: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """`act` once `after` has passed since the signup; `detail` is an instrument or a reason."""

    after: timedelta
    act: Act
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Signup:
    number: int
    at: datetime
    person: Person
    offer: Offer
    quantity: int
    instrument: str  # blank: pays sent invoices
    promotion_code: str
    trial_days: int
    pays_after: timedelta  # how long a sent invoice lies on the desk
    recovers_after: timedelta | None  # how long until a failed payment is answered with a good card; None: never
    replacement: str
    later: tuple[Later, ...]


def tell(
    *, seed: int, start: datetime, end: datetime, subscribers: int, offers: Sequence[Offer], codes: Sequence[str]
) -> list[Signup]:
    """`subscribers` signups between `start` and `end`, more of them the later it gets."""
    rng = random.Random(seed)  # noqa: S311 - a story, not a secret
    moments = _moments(rng, start, end, subscribers)
    return [
        _signup(rng, number, at, _fitting(rng, offers), codes, end=end) for number, at in enumerate(moments, start=1)
    ]


def _moments(rng: random.Random, start: datetime, end: datetime, count: int) -> list[datetime]:
    """Growing over time, busier before the holidays and on weekdays, and by day more than by night."""
    days = max((end - start).days, 1)
    weights = []
    for day in range(days):
        date = start + timedelta(days=day)
        weight = 0.6 + 1.4 * day / days
        weight *= 1.5 if date.month in (11, 12) else 0.75 if date.month in (7, 8) else 1.0
        weights.append(weight * (0.7 if date.weekday() >= 5 else 1.0))
    chosen = rng.choices(range(days), weights, k=count)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (
        # UTC; the shop is four or five hours behind.
        midnight + timedelta(days=day, minutes=rng.randint(12 * 60, 26 * 60), seconds=rng.randint(0, 59))
        for day in chosen
    )
    return sorted(min(max(moment, start), end - timedelta(minutes=5)) for moment in moments)


def _fitting(rng: random.Random, offers: Sequence[Offer]) -> Offer:
    return rng.choices(offers, [offer.weight for offer in offers])[0]


def _signup(
    rng: random.Random, number: int, at: datetime, offer: Offer, codes: Sequence[str], *, end: datetime
) -> Signup:
    trial_days = offer.trial_days if rng.random() < 0.6 else 0
    instrument = "" if offer.by_invoice else _instrument(rng, offer.currency, trial_days)
    return Signup(
        number=number,
        at=at,
        person=person(rng, number, offer.currency, company=offer.by_invoice),
        offer=offer,
        quantity=rng.randint(2, offer.most_seats) if offer.most_seats > 1 else 1,
        instrument=instrument,
        promotion_code=rng.choice(codes) if codes and rng.random() < 0.22 else "",
        trial_days=trial_days,
        pays_after=timedelta(
            days=_weighted(rng, {3: 20, 9: 25, 20: 30, 28: 10, 38: 10, 55: 5}), hours=rng.randint(0, 9)
        ),
        recovers_after=timedelta(days=rng.randint(2, 13), hours=rng.randint(0, 20)) if rng.random() < 0.66 else None,
        replacement=rng.choice(GOOD_CARDS),
        later=tuple(_later(rng, offer, at, end)),
    )


def _instrument(rng: random.Random, currency: str, trial_days: int) -> str:
    """A debit takes days to settle: it is offered to those who begin with a trial."""
    if trial_days and currency in DEBITS and rng.random() < DEBIT_SHARE:
        return DEBITS[currency]
    return _weighted(rng, INSTRUMENTS)


def _later(rng: random.Random, offer: Offer, at: datetime, end: datetime) -> list[Later]:
    """Month after month: most do nothing, a few change their mind. Ends with the first cancellation."""
    acts: list[Later] = []
    months = int((end - at) / timedelta(days=30)) + 1
    for month in range(months):
        after = timedelta(days=30 * month + rng.randint(2, 27), minutes=rng.randint(0, 1439))
        luck = rng.random()
        leaving = 0.055 if month < 3 else 0.028  # most who leave do so early
        if luck < leaving:
            acts += _leaving(rng, after)
            if acts[-1].act is not Act.KEEP:
                break
        elif luck < leaving + 0.03:
            acts.append(Later(after, Act.UPGRADE))
        elif luck < leaving + 0.042:
            acts.append(Later(after, Act.DOWNGRADE))
        elif luck < leaving + 0.072 and not offer.by_invoice:
            acts.append(Later(after, Act.BAD_CARD, rng.choice(BAD_CARDS)))
        elif luck < leaving + 0.079 and not offer.by_invoice:
            acts.append(Later(after, Act.ASK_REFUND, rng.choice(("requested_by_customer", "duplicate"))))
        elif luck < leaving + 0.11 and not offer.by_invoice:
            acts.append(Later(after, Act.BUY, rng.choice(("with_next", "with_next", "at_once"))))
    return acts


def _leaving(rng: random.Random, after: timedelta) -> list[Later]:
    why = rng.choice(CANCEL_FEEDBACK)
    if rng.random() < 0.15:
        return [Later(after, Act.CANCEL_NOW, why)]
    acts = [Later(after, Act.CANCEL, why)]
    luck = rng.random()
    if luck < 0.12:
        acts.append(Later(after + timedelta(days=1, hours=rng.randint(1, 20)), Act.KEEP))
    elif luck < 0.25:
        acts.append(Later(after + timedelta(days=rng.randint(45, 120)), Act.RETURN))
    return acts


def _weighted(rng: random.Random, weights: Mapping[T, int]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
