"""The payment processor's page: for those who set up, and no key is ever shown."""

import pytest

from payments.accounts import connected_account
from payments.keys import API_KEY, open_secret
from payments.models import GatewayAccount, GatewayEvent
from tests.factories import merchants
from tests.factories.times import NEW_YEAR

KEY, OTHER_KEY = "sk_live_0123456789abcdefghijklmnop", "sk_live_zyxwvutsrqponmlkjihgfedcba"


@pytest.fixture
def theirs(fake):
    account = fake.books.open_account(KEY, "acct_theirs")
    fake.books.open_account(OTHER_KEY, "acct_theirs")
    return account


@pytest.fixture
def connected(desk, theirs):
    assert desk.post("processor_connect", api_key=KEY).status_code == 302
    return connected_account(desk.merchant.pk)


def html_of(desk) -> str:
    page = desk.get("processor")
    assert page.status_code == 200
    return page.content.decode()


def test_without_an_account_the_page_offers_to_connect_one(desk):
    assert "Collect real payments" in html_of(desk)


def test_an_account_is_connected_and_its_key_is_shown_nowhere(desk, connected):
    html = html_of(desk)
    assert "acct_theirs" in html
    assert "sk_live_…mnop" in html
    assert KEY not in html
    assert f"/webhooks/stripe/{connected.id}/" in html


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "This field is required"),
        ("nonsense", "A secret key begins with"),
        ("sk_test_0123456789abcdefghijklmnop", "A test key belongs to a sandbox"),
        ("sk_live_neverissued0123456789abcdef", "refuses this account"),
    ],
)
def test_a_bad_key_is_said_beside_its_field_and_never_repeated(desk, theirs, key, said):
    answer = desk.post("processor_connect", api_key=key)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert said in html.replace("&#x27;", "'")
    assert not key or f'value="{key}"' not in html
    assert not GatewayAccount.objects.exists()


def test_the_connection_is_tested_and_a_refused_key_stands_on_the_page(desk, theirs, connected):
    desk.post("processor_check")
    assert "The key works." in html_of(desk)
    theirs.keys.clear()
    desk.post("processor_check")
    assert "Stripe refuses the key since" in html_of(desk)


def test_a_key_and_a_secret_are_changed(desk, theirs, connected):
    desk.post("processor_key", api_key=OTHER_KEY)
    before = connected_account(desk.merchant.pk)
    assert open_secret(before, API_KEY) == OTHER_KEY
    desk.post("processor_secret")
    assert connected_account(desk.merchant.pk).webhook_endpoint_id != before.webhook_endpoint_id


def test_an_account_is_disconnected(desk, connected):
    desk.post("processor_disconnect")
    assert connected_account(desk.merchant.pk) is None
    assert "No account is connected" in html_of(desk)


def test_events_that_nobody_could_apply_are_told(desk, connected):
    GatewayEvent.objects.create(
        merchant_id=desk.merchant.pk,
        gateway_account=connected,
        gateway_event_id="evt_1",
        type="payout.paid",
        status="failed",
        created=NEW_YEAR,
        recorded_at=NEW_YEAR,
    )
    assert "1 event could not be applied" in html_of(desk)


@pytest.mark.parametrize("role", ["finance", "support", "read_only"])
def test_only_those_who_set_up_may_look(desk_of, shop, role):
    desk = desk_of(role, shop)
    names = ("processor", "processor_connect", "processor_check", "processor_key", "processor_disconnect")
    assert {desk.get(name).status_code for name in names} == {403}
    assert "Payment processor" not in desk.get("overview").content.decode()


def test_another_merchants_account_is_not_touched(desk, desk_of, connected):
    stranger = desk_of("owner", merchants.merchant(name="Other", livemode=True))
    assert stranger.post("processor_disconnect").status_code == 422
    assert "Collect real payments" in html_of(stranger)
    assert connected_account(desk.merchant.pk) is not None
