"""Stripe's way in: what is signed is put into the inbox once, everything else is turned away by name."""

import json
import time

import pytest
from django.urls import NoReverseMatch, get_resolver, reverse

from payments.inbox import LARGEST_BODY
from payments.keys import WEBHOOK_SECRET_BEFORE, seal_secret
from payments.models import GatewayEvent, SandboxReply
from payments.retention import forget_old
from tests.factories.gateways import merchant_on_stripe, stripe_account
from tests.factories.merchants import merchant as new_merchant
from tests.factories.times import NEW_YEAR
from tests.fake_stripe.hooks import signed

pytestmark = pytest.mark.django_db

SECRET = "whsec_0123456789"


@pytest.fixture
def account():
    return stripe_account(merchant=new_merchant(), webhook_secret=SECRET)


def an_event(**fields) -> dict:
    return {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": 1_704_067_200,
        "livemode": False,
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 1}},
    } | fields


def deliver(client, account, event, *, secret=SECRET, at=None, signature=None, **headers):
    body = event if isinstance(event, str) else json.dumps(event)
    signature = signed(body, secret, int(time.time()) if at is None else at) if signature is None else signature
    return client.post(
        f"/webhooks/stripe/{account.id}/",
        data=body.encode(),
        content_type="application/json",
        headers={"Stripe-Signature": signature, **headers},
    )


def test_a_signed_event_is_stored_as_a_fact_without_its_body(client, account):
    answer = deliver(client, account, an_event())
    event = GatewayEvent.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert (event.gateway_event_id, event.type) == ("evt_1", "payment_intent.succeeded")
    assert (event.object_type, event.object_id, event.created) == ("payment_intent", "pi_1", NEW_YEAR)
    assert (event.status, event.source, event.merchant_id) == ("received", "webhook", account.merchant_id)


def test_an_event_delivered_twice_is_stored_once_and_answered_both_times(client, account):
    assert [deliver(client, account, an_event()).status_code for _ in range(2)] == [200, 200]
    assert GatewayEvent.objects.count() == 1


def test_two_accounts_may_be_told_the_same_event(client, account):
    other = stripe_account(merchant=new_merchant(), webhook_secret=SECRET)
    deliver(client, account, an_event())
    deliver(client, other, an_event())
    assert GatewayEvent.objects.count() == 2


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"secret": "whsec_of_somebody_else"}, id="signed by somebody else"),
        pytest.param({"signature": ""}, id="not signed"),
        pytest.param({"signature": "t=1,v1="}, id="half a signature"),
        pytest.param({"signature": "t=x,v1=y"}, id="nonsense"),
        pytest.param({"at": 1_704_067_200}, id="signed long ago and replayed"),
        pytest.param({"signature": "", "X-Djstripe-Webhook-Secret": SECRET}, id="the library's way round"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_what_is_not_signed_by_the_account_is_turned_away(client, account, settings, how, debug):
    settings.DEBUG = debug
    assert deliver(client, account, an_event(), **how).status_code == 400
    assert not GatewayEvent.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[]",
        "null",
        "{}",
        json.dumps(an_event(data=None)),
        json.dumps(an_event(data={"object": []})),
        json.dumps(an_event(created="yesterday")),
        json.dumps(an_event(livemode=True)),
        json.dumps(an_event(id="evt_\0")),
    ],
)
def test_a_signed_body_that_is_no_event_of_this_account_is_turned_away(client, account, body):
    assert deliver(client, account, body).status_code == 400
    assert not GatewayEvent.objects.exists()


def test_bytes_that_are_no_text_are_turned_away(client, account):
    answer = client.post(
        f"/webhooks/stripe/{account.id}/",
        data=b"\xff\xfe",
        content_type="application/json",
        headers={"Stripe-Signature": "t=1,v1=00"},
    )
    assert answer.status_code == 400


def test_a_body_without_end_is_not_read(client, account):
    assert deliver(client, account, "x" * (LARGEST_BODY + 1)).status_code == 413


@pytest.mark.parametrize("account_id", ["gwa_nonesuch", "x" * 500, "%00"])
def test_an_address_of_nobody_is_not_found(client, account_id):
    assert client.post(f"/webhooks/stripe/{account_id}/", data=b"{}", content_type="text/plain").status_code == 404


def test_a_disconnected_account_hears_nothing(client):
    gone = stripe_account(merchant=new_merchant(), webhook_secret=SECRET, status="disconnected")
    assert deliver(client, gone, an_event()).status_code == 404


def test_only_posts_are_heard(client, account):
    assert client.get(f"/webhooks/stripe/{account.id}/").status_code == 405


def test_the_secret_before_the_last_rotation_is_still_believed(client, account):
    account.webhook_secret_before_sealed = seal_secret(account.id, WEBHOOK_SECRET_BEFORE, "whsec_before")
    account.save()
    assert deliver(client, account, an_event(), secret="whsec_before").status_code == 200


def test_the_view_asks_two_questions_of_the_database(client, account, django_assert_num_queries):
    with django_assert_num_queries(2):
        deliver(client, account, an_event())


def test_the_librarys_own_webhook_views_are_not_mounted():
    with pytest.raises(NoReverseMatch):
        reverse("djstripe:webhook")
    assert "djstripe" not in get_resolver().app_dict


def test_events_are_forgotten_after_90_days_unless_they_still_wait(fake):
    account = merchant_on_stripe(fake).gateway_accounts.get()
    for number, (day, waits) in enumerate([(1, False), (1, True), (60, False)]):
        GatewayEvent.objects.create(
            merchant_id=account.merchant_id,
            gateway_account=account,
            gateway_event_id=f"evt_{number}",
            type="payout.paid",
            apply_after=NEW_YEAR if waits else None,
            created=NEW_YEAR,
            recorded_at=NEW_YEAR.replace(day=1) if day == 1 else NEW_YEAR.replace(month=3),
        )
    assert forget_old(NEW_YEAR.replace(month=4, day=15))["gatewayevent"] == 1
    assert set(GatewayEvent.objects.values_list("gateway_event_id", flat=True)) == {"evt_1", "evt_2"}


def test_the_sandboxs_replies_outlast_what_may_be_sent_again(settings):
    def reply(number):
        told = dict(parameters_hash="h", reply={}, recorded_at=NEW_YEAR.replace(day=number))
        return SandboxReply(merchant_id="acct_1", idempotency_key=str(number), **told)

    SandboxReply.objects.bulk_create([reply(number) for number in (1, 20, 30)])
    settings.SANDBOX_REPLY_DAYS = 0  # never below two days: keys protect for one
    assert forget_old(NEW_YEAR.replace(day=31))["sandboxreply"] == 2
    settings.SANDBOX_REPLY_DAYS = 30
    assert forget_old(NEW_YEAR.replace(day=31))["sandboxreply"] == 0
