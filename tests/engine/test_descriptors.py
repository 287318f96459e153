"""What a payment is called on the bank's statement, by the processor's own books."""

import pytest

from engine.services.collect import collect_invoices
from engine.services.subscribe import subscribe
from engine.types import ItemRequest, SubscribeRequest
from invoicing.models import Invoice
from payments.models import Charge, PaymentIntent
from payments.services import attach_payment_method
from tests.factories.catalog import price, product
from tests.factories.customers import customer as new_customer
from tests.factories.gateways import merchant_on_stripe
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(fake):
    fake.books.started = NEW_YEAR.timestamp()
    return merchant_on_stripe(fake, statement_descriptor="ERABLE ET CIE")


@pytest.fixture
def books(fake, shop):
    [account] = fake.books.accounts.values()
    return account


def paying(shop, instrument: str):
    who = new_customer(merchant=shop)
    attach_payment_method(ctx=context(), merchant_id=shop.id, customer_id=who.id, instrument=instrument)
    return who


def sell(shop, instrument: str, *descriptors: str, **options) -> None:
    prices = [
        price(merchant=shop, product=product(merchant=shop, name=f"Box {n}", statement_descriptor=text))
        for n, text in enumerate(descriptors)
    ]
    items = tuple(ItemRequest(one.id) for one in prices)
    subscribe(ctx=context(), request=SubscribeRequest(shop.id, paying(shop, instrument).id, items, **options))


def on_statement(books) -> list[tuple[str | None, str | None]]:
    """(statement_descriptor, suffix) of each intent there."""
    rows = books.objects["payment_intent"].values()
    return [(row["statement_descriptor"], row["statement_descriptor_suffix"]) for row in rows]


@pytest.mark.parametrize("behavior", ["allow_incomplete", "error_if_incomplete"])
def test_a_product_has_its_own_after_the_accounts_on_a_card(shop, books, behavior):
    sell(shop, "pm_card_visa", "", "COFFEE BOX", "TEA BOX", payment_behavior=behavior)
    assert on_statement(books) == [(None, "COFFEE BOX")]  # of the first line that has one
    [charge] = books.objects["charge"].values()
    assert charge["calculated_statement_descriptor"] == "ERABLE* COFFEE BOX"
    assert PaymentIntent.objects.get().statement_descriptor == "COFFEE BOX"
    assert Charge.objects.get().statement_descriptor == "COFFEE BOX"


def test_a_product_without_one_is_paid_under_the_merchants(shop, books):
    sell(shop, "pm_card_visa", "")
    assert on_statement(books) == [(None, "ERABLE ET CIE")]


def test_a_debit_has_it_whole(shop, books):
    sell(shop, "pm_fake_acss", "COFFEE BOX")
    assert on_statement(books) == [("COFFEE BOX", None)]


def test_a_renewal_is_called_as_the_first_payment_was(shop, books, fake):
    shop.finalization_grace_seconds = 0
    shop.save(update_fields=["finalization_grace_seconds"])
    sell(shop, "pm_card_visa", "COFFEE BOX")
    fake.books.advance(31 * 86400)
    day(NEW_YEAR.replace(month=2))
    assert Invoice.objects.filter(status="paid").count() == 2
    assert on_statement(books) == [(None, "COFFEE BOX")] * 2


def test_an_invoices_own_comes_first(shop, books):
    product(merchant=shop, statement_descriptor="COFFEE BOX")
    invoice = open_invoice(customer=paying(shop, "pm_card_visa"), statement_descriptor="SPECIAL ORDER")
    collect_invoices(ctx=context(), invoice_ids=[invoice.id])
    assert on_statement(books) == [(None, "SPECIAL ORDER")]
    assert Charge.objects.get().statement_descriptor == "SPECIAL ORDER"
