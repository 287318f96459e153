"""How an invoice was worked out, in sentences: what each line's `explanation` keeps, and what its totals make.

Pure: rows or model instances in, words out. English and French are here side by side as in `descriptions.py`; any
other language reads English. What an explanation does not have is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_datetime

from core.money_format import format_money, format_percentage, format_quantity, format_unit_amount, reader_locale
from core.periods import time_zone

_WORDS = {
    "en": {
        "period": "%(quantity)s × %(unit)s = %(amount)s.",
        "tiered": "%(quantity)s units at %(mode)s tiers make %(amount)s.",
        "graduated": "graduated",
        "volume": "volume",
        "tier": "%(quantity)s at %(unit)s%(flat)s (up to %(up_to)s).",
        "tier_flat": " plus %(flat)s",
        "without_end": "any number",
        "package": "%(quantity)s units are %(packages)s packages of %(divide_by)s at %(unit)s: %(amount)s.",
        "percentage": "%(percentage)s of %(quantity)s = %(amount)s.",
        "entered": "%(amount)s was entered as it is.",
        "minimum": "The minimum of %(minimum)s added %(topped_up)s.",
        "components": "The bundle holds %(components)s.",
        "usage": "%(quantity)s were used from %(from)s to %(to)s.",
        "counted": "%(quantity)s were counted from %(from)s to %(to)s.",
        "ends_phase": "A phase of the schedule ended with it: that phase's discounts count.",
        "billed_before": "%(before)s of it was billed before.",
        "late": "This was reported after its period had been billed.",
        "trial": "Free during the trial.",
        "stub": "%(seconds)s of %(of_seconds)s seconds of the period are billed: %(amount)s.",
        "credit": "Of %(charged)s charged for this period, %(seconds)s of %(of_seconds)s seconds are left: "
        "%(amount)s goes back (billed period %(billed_period)s).",
        "debit": "Of %(whole)s for the whole period, %(seconds)s of %(of_seconds)s seconds are left: %(amount)s.",
        "undone": "What was credited is charged again: %(amount)s (billed period %(billed_period)s).",
        "discount_percent": "%(name)s, %(percent)s off: %(amount)s.",
        "discount": "%(name)s: %(amount)s.",
        "a_discount": "Discount",
        "grant": "Credit %(grant)s pays %(amount)s.",
        "tax_exclusive": "%(name)s %(percent)s on %(base)s: %(amount)s.",
        "tax_inclusive": "%(name)s %(percent)s is inside the price: %(amount)s on %(base)s.",
        "tax_customer_exempt": "%(name)s %(percent)s is not charged: the customer is exempt.",
        "tax_reverse_charge": "%(name)s %(percent)s is not charged: reverse charge.",
        "per_line": "Tax is rounded on each line.",
        "per_invoice": "Tax is rounded once for each rate over the whole invoice.",
        "as_credited": "The tax is that of what is credited.",
        "lines": "The lines make %(amount)s.",
        "discounts": "Discounts take %(amount)s.",
        "discounts_back": "Discounts that go back with credits add %(amount)s.",
        "grants": "Credit grants pay %(amount)s, before tax.",
        "backed_out": "%(amount)s of inclusive tax is taken out of the prices.",
        "tax": "Tax adds %(amount)s.",
        "inside": "%(amount)s of tax is inside the prices.",
        "total": "The total is %(amount)s.",
        "balance_used": "The customer's balance pays %(amount)s.",
        "balance_added": "%(amount)s that the customer owed before is collected with it.",
        "to_balance": "%(amount)s goes to the customer's balance.",
        "due": "%(amount)s is due.",
        "credited": "Credit notes took back %(amount)s.",
        "subscription_create": "The subscription began.",
        "subscription_cycle": "A period of the subscription was over.",
        "subscription_update": "The subscription was changed.",
        "subscription_threshold": "Usage reached its threshold, so it is invoiced before its period is over.",
        "manual": "It was made for what was entered or was waiting.",
        "date": "d MMM yyyy HH:mm",
    },
    "fr": {
        "period": "%(quantity)s × %(unit)s = %(amount)s.",
        "tiered": "%(quantity)s unités par paliers %(mode)s font %(amount)s.",
        "graduated": "progressifs",
        "volume": "selon le volume",
        "tier": "%(quantity)s à %(unit)s%(flat)s (jusqu’à %(up_to)s).",
        "tier_flat": " plus %(flat)s",
        "without_end": "tout nombre",
        "package": "%(quantity)s unités font %(packages)s lots de %(divide_by)s à %(unit)s : %(amount)s.",
        "percentage": "%(percentage)s de %(quantity)s = %(amount)s.",
        "entered": "%(amount)s a été saisi tel quel.",
        "minimum": "Le minimum de %(minimum)s a ajouté %(topped_up)s.",
        "components": "L’ensemble contient %(components)s.",
        "usage": "%(quantity)s utilisés du %(from)s au %(to)s.",
        "counted": "%(quantity)s comptés du %(from)s au %(to)s.",
        "ends_phase": "Une phase du calendrier s’est terminée avec elle : les rabais de cette phase comptent.",
        "billed_before": "%(before)s en a déjà été facturé.",
        "late": "Ceci a été déclaré après la facturation de sa période.",
        "trial": "Gratuit pendant l’essai.",
        "stub": "%(seconds)s des %(of_seconds)s secondes de la période sont facturées : %(amount)s.",
        "credit": "Sur %(charged)s facturés pour cette période, il reste %(seconds)s des %(of_seconds)s secondes : "
        "%(amount)s est rendu (période facturée %(billed_period)s).",
        "debit": "Sur %(whole)s pour la période entière, il reste %(seconds)s des %(of_seconds)s secondes : "
        "%(amount)s.",
        "undone": "Ce qui a été crédité est facturé de nouveau : %(amount)s (période facturée %(billed_period)s).",
        "discount_percent": "%(name)s, rabais de %(percent)s : %(amount)s.",
        "discount": "%(name)s : %(amount)s.",
        "a_discount": "Rabais",
        "grant": "Le crédit %(grant)s paie %(amount)s.",
        "tax_exclusive": "%(name)s %(percent)s sur %(base)s : %(amount)s.",
        "tax_inclusive": "%(name)s %(percent)s est comprise dans le prix : %(amount)s sur %(base)s.",
        "tax_customer_exempt": "%(name)s %(percent)s n’est pas perçue : le client est exonéré.",
        "tax_reverse_charge": "%(name)s %(percent)s n’est pas perçue : autoliquidation.",
        "per_line": "La taxe est arrondie à chaque ligne.",
        "per_invoice": "La taxe est arrondie une fois par taux sur toute la facture.",
        "as_credited": "La taxe est celle de ce qui est crédité.",
        "lines": "Les lignes font %(amount)s.",
        "discounts": "Les rabais retirent %(amount)s.",
        "discounts_back": "Des rabais rendus avec des crédits ajoutent %(amount)s.",
        "grants": "Les crédits paient %(amount)s, avant taxes.",
        "backed_out": "%(amount)s de taxe comprise est retiré des prix.",
        "tax": "Les taxes ajoutent %(amount)s.",
        "inside": "%(amount)s de taxe est compris dans les prix.",
        "total": "Le total est de %(amount)s.",
        "balance_used": "Le solde du client paie %(amount)s.",
        "balance_added": "%(amount)s que le client devait déjà est perçu en même temps.",
        "to_balance": "%(amount)s va au solde du client.",
        "due": "%(amount)s est dû.",
        "credited": "Des notes de crédit ont repris %(amount)s.",
        "subscription_create": "L’abonnement a commencé.",
        "subscription_cycle": "Une période de l’abonnement était terminée.",
        "subscription_update": "L’abonnement a été modifié.",
        "subscription_threshold": "L’utilisation a atteint son seuil : elle est facturée avant la fin de sa période.",
        "manual": "Elle a été faite pour ce qui a été saisi ou était en attente.",
        "date": "d MMM yyyy HH:mm",
    },
}


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A line, what it comes to before exclusive tax, and how, one sentence after the other."""

    description: str
    amount: int
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedInvoice:
    """`reason` says why there is an invoice, `totals` lead from the lines to what is due."""

    number: str
    currency: str
    reason: str
    lines: tuple[ExplainedLine, ...]
    totals: tuple[str, ...]


