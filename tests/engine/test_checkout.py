"""Buying from a payment link: once, whoever presses how often, and whatever breaks half-way."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from catalog.models import PaymentLink
from customers.models import Customer, PaymentMethod
from engine.rules.checkout import QuantityOutOfRange, applicable_tax_rates, chosen_quantity
from engine.services import checkout
from engine.types import CheckoutRequest
from invoicing.models import Invoice
from payments.models import Charge
from subscriptions.models import CheckoutSession, Subscription
from subscriptions.services.checkout_sessions import CheckoutExpired, CheckoutNotFound
from tests.factories import catalog, merchants
from tests.factories.times import NEW_YEAR, context, utc

ZOE = CheckoutRequest(
    email="zoe@example.com", name="Zoé", instrument="pm_card_visa", country="CA", state="QC", line1="4 rue Cartier"
)


class Rate:
    def __init__(self, id, country="", state=""):
        self.id, self.country, self.state = id, country, state


@pytest.mark.parametrize(
    ("country", "state", "applied"),
    [
        ("CA", "QC", ("all", "gst", "qst")),
        ("ca", " qc ", ("all", "gst", "qst")),
        ("CA", "ON", ("all", "gst")),
        ("CA", "", ("all", "gst")),
        ("FR", "", ("all",)),
        ("", "", ("all",)),
    ],
)
def test_taxes_follow_the_buyers_place(country, state, applied):
    rates = [Rate("all"), Rate("gst", "CA"), Rate("qst", "CA", "QC")]
    assert applicable_tax_rates(rates, country, state) == applied


def test_a_quantity_counts_only_where_the_link_lets_it():
    assert chosen_quantity("price_1", 2, bounds=None, wanted={"price_1": 9}) == 2
    assert chosen_quantity("price_1", 2, bounds=(1, 999), wanted={"price_1": 9}) == 9
    assert chosen_quantity("price_1", 2, bounds=(1, 999), wanted={}) == 2
    for wrong in (0, -1, 1000):
        with pytest.raises(QuantityOutOfRange):
            chosen_quantity("price_1", 2, bounds=(1, 999), wanted={"price_1": wrong})


@pytest.fixture
def link(db) -> PaymentLink:
    merchant = merchants.merchant()
    return catalog.payment_link(merchant=merchant, prices=[catalog.price(merchant=merchant, amount=2000)])


@pytest.fixture
def visit(link):
    session_id, secret = checkout.open_checkout(ctx=context(), payment_link_id=link.id, locale="fr-ca")
    return {"session_id": session_id, "secret": secret}


def buy(visit, request=ZOE, ctx=None):
    return checkout.complete_checkout(ctx=ctx or context(), request=request, **visit)


def one_of_each():
    return [model.objects.count() for model in (Customer, Subscription, Invoice, Charge)] == [1, 1, 1, 1]


def test_a_purchase_is_a_customer_a_subscription_and_a_paid_invoice(visit):
    result = buy(visit)
    assert result.status == "complete"
    assert one_of_each()
    assert Invoice.objects.get(id=result.invoice_id).status == "paid"
    assert Subscription.objects.get(id=result.subscription_id).status == "active"
    assert Customer.objects.get(id=result.customer_id).preferred_locale == "fr-ca"


def test_completing_again_gives_the_same_result(visit):
    first = buy(visit)
    again = buy(visit)
    assert (again.subscription_id, again.invoice_id, again.status) == (
        first.subscription_id,
        first.invoice_id,
        "complete",
    )
    assert one_of_each()


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_instant_pay_once(visit):
    together = Barrier(5)
    problems = []

    def click():
        together.wait()
        try:
            buy(visit)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [Thread(target=click) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert one_of_each()
    assert PaymentMethod.objects.filter(detached_at__isnull=True).count() == 1
    kept = PaymentMethod.objects.get(detached_at__isnull=True)
    assert Customer.objects.get().default_payment_method_id == kept.id
    assert buy(visit).status == "complete"


def test_what_died_after_selling_is_paid_and_not_sold_again(visit, monkeypatch):
    def power_cut(**_):
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(checkout, "pay_invoice", power_cut)
        with pytest.raises(SystemExit):
            buy(visit)
    session = CheckoutSession.objects.get()
    assert checkout.standing_of(ctx=context(), session=session).status == "unpaid"
    assert buy(visit).status == "complete"
    assert Subscription.objects.count() == Invoice.objects.count() == 1


def test_another_secret_opens_nothing(visit):
    with pytest.raises(CheckoutNotFound):
        buy({**visit, "secret": "guess"})
    with pytest.raises(CheckoutNotFound):
        buy({**visit, "session_id": "cs_none"})


def test_an_expired_visit_sells_nothing(visit):
    late = context(NEW_YEAR, recorded_at=utc(2024, 1, 2, 0, 0, 1))
    with pytest.raises(CheckoutExpired):
        buy(visit, ctx=late)
    assert not Customer.objects.exists()


def test_what_was_sold_before_the_visit_expired_can_still_be_paid(visit):
    declined = CheckoutRequest(**{**_fields(ZOE), "instrument": "pm_card_visa_chargeDeclinedInsufficientFunds"})
    assert buy(visit, declined).payment.status == "declined"
    late = context(NEW_YEAR, recorded_at=utc(2024, 1, 2, 0, 0, 1))
    assert buy(visit, ctx=late).status == "complete"
    assert Subscription.objects.count() == 1


def test_a_voided_first_invoice_ends_the_visit(visit):
    from engine.services.invoices import void_invoice

    declined = CheckoutRequest(**{**_fields(ZOE), "instrument": "pm_card_visa_chargeDeclinedInsufficientFunds"})
    result = buy(visit, declined)
    merchant_id = CheckoutSession.objects.get().merchant_id
    void_invoice(ctx=context(), merchant_id=merchant_id, invoice_id=result.invoice_id)
    assert checkout.standing_of(ctx=context(), session=CheckoutSession.objects.get()).status == "expired"
    with pytest.raises(CheckoutExpired):
        buy(visit)


def test_the_preview_and_the_sale_are_the_same_figures(visit, link):
    from engine.services.checkout_preview import basket_of, preview_checkout

    basket = basket_of(CheckoutSession.objects.get())
    preview = preview_checkout(ctx=context(), basket=basket, request=ZOE)
    sold = Invoice.objects.get(id=buy(visit).invoice_id)
    assert preview.now is not None
    assert (preview.now.totals.total, preview.now.totals.lines_gross) == (sold.total, sold.lines_gross)
    assert preview.following_at == Subscription.objects.get().items.get().current_period_end


def _fields(request):
    return {name: getattr(request, name) for name in request.__slots__}
