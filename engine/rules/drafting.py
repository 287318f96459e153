"""A draft invoice from lines: discounts, then tax, then totals. Every invoice of the engine is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.errors import OstinatoError, gettext_noop
from core.periods import Period
from core.values import changed
from engine.rules.lines import pending_line
from engine.types import BillingSettings, ManualInvoiceSnapshot, RenewalSnapshot
from invoicing.rules.finalization import invoice_next_action_at
from invoicing.rules.tax import tax_lines
from invoicing.rules.totals import invoice_totals
from invoicing.types import CustomerFacts, PlannedInvoice, PlannedLine, TaxRateFacts
from subscriptions.rules.discounts import Discountable, spread_discounts, used_up
from subscriptions.rules.prices import MixedCurrencies
from subscriptions.types import DiscountAmount, DiscountFacts

# Stripe's bound on an invoice's lines; one that would be longer is refused and a person decides.
MAX_LINES = 250


class TooManyLines(OstinatoError):
    code = "too_many_lines"
    message_id = gettext_noop("The invoice would have %(count)s lines; it may have %(most)s.")


class NothingToInvoice(OstinatoError):
    code = "invoice_no_customer_line_items"
    param = "customer"
    message_id = gettext_noop("There is nothing to put on an invoice.")


@dataclass(frozen=True, slots=True)
class Frame:
    """What all invoices of one subscription (or of one customer) have in common."""

    merchant_id: str
    billing_entity_id: str
    subscription_id: str
    customer: CustomerFacts
    settings: BillingSettings
    tax_rates: Mapping[str, TaxRateFacts]
    collection_method: str
    currency: str
    default_tax_rate_ids: tuple[str, ...] = ()
    default_payment_method_id: str = ""
    description: str = ""
    test_clock_id: str | None = None
    pause_behavior: str = ""  # the subscription's collection is paused
    metadata: Mapping[str, str] = field(default_factory=dict)  # the subscription's
    item_metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A planned invoice and the `once` discounts that it uses up."""

    invoice: PlannedInvoice
    used_discount_ids: tuple[str, ...]


def frame_of(snapshot: RenewalSnapshot) -> Frame:
    subscription = snapshot.subscription
    return Frame(
        merchant_id=subscription.merchant_id,
        billing_entity_id=subscription.billing_entity_id,
        subscription_id=subscription.id,
        customer=snapshot.customer,
        settings=snapshot.settings,
        tax_rates=snapshot.tax_rates,
        collection_method=subscription.collection_method,
        currency=subscription.currency,
        default_tax_rate_ids=subscription.default_tax_rate_ids,
        test_clock_id=subscription.test_clock_id,
        pause_behavior=subscription.pause_behavior,
        metadata=subscription.metadata,
        item_metadata={item.id: item.metadata for item in subscription.items if item.metadata},
    )


# What a pause in collection makes of an invoice once it is numbered; one that is kept is not even finalized.
_PAUSED_OUTCOMES = {"void": "void", "mark_uncollectible": "uncollectible"}