def explain_invoice(invoice: Any, lines: Iterable[Any], locale: str = "en", tz: str = "UTC") -> ExplainedInvoice:
    """An invoice with its lines, told in the reader's language. Dates are in `tz`."""
    teller = _Teller(invoice.currency, locale, tz)
    return ExplainedInvoice(
        number=invoice.number or invoice.id,
        currency=invoice.currency,
        reason=teller.words.get(invoice.billing_reason, ""),
        lines=tuple(
            ExplainedLine(line.description, line.amount, tuple(teller.line(line.explanation))) for line in lines
        ),
        totals=tuple(teller.totals(invoice)),
    )


class _Teller:
    """One invoice's currency and one reader's language."""

    def __init__(self, currency: str, locale: str, tz: str) -> None:
        self.currency, self.locale, self.tz = currency, locale, tz
        self.words = _WORDS["fr" if locale[:2].lower() == "fr" else "en"]

    def line(self, told: Mapping[str, Any]) -> list[str]:
        """Where the gross comes from, then what came off, then its taxes."""
        kind = told.get("kind", "")
        if kind.startswith("proration"):
            sentences = self._proration(kind, told)
        elif kind == "trial":
            sentences = [self._say("trial")]
        else:
            sentences = self._price(kind, told)
        sentences += [self._discount(given) for given in told.get("discounts", ())]
        sentences += [
            self._say("grant", grant=given.get("name") or given["credit_grant"], amount=self._money(given["amount"]))
            for given in told.get("credit_grants", ())
        ]
        sentences += [self._tax(tax) for tax in told.get("taxes", ())]
        if told.get("taxes") and told.get("tax_rounding") in ("per_line", "per_invoice", "as_credited"):
            sentences.append(self._say(told["tax_rounding"]))
        return sentences

    def totals(self, invoice: Any) -> list[str]:
        """The CHECK `invoice_adds_up`, in words; what is 0 is not told."""
        steps: Sequence[tuple[str, int]] = (
            ("discounts" if invoice.total_discount >= 0 else "discounts_back", abs(invoice.total_discount)),
            ("grants", invoice.credit_grants_applied),
            ("backed_out", invoice.inclusive_tax_backed_out),
            ("tax", invoice.exclusive_tax),
            ("inside", invoice.inclusive_tax),
        )
        told = [self._say("lines", amount=self._money(invoice.lines_gross))]
        told += [self._say(name, amount=self._money(amount)) for name, amount in steps if amount]
        told.append(self._say("total", amount=self._money(invoice.total)))
        applied = invoice.balance_applied
        if applied:
            if invoice.total < 0 or (applied > 0 and invoice.starting_balance >= 0):
                name = "to_balance"  # a negative total, or less than can be charged
            else:
                name = "balance_used" if applied > 0 else "balance_added"
            told.append(self._say(name, amount=self._money(abs(applied))))
        told.append(self._say("due", amount=self._money(invoice.amount_due)))
        credited = invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount
        if credited:
            told.append(self._say("credited", amount=self._money(credited)))
        return told

    def _price(self, kind: str, told: Mapping[str, Any]) -> list[str]:
        if "quantity" not in told and "usage" not in told:
            return []
        sentences = [self._say("late")] if kind == "usage_late" else []
        if "usage" in told:
            between = {"from": self._date(told["used_from"]), "to": self._date(told["used_to"])}
            name = "counted" if "percentage" in told else "usage"
            sentences.append(self._say(name, quantity=self._units(told), **between))
        if kind != "stub" or "whole_amount" in told:
            whole = told.get("whole_amount", told.get("amount", 0))
            sentences += self._amount(told, whole - told.get("topped_up", 0))
        sentences += self._tiers(told)
        if told.get("topped_up"):
            minimum, added = self._money(told["minimum_amount"]), self._money(told["topped_up"])
            sentences.append(self._say("minimum", minimum=minimum, topped_up=added))
        if told.get("components"):
            inside = ", ".join(f"{self._number(one['quantity'])} × {one['product']}" for one in told["components"])
            sentences.append(self._say("components", components=inside))
        if told.get("billed_before"):
            sentences.append(self._say("billed_before", before=self._money(told["billed_before"])))
        if told.get("ends_phase"):
            sentences.append(self._say("ends_phase"))
        if kind == "stub":
            sentences.append(self._say("stub", amount=self._money(told["amount"]), **self._seconds(told)))
        return sentences

    def _amount(self, told: Mapping[str, Any], amount: int) -> list[str]:
        """How many at how much."""
        common = {"quantity": self._units(told), "amount": self._money(amount)}
        if "tiers" in told:
            return [self._say("tiered", mode=self.words.get(told["tiers_mode"], ""), **common)]
        if "percentage" in told:
            percentage = format_percentage(Decimal(told["percentage"]), self.locale)
            return [self._say("percentage", percentage=percentage, **common)]
        if "unit_amount_decimal" not in told:
            return [self._say("entered", amount=common["amount"])]
        unit = self._unit(told["unit_amount_decimal"])
        if "package" in told:
            packages, size = self._number(told["packages"]), self._number(told["package"]["divide_by"])
            return [self._say("package", packages=packages, divide_by=size, unit=unit, **common)]
        return [self._say("period", unit=unit, **common)]

    def _units(self, told: Mapping[str, Any]) -> str:
        """What is counted: units, or an amount of which a percentage is taken."""
        count = told.get("usage", told.get("quantity", 0))
        return self._unit(str(count)) if "percentage" in told else self._number(count)

    def _tiers(self, told: Mapping[str, Any]) -> list[str]:
        sentences = []
        for tier in told.get("tiers", ()):
            flat = Decimal(tier["flat_amount_decimal"])
            sentences.append(
                self._say(
                    "tier",
                    quantity=self._number(tier["quantity"]),
                    unit=self._unit(tier["unit_amount_decimal"]),
                    flat=self._say("tier_flat", flat=self._unit(tier["flat_amount_decimal"])) if flat else "",
                    up_to=self.words["without_end"] if tier["up_to"] is None else self._number(tier["up_to"]),
                )
            )
        return sentences

    def _proration(self, kind: str, told: Mapping[str, Any]) -> list[str]:
        amount = self._money(abs(told.get("amount", 0)))
        billed = told.get("billed_period", "")
        if kind == "proration_undone":
            return [self._say("undone", amount=amount, billed_period=billed)]
        seconds = self._seconds(told)
        if kind == "proration_credit":
            charged = self._money(told.get("charged", 0))
            return [self._say("credit", charged=charged, amount=amount, billed_period=billed, **seconds)]
        return [self._say("debit", whole=self._money(told.get("whole_amount", 0)), amount=amount, **seconds)]

    def _discount(self, given: Mapping[str, Any]) -> str:
        name = given.get("name") or given.get("coupon") or self.words["a_discount"]
        amount = self._signed(-given["amount"])
        if "percent_off" not in given:
            return self._say("discount", name=name, amount=amount)
        percent = format_percentage(Decimal(given["percent_off"]), self.locale)
        return self._say("discount_percent", name=name, percent=percent, amount=amount)

    def _tax(self, tax: Mapping[str, Any]) -> str:
        key = "tax_inclusive" if tax["inclusive"] else "tax_exclusive"
        if f"tax_{tax['reason']}" in self.words:
            key = f"tax_{tax['reason']}"
        return self._say(
            key,
            name=tax["display_name"],
            percent=format_percentage(Decimal(tax["percentage"]), self.locale),
            base=self._money(tax["base"]),
            amount=self._signed(tax["amount"]) if key == "tax_exclusive" else self._money(tax["amount"]),
        )

    def _seconds(self, told: Mapping[str, Any]) -> dict[str, str]:
        return {name: self._number(told.get(name, 0)) for name in ("seconds", "of_seconds")}

    def _say(self, key: str, **holes: str) -> str:
        return self.words[key] % holes

    def _money(self, minor: int) -> str:
        return format_money(minor, self.currency, self.locale)

    def _signed(self, minor: int) -> str:
        """With the sign in front: a discount takes off, a credit's gives back."""
        return f"{'−' if minor < 0 else '+'}{self._money(abs(minor))}"

    def _unit(self, unit_amount: str) -> str:
        return format_unit_amount(Decimal(unit_amount), self.currency, self.locale)

    def _number(self, number: Any) -> str:
        return format_quantity(Decimal(str(number)), self.locale)

    def _date(self, iso: str) -> str:
        moment = datetime.fromisoformat(iso).astimezone(time_zone(self.tz))
        return str(format_datetime(moment, self.words["date"], locale=reader_locale(self.locale)))
