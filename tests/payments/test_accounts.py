"""Connecting an account at Stripe: keys sealed, checked, rotated and let go of."""

import pytest
from django.db import connection

from engine.services.collect import collect_invoices
from events.models import Event
from payments.accounts import (
    AlreadyConnected,
    ApiKeyMalformed,
    ApiKeyOfOtherAccount,
    ApiKeyOfOtherMode,
    MoneyUnderWay,
    check_account,
    connect_account,
    connected_account,
    disconnect_account,
    rotate_key,
    rotate_webhook_secret,
)
from payments.gateways.base import GatewayKeyRefused, GatewayUnreachable, NotConnected
from payments.inbox import EVENT_TYPES
from payments.keys import API_KEY, WEBHOOK_SECRET, open_secret
from payments.mirror import mirror_object
from payments.models import Charge, GatewayAccount
from payments.services import attach_payment_method
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db

KEY = "sk_test_0123456789abcdefghijklmnop"
OTHER_KEY = "rk_test_zyxwvutsrqponmlkjihgfedcba"


@pytest.fixture
def merchant(fake):
    fake.books.started = NEW_YEAR.timestamp()
    return new_merchant()


@pytest.fixture
def theirs(fake):
    return fake.books.open_account(KEY, "acct_theirs")


@pytest.fixture
def connected(merchant, theirs):
    return connect_account(ctx=context(), merchant_id=merchant.id, api_key=f" {KEY} ")


def test_connecting_stores_the_key_sealed_and_makes_an_endpoint(fake, merchant, theirs, connected):
    [endpoint] = theirs.objects["webhook_endpoint"].values()
    merchant.refresh_from_db()
    assert (connected.gateway_account_id, connected.name, connected.country) == ("acct_theirs", "Érable & Cie", "CA")
    assert (connected.api_key_hint, merchant.gateway) == ("sk_test_…mnop", "stripe")
    assert open_secret(connected, API_KEY) == KEY
    assert open_secret(connected, WEBHOOK_SECRET) == endpoint["secret"]
    assert endpoint["url"].endswith(f"/webhooks/stripe/{connected.id}/")
    assert endpoint["enabled_events"] == list(EVENT_TYPES)


@pytest.mark.parametrize(
    ("api_key", "error"),
    [
        ("", ApiKeyMalformed),
        ("pk_test_0123456789abcdefghijklmnop", ApiKeyMalformed),
        ("sk_test_short", ApiKeyMalformed),
        ("sk_live_0123456789abcdefghijklmnop", ApiKeyOfOtherMode),
        ("sk_test_neverissued0123456789abcdef", GatewayKeyRefused),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_by_name_and_nothing_is_stored(merchant, theirs, api_key, error):
    with pytest.raises(error):
        connect_account(ctx=context(), merchant_id=merchant.id, api_key=api_key)
    merchant.refresh_from_db()
    assert (GatewayAccount.objects.count(), merchant.gateway) == (0, "sandbox")


def test_a_processor_that_does_not_answer_leaves_nothing_behind(fake, merchant, theirs):
    fake.faults.arm("drop_before", "/v1/account")
    with pytest.raises(GatewayUnreachable):
        connect_account(ctx=context(), merchant_id=merchant.id, api_key=KEY)
    assert not GatewayAccount.objects.exists()


def test_an_endpoint_that_could_not_be_made_is_made_when_the_account_is_checked(fake, merchant, theirs):
    fake.faults.arm("drop_before", "/v1/webhook_endpoints")
    account = connect_account(ctx=context(), merchant_id=merchant.id, api_key=KEY)
    assert open_secret(account, WEBHOOK_SECRET) == ""
    account = check_account(ctx=context(), merchant_id=merchant.id)
    assert open_secret(account, WEBHOOK_SECRET).startswith("whsec_")


def test_a_second_account_is_refused_by_name(merchant, connected):
    with pytest.raises(AlreadyConnected):
        connect_account(ctx=context(), merchant_id=merchant.id, api_key=KEY)


def test_a_key_is_rotated_to_another_of_the_same_account_only(fake, merchant, theirs, connected):
    fake.books.open_account(OTHER_KEY, "acct_theirs")
    fake.books.open_account("sk_test_ofanotheraccount0123456789", "acct_another")
    with pytest.raises(ApiKeyOfOtherAccount):
        rotate_key(ctx=context(), merchant_id=merchant.id, api_key="sk_test_ofanotheraccount0123456789")
    theirs.keys.discard(KEY)
    account = rotate_key(ctx=context(), merchant_id=merchant.id, api_key=OTHER_KEY)
    assert open_secret(account, API_KEY) == OTHER_KEY
    customer = new_customer(merchant=merchant)
    attach_payment_method(ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_visa")
    [outcome] = collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=customer).id])
    assert outcome.status == "succeeded"