def draft_invoice(
    frame: Frame,
    lines: Sequence[PlannedLine],
    discounts: Sequence[DiscountFacts],
    *,
    billing_reason: str,
    period: Period,
    as_of: datetime,
    finalize_now: bool = False,
    auto_advance: bool = True,
    finalizes_at: datetime | None = None,
) -> Draft:
    """The invoice of `lines`, drafted at `as_of`. `discounts` is the stack that counts for it.

    It waits for the merchant's grace (or until `finalizes_at`) before it finalizes, unless `finalize_now` or the
    grace is 0.
    Raises `TooManyLines`, `MixedCurrencies`, `UnknownTaxRate`, `AmountTooLarge`.
    """
    reckoned = reckon_lines(frame, lines, discounts)
    outcome = _PAUSED_OUTCOMES.get(frame.pause_behavior, "")
    auto_advance = auto_advance and frame.pause_behavior != "keep_as_draft"
    grace = timedelta(seconds=frame.settings.finalization_grace_seconds)
    at_once = auto_advance and (finalize_now or bool(outcome) or (not grace and finalizes_at is None))
    finalizes_at = (finalizes_at or as_of + grace) if auto_advance and not at_once else None
    invoice = PlannedInvoice(
        merchant_id=frame.merchant_id,
        customer_id=frame.customer.id,
        billing_entity_id=frame.billing_entity_id,
        subscription_id=frame.subscription_id,
        billing_reason=billing_reason,
        collection_method=frame.collection_method,
        currency=frame.currency,
        period_start=period.start,
        period_end=period.end,
        lines=reckoned,
        totals=invoice_totals(reckoned),
        tax_rounding=frame.settings.tax_rounding,
        locale=frame.customer.locale,
        automatically_finalizes_at=finalizes_at,
        next_action_at=invoice_next_action_at(
            status="draft", auto_advance=auto_advance, automatically_finalizes_at=finalizes_at
        ),
        finalize_now=at_once,
        outcome=outcome,
        auto_advance=auto_advance,
        default_payment_method_id=frame.default_payment_method_id,
        default_tax_rate_ids=frame.default_tax_rate_ids,
        description=frame.description,
        test_clock_id=frame.test_clock_id,
        subscription_metadata=frame.metadata,
    )
    return Draft(invoice, tuple(used_up(discounts, [line.discount_amounts for line in reckoned])))


def reckon_lines(
    frame: Frame, lines: Sequence[PlannedLine], discounts: Sequence[DiscountFacts]
) -> tuple[PlannedLine, ...]:
    """The lines with what the discounts take, then their taxes, and how that came about. Raises as `draft_invoice`."""
    _check_lines(frame, lines)
    taxed = tax_lines(
        _discounted(lines, discounts, frame.currency),
        frame.tax_rates,
        tax_exempt=frame.customer.tax_exempt,
        rounding=frame.settings.tax_rounding,
    )
    return tuple(_explained(_labelled(line, frame), frame, discounts) for line in taxed)


def _labelled(line: PlannedLine, frame: Frame) -> PlannedLine:
    """A subscription's line has the subscription's metadata (Stripe) and over it its item's; a line's own stays."""
    mine = frame.item_metadata.get(line.subscription_item_id)
    if line.type != "subscription" or line.metadata or not (mine or frame.metadata):
        return line
    return changed(line, metadata={**frame.metadata, **(mine or {})})


def plan_manual_invoice(snapshot: ManualInvoiceSnapshot, as_of: datetime) -> Draft:
    """A one-off invoice of the customer's pending items. Raises `NothingToInvoice` and what `draft_invoice` does."""
    if not snapshot.pending_items and not snapshot.may_be_empty:
        raise NothingToInvoice
    finalizes_at = snapshot.finalizes_at
    if not snapshot.pending_items and snapshot.settings.finalization_grace_seconds == 0:
        # A draft that is still to be filled is not finalized before anybody could.
        finalizes_at = finalizes_at or as_of + timedelta(hours=1)
    frame = Frame(
        merchant_id=snapshot.merchant_id,
        billing_entity_id=snapshot.billing_entity_id,
        subscription_id=snapshot.subscription_id,
        customer=snapshot.customer,
        settings=snapshot.settings,
        tax_rates=snapshot.tax_rates,
        collection_method=snapshot.collection_method,
        currency=snapshot.currency,
        default_tax_rate_ids=snapshot.default_tax_rate_ids,
        default_payment_method_id=snapshot.default_payment_method_id,
        description=snapshot.description,
        test_clock_id=snapshot.test_clock_id,
    )
    lines = [pending_line(item, snapshot.default_tax_rate_ids) for item in snapshot.pending_items]
    return draft_invoice(
        frame,
        lines,
        snapshot.discounts,
        billing_reason="manual",
        period=Period(as_of, as_of),
        as_of=as_of,
        finalize_now=snapshot.finalize_now,
        auto_advance=snapshot.auto_advance,
        finalizes_at=finalizes_at,
    )


