"""Customers made and changed: what is written, what is told, what is refused whole."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from core.money import UnknownCurrency
from customers import rules, services
from customers.locales import UnknownLocale
from customers.models import Customer, CustomerBalanceTransaction, CustomerTaxId
from customers.selectors import CustomerNotFound, PaymentMethodNotFound, customer_time
from customers.types import TaxId
from events.models import Event, ObjectVersion
from tests.factories import customers, merchants
from tests.factories.times import context, utc

NOON = utc(2024, 3, 1, 12)


@pytest.fixture
def merchant(db):
    return merchants.merchant()


def create(merchant, **fields):
    return services.create_customer(ctx=context(NOON), merchant_id=merchant.id, **fields)


def event_types():
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def test_a_new_customer_is_stored_clean_and_told(merchant):
    customer = create(
        merchant,
        email=" ada@example.com ",
        name="Ada",
        country="ca",
        preferred_locale="fr_CA",
        currency="CAD",
        tax_ids=[TaxId("ca_gst_hst", "123456782 RT0001")],
    )
    stored = Customer.objects.get(id=customer.id)
    assert (stored.email, stored.country, stored.preferred_locale, stored.currency) == (
        "ada@example.com",
        "CA",
        "fr-ca",
        "cad",
    )
    assert (stored.created, stored.version, stored.balance) == (NOON, 1, 0)
    assert event_types() == ["customer.created", "customer.tax_id.created"]
    body = ObjectVersion.objects.get(object_id=customer.id, version=1).body
    assert body["email"] == "ada@example.com"
    assert body["address"]["country"] == "CA"


def test_a_merchant_may_want_no_bodies_kept(db):
    merchant = merchants.merchant(keep_event_bodies=False)
    customer = create(merchant, name="Ada", tax_ids=[TaxId("us_ein", "12-3456789")])
    adjust(merchant, customer, -100)
    assert len(event_types()) == 4
    assert not ObjectVersion.objects.exists()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"country": "Narnia"}, rules.UnknownCountry),
        ({"currency": "zzz"}, UnknownCurrency),
        ({"preferred_locale": "klingon"}, UnknownLocale),
        ({"email": "not an address"}, services.InvalidEmail),
        ({"email": "a" * 600 + "@example.com"}, rules.TextTooLong),
        ({"tax_ids": [TaxId("eu_vat", "FR123")]}, rules.InvalidTaxId),
        ({"tax_ids": [TaxId("us_ein", "12-3456789")] * 2}, services.TaxIdAlreadyThere),
        ({"test_clock_id": "clock_none"}, services.TestClockNotFound),
    ],
)
def test_a_wrong_field_writes_nothing(merchant, fields, error):
    with pytest.raises(error):
        create(merchant, name="Ada", **fields)
    assert not Customer.objects.exists()
    assert not Event.objects.exists()


def test_a_customer_cannot_be_put_on_another_merchants_clock(merchant):
    foreign = customers.clock(merchant=merchants.merchant(prefix="X-"))
    with pytest.raises(services.TestClockNotFound):
        create(merchant, test_clock_id=foreign.id)


def test_a_customer_on_a_clock_lives_in_its_time(merchant):
    clock = customers.clock(merchant=merchant, frozen_time=utc(2030, 1, 1))
    assert customer_time(create(merchant, test_clock_id=clock.id), NOON) == utc(2030, 1, 1)
    assert customer_time(create(merchant), NOON) == NOON


def test_an_update_changes_what_is_sent_and_tells_the_previous_values(merchant):
    customer = create(merchant, name="Ada", email="ada@example.com")
    services.update_customer(ctx=context(NOON), merchant_id=merchant.id, customer_id=customer.id, name="Ada L.")
    stored = Customer.objects.get(id=customer.id)
    assert (stored.name, stored.email, stored.version) == ("Ada L.", "ada@example.com", 2)
    told = Event.objects.get(type="customer.updated")
    assert (told.object_version, told.previous_attributes) == (2, {"name": "Ada"})


def test_the_same_values_again_write_nothing(merchant):
    customer = create(merchant, name="Ada")
    services.update_customer(ctx=context(NOON), merchant_id=merchant.id, customer_id=customer.id, name="Ada")
    assert Customer.objects.get(id=customer.id).version == 1
    assert event_types() == ["customer.created"]


def test_another_merchants_customer_does_not_exist(merchant):
    customer = create(merchant, name="Ada")
    other = merchants.merchant(prefix="X-")
    with pytest.raises(CustomerNotFound):
        services.update_customer(ctx=context(NOON), merchant_id=other.id, customer_id=customer.id, name="Eve")
    assert Customer.objects.get(id=customer.id).name == "Ada"


def test_the_default_payment_method_must_be_the_customers_own_and_attached(merchant):
    ada, eve = create(merchant, name="Ada"), create(merchant, name="Eve")
    own, foreign = customers.payment_method(customer=ada), customers.payment_method(customer=eve)
    gone = customers.payment_method(customer=ada, detached_at=NOON)
    chosen = services.set_default_payment_method(
        ctx=context(NOON), merchant_id=merchant.id, customer_id=ada.id, payment_method_id=own.id
    )
    assert chosen.default_payment_method_id == own.id
    for other in (foreign, gone):
        with pytest.raises(PaymentMethodNotFound):
            services.set_default_payment_method(
                ctx=context(NOON), merchant_id=merchant.id, customer_id=ada.id, payment_method_id=other.id
            )
    assert event_types().count("customer.updated") == 1


def adjust(merchant, customer, amount, currency="cad"):
    return services.adjust_balance(
        ctx=context(NOON), merchant_id=merchant.id, customer_id=customer.id, amount=amount, currency=currency
    )


def test_the_balance_is_a_ledger_that_counts_its_entries(merchant):
    customer = create(merchant)
    adjust(merchant, customer, -1500)
    adjust(merchant, customer, 400)
    entries = CustomerBalanceTransaction.objects.order_by("sequence")
    assert [(entry.sequence, entry.amount, entry.ending_balance) for entry in entries] == [
        (1, -1500, -1500),
        (2, 400, -1100),
    ]
    stored = Customer.objects.get(id=customer.id)
    assert (stored.balance, stored.balance_sequence, stored.currency, stored.version) == (-1100, 2, "cad", 3)


def test_a_balance_stays_in_one_currency(merchant):
    customer = create(merchant, currency="cad")
    with pytest.raises(rules.BalanceInOtherCurrency):
        adjust(merchant, customer, -100, "usd")
    assert not CustomerBalanceTransaction.objects.exists()


def test_tax_numbers_come_and_go(merchant):
    customer = create(merchant)
    where = {"ctx": context(NOON), "merchant_id": merchant.id, "customer_id": customer.id}
    row = services.add_tax_id(**where, tax_id=TaxId("ca_qst", "1234567890TQ0001"))
    with pytest.raises(services.TaxIdAlreadyThere):
        services.add_tax_id(**where, tax_id=TaxId("ca_qst", "1234567890 TQ 0001"))
    services.remove_tax_id(**where, tax_id_id=row.id)
    with pytest.raises(services.TaxIdNotFound):
        services.remove_tax_id(**where, tax_id_id=row.id)
    assert not CustomerTaxId.objects.exists()
    assert event_types() == ["customer.created", "customer.tax_id.created", "customer.tax_id.deleted"]


@pytest.mark.django_db(transaction=True)
def test_two_adjustments_at_once_lose_nothing():
    merchant = merchants.merchant()
    customer = create(merchant)
    together = Barrier(4)

    def take_turns():
        together.wait()
        for _ in range(5):
            adjust(merchant, customer, -10)
        connection.close()

    threads = [Thread(target=take_turns) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = Customer.objects.get(id=customer.id)
    assert (stored.balance, stored.balance_sequence) == (-200, 20)
