"""Credits and debits of a change as pending items: what waits for the next invoice, or goes on one at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.periods import Period, period_at
from engine.rules.arrears import AN_INSTANT, USAGE_DISCARDED, UsageDue, closing_dues, due_line, usage_told
from engine.rules.lines import price_told
from engine.types import ChangeSnapshot, ItemRequest, PlannedEvent, RenewalSnapshot
from invoicing.rules.descriptions import recurring_line, remaining_time, unused_time
from invoicing.types import PendingItemFacts, PlannedPendingItem
from subscriptions.rules.amounts import line_amount
from subscriptions.rules.discounts import Discountable, active_discounts, spread_discounts, where_phases_meet
from subscriptions.rules.proration import Proration, closing, is_creditable, proration_credit, proration_debit
from subscriptions.types import (
    DebitClosing,
    DebitFacts,
    DiscountAmount,
    DiscountFacts,
    ItemFacts,
    PlannedDebit,
    PriceFacts,
    new_ref,
)

_Sentence = Callable[[PriceFacts, int, datetime, str, str], str]

_UNSETTLED = frozenset({"draft", "open"})


@dataclass(slots=True)
class Prorations:
    """What a change gives back and charges, gathered: pending items "#0", "#1", … and the debits they close."""

    snapshot: ChangeSnapshot
    items: list[PlannedPendingItem] = field(default_factory=list)
    closings: list[DebitClosing] = field(default_factory=list)
    given_up: list[dict[str, object]] = field(default_factory=list)  # usage that nobody is billed for

    def credit(self, item_ids: Iterable[str], at: datetime) -> None:
        """Close every standing debit of these items at `at`, each credited by itself."""
        wanted = set(item_ids)
        for debit in self.snapshot.debits:
            if debit.subscription_item_id in wanted and is_creditable(debit, at):
                self.closings.append(closing(debit, at))
                held = self._as_held(debit)
                self._add_credit(held, proration_credit(held, at), at)

    def close(self, item_ids: Iterable[str], at: datetime) -> None:
        """Give these items' standing debits up from `at` on, without giving anything back."""
        wanted = set(item_ids)
        for debit in self.snapshot.debits:
            if debit.subscription_item_id in wanted and is_creditable(debit, at):
                self.closings.append(closing(debit, at))

    def add_one_time(
        self,
        price: PriceFacts,
        asked: ItemRequest,
        at: datetime,
        discounts: tuple[DiscountFacts, ...] = (),
    ) -> None:
        """A one-time price that is sold together with the change, with discounts of its own."""
        quantity = asked.quantity
        amount = line_amount(price, quantity)
        customer = self.snapshot.renewal.customer
        facts = PendingItemFacts(
            id=new_ref(len(self.items)),
            currency=price.currency,
            amount=amount,
            period_start=at,
            period_end=at,
            description=recurring_line(price, quantity, customer.locale),
            subscription_id=self.snapshot.renewal.subscription.id,
            quantity=quantity,
            unit_amount_decimal=price.unit_amount_decimal,
            price_id=price.id,
            product_id=price.product_id,
            discounts=discounts,
            discountable=asked.discountable,
            tax_rate_ids=asked.tax_rate_ids,
            explanation=price_told(price, quantity, amount) | {"kind": "one_time"},
            metadata=asked.metadata,
        )
        self.items.append(PlannedPendingItem(facts))

    def debit(self, item: ItemFacts, at: datetime, discounts: tuple[DiscountAmount, ...]) -> None:
        """Charge the item from `at` to the end of its current period. `discounts` are those of its whole amount."""
        subscription = self.snapshot.renewal.subscription
        assert item.price.interval is not None, f"{item.id} has a price that does not recur"
        whole = period_at(
            subscription.billing_cycle_anchor,
            item.price.interval,
            subscription.timezone,
            at,
            day_of_month=subscription.anchor_day_of_month,
        )
        gross = line_amount(item.price, item.quantity)
        part = proration_debit(gross, discounts, Period(at, item.current_period_end), whole)
        self._add_debit(item, self._put_back(item, part), gross, at)

    def usage(self, item: ItemFacts, at: datetime, *, ends_phase: bool = False, goes: bool = False) -> None:
        """Bill what was used until `at` in the item's period, which ends there. Free during a trial.

        `ends_phase`: a phase of a schedule is over there too, and its discounts count for it. `goes`: so does the item.
        """
        renewal = self.snapshot.renewal
        subscription = renewal.subscription
        end = at + AN_INSTANT if goes else at
        if item.current_period_start >= end:
            return
        period = Period(item.current_period_start, end)
        self.usage_dues(
            closing_dues(subscription, item, period, renewal.usage, renewal.usage.billed), ends_phase=ends_phase
        )

    def usage_dues(self, dues: Iterable[UsageDue], *, ends_phase: bool = False) -> None:
        """Bill usage that is owed."""
        subscription, customer = self.snapshot.renewal.subscription, self.snapshot.renewal.customer
        for due in dues:
            if due.is_nothing:
                continue
            line = due_line(due, subscription, customer.locale, ())
            facts = PendingItemFacts(
                id=new_ref(len(self.items)),
                currency=line.currency,
                amount=line.amount,
                period_start=line.period_start,
                period_end=line.period_end,
                description=line.description,
                subscription_id=subscription.id,
                subscription_item_id=due.stretch.item_id,
                quantity=line.quantity,
                unit_amount_decimal=line.unit_amount_decimal,
                price_id=line.price_id,
                product_id=line.product_id,
                discountable=line.discountable,
                tax_rate_ids=line.tax_rate_ids,
                explanation={**line.explanation, "ends_phase": True} if ends_phase else line.explanation,
            )
            self.items.append(PlannedPendingItem(facts, line.debit))

    def give_up(self, item: ItemFacts, at: datetime) -> None:
        """Leave unbilled what was used until `at` in the item's period, and remember it for `discarded`."""
        renewal = self.snapshot.renewal
        period = Period(item.current_period_start, at + AN_INSTANT)
        dues = closing_dues(renewal.subscription, item, period, renewal.usage, renewal.usage.billed)
        self.given_up += [usage_told(due) for due in dues if not due.is_nothing]

    def discarded(self) -> list[PlannedEvent]:
        """That usage will never be billed: what was used, and what it would have cost before discounts."""
        subscription_id, usage = self.snapshot.renewal.subscription.id, self.given_up
        return [PlannedEvent(USAGE_DISCARDED, "subscription", subscription_id, {"usage": usage})] if usage else []

    def undo_credit(self, debit: DebitFacts, until: datetime | None = None) -> None:
        """Charge again what was credited from a scheduled end on, with the same taxes.

        `until`: the end only moved there, so what lies beyond stays credited.
        """
        assert debit.credited_from is not None
        held = _uncredited(self._as_held(debit))
        part = _mirrored(proration_credit(held, debit.credited_from))
        moved = until is not None and until < debit.end
        price = debit.price
        charged = PlannedDebit(
            subscription_item_id=debit.subscription_item_id,
            kind=debit.kind,
            start=part.period.start,
            end=part.period.end,
            sequence=debit.sequence,
            price_id=price.id,
            quantity=debit.quantity,
            currency=price.currency,
            gross_amount=part.gross,
            amount=part.amount,
            credited_from=until if moved else None,
            share_of=(debit.share_of or debit).id,
        )
        facts = self._facts(
            part,
            description=self._words(remaining_time, debit, part.period.start),
            item_id=debit.subscription_item_id,
            debit=debit,
            explanation={"kind": "proration_undone", "billed_period": debit.id} | _told(part),
        )
        self.items.append(PlannedPendingItem(facts, charged))
        if moved and until is not None:
            self._add_credit(held, proration_credit(held, until), until)

    def _put_back(self, item: ItemFacts, part: Proration) -> Proration:
        """The debit as planned; when it only puts back what was credited at the same instant, that credit in reverse.

        Both are the same share of the same price but for a rounding, of the amount (the credit is a share of a debit
        that was rounded itself) or of the taxes; reckoned anew, a change and its undoing would not net 0.
        """
        for debit in self.snapshot.debits:
            same = debit.subscription_item_id == item.id and debit.credited_from == part.period.start
            if not same or (debit.price.id, debit.quantity) != (item.price.id, item.quantity):
                continue
            credited = _mirrored(proration_credit(_uncredited(self._as_held(debit)), part.period.start))
            a_rounding = abs(credited.gross - part.gross) <= 1 and abs(credited.amount - part.amount) <= 1
            if credited.period == part.period and a_rounding:
                return credited
        return part

    def _as_held(self, debit: DebitFacts) -> DebitFacts:
        """The debit with the taxes of the pending item that holds it, when it is on no invoice yet."""
        if debit.share_of is not None:
            return replace(debit, share_of=self._as_held(debit.share_of))
        if debit.invoice_id:
            return debit
        for item in self.snapshot.renewal.pending_items:
            if item.billed_period_id == debit.id:
                return replace(debit, taxes=item.taxes, tax_rate_ids=item.tax_rate_ids)
        return replace(debit, taxes=None)

    def _add_credit(self, debit: DebitFacts, part: Proration, at: datetime) -> None:
        if part.gross == 0 and part.amount == 0:
            return  # nothing was charged, so no line tells of it
        facts = self._facts(
            part,
            description=self._words(unused_time, debit, at),
            item_id=debit.subscription_item_id,
            debit=debit,
            credited_billed_period_id=debit.id,
            held_for_invoice_id=self._held_for(debit),
            explanation={
                "kind": "proration_credit",
                "billed_period": debit.id,
                "charged": debit.amount,
                "price": debit.price.id,
                "quantity": debit.quantity,
            }
            | _told(part),
        )
        self.items.append(PlannedPendingItem(facts))

    def _add_debit(self, item: ItemFacts, part: Proration, whole_amount: int, at: datetime) -> None:
        subscription, customer = self.snapshot.renewal.subscription, self.snapshot.renewal.customer
        charged = PlannedDebit(
            subscription_item_id=item.id,
            kind="advance",
            start=part.period.start,
            end=part.period.end,
            sequence=item.sequence,
            price_id=item.price.id,
            quantity=item.quantity,
            currency=item.price.currency,
            gross_amount=part.gross,
            amount=part.amount,
        )
        facts = PendingItemFacts(
            id=new_ref(len(self.items)),
            currency=item.price.currency,
            amount=part.amount,
            discount_amounts=self._shown_discounts(part),
            period_start=part.period.start,
            period_end=part.period.end,
            description=remaining_time(item.price, item.quantity, at, customer.locale, subscription.timezone),
            subscription_id=subscription.id,
            subscription_item_id=item.id,
            quantity=item.quantity,
            price_id=item.price.id,
            product_id=item.price.product_id,
            proration=True,
            discountable=False,
            tax_rate_ids=item.tax_rate_ids,
            taxes=part.taxes,
            explanation={
                "kind": "proration_debit",
                "price": item.price.id,
                "unit_amount_decimal": f"{item.price.unit_amount_decimal:f}",
                "quantity": item.quantity,
                "whole_amount": whole_amount,
            }
            | _told(part),
        )
        self.items.append(PlannedPendingItem(facts, charged))

    def _facts(
        self,
        part: Proration,
        *,
        description: str,
        item_id: str,
        debit: DebitFacts,
        explanation: dict[str, object],
        credited_billed_period_id: str = "",
        held_for_invoice_id: str = "",
    ) -> PendingItemFacts:
        """A pending item that speaks of an earlier debit: it has that debit's price, quantity and taxes."""
        return PendingItemFacts(
            id=new_ref(len(self.items)),
            currency=debit.price.currency,
            amount=part.amount,
            discount_amounts=self._shown_discounts(part),
            period_start=part.period.start,
            period_end=part.period.end,
            description=description,
            subscription_id=self.snapshot.renewal.subscription.id,
            subscription_item_id=item_id,
            quantity=debit.quantity,
            price_id=debit.price.id,
            product_id=debit.price.product_id,
            proration=True,
            discountable=False,
            tax_rate_ids=debit.tax_rate_ids if part.taxes is None else (),
            taxes=part.taxes,
            credited_billed_period_id=credited_billed_period_id,
            held_for_invoice_id=held_for_invoice_id,
            explanation=explanation,
        )

    def _words(self, sentence: _Sentence, debit: DebitFacts, at: datetime) -> str:
        customer, tz = self.snapshot.renewal.customer, self.snapshot.renewal.subscription.timezone
        return sentence(debit.price, debit.quantity, at, customer.locale, tz)

    def _shown_discounts(self, part: Proration) -> tuple[DiscountAmount, ...]:
        itemized = self.snapshot.renewal.settings.proration_discounts == "itemized"
        return part.discount_amounts if itemized else ()

    def _held_for(self, debit: DebitFacts) -> str:
        """Under `defer` a credit waits until what it gives back was paid."""
        defers = self.snapshot.renewal.settings.unpaid_proration == "defer"
        return debit.invoice_id if defers and debit.invoice_status in _UNSETTLED else ""