def _check_lines(frame: Frame, lines: Sequence[PlannedLine]) -> None:
    if len(lines) > MAX_LINES:
        raise TooManyLines(count=len(lines), most=MAX_LINES)
    for line in lines:
        if line.currency != frame.currency:
            raise MixedCurrencies(currency=frame.currency.upper(), other=line.currency.upper())


def _discounted(lines: Sequence[PlannedLine], discounts: Sequence[DiscountFacts], currency: str) -> list[PlannedLine]:
    """The lines with what their own discounts and then the stack take from them, their debits made net of it."""
    if not discounts and not any(line.discounts for line in lines):
        return list(lines)
    own = [_of_line(line, currency) for line in lines]
    left = [
        Discountable(
            line.amount - sum(one.amount for one in amounts),
            line.product_id,
            line.subscription_item_id,
            line.discountable,
            bool(line.explanation.get("ends_phase")),
        )
        for line, amounts in zip(lines, own, strict=True)
    ]
    of_items = {discount.id for discount in discounts if discount.subscription_item_id}
    taken = [
        tuple(changed(one, of_line=True) if one.discount_id in of_items else one for one in amounts)
        for amounts in spread_discounts(discounts, left, currency)
    ]
    return [_net_of(line, mine + rest) for line, mine, rest in zip(lines, own, taken, strict=True)]


def _of_line(line: PlannedLine, currency: str) -> tuple[DiscountAmount, ...]:
    """What the line's own discounts take from it."""
    if not line.discounts:
        return ()
    mine = Discountable(line.amount, line.product_id, discountable=line.discountable)
    return tuple(changed(one, of_line=True) for one in spread_discounts(line.discounts, [mine], currency)[0])


def _net_of(line: PlannedLine, amounts: tuple[DiscountAmount, ...]) -> PlannedLine:
    if not amounts:
        return line
    discounted = changed(line, discount_amounts=line.discount_amounts + amounts)
    if line.debit is None:
        return discounted
    return changed(discounted, debit=changed(line.debit, amount=discounted.net_of_discounts))


def _explained(line: PlannedLine, frame: Frame, discounts: Sequence[DiscountFacts]) -> PlannedLine:
    """The line with what discounts and taxes did to it told in its explanation, where they did anything."""
    told: dict[str, object] = {}
    if line.discount_amounts:
        told["discounts"] = _discounts_told(line.discount_amounts, [*line.discounts, *discounts], line.currency)
    if line.taxes:
        told["taxes"] = taxes_told(line)
        told["tax_rounding"] = "as_credited" if line.taxes_are_given else frame.settings.tax_rounding
    return changed(line, explanation={**line.explanation, **told}) if told else line


def taxes_told(line: PlannedLine) -> list[dict[str, object]]:
    """Each rate's tax on the line, as its explanation keeps it."""
    return [
        {
            "tax_rate": tax.tax_rate_id,
            "display_name": tax.display_name,
            "percentage": f"{tax.percentage:f}",
            "inclusive": tax.inclusive,
            "base": tax.taxable_amount,
            "amount": tax.amount,
            "reason": tax.taxability_reason,
        }
        for tax in line.taxes
    ]


def _discounts_told(
    amounts: Sequence[DiscountAmount], discounts: Sequence[DiscountFacts], currency: str
) -> list[dict[str, object]]:
    by_id = {discount.id: discount.coupon for discount in discounts}
    told = []
    for taken in amounts:
        entry: dict[str, object] = {"amount": taken.amount}
        coupon = by_id.get(taken.discount_id)
        if coupon is not None:
            entry |= {"coupon": coupon.id, "name": coupon.name}
            if coupon.percent_off is not None:
                entry["percent_off"] = f"{coupon.percent_off:f}"
            else:
                entry["amount_off"] = coupon.amount_off_in(currency)
        told.append(entry)
    return told
