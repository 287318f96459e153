"""In and out of the portal."""

import re

import pytest
from django.test import Client

from core.ids import hash_secret
from notifications.models import Message
from subscriptions.models import PortalSession
from tests.factories import customers, merchants
from tests.factories.times import NEW_YEAR
from tests.portal.conftest import sign_in_by_link

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(db):
    return merchants.merchant()


@pytest.fixture
def ada(merchant):
    return customers.customer(merchant=merchant, email="ada@example.com")


def ask(client, merchant, email):
    return client.post(f"/portal/{merchant.id}/login", {"email": email})


def mailed_path():
    return re.search(r"/portal/\S+/link/[\w-]+", Message.objects.latest("recorded_at").text).group()


def test_a_mailed_link_signs_in_once_and_only_when_confirmed(client, merchant, ada):
    ask(client, merchant, "ADA@example.com")
    path = mailed_path()
    assert "Continue" in client.get(path).content.decode()  # a mail scanner's GET spends nothing
    assert PortalSession.objects.get().used_at is None
    assert client.post(path, follow=True).status_code == 200
    assert client.session["portal"]["customer"] == ada.id
    again = Client().post(path)
    assert again.status_code == 410
    assert "used already" in again.content.decode()


def test_only_the_tokens_hash_is_kept(client, merchant, ada):
    ask(client, merchant, "ada@example.com")
    token = mailed_path().rpartition("/")[2]
    assert PortalSession.objects.get().token_hash == hash_secret(token)


def test_a_link_lasts_half_an_hour(client, merchant, ada):
    ask(client, merchant, "ada@example.com")
    PortalSession.objects.update(expires_at=NEW_YEAR)
    assert client.post(mailed_path()).status_code == 410


def test_another_merchants_address_does_not_open_with_it(client, merchant, ada):
    other = merchants.merchant(prefix="X-")
    ask(client, merchant, "ada@example.com")
    assert client.post(mailed_path().replace(merchant.id, other.id)).status_code == 410
    assert "portal" not in client.session


def test_the_answer_is_the_same_for_who_is_known_and_who_is_not(client, merchant, ada):
    def told(email):
        html = ask(client, merchant, email).content.decode().replace(email, "…")
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html)

    assert told("ada@example.com") == told("nobody@example.com")
    assert Message.objects.count() == 1


def test_a_mailbox_gets_three_links_in_a_quarter_of_an_hour(client, merchant, ada):
    answers = {ask(client, merchant, "ada@example.com").status_code for _ in range(6)}
    assert answers == {200}
    assert Message.objects.count() == 3


def test_one_visitor_cannot_ask_for_everybody(client, merchant):
    for number in range(25):
        customers.customer(merchant=merchant, email=f"c{number}@example.com")
        ask(client, merchant, f"c{number}@example.com")
    assert Message.objects.count() == 20


@pytest.mark.parametrize("email", ["", "nonsense", "a@b", "x" * 600 + "@example.com"])
def test_what_is_no_address_is_said_at_the_field(client, merchant, email):
    response = ask(client, merchant, email)
    assert response.status_code == 422
    assert "id_email_error" in response.content.decode()


def test_nobody_gets_in_without_a_session(client, merchant):
    for path in ("invoices", "payment-methods", "account", "subscriptions/sub_x", "subscriptions/sub_x/cancel"):
        assert client.get(f"/portal/{path}").url == "/portal/"


def test_the_door_leads_to_the_only_merchant_and_names_none_of_several(client, merchant):
    assert client.get("/portal/").url == f"/portal/{merchant.id}/login"
    merchants.merchant(name="Other shop", prefix="X-")
    html = client.get("/portal/").content.decode()
    assert "Other shop" not in html
    assert merchant.id not in html


def test_a_live_merchant_is_the_only_one_whatever_sandboxes_it_has(client, merchant):
    live = merchants.merchant(livemode=True, prefix="L-")
    assert client.get("/portal/").url == f"/portal/{live.id}/login"


def test_signing_out_forgets_the_subscriber_alone(client, ada):
    sign_in_by_link(client, ada)
    session = client.session
    session["other"] = 1
    session.save()
    client.post("/portal/sign-out")
    assert "portal" not in client.session
    assert client.session["other"] == 1


def test_a_deleted_customer_is_out_at_once(client, ada):
    sign_in_by_link(client, ada)
    ada.deleted_at = NEW_YEAR
    ada.save()
    assert client.get("/portal/invoices").status_code == 302


def test_a_session_ends_by_itself(client, ada):
    sign_in_by_link(client, ada)
    session = client.session
    session["portal"] |= {"until": NEW_YEAR.isoformat()}
    session.save()
    assert client.get("/portal/invoices").status_code == 302


def test_the_same_mailbox_switches_between_its_accounts_and_no_others(client, merchant, ada):
    second = customers.customer(merchant=merchant, email="ada@example.com", name="Ada's firm")
    stranger = customers.customer(merchant=merchant, email="eve@example.com")
    sign_in_by_link(client, ada)
    assert "Ada&#x27;s firm" in client.get("/portal/").content.decode()
    client.post("/portal/switch", {"customer": second.id})
    assert client.session["portal"]["customer"] == second.id
    assert client.post("/portal/switch", {"customer": stranger.id}).status_code == 404


def test_a_get_signs_nobody_out(client, ada):
    sign_in_by_link(client, ada)
    assert client.get("/portal/sign-out").status_code == 405


def test_a_subscriber_reads_in_their_own_language(client, merchant):
    zoe = customers.customer(merchant=merchant, email="zoe@example.com", preferred_locale="fr-ca")
    sign_in_by_link(client, zoe)
    assert 'lang="fr-ca"' in client.get("/portal/").content.decode()
    client.cookies["django_language"] = "en"  # the switch is stronger
    assert 'lang="en"' in client.get("/portal/").content.decode()


def test_unknown_merchants_are_not_found(client):
    assert client.get("/portal/acct_none/login").status_code == 404
    assert client.get("/portal/acct_none/link/x").status_code == 404
