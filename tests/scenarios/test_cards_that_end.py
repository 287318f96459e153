"""A card's last month: told once, replaced by its issuer, and what failed with the old one tried again."""

import pytest

from billing_site.event_routes import CONSUMERS
from customers.backups import set_backup_payment_methods
from customers.models import PaymentMethod
from engine.services.card_expiry import NotASandboxCard, replace_sandbox_card, run_card_expiries
from engine.services.clocks import advance_clock, advance_clock_now
from engine.services.recover import add_payment_method
from events.models import Event
from invoicing.models import Invoice
from notifications.models import Message
from payments.gateways import gateway_named
from payments.services import note_method
from tests.events.outbox import drain
from tests.factories.catalog import price
from tests.factories.customers import clock, customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db(transaction=True)
JANUARY, FEBRUARY = utc(2024, 1, 10), utc(2024, 2, 1)


@pytest.fixture
def shop():
    return merchant(livemode=False)


def subscriber(shop, instrument: str, **fields) -> PaymentMethod:
    """A monthly subscription from 10 January, charged to that card."""
    owner = customer(merchant=shop, created=JANUARY, preferred_locale="en", **fields)
    card = add_payment_method(
        ctx=context(JANUARY), merchant_id=shop.id, customer_id=owner.id, instrument=instrument, make_default=True
    )
    subscription(customer=owner, prices=[price(merchant=shop)], at=JANUARY)
    return card


def relay(wall) -> None:
    for consumer in CONSUMERS:
        drain(consumer, wall=wall)


def heard(kind: str) -> list[Message]:
    return list(Message.objects.filter(kind=kind))


def facts(type: str) -> int:
    return Event.objects.filter(type=type).count()


def test_as_its_last_month_begins_the_owner_is_told_once(shop):
    card = subscriber(shop, "pm_sandbox_expiresNextMonth")
    assert (card.exp_month, card.exp_year, card.next_action_at) == (2, 2024, FEBRUARY)
    day(utc(2024, 1, 31, 23))
    assert not facts("payment_method.expiring")
    for moment in (FEBRUARY, utc(2024, 2, 2)):
        day(moment)
        relay(moment)
    assert facts("payment_method.expiring") == 1
    [mail] = heard("card_expiring")
    assert "Visa •••• 5201 expires at the end of 02/2024." in mail.text
    assert mail.created == FEBRUARY


def test_on_a_clock_it_is_told_in_the_clocks_time(shop):
    time = clock(merchant=shop, frozen_time=JANUARY)
    subscriber(shop, "pm_sandbox_expiresNextMonth", test_clock=time)
    run_card_expiries(ctx=context(utc(2030, 1, 1)))  # the ordinary run leaves it alone
    assert not facts("payment_method.expiring")
    advance_clock(ctx=context(JANUARY), merchant_id=shop.id, clock_id=time.id, to=utc(2024, 2, 5))
    advance_clock_now(ctx=context(JANUARY), clock_id=time.id)
    relay(FEBRUARY)
    [mail] = heard("card_expiring")
    assert (mail.status, mail.created) == ("kept", FEBRUARY)


def test_one_that_the_issuer_replaces_is_not_warned_of_but_told_of(shop):
    card = subscriber(shop, "pm_sandbox_replacedByIssuer")
    for moment in (FEBRUARY, utc(2024, 2, 2)):
        day(moment)
        relay(moment)
    card.refresh_from_db()
    assert (card.last4, card.exp_month, card.exp_year, card.next_action_at) == ("6313", 2, 2028, utc(2028, 2, 1))
    assert (facts("payment_method.expiring"), facts("payment_method.automatically_updated")) == (0, 1)
    [mail] = heard("card_updated")
    assert "charged to Visa •••• 6313" in mail.text
    assert not heard("card_expiring")


def test_a_replacement_brings_forward_what_the_old_card_refused(shop):
    card = subscriber(shop, "pm_card_visa")
    bad = add_payment_method(
        ctx=context(JANUARY), merchant_id=shop.id, customer_id=card.customer_id,
        instrument="pm_card_chargeDeclinedExpiredCard",
    )  # fmt: skip
    renewal = utc(2024, 2, 10)
    day(renewal)
    relay(renewal)
    [failed] = heard("payment_failed")
    assert "because the card has expired" in failed.text
    invoice = Invoice.objects.get(status="open")
    assert invoice.next_payment_attempt > utc(2024, 2, 10, 6)

    replaced_at = utc(2024, 2, 10, 6)
    replace_sandbox_card(
        ctx=context(replaced_at), merchant_id=shop.id, customer_id=card.customer_id, payment_method_id=bad.id
    )
    relay(replaced_at)
    invoice.refresh_from_db()
    assert invoice.next_payment_attempt == replaced_at
    day(replaced_at)
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    assert len(heard("card_updated")) == 1


def test_the_same_news_twice_is_one_change(shop):
    card = subscriber(shop, "pm_card_visa")
    who = dict(merchant_id=shop.id, customer_id=card.customer_id, payment_method_id=card.id)
    replaced = replace_sandbox_card(ctx=context(FEBRUARY), **who)
    gateway = gateway_named("sandbox")
    from payments.gateways.base import Call

    call = Call(shop.id, "again", FEBRUARY, FEBRUARY)
    for _ in range(2):
        told = gateway.retrieve_method(call, card.gateway_method_id)
        note_method(ctx=context(FEBRUARY), merchant_id=shop.id, gateway="sandbox", facts=told)
    assert facts("payment_method.automatically_updated") == 1
    replaced.refresh_from_db()
    assert replaced.version == card.version + 1


def test_a_card_that_pays_for_nothing_ends_in_peace(shop):
    owner = customer(merchant=shop, created=JANUARY)
    add_payment_method(
        ctx=context(JANUARY), merchant_id=shop.id, customer_id=owner.id, instrument="pm_sandbox_expiresNextMonth"
    )
    day(FEBRUARY)
    relay(FEBRUARY)
    assert facts("payment_method.expiring") == 1
    assert not heard("card_expiring")


def test_the_owner_of_a_backup_that_ends_is_told_that_it_is_the_backup(shop):
    card = subscriber(shop, "pm_card_visa")
    ids = {"ctx": context(JANUARY), "merchant_id": shop.id, "customer_id": card.customer_id}
    ending = add_payment_method(instrument="pm_sandbox_expiresNextMonth", make_default=False, **ids)
    set_backup_payment_methods(payment_method_ids=[ending.id], **ids)
    day(FEBRUARY)
    relay(FEBRUARY)
    [mail] = heard("card_expiring")
    assert "It is your backup for payments to" in mail.text


def test_a_bank_account_has_no_new_card(shop):
    owner = customer(merchant=shop, created=JANUARY)
    debit = add_payment_method(
        ctx=context(JANUARY), merchant_id=shop.id, customer_id=owner.id, instrument="pm_sepa_debit"
    )
    assert debit.next_action_at is None
    with pytest.raises(NotASandboxCard):
        replace_sandbox_card(
            ctx=context(FEBRUARY), merchant_id=shop.id, customer_id=owner.id, payment_method_id=debit.id
        )
