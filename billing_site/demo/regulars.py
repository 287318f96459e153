"""A few regulars beside the story's subscribers: they buy the specialties and live what a year of billing knows.

Credit grants and balances, a credit note, disputes, schedules, a pause, an anchor, a backdated start; and each day
what their meters counted. Nothing is left to chance but the usage, and that is the same for the same day.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from billing_site.demo.world import World
from catalog.models import Coupon, Price
from core.context import Context
from core.periods import AnchorConfig
from customers.granting import create_credit_grant
from customers.models import Customer
from customers.services import adjust_balance, create_customer
from engine.services.change import change_subscription
from engine.services.credit_notes import create_credit_note
from engine.services.disputes import submit_evidence
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice
from engine.services.schedules import create_schedule
from engine.services.subscribe import subscribe
from engine.types import ChangeRequest, ItemRequest, PauseCollection, SubscribeRequest
from engine.types.schedules import PhaseRequest, ScheduleRequest
from invoicing.models import Invoice
from invoicing.rules.credit_notes import CreditNoteRequest
from merchants.models import Merchant
from payments.models import Dispute
from payments.services import attach_payment_method
from subscriptions.models import Subscription, SubscriptionSchedule
from usage.services import record_meter_events
from usage.types import MeterEvent

REGULAR = "regular"  # in a customer's metadata
MORNING = timedelta(hours=11, minutes=30)  # UTC, before the engine's round


@dataclass(frozen=True, slots=True)
class Regular:
    """Who they are, what they take (lookup key: quantity) and since when; `uses` is a day's usual count by event."""

    key: str
    name: str
    city: str
    postal_code: str
    since: int  # days ago
    takes: Mapping[str, int]
    locale: str = "fr-ca"
    uses: Mapping[str, int] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)  # more of the subscribe request


