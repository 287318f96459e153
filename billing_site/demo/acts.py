"""What subscribers do, each through the use case that a page or the API would call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from billing_site.demo.story import GOOD_CARDS, Act, Offer, Signup
from billing_site.demo.world import World
from core.context import Context
from core.errors import OstinatoError
from customers.services import create_customer
from engine.services.cancel import cancel_subscription, schedule_cancel, undo_cancel
from engine.services.change import change_subscription
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice, mark_uncollectible
from engine.services.pay import complete_action, pay_invoice, record_payment
from engine.services.recover import add_payment_method
from engine.services.refund import refund_charge
from engine.services.subscribe import subscribe
from engine.types import ChangeRequest, ItemChange, ItemRequest, SubscribeRequest, SubscribeResult
from invoicing.models import Invoice
from merchants.models import Merchant
from payments.models import Charge
from payments.services import attach_payment_method
from subscriptions.models import Subscription, SubscriptionItem


@dataclass(slots=True)
class Subscriber:
    """A signup that happened."""

    signup: Signup
    customer_id: str
    subscription_id: str
    failed_since: datetime | None = None


class Acts:
    """Each act gives how many things it did; a refusal of the product comes out as its own error."""

    def __init__(self, merchant: Merchant, world: World, now: datetime, seed: int) -> None:
        self.merchant, self.world, self.now, self.seed = merchant, world, now, seed
        self.subscribers: dict[int, Subscriber] = {}
        self._by_act: dict[Act, Callable[[Subscriber, datetime, str], int]] = {
            Act.UPGRADE: self._upgrade,
            Act.DOWNGRADE: self._downgrade,
            Act.CANCEL: self._cancel,
            Act.CANCEL_NOW: self._cancel_now,
            Act.KEEP: self._keep,
            Act.BAD_CARD: self._bad_card,
            Act.ASK_REFUND: self._refund,
            Act.BUY: self._buy,
            Act.RETURN: self._return,
        }

    def ctx(self, moment: datetime, actor: str = "system") -> Context:
        return Context(as_of=moment, recorded_at=self.now, actor=actor)

    def part_of(self, signup: Signup) -> str:
        return f"{self.seed}:{signup.number}"

    def do(self, act: Act, number: int, moment: datetime, detail: str) -> int:
        subscriber = self.subscribers.get(number)
        return self._by_act[act](subscriber, moment, detail) if subscriber else 0

    # --- beginnings ---

    def sign_up(self, signup: Signup) -> int:
        person = asdict(signup.person)
        customer = create_customer(
            ctx=self.ctx(signup.at),
            merchant_id=self.merchant.id,
            metadata={"simulated": self.part_of(signup)},
            **person,
        )
        subscriber = Subscriber(signup, customer.id, "")
        self.subscribers[signup.number] = subscriber
        if signup.instrument:
            attach_payment_method(
                ctx=self._as_customer(subscriber, signup.at),
                merchant_id=self.merchant.id,
                customer_id=customer.id,
                instrument=signup.instrument,
            )
        self._subscribe(subscriber, signup.at + timedelta(seconds=40), signup.offer, signup.promotion_code)
        return 1

    def _subscribe(self, subscriber: Subscriber, moment: datetime, offer: Offer, code: str) -> None:
        signup = subscriber.signup
        request = SubscribeRequest(
            merchant_id=self.merchant.id,
            customer_id=subscriber.customer_id,
            items=(ItemRequest(offer.price_id, signup.quantity),),
            promotion_code=code,
            trial_period_days=signup.trial_days,
            collection_method="send_invoice" if offer.by_invoice else "charge_automatically",
            default_tax_rate_ids=self.world.tax_rate_ids(signup.person),
        )
        ctx = self._as_customer(subscriber, moment)
        try:
            result = subscribe(ctx=ctx, request=request)
        except OstinatoError:
            if not code:
                raise
            # A code that does not fit the plan: most people go on without it.
            result = subscribe(ctx=ctx, request=replace(request, promotion_code=""))
        subscriber.subscription_id = result.subscription_id
        self._see_payment_through(ctx, result)

    def _see_payment_through(self, ctx: Context, result: SubscribeResult) -> None:
        """On the checkout's page: authenticate when the bank asks, press again when the card was declined."""
        payment = result.payment
        if payment is None:
            return
        if payment.status == "requires_action":
            complete_action(
                ctx=replace(ctx, as_of=ctx.as_of + timedelta(seconds=50)),
                merchant_id=self.merchant.id,
                payment_intent_id=payment.payment_intent_id,
                approve=True,
            )
        elif payment.status == "declined":
            again = replace(ctx, as_of=ctx.as_of + timedelta(minutes=4))
            pay_invoice(ctx=again, merchant_id=self.merchant.id, invoice_id=payment.invoice_id)

    def _return(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        if self._subscription(subscriber).status != "canceled":
            return 0
        if subscriber.signup.instrument:
            self._new_card(subscriber, moment)
        self._subscribe(subscriber, moment, subscriber.signup.offer, "")
        return 1

    # --- changes ---

    def _upgrade(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        return self._change(subscriber, moment, +1)

    def _downgrade(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        return self._change(subscriber, moment, -1)

    def _change(self, subscriber: Subscriber, moment: datetime, direction: int) -> int:
        """To the next larger or smaller price of the product; seats where it has seats; to a year as a last step."""
        if self._subscription(subscriber).status != "active":
            return 0
        item = SubscriptionItem.objects.get(subscription_id=subscriber.subscription_id, deleted_at__isnull=True)
        offer = self.world.by_price(item.price_id)
        if offer is None:
            return 0
        target = self.world.larger(offer) if direction > 0 else self.world.smaller(offer)
        if offer.most_seats > 1:
            change = ItemChange(item_id=item.id, quantity=max(1, item.quantity + direction))
        elif target or (direction > 0 and (target := self.world.yearly(offer))):
            change = ItemChange(item_id=item.id, price_id=target.price_id, quantity=item.quantity)
        else:
            return 0
        change_subscription(
            ctx=self._as_customer(subscriber, moment),
            request=ChangeRequest(
                self.merchant.id,
                subscriber.subscription_id,
                (change,),
                proration_behavior="always_invoice" if direction > 0 else "create_prorations",
            ),
        )
        return 1

    def _cancel(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        schedule_cancel(
            ctx=self._as_customer(subscriber, moment),
            merchant_id=self.merchant.id,
            subscription_id=subscriber.subscription_id,
            feedback=detail,
        )
        return 1

    def _cancel_now(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        cancel_subscription(
            ctx=self._as_customer(subscriber, moment),
            merchant_id=self.merchant.id,
            subscription_id=subscriber.subscription_id,
            feedback=detail,
        )
        return 1

    def _keep(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        undo_cancel(
            ctx=self._as_customer(subscriber, moment),
            merchant_id=self.merchant.id,
            subscription_id=subscriber.subscription_id,
        )
        return 1

    # --- money ---

    def _bad_card(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        self._attach(subscriber, moment, detail)
        return 1

    def _refund(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        paid = Charge.objects.filter(
            merchant_id=self.merchant.id, customer_id=subscriber.customer_id, status="succeeded", amount_refunded=0
        )
        charge = paid.order_by("-created", "-id").first()
        if charge is None:
            return 0
        refund_charge(
            ctx=self.ctx(moment),
            merchant_id=self.merchant.id,
            charge_id=charge.id,
            amount=charge.amount if detail == "duplicate" else charge.amount // 2,
            reason=detail,
        )
        return 1

    def _buy(self, subscriber: Subscriber, moment: datetime, detail: str) -> int:
        """One of what does not recur: it waits for the next invoice of the subscription, or makes one of its own."""
        offered = self.world.extras.get(subscriber.signup.offer.currency)
        status = self._subscription(subscriber).status
        if not offered or status not in ("active", "trialing"):
            return 0
        ctx, at_once = self._as_customer(subscriber, moment), detail == "at_once"
        rates = self.world.tax_rate_ids(subscriber.signup.person)
        create_invoice_item(
            ctx=ctx,
            merchant_id=self.merchant.id,
            customer_id=subscriber.customer_id,
            price_id=offered[subscriber.signup.number % len(offered)],
            subscription_id="" if at_once else subscriber.subscription_id,
            tax_rate_ids=rates,
        )
        if at_once:
            create_invoice(
                ctx=ctx,
                merchant_id=self.merchant.id,
                customer_id=subscriber.customer_id,
                default_tax_rate_ids=rates,
                description="Commande à la pièce",
            )
        return 1

    def pay_sent_invoices(self, moment: datetime) -> int:
        """Transfers that arrive today: each company has its own idea of when."""
        habits = {subscriber.customer_id: subscriber.signup.pays_after for subscriber in self.subscribers.values()}
        waiting = Invoice.objects.filter(
            merchant=self.merchant, status="open", collection_method="send_invoice", amount_remaining__gt=0
        )
        done = 0
        for invoice in waiting.order_by("finalized_at", "id"):
            habit = habits.get(invoice.customer_id)
            if habit is None or invoice.finalized_at is None or invoice.finalized_at + habit > moment:
                continue
            record_payment(
                ctx=self.ctx(moment),
                merchant_id=self.merchant.id,
                invoice_id=invoice.id,
                amount=invoice.amount_remaining,
                note="Virement bancaire",
            )
            done += 1
        return done

    def answer_failed_payments(self, moment: datetime) -> int:
        """Some answer a failed payment with a good card after a while, others never do."""
        failing = set(
            Subscription.objects.filter(
                merchant=self.merchant, status="past_due", collection_method="charge_automatically"
            ).values_list("id", flat=True)
        )
        done = 0
        for subscriber in self.subscribers.values():
            if subscriber.subscription_id not in failing:
                subscriber.failed_since = None
                continue
            subscriber.failed_since = subscriber.failed_since or moment
            patience = subscriber.signup.recovers_after
            if patience is not None and moment - subscriber.failed_since >= patience:
                self._new_card(subscriber, moment)
                subscriber.failed_since = moment
                done += 1
        return done

    def write_off(self, moment: datetime) -> int:
        """What nobody will pay any more: the subscription ended long ago and its invoice is still open."""
        lost = Invoice.objects.filter(
            merchant=self.merchant,
            status="open",
            subscription__status="canceled",
            finalized_at__lt=moment - timedelta(days=60),
        )
        ids = list(lost.order_by("id").values_list("id", flat=True))
        for invoice_id in ids:
            mark_uncollectible(ctx=self.ctx(moment), merchant_id=self.merchant.id, invoice_id=invoice_id)
        return len(ids)

    def _new_card(self, subscriber: Subscriber, moment: datetime) -> None:
        self._attach(subscriber, moment, subscriber.signup.replacement or GOOD_CARDS[0])

    def _attach(self, subscriber: Subscriber, moment: datetime, instrument: str) -> None:
        add_payment_method(
            ctx=self._as_customer(subscriber, moment),
            merchant_id=self.merchant.id,
            customer_id=subscriber.customer_id,
            instrument=instrument,
        )

    # --- reading ---

    def _subscription(self, subscriber: Subscriber) -> Subscription:
        return Subscription.objects.get(merchant=self.merchant, id=subscriber.subscription_id)

    def _as_customer(self, subscriber: Subscriber, moment: datetime) -> Context:
        return self.ctx(moment, actor=f"customer:{subscriber.customer_id}")
