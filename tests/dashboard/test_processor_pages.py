"""What Stripe's page leaves to a person: the webhook by hand, and the cards of customers."""

import pytest

from customers.models import PaymentMethod
from merchants.models import Merchant
from payments.accounts import connect_account
from payments.keys import WEBHOOK_SECRET, fingerprint, open_secret
from payments.models import GatewayAccount
from tests.factories import customers, merchants
from tests.factories.gateways import merchant_on_stripe
from tests.factories.times import NEW_YEAR, context
from tests.fake_stripe.checkout import enter

pytestmark = pytest.mark.django_db
KEY = "sk_test_0123456789abcdefghijklmnop"


@pytest.fixture
def shop(fake) -> Merchant:
    fake.books.started = NEW_YEAR.timestamp()
    fake.books.open_account(KEY, "acct_theirs")
    return merchants.merchant(name="Érable & Cie")


@pytest.fixture
def connected(shop):
    return connect_account(ctx=context(), merchant_id=shop.id, api_key=KEY)


def page_of(desk) -> str:
    return desk.get("processor").content.decode()


def test_the_address_to_copy_and_the_keys_fingerprint_are_there(desk, connected):
    page = page_of(desk)
    assert f"/webhooks/stripe/{connected.id}/" in page
    assert fingerprint(KEY)[:16] in page
    assert "none yet" in page  # no webhook came so far
    assert KEY not in page


def test_a_webhook_secret_may_be_entered_by_hand(desk, connected):
    assert desk.post("processor_enter_secret", webhook_secret="sk_test_no").status_code == 422
    secret = "whsec_0123456789abcdefghijklmn"
    assert desk.post("processor_enter_secret", webhook_secret=secret).status_code == 302
    assert open_secret(GatewayAccount.objects.get(), WEBHOOK_SECRET) == secret
    assert secret not in page_of(desk)


def test_a_customers_card_is_entered_on_stripes_page(desk_of, fake):
    shop = merchant_on_stripe(fake, prefix="S-")
    desk, customer = desk_of(merchant=shop), customers.customer(merchant=shop)
    page = desk.post("customer_add_method", customer.id).content.decode()
    assert "pm_card_visa" not in page
    [account] = [one for one in fake.books.accounts.values() if one.objects["checkout.session"]]
    [session] = account.objects["checkout.session"]
    assert session in page
    back = enter(fake.books, account, session, "pm_card_visa")["success_url"]
    assert "The payment method was added." in desk.client.get(back, follow=True).content.decode()
    method = PaymentMethod.objects.get()
    assert desk.post("customer_remove_method", customer.id, method.id).status_code == 302
    method.refresh_from_db()
    assert method.detached_at is not None


def test_a_live_merchant_without_a_processor_stores_no_test_instrument(desk_of, fake):
    shop = merchants.merchant(livemode=True, prefix="L-")
    desk, customer = desk_of(merchant=shop), customers.customer(merchant=shop)
    assert "methods/add" not in desk.get("customer", customer.id).content.decode()
    assert desk.post("customer_add_method", customer.id, instrument="pm_card_visa").status_code == 422
    assert not PaymentMethod.objects.exists()
