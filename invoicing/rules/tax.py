"""Tax rates by hand on an invoice's lines (SEMANTICS, Tax).

Discounts and credit grants come off first. On a line the inclusive rates are taken out together (each is
amount * rate / (100 + all inclusive rates)), and the exclusive ones are reckoned on what is left, so QST at 9.975 %
is on the price without GST. Rounding is per line, or once per rate over the whole invoice with the rounded sum
dealt out to the lines by largest remainder: the lines always sum to the rate's tax and to its base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from core.errors import OstinatoError, gettext_noop
from core.money import percent_inside, percent_of, round_half_away
from core.values import changed
from invoicing.types import PlannedLine, PlannedTax, TaxRateFacts

# Why a customer who is not taxed is not taxed, in Stripe's words.
_EXEMPTIONS = {"exempt": "customer_exempt", "reverse": "reverse_charge"}

_Rank = tuple[int, int, tuple[str, ...]]


class UnknownTaxRate(OstinatoError):
    code = "resource_missing"
    param = "tax_rates"
    message_id = gettext_noop("There is no tax rate %(tax_rate)s.")


@dataclass(slots=True)
class _Taxed:
    """A line on its way: its position, its rates, and what was found so far."""

    base: int  # net of discounts, inclusive tax still inside
    inclusive: list[TaxRateFacts]
    exclusive: list[TaxRateFacts]
    amounts: dict[str, int]  # by tax rate id
    net: int


def tax_lines(
    lines: Sequence[PlannedLine], rates: Mapping[str, TaxRateFacts], *, tax_exempt: str, rounding: str
) -> tuple[PlannedLine, ...]:
    """The lines with their taxes, in their order. `rounding` is "per_line" or "per_invoice".

    A line whose taxes are given (a credit that reuses those of its debit) is left as it is. For an exempt or
    reverse-charged customer every tax is 0 and what was inside the price is backed out (10000 at 10 % -> 9091).
    Raises `UnknownTaxRate`.
    """
    taxed = {
        position: _begin(line, rates)
        for position, line in enumerate(lines)
        if line.tax_rate_ids and not line.taxes_are_given
    }
    if not taxed:
        return tuple(lines)
    together = list(taxed.values())
    groups = [[one] for one in together] if rounding == "per_line" else [together]
    for group in groups:
        _take_out_inclusive(group)
        _add_exclusive(group)
    reason = _EXEMPTIONS.get(tax_exempt, "")
    return tuple(
        _finished(line, taxed[position], reason) if position in taxed else line for position, line in enumerate(lines)
    )


def taxes_on(amount: int, rates: Sequence[TaxRateFacts]) -> tuple[PlannedTax, ...]:
    """The taxes of these rates on one amount by itself, inclusive tax still inside it."""
    inclusive, exclusive = [rate for rate in rates if rate.inclusive], [rate for rate in rates if not rate.inclusive]
    one = _Taxed(amount, inclusive, exclusive, {}, amount)
    _take_out_inclusive([one])
    _add_exclusive([one])
    return _taxes(one, "")


def _begin(line: PlannedLine, rates: Mapping[str, TaxRateFacts]) -> _Taxed:
    inclusive: list[TaxRateFacts] = []
    exclusive: list[TaxRateFacts] = []
    for tax_rate_id in line.tax_rate_ids:
        rate = rates.get(tax_rate_id)
        if rate is None:
            raise UnknownTaxRate(tax_rate=tax_rate_id)
        (inclusive if rate.inclusive else exclusive).append(rate)
    base = line.taxed_amount
    return _Taxed(base, inclusive, exclusive, {}, base)


def _take_out_inclusive(group: list[_Taxed]) -> None:
    """Each inclusive rate's tax on each line of the group, and the lines' nets without them; changes the group."""
    for rate in _distinct(rate for one in group for rate in one.inclusive):
        carrying = [one for one in group if rate in one.inclusive]
        if len(carrying) == 1:
            _take_out(carrying[0], rate)
            continue
        exact = [_inside(one, rate) for one in carrying]
        for one, tax in zip(carrying, deal_out(exact, _ranks(carrying)), strict=True):
            one.amounts[rate.id] = tax
            one.net -= tax


def _add_exclusive(group: list[_Taxed]) -> None:
    """Each exclusive rate's tax on the nets of the group's lines; changes the group."""
    for rate in _distinct(rate for one in group for rate in one.exclusive):
        carrying = [one for one in group if rate in one.exclusive]
        if len(carrying) == 1:
            carrying[0].amounts[rate.id] = percent_of(carrying[0].net, rate.percentage)
            continue
        exact = [Fraction(one.net) * Fraction(rate.percentage) / 100 for one in carrying]
        for one, tax in zip(carrying, deal_out(exact, _ranks(carrying)), strict=True):
            one.amounts[rate.id] = tax


def _take_out(one: _Taxed, rate: TaxRateFacts) -> None:
    """The rate on its only line: there is nothing to deal out; changes the line."""
    together = sum((inclusive.percentage for inclusive in one.inclusive), Decimal(0))
    one.amounts[rate.id] = tax = percent_inside(one.base, rate.percentage, together)
    one.net -= tax


def _inside(one: _Taxed, rate: TaxRateFacts) -> Fraction:
    whole = 100 + sum(Fraction(inclusive.percentage) for inclusive in one.inclusive)
    return Fraction(one.base) * Fraction(rate.percentage) / whole


def deal_out(exact: Sequence[Fraction], ranks: Sequence[_Rank]) -> list[int]:
    """Whole numbers near `exact` whose sum is the exact sum rounded once.

    Every part is floored and the units that are missing go to the largest fractions, on a tie to the lower rank.
    """
    parts = [floor(value) for value in exact]
    missing = round_half_away(sum(exact, Fraction(0))) - sum(parts)
    by_fraction = sorted(range(len(exact)), key=lambda index: (parts[index] - exact[index], ranks[index]))
    for index in by_fraction[:missing]:
        parts[index] += 1
    return parts


def _ranks(group: Sequence[_Taxed]) -> list[_Rank]:
    """What tells two lines apart to tax, so that a tie is decided by what they are and never by their order."""
    return [(one.base, one.net, tuple(sorted(rate.id for rate in (*one.inclusive, *one.exclusive)))) for one in group]


def _finished(line: PlannedLine, taxed: _Taxed, reason: str) -> PlannedLine:
    return changed(line, taxes=_taxes(taxed, reason), backed_out=taxed.base - taxed.net if reason else 0)


def _taxes(taxed: _Taxed, reason: str) -> tuple[PlannedTax, ...]:
    return tuple(
        PlannedTax(
            tax_rate_id=rate.id,
            display_name=rate.display_name,
            percentage=rate.percentage,
            inclusive=rate.inclusive,
            taxable_amount=taxed.net,
            amount=0 if reason else taxed.amounts[rate.id],
            taxability_reason=reason or "standard_rated",
        )
        for rate in (*taxed.inclusive, *taxed.exclusive)
    )


def _distinct(rates: Iterable[TaxRateFacts]) -> list[TaxRateFacts]:
    return list({rate.id: rate for rate in rates}.values())