def test_a_revoked_key_shows_on_the_account_until_another_comes(fake, merchant, theirs, connected):
    theirs.keys.clear()
    assert check_account(ctx=context(), merchant_id=merchant.id).status == "refused"
    theirs.keys.add(OTHER_KEY)
    assert rotate_key(ctx=context(), merchant_id=merchant.id, api_key=OTHER_KEY).status == "active"


def test_a_webhook_secret_is_rotated_and_the_one_before_is_still_believed(theirs, merchant, connected):
    before = open_secret(connected, WEBHOOK_SECRET)
    account = rotate_webhook_secret(ctx=context(), merchant_id=merchant.id)
    [endpoint] = theirs.objects["webhook_endpoint"].values()
    assert open_secret(account, WEBHOOK_SECRET) == endpoint["secret"] != before
    assert open_secret(account, "webhook_secret_before") == before


def test_disconnecting_forgets_the_keys_and_no_sandbox_takes_over(theirs, merchant, connected):
    disconnect_account(ctx=context(), merchant_id=merchant.id)
    merchant.refresh_from_db()
    row = GatewayAccount.objects.get()
    assert (row.status, row.api_key_sealed, row.webhook_secret_sealed) == ("disconnected", "", "")
    assert (merchant.gateway, connected_account(merchant.id)) == ("stripe", None)
    assert not theirs.objects["webhook_endpoint"]
    with pytest.raises(NotConnected):
        check_account(ctx=context(), merchant_id=merchant.id)


def test_an_account_whose_key_does_not_open_any_more_can_still_be_let_go_of(theirs, merchant, connected):
    GatewayAccount.objects.update(api_key_sealed="v1.00000000.nothing")
    disconnect_account(ctx=context(), merchant_id=merchant.id)
    assert connected_account(merchant.id) is None


def test_who_did_what_is_in_the_outbox_and_no_key_is(fake, merchant, theirs, connected):
    fake.books.open_account(OTHER_KEY, "acct_theirs")
    rotate_key(ctx=context(actor="user:usr_1"), merchant_id=merchant.id, api_key=OTHER_KEY)
    disconnect_account(ctx=context(actor="user:usr_2"), merchant_id=merchant.id)
    told = Event.objects.filter(object_id=connected.id).order_by("object_version")
    assert list(told.values_list("type", "actor", "object_version")) == [
        ("gateway_account.connected", "system", 1),
        ("gateway_account.key_rotated", "user:usr_1", 2),
        ("gateway_account.disconnected", "user:usr_2", 3),
    ]


def test_an_account_with_a_payment_under_way_is_not_let_go_of(fake, merchant, theirs, connected):
    customer = new_customer(merchant=merchant)
    attach_payment_method(ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_fake_acss")
    collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=customer).id])
    assert Charge.objects.get().status == "processing"
    with pytest.raises(MoneyUnderWay):
        disconnect_account(ctx=context(), merchant_id=merchant.id)


def test_no_table_of_the_whole_database_holds_a_key_or_a_secret_in_clear(fake, merchant, theirs, connected):
    """The library's mirror included, which would save every key that it is handed."""
    customer = new_customer(merchant=merchant)
    method = attach_payment_method(
        ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_visa"
    )
    collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=customer).id])
    [intent] = theirs.objects["payment_intent"]
    assert mirror_object(merchant.id, "payment_intent", intent)
    assert mirror_object(merchant.id, "payment_method", method.gateway_method_id)
    [endpoint] = theirs.objects["webhook_endpoint"].values()
    found = {table: row for table, row in _all_rows() if KEY in row or endpoint["secret"] in row}
    assert not found
    assert any(intent in row for table, row in _all_rows() if table == "djstripe_paymentintent")


def _all_rows():
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            yield from ((table, row) for (row,) in cursor.fetchall())