def whole_discounts(
    items: Sequence[ItemFacts], discounts: Sequence[DiscountFacts]
) -> dict[str, tuple[DiscountAmount, ...]]:
    """What the stack takes from each item's whole amount, by item: a fixed coupon is spread over all of them."""
    lines = [
        # Usage is no part of what is charged in advance.
        Discountable(
            0 if item.price.is_metered else line_amount(item.price, item.quantity), item.price.product_id, item.id
        )
        for item in items
    ]
    taken = spread_discounts(discounts, lines, items[0].price.currency if items else "")
    of_items = {discount.id for discount in discounts if discount.subscription_item_id}
    return {
        item.id: tuple(replace(one, of_line=one.discount_id in of_items) for one in amounts)
        for item, amounts in zip(items, taken, strict=True)
    }


def meeting_stacks(renewal: RenewalSnapshot, begun: Sequence[DiscountFacts], at: datetime) -> tuple[DiscountFacts, ...]:
    """The discounts of an invoice on which one phase's usage stands beside the next one's periods."""
    before = active_discounts(renewal.discounts, renewal.customer_discounts, at)
    return where_phases_meet(before, active_discounts(begun, renewal.customer_discounts, at))


def _uncredited(debit: DebitFacts) -> DebitFacts:
    return replace(debit, credited_from=None)


def _mirrored(part: Proration) -> Proration:
    """The credit as a charge: every amount with the other sign."""
    taxes = part.taxes
    if taxes is not None:
        taxes = tuple(replace(tax, taxable_amount=-tax.taxable_amount, amount=-tax.amount) for tax in taxes)
    return replace(
        part,
        gross=-part.gross,
        amount=-part.amount,
        discount_amounts=tuple(replace(taken, amount=-taken.amount) for taken in part.discount_amounts),
        taxes=taxes,
    )


def _told(part: Proration) -> dict[str, object]:
    return {
        "gross": part.gross,
        "amount": part.amount,
        "seconds": part.seconds,
        "of_seconds": part.of_seconds,
        "from": part.period.start.isoformat(),
        "to": part.period.end.isoformat(),
    }
