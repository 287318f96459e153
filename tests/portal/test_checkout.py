"""A visit to a payment link, from the first page to a paid invoice."""

import pytest
from django.utils.html import escape

from customers.models import Customer, PaymentMethod
from invoicing.models import Invoice
from payments.models import Charge
from subscriptions.models import CheckoutSession, Subscription
from tests.factories import catalog, merchants
from tests.factories.usage import meter, metered_price
from tests.portal.conftest import QUEBEC

pytestmark = pytest.mark.django_db


def page(client, url):
    return client.get(url, follow=True).content.decode()


def buy(client, url, **changes):
    return client.post(url, {**QUEBEC, **changes}, follow=True)


def the_invoice():
    return Invoice.objects.get()


def test_the_first_page_says_what_is_charged_now_and_then(client, checkout_url):
    html = page(client, checkout_url)
    assert "Subscribe to Coffee box" in html
    assert "CA$21.00" in html  # of the place only the shop's own country is assumed: GST, no QST yet
    assert "Charged now" in html
    assert "every month" in html


def test_the_summary_follows_the_address(client, checkout_url):
    html = client.post(f"{checkout_url}/preview", QUEBEC).content.decode()
    assert "GST (5%)" in html
    assert "QST (9.975%)" in html
    assert "CA$23.00" in html  # 2000 + 100 + 200 (9.975 % of 2000 is 199.5)


def test_another_country_brings_its_own_regions_and_taxes(client, checkout_url):
    html = client.post(f"{checkout_url}/address", {**QUEBEC, "country": "US", "state": ""}).content.decode()
    assert "Vermont" in html
    assert "ZIP code" in html
    assert "GST" not in html
    assert 'hx-swap-oob="true"' in html


def test_signing_up_pays_the_first_invoice(client, checkout_url):
    response = buy(client, checkout_url)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == f"{checkout_url}/done"
    html = response.content.decode()
    invoice = the_invoice()
    assert "Thank you, Zoé Gagnon" in html
    assert f"/i/{invoice.hosted_token}/pdf" in html
    assert (invoice.status, invoice.total, invoice.amount_paid) == ("paid", 2300, 2300)
    customer = Customer.objects.get()
    assert (customer.email, customer.state, customer.preferred_locale) == ("zoe@example.com", "QC", "en")
    assert customer.default_payment_method_id == PaymentMethod.objects.get().id
    assert Subscription.objects.get().status == "active"
    assert CheckoutSession.objects.get().status == "complete"


def test_pressing_the_button_again_buys_nothing_more(client, checkout_url):
    buy(client, checkout_url)
    again = buy(client, checkout_url, instrument="pm_card_mastercard")
    assert again.redirect_chain[-1][0] == f"{checkout_url}/done"
    assert Subscription.objects.count() == Invoice.objects.count() == Charge.objects.count() == 1
    assert PaymentMethod.objects.count() == 1


def test_the_back_button_leads_to_the_same_result(client, checkout_url):
    buy(client, checkout_url)
    assert client.get(checkout_url).url == f"{checkout_url}/done"


def test_a_declined_card_leaves_another_try_on_the_same_invoice(client, checkout_url):
    declined = buy(client, checkout_url, instrument="pm_card_visa_chargeDeclinedInsufficientFunds")
    html = declined.content.decode()
    assert "Only the payment is missing" in html
    assert escape("Your card has insufficient funds.") in html
    assert Subscription.objects.get().status == "incomplete"
    paid = client.post(checkout_url, {"instrument": "pm_card_visa"}, follow=True)
    assert paid.redirect_chain[-1][0] == f"{checkout_url}/done"
    assert Subscription.objects.get().status == "active"
    assert the_invoice().status == "paid"
    kept = PaymentMethod.objects.get(detached_at__isnull=True)  # the card that did not pay is not kept
    assert kept.last4 == "4242"
    assert Customer.objects.get().default_payment_method_id == kept.id


def test_a_card_that_cannot_be_stored_says_so_at_its_field_and_sells_nothing(client, checkout_url):
    response = buy(client, checkout_url, instrument="pm_card_chargeDeclined")
    assert response.status_code == 422
    assert "Your card was declined." in response.content.decode()
    assert not Subscription.objects.exists()
    buy(client, checkout_url, email="zoe@example.org")
    assert Customer.objects.get().email == "zoe@example.org"  # the same customer, corrected


@pytest.mark.parametrize(("answer", "status"), [("approve", "paid"), ("fail", "open")])
def test_a_bank_that_asks_is_answered_on_its_own_page(client, checkout_url, answer, status):
    response = buy(client, checkout_url, instrument="pm_card_threeDSecure2Required")
    assert response.redirect_chain[-1][0] == f"{checkout_url}/authenticate"
    assert "Is it you?" in response.content.decode()
    client.post(f"{checkout_url}/authenticate", {"answer": answer})
    assert the_invoice().status == status
    if answer == "fail":
        assert "Only the payment is missing" in page(client, checkout_url)
        client.post(checkout_url, {"instrument": "pm_card_visa"})
        assert the_invoice().status == "paid"