REGULARS = (
    Regular("auberge", "Auberge du Cap-Rouge", "Québec", "G1Y 3C8", 214, {"fournee": 12}),
    Regular(
        "boulangerie",
        "Boulangerie Petit Matin",
        "Lévis",
        "G6V 4A7",
        131,
        {"fournee": 34},
        terms={"billing_cycle_anchor_config": AnchorConfig(day_of_month=1)},
    ),
    Regular("cabane", "Cabane chez Omer", "Saint-Raphaël", "G0R 4C0", 172, {"vrac": 24}),
    Regular("creperie", "Crêperie La Bolée", "Montmagny", "G5V 1J6", 96, {"vrac": 60}),
    Regular("ginette", "La table de Ginette", "Saint-Anselme", "G0R 2N0", 104, {"oeufs": 30}),
    Regular("pelletier", "Maude Pelletier-Roy", "Beaumont", "G0R 1C0", 63, {"oeufs": 18}),
    Regular("gare", "Café de la Gare", "Rimouski", "G5L 1X4", 152, {"tasse": 1}, uses={"tasse_servie": 31}),
    Regular(
        "escale",
        "Coop L'Escale",
        "Montréal",
        "H2J 2K5",
        118,
        {"tasse": 1, "fournee": 6},
        uses={"tasse_servie": 14},
    ),
    Regular("librairie", "Librairie Le Pavé", "Sherbrooke", "J1H 1Z3", 109, {"livraison": 1}, uses={"km_livre": 1}),
    Regular(
        "fromagerie",
        "Eastern Crossing Cheese",
        "Sutton",
        "J0E 2K0",
        141,
        {"livraison": 1},
        locale="en",
        uses={"km_livre": 7},
    ),
    Regular("epicerie", "Épicerie Tanguay", "Armagh", "G0R 1A0", 99, {"consigne": 1}, uses={"vente_consigne": 9400}),
    Regular("bolduc", "Famille Bolduc-Turgeon", "Lévis", "G7A 2R5", 84, {"dejeuner": 1}),
    Regular("bluebird", "The Bluebird Inn", "North Hatley", "J0B 2C0", 38, {"dejeuner": 3}, locale="en"),
    Regular("cote", "Anaïs Côté", "Québec", "G1K 3G5", 76, {}),
    Regular("gendron", "Rosalie Gendron", "Gatineau", "J8X 2K9", 21, {}),
    Regular("chalet", "Chalet des Cèdres", "Saint-Philémon", "G0R 4A0", 9, {}),
)


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that happens beside the story: `do` at its moment gives how many things it did."""

    at: datetime
    name: str
    do: Callable[[datetime], int]


def errands(merchant: Merchant, world: World, *, start: datetime, now: datetime) -> list[Errand]:
    """All that the regulars do between `start` and `now`."""
    return list(_Round(merchant, world, start, now).errands())


class _Round:
    def __init__(self, merchant: Merchant, world: World, start: datetime, now: datetime) -> None:
        self.merchant, self.world, self.start, self.now = merchant, world, start, now
        self.prices: dict[str, str] = {
            price.lookup_key: price.id for price in Price.objects.filter(merchant=merchant) if price.lookup_key
        }

    def errands(self) -> Iterator[Errand]:
        for place, regular in enumerate(REGULARS):
            yield Errand(self._days_ago(regular.since, place), "regular_signup", partial(self._arrive, regular))
        for days, what, act in (
            (41, "balance_credit", self._credit_the_balance),
            (60, "credit_grant", self._grant),
            (24, "credit_note", self._credit_an_invoice),
            (12, "pause", self._pause),
            (33, "tasting", partial(self._sell_a_tasting, "cote")),
            (28, "evidence", self._answer_a_dispute),
            (4, "tasting", partial(self._sell_a_tasting, "gendron")),
        ):
            yield Errand(self._days_ago(days, len(REGULARS)), what, act)
        yield from self._usage()

    def _usage(self) -> Iterator[Errand]:
        """Each morning what the meters counted since the last one, in one batch."""
        first = self._days_ago(max(one.since for one in REGULARS if one.uses), len(REGULARS))
        morning = first.replace(hour=0, minute=0, second=0, microsecond=0) + MORNING + timedelta(days=1)
        while morning <= self.now:
            yield Errand(morning, "usage", self._count)
            morning += timedelta(days=1)

    def _days_ago(self, days: int, place: int) -> datetime:
        """In a young shop everything is nearer: nothing comes before the opening, and the order is kept."""
        return max(self.now - timedelta(days=days), self.start + timedelta(hours=1 + place, minutes=10))

    # --- beginnings ---

    def _arrive(self, regular: Regular, moment: datetime) -> int:
        customer = self._customer(regular, moment)
        if self._has_begun(customer):  # in a run that was killed
            return 0
        if regular.key in ("cote", "gendron"):
            self._introduce(customer, moment)
        elif regular.key == "chalet":
            self._reserve(customer, moment)
        else:
            terms = dict(regular.terms)
            if regular.key == "bluebird":  # they had their first breakfasts before anybody wrote it down
                terms["backdate_start_date"] = moment - timedelta(days=11)
            subscribe(ctx=self._ctx(moment), request=self._request(regular, customer, terms))
        return 1

    def _customer(self, regular: Regular, moment: datetime) -> Customer:
        found = self._known(regular.key)
        if found is not None:
            return found
        customer = create_customer(
            ctx=self._ctx(moment),
            merchant_id=self.merchant.id,
            name=regular.name,
            email=f"bonjour.{regular.key}@example.com",
            line1="12, rue Principale",
            city=regular.city,
            state="QC",
            postal_code=regular.postal_code,
            country="CA",
            preferred_locale=regular.locale,
            metadata={REGULAR: regular.key},
        )
        attach_payment_method(
            ctx=self._ctx(moment), merchant_id=self.merchant.id, customer_id=customer.id, instrument="pm_card_visa"
        )
        return customer

    def _request(self, regular: Regular, customer: Customer, terms: Mapping[str, Any]) -> SubscribeRequest:
        return SubscribeRequest(
            merchant_id=self.merchant.id,
            customer_id=customer.id,
            items=tuple(ItemRequest(self.prices[key], quantity) for key, quantity in regular.takes.items()),
            default_tax_rate_ids=self.world.taxes_of("CA", "QC"),
            **terms,
        )

    def _introduce(self, customer: Customer, moment: datetime) -> None:
        """A neighbour's price for two months, the ordinary one after that."""
        neighbours = tuple(Coupon.objects.filter(merchant=self.merchant, api_id="voisins").values_list("id", flat=True))
        self._schedule(customer, moment, None, self._phase("cafe_1", 2, neighbours), self._phase("cafe_2", 6, ()))

    def _reserve(self, customer: Customer, moment: datetime) -> None:
        """For the season to come: the schedule waits for its first day."""
        self._schedule(customer, moment, self.now + timedelta(days=18), self._phase("dejeuner", 3, None))

    def _phase(self, key: str, months: int, coupon_ids: tuple[str, ...] | None) -> PhaseRequest:
        return PhaseRequest(
            items=(ItemRequest(self.prices[key]),),
            iterations=months,
            coupon_ids=coupon_ids,
            default_tax_rate_ids=self.world.taxes_of("CA", "QC"),
        )

    def _schedule(self, customer: Customer, moment: datetime, start: datetime | None, *phases: PhaseRequest) -> None:
        request = ScheduleRequest(self.merchant.id, customer.id, phases, start_date=start)
        create_schedule(ctx=self._ctx(moment), request=request)

    # --- what happens to them ---

    def _credit_the_balance(self, moment: datetime) -> int:
        return self._for(
            "pelletier",
            lambda customer: adjust_balance(
                ctx=self._ctx(moment),
                merchant_id=self.merchant.id,
                customer_id=customer.id,
                amount=-1500,
                currency="cad",
                description="Une douzaine cassée en chemin",
            ),
        )

    def _grant(self, moment: datetime) -> int:
        def grant(customer: Customer) -> None:
            for amount, category, name in (
                (4000, "promotional", "Bon de bienvenue"),
                (30000, "paid", "Carte de 300 $"),
            ):
                create_credit_grant(
                    ctx=self._ctx(moment),
                    merchant_id=self.merchant.id,
                    customer_id=customer.id,
                    amount=amount,
                    currency="cad",
                    name=name,
                    category=category,
                    expires_at=moment + timedelta(days=365) if category == "promotional" else None,
                )

        return self._for("escale", grant)

    def _credit_an_invoice(self, moment: datetime) -> int:
        """A jar of syrup was missing from the latest breakfast: back to the balance."""

        def credit(customer: Customer) -> None:
            paid = Invoice.objects.filter(merchant=self.merchant, customer=customer, status="paid", total__gt=2000)
            invoice = paid.order_by("-created", "-id").first()
            if invoice is not None:
                create_credit_note(
                    ctx=self._ctx(moment),
                    merchant_id=self.merchant.id,
                    invoice_id=invoice.id,
                    request=CreditNoteRequest(amount=1149, credit_amount=1149),
                    reason="product_unsatisfactory",
                    memo="Il manquait le beurre d'érable.",
                )

        return self._for("bolduc", credit)

    def _sell_a_tasting(self, key: str, moment: datetime) -> int:
        """Two seats at the sugar shack, on a card whose holder contests them the day after."""

        def sell(customer: Customer) -> None:
            of_whom: dict[str, Any] = {"ctx": self._ctx(moment), "merchant_id": self.merchant.id}
            of_whom["customer_id"] = customer.id
            card = attach_payment_method(**of_whom, instrument="pm_card_createDispute", make_default=False)
            create_invoice_item(
                **of_whom,
                description="Dégustation à la cabane",
                unit_amount_decimal=Decimal(4200),
                quantity=2,
                currency="cad",
                tax_rate_ids=self.world.taxes_of("CA", "QC"),
            )
            create_invoice(**of_whom, default_payment_method_id=card.id)

        return self._for(key, sell)

    def _answer_a_dispute(self, moment: datetime) -> int:
        """What the shop said: its bank takes two months to decide."""

        def answer(customer: Customer) -> None:
            contested = Dispute.objects.filter(merchant=self.merchant, customer_id=customer.id, status="needs_response")
            for dispute in contested:
                submit_evidence(
                    ctx=self._ctx(moment),
                    merchant_id=self.merchant.id,
                    dispute_id=dispute.id,
                    evidence={
                        "customer_name": customer.name,
                        "customer_email_address": customer.email,
                        "product_description": "Deux places à la dégustation de la cabane à sucre.",
                        "access_activity_log": "Les deux billets ont été lus à l'entrée.",
                    },
                    submit=True,
                )

        return self._for("cote", answer)

    def _pause(self, moment: datetime) -> int:
        """Closed for the season: its invoices stay drafts until they open again."""

        def pause(customer: Customer) -> None:
            subscription = Subscription.objects.get(merchant=self.merchant, customer=customer)
            change_subscription(
                ctx=self._ctx(moment),
                request=ChangeRequest(
                    self.merchant.id,
                    subscription.id,
                    pause_collection=PauseCollection("keep_as_draft", self.now + timedelta(days=27)),
                ),
            )

        return self._for("creperie", pause)

    def _count(self, moment: datetime) -> int:
        ids = dict(self._regulars().values_list(f"metadata__{REGULAR}", "id"))
        events = [
            MeterEvent(
                name,
                {"stripe_customer_id": ids[one.key], "value": str(usage_of_day(one.key, usual, moment.date()))},
                f"{one.key}-{name}-{moment:%Y%m%d}",
                moment,
            )
            for one in REGULARS
            if one.key in ids
            for name, usual in one.uses.items()
        ]
        told = record_meter_events(ctx=self._ctx(moment), merchant_id=self.merchant.id, events=events)
        return sum(outcome.status == "accepted" for outcome in told)

    # --- reading ---

    def _for(self, key: str, act: Callable[[Customer], object]) -> int:
        customer = self._known(key)
        if customer is None:
            return 0
        act(customer)
        return 1

    def _has_begun(self, customer: Customer) -> bool:
        mine = {"merchant": self.merchant, "customer": customer}
        return Subscription.objects.filter(**mine).exists() or SubscriptionSchedule.objects.filter(**mine).exists()

    def _known(self, key: str) -> Customer | None:
        return self._regulars().filter(**{f"metadata__{REGULAR}": key}).first()

    def _regulars(self) -> Any:
        return Customer.objects.filter(merchant=self.merchant, metadata__has_key=REGULAR)

    def _ctx(self, moment: datetime) -> Context:
        return Context(as_of=moment, recorded_at=self.now)


def usage_of_day(key: str, usual: int, day: date) -> int:
    """The usual, give or take a third; a half more on Saturdays, little on Sundays."""
    rng = random.Random(f"{key} {day:%Y-%m-%d}")  # noqa: S311 - a story, not a secret
    busy = {5: 3, 6: 1}.get(day.weekday(), 2)
    return max(0, usual * busy * rng.randint(67, 133) // 200)
