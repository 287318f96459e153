"""Part of a period: what a change gives back and what it charges (SEMANTICS, Proration).

Each earlier debit is credited by itself, from what it charged and from its own period, so 1000 -> 2000 on 11 April
and back on the 21st credits 667: 10 of the 20 days of the 1333 that were charged on the 11th. Seconds are counted,
and every amount is rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.money import AllocationMode, allocate, share
from core.periods import Period, seconds_between
from subscriptions.types import DebitClosing, DebitFacts, DiscountAmount, PlannedTax


@dataclass(frozen=True, slots=True)
class Proration:
    """A part of an amount: `gross` before discounts, `amount` after them, of `seconds` in `of_seconds`.

    A credit is negative and brings the taxes of its debit, scaled the same way; None when those are not worked out
    yet, because then both are taxed together on the invoice to come.
    """

    period: Period
    gross: int
    amount: int
    discount_amounts: tuple[DiscountAmount, ...]
    seconds: int
    of_seconds: int
    taxes: tuple[PlannedTax, ...] | None = None


def proration_credit(debit: DebitFacts, at: datetime) -> Proration:
    """What the debit charged for the time from `at` on, as a credit: all of it when `at` is before its start.

    amount = -round(net charged * seconds left / seconds of the debit's own period). Of a debit that is to be
    credited from a later instant anyhow (a scheduled end), only what that leaves is given back. Of a debit that only
    charges the end of an earlier one again, shares of that one are given back: however often an end moves, the parts
    add up to the cent.
    Raises `ValueError` when there is nothing to give back.
    """
    if not is_creditable(debit, at):
        raise ValueError(f"{debit.id} has nothing left to credit at {at.isoformat()}")
    begin, until = max(at, debit.start), debit.credited_from or debit.end
    basis = debit.share_of or debit
    whole = seconds_between(basis.start, basis.end)
    left, beyond = seconds_between(begin, debit.end), seconds_between(until, debit.end)

    def given_back(charged: int) -> int:
        return share(charged, beyond, whole) - share(charged, left, whole)

    gross, amount = given_back(basis.gross_amount), given_back(basis.amount)
    taken = basis.discount_amounts or _unnamed(basis.gross_amount - basis.amount)
    taxes = None if basis.taxes is None else tuple(_scaled(tax, given_back) for tax in basis.taxes)
    return Proration(
        period=Period(begin, until),
        gross=gross,
        amount=amount,
        discount_amounts=_split(gross - amount, taken),
        seconds=left - beyond,
        of_seconds=whole,
        taxes=taxes,
    )


def proration_debit(
    gross_amount: int, discount_amounts: Sequence[DiscountAmount], period: Period, whole: Period
) -> Proration:
    """What `period`, a part of the cycle `whole`, costs when the whole costs `gross_amount` less its discounts.

    amount = round(net * seconds of period / seconds of whole).
    """
    left, of_seconds = period.seconds, whole.seconds
    net = gross_amount - sum(discount.amount for discount in discount_amounts)
    gross, amount = share(gross_amount, left, of_seconds), share(net, left, of_seconds)
    return Proration(
        period=period,
        gross=gross,
        amount=amount,
        discount_amounts=_split(gross - amount, discount_amounts),
        seconds=left,
        of_seconds=of_seconds,
    )


def is_creditable(debit: DebitFacts, at: datetime) -> bool:
    """Whether the debit still charges for time after `at`."""
    return debit.kind == "advance" and (debit.credited_from or debit.end) > at and debit.credited_from != debit.start


def closing(debit: DebitFacts, at: datetime) -> DebitClosing:
    """How the debit is marked when it is credited from `at`: closed there, reversed when nothing of it is left."""
    credited_from = max(at, debit.start)
    return DebitClosing(debit.id, credited_from, reversed=credited_from == debit.start)


def _scaled(tax: PlannedTax, given_back: Callable[[int], int]) -> PlannedTax:
    return replace(tax, taxable_amount=given_back(tax.taxable_amount), amount=given_back(tax.amount))


def _unnamed(discount: int) -> tuple[DiscountAmount, ...]:
    return (DiscountAmount("", discount),) if discount else ()


def _split(total: int, taken: Sequence[DiscountAmount]) -> tuple[DiscountAmount, ...]:
    """`total` shared among the discounts in proportion to what each took from the whole amount."""
    if total == 0:
        return ()
    parts = allocate(total, [discount.amount for discount in taken], AllocationMode.LARGEST_REMAINDER)
    return tuple(replace(discount, amount=part) for discount, part in zip(taken, parts, strict=True) if part)