def test_a_bank_debit_is_on_its_way(client, checkout_url):
    html = buy(client, checkout_url, instrument="pm_acss_debit").content.decode()
    assert "on its way" in html
    assert the_invoice().status == "open"


def test_an_answer_that_was_lost_is_waited_for_and_never_charged_twice(client, checkout_url):
    html = buy(client, checkout_url, instrument="pm_sandbox_timeoutAfterCharge").content.decode()
    assert "Waiting for your bank" in html
    buy(client, checkout_url)
    assert Charge.objects.count() == 1


def test_a_code_is_applied_live_and_on_the_invoice(client, shop, checkout_url):
    catalog.promotion_code(coupon=catalog.coupon(merchant=shop.merchant, percent_off=20), code="WELCOME")
    live = client.post(f"{checkout_url}/preview", {**QUEBEC, "promotion_code": "welcome"}).content.decode()
    assert "−CA$4.00" in live
    assert "on the first invoice" in live
    assert "CA$18.40" in live  # 1600 + 80 + 160
    assert "CA$23.00" in live  # and the second month without it
    buy(client, checkout_url, promotion_code="welcome")
    assert the_invoice().total == 1840


@pytest.mark.parametrize("code", ["NOPE", "not a code!", "x" * 101, "'; DROP TABLE"])
def test_a_code_that_does_not_hold_is_said_at_its_field(client, checkout_url, code):
    live = client.post(f"{checkout_url}/preview", {**QUEBEC, "promotion_code": code})
    assert live.status_code == 200
    assert "id_promotion_code_error" in live.content.decode()
    bought = buy(client, checkout_url, promotion_code=code)
    assert bought.status_code == 422
    assert not Customer.objects.exists()


def test_a_code_for_larger_purchases_is_refused_before_the_sale(client, shop, checkout_url):
    large = {"minimum_amount": 2001, "minimum_amount_currency": "cad"}  # the basket is 2000
    catalog.promotion_code(coupon=catalog.coupon(merchant=shop.merchant, percent_off=20), code="LARGE", **large)
    live = client.post(f"{checkout_url}/preview", {**QUEBEC, "promotion_code": "large"}).content.decode()
    assert "id_promotion_code_error" in live
    assert "The code LARGE is for larger purchases." in live
    assert buy(client, checkout_url, promotion_code="large").status_code == 422
    assert not Customer.objects.exists()


def test_a_trial_charges_nothing_today(client, shop):
    link = catalog.payment_link(merchant=shop.merchant, prices=[shop.price], trial_period_days=14)
    url = client.get(f"/pay/{link.id}").url
    html = page(client, url)
    assert "Free until" in html
    assert "Start the trial" in html
    done = buy(client, url).content.decode()
    assert "Nothing was charged today" in done
    assert Subscription.objects.get().status == "trialing"
    assert Customer.objects.get().default_payment_method_id


def test_the_visitor_says_how_many_only_where_the_link_lets_them(client, shop, checkout_url):
    buy(client, checkout_url, quantity_0="5")
    assert the_invoice().lines.get().quantity == 1


def test_an_adjustable_quantity_is_billed(client, shop):
    link = catalog.payment_link(merchant=shop.merchant, prices=[shop.price], adjustable_quantity=True)
    url = client.get(f"/pay/{link.id}").url
    assert "CA$60.00" in client.post(f"{url}/preview", {**QUEBEC, "quantity_0": "3"}).content.decode()
    refused = buy(client, url, quantity_0="0")
    assert refused.status_code == 422
    buy(client, url, quantity_0="3")
    assert the_invoice().total == 6000


def test_a_one_time_item_is_sold_with_the_subscription(client, shop):
    mug = catalog.one_time_price(merchant=shop.merchant, amount=1500)
    link = catalog.payment_link(merchant=shop.merchant, prices=[shop.price, mug])
    url = client.get(f"/pay/{link.id}").url
    html = page(client, url)
    assert "CA$35.00" in html  # today
    assert "then CA$20.00 every month" in html
    buy(client, url)
    assert the_invoice().total == 3500


def test_a_link_of_one_time_items_alone_is_refused_in_words(client, shop):
    mug = catalog.one_time_price(merchant=shop.merchant, amount=1500)
    link = catalog.payment_link(merchant=shop.merchant, prices=[mug])
    refused = client.get(f"/pay/{link.id}")
    assert refused.status_code == 404
    assert "needs a subscription" in refused.content.decode()
    assert not CheckoutSession.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": ""}, "email"),
        ({"name": ""}, "name"),
        ({"country": "ZZ"}, "country"),
        ({"state": "Bavaria"}, "state"),
        ({"postal_code": ""}, "postal_code"),
        ({"city": "x" * 101}, "city"),
        ({"instrument": "4242424242424242"}, "instrument"),
        ({"instrument": ""}, "instrument"),
    ],
)
def test_bad_input_is_said_at_its_field_and_writes_nothing(client, checkout_url, changes, field):
    response = buy(client, checkout_url, **changes)
    assert response.status_code == 422
    assert f"id_{field}_error" in response.content.decode()
    assert not Customer.objects.exists()


def test_somebody_elses_session_is_not_open_here(client, checkout_url):
    from django.test import Client

    stranger = Client()
    for answer in (
        stranger.get(checkout_url),
        stranger.post(checkout_url, QUEBEC),
        stranger.get(f"{checkout_url}/done"),
    ):
        assert answer.status_code == 404
    assert not Customer.objects.exists()


def test_one_visits_secret_does_not_open_another(client, shop, checkout_url):
    secret = client.cookies["checkout_secret"].value
    other = client.get(f"/pay/{shop.link.id}").url
    client.cookies["checkout_secret"] = secret
    assert client.get(other).status_code == 404


def test_a_closed_link_is_refused(client, shop):
    shop.link.active = False
    shop.link.save()
    assert client.get(f"/pay/{shop.link.id}").status_code == 404
    assert client.get("/pay/plink_nothing").status_code == 404


def test_a_product_taken_off_sale_cannot_be_bought_by_an_open_page(client, shop, checkout_url):
    shop.product.active = False
    shop.product.save()
    assert buy(client, checkout_url).status_code == 404
    assert not Customer.objects.exists()


def test_an_expired_session_says_so(client, shop, checkout_url):
    CheckoutSession.objects.update(expires_at=shop.merchant.created)
    response = client.get(checkout_url)
    assert response.status_code == 410
    assert f"/pay/{shop.link.id}" in response.content.decode()


def test_without_scripts_a_button_brings_the_new_total(client, checkout_url):
    html = client.post(checkout_url, {**QUEBEC, "refresh": "1", "email": ""}).content.decode()
    assert "CA$23.00" in html
    assert "id_email_error" not in html
    assert 'value="Zoé Gagnon"' in html


def test_everything_is_said_in_french(client, shop):
    url = client.get(f"/pay/{shop.link.id}", headers={"accept-language": "fr-CA"}).url
    html = client.get(url, headers={"accept-language": "fr-CA"}).content.decode()
    assert "20,00\xa0$" in html
    assert "Courriel" in html
    client.post(url, QUEBEC, headers={"accept-language": "fr-CA"})
    assert Customer.objects.get().preferred_locale == "fr-ca"


def test_a_picture_widens_the_policy_for_its_host_alone(client, shop):
    shop.product.images = ["https://shop.example/box.jpg"]
    shop.product.save()
    policy = client.get(client.get(f"/pay/{shop.link.id}").url)["Content-Security-Policy"]
    assert "img-src 'self' data: https://shop.example;" in policy
    assert "script-src 'self';" in policy


def test_the_way_to_the_portal_is_open_at_once_but_proves_no_mailbox(client, shop, checkout_url):
    buy(client, checkout_url)
    html = client.post(f"{checkout_url}/portal", follow=True).content.decode()
    assert "Your subscriptions" in html
    assert client.session["portal"]["email"] == ""


def test_the_form_page_reads_a_fixed_number_of_rows(client, shop, checkout_url, django_assert_max_num_queries):
    with django_assert_max_num_queries(22):
        client.get(checkout_url)


def test_a_live_merchant_shows_no_sandbox_banner(client, shop):
    assert "sandbox-banner" in page(client, f"/pay/{shop.link.id}")
    live = merchants.merchant(livemode=True, prefix="L-")
    link = catalog.payment_link(merchant=live, prices=[catalog.price(merchant=live)])
    assert "sandbox-banner" not in page(client, f"/pay/{link.id}")


def test_a_coupon_that_lasts_some_months_says_what_comes_after_it(client, shop, checkout_url):
    passing = catalog.coupon(merchant=shop.merchant, percent_off=20, duration="repeating", duration_in_months=3)
    catalog.promotion_code(coupon=passing, code="THREE")
    live = client.post(f"{checkout_url}/preview", {**QUEBEC, "promotion_code": "THREE"}).content.decode()
    assert "for 3 months" in live
    assert "then CA$18.40 every month" in live
    assert "After the discount</dt><dd>CA$23.00" in live


def test_what_is_billed_by_use_is_said_with_its_tiers(client, shop):
    tiers = [
        {"up_to": 100, "unit_amount_decimal": "0", "flat_amount_decimal": "2000"},
        {"up_to": None, "unit_amount_decimal": "27.5", "flat_amount_decimal": None},
    ]
    counted = metered_price(
        meter=meter(merchant=shop.merchant), amount=0, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers
    )
    link = catalog.payment_link(merchant=shop.merchant, prices=[counted])
    html = page(client, client.get(f"/pay/{link.id}").url)
    assert "from CA$0.275 per unit" in html
    assert "CA$20.00" in html  # the flat fee of the first period
    assert "plus what you use, billed after each period" in html
    assert "101 and more: CA$0.275 each" in html
    assert "billed after each period" in html
