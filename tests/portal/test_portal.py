"""What a signed-in subscriber sees and does, and that it is theirs alone."""

import re

import pytest

from customers.models import Customer, CustomerTaxId, PaymentMethod
from invoicing.models import Invoice
from subscriptions.models import Subscription
from tests.factories import catalog, customers
from tests.portal.conftest import QUEBEC, sign_in_by_link

pytestmark = pytest.mark.django_db


def html_of(client, path):
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_overview_shows_what_they_have(client, subscriber):
    html = html_of(client, "/portal/")
    assert "Coffee box" in html
    assert "CA$20.00 per month" in html
    assert "Renews on" in html
    assert "Visa •••• 4242" in html
    assert subscriber.invoice.hosted_token in html


def test_the_subscription_shows_its_next_invoice_by_the_planner(client, subscriber):
    html = html_of(client, f"/portal/subscriptions/{subscriber.subscription.id}")
    assert "Next invoice" in html
    assert "CA$23.00" in html  # with the taxes of Quebec


def test_a_plan_is_changed_after_its_cost_was_shown(client, shop, subscriber):
    bigger = catalog.price(
        merchant=shop.merchant, amount=5000, product=catalog.product(merchant=shop.merchant, name="Crate")
    )
    path = f"/portal/subscriptions/{subscriber.subscription.id}/change"
    assert "Crate" in html_of(client, path)
    shown = client.post(path, {"price": bigger.id, "quantity": "1"}).content.decode()
    assert "Confirm the change" in shown
    assert Subscription.objects.get().items.get().price_id != bigger.id  # only shown
    due = re.search(r"Charged now</dt><dd class=\"total\">CA\$([\d.]+)", shown).group(1)
    at = re.search(r'name="at" value="([^"]+)"', shown).group(1)
    confirmed = client.post(path, {"price": bigger.id, "quantity": "1", "at": at, "confirm": "1"}, follow=True)
    assert "Your plan was changed." in confirmed.content.decode()
    assert Subscription.objects.get().items.get(deleted_at__isnull=True).price_id == bigger.id
    change = Invoice.objects.exclude(id=subscriber.invoice.id).get()
    assert (change.status, f"{change.total / 100:.2f}") == ("paid", due)


def test_confirming_an_old_preview_shows_a_new_one(client, shop, subscriber):
    bigger = catalog.price(merchant=shop.merchant, amount=5000)
    path = f"/portal/subscriptions/{subscriber.subscription.id}/change"
    wanted = {"price": bigger.id, "quantity": "1", "at": "2020-01-01T00:00:00+00:00", "confirm": "1"}
    assert "Confirm the change" in client.post(path, wanted).content.decode()
    assert Invoice.objects.count() == 1


@pytest.mark.parametrize("quantity", ["0", "-1", "1000", "1.5", "x", ""])
def test_a_quantity_out_of_range_is_said_at_its_field(client, subscriber, shop, quantity):
    path = f"/portal/subscriptions/{subscriber.subscription.id}/change"
    response = client.post(path, {"price": shop.price.id, "quantity": quantity})
    assert response.status_code == 422
    assert "id_quantity_error" in response.content.decode()


def test_only_plans_of_the_same_currency_that_are_sold_can_be_chosen(client, shop, subscriber):
    path = f"/portal/subscriptions/{subscriber.subscription.id}/change"
    dollars = catalog.price(merchant=shop.merchant, currency="usd")
    retired = catalog.price(merchant=shop.merchant, active=False)
    once = catalog.one_time_price(merchant=shop.merchant)
    for price in (dollars, retired, once):
        assert price.id not in html_of(client, path)
        assert client.post(path, {"price": price.id, "quantity": "1"}).status_code == 422


def test_the_same_plan_is_no_change(client, shop, subscriber):
    path = f"/portal/subscriptions/{subscriber.subscription.id}/change"
    assert "what you have already" in client.post(path, {"price": shop.price.id, "quantity": "1"}).content.decode()


def test_a_subscription_is_cancelled_with_a_reason_and_taken_back(client, subscriber):
    path = f"/portal/subscriptions/{subscriber.subscription.id}"
    client.post(f"{path}/cancel", {"feedback": "too_expensive", "comment": "Merci quand même"})
    ended = Subscription.objects.get()
    assert (ended.cancel_at_period_end, ended.cancellation_feedback, ended.cancellation_comment) == (
        True,
        "too_expensive",
        "Merci quand même",
    )
    assert "Ends on" in html_of(client, path)
    assert client.get(f"{path}/cancel").status_code == 302  # nothing more to cancel
    client.post(f"{path}/keep")
    assert Subscription.objects.get().cancel_at_period_end is False
    assert "Renews on" in html_of(client, path)


def test_a_reason_that_was_not_offered_is_refused(client, subscriber):
    path = f"/portal/subscriptions/{subscriber.subscription.id}/cancel"
    assert client.post(path, {"feedback": "because"}).status_code == 422
    assert Subscription.objects.get().cancel_at_period_end is False


def test_payment_methods_come_and_go(client, subscriber):
    client.post("/portal/payment-methods/add", {"instrument": "pm_card_mastercard", "make_default": "on"})
    html = html_of(client, "/portal/payment-methods")
    assert "Mastercard •••• 4444" in html
    new = PaymentMethod.objects.get(last4="4444")
    old = PaymentMethod.objects.get(last4="4242")
    assert Customer.objects.get().default_payment_method_id == new.id
    client.post(f"/portal/payment-methods/{old.id}/default")
    assert Customer.objects.get().default_payment_method_id == old.id
    client.post(f"/portal/payment-methods/{new.id}/remove")
    assert "4444" not in html_of(client, "/portal/payment-methods")


def test_a_card_that_is_declined_at_once_is_not_added(client, subscriber):
    response = client.post("/portal/payment-methods/add", {"instrument": "pm_card_chargeDeclined"})
    assert response.status_code == 422
    assert "Your card was declined." in response.content.decode()
    assert PaymentMethod.objects.count() == 1


DETAILS = {name: QUEBEC[name] for name in ("name", "country", "line1", "line2", "city", "state", "postal_code")}


def test_details_are_changed_and_the_chosen_language_speaks_at_once(client, subscriber):
    wanted = {**DETAILS, "city": "Lévis", "phone": "418 555-0100", "preferred_locale": "fr-ca"}
    html = client.post("/portal/account", wanted, follow=True).content.decode()
    stored = Customer.objects.get()
    assert (stored.city, stored.preferred_locale, stored.email) == ("Lévis", "fr-ca", "zoe@example.com")
    assert 'lang="fr-ca"' in html


def test_a_wrong_address_changes_nothing(client, subscriber):
    response = client.post("/portal/account", {**DETAILS, "country": "XX", "preferred_locale": "en"})
    assert response.status_code == 422
    assert "id_country_error" in response.content.decode()
    assert Customer.objects.get().country == "CA"


def test_the_address_follows_its_country_without_complaining(client, subscriber):
    html = client.post("/portal/account/address", {**DETAILS, "country": "US"}).content.decode()
    assert "ZIP code" in html
    assert "field-error" not in html


def test_tax_numbers_are_checked(client, subscriber):
    wrong = client.post("/portal/account/tax-ids", {"type": "ca_gst_hst", "value": "123456789RT0001"})
    assert wrong.status_code == 422
    assert "not a valid number" in wrong.content.decode()
    client.post("/portal/account/tax-ids", {"type": "ca_gst_hst", "value": "123456782 RT 0001"})
    assert "123456782RT0001" in html_of(client, "/portal/account")
    client.post(f"/portal/account/tax-ids/{CustomerTaxId.objects.get().id}/remove")
    assert not CustomerTaxId.objects.exists()


def test_what_is_anothers_does_not_exist(client, shop, subscriber):
    eve = customers.customer(merchant=shop.merchant, email="eve@example.com", payment_method="pm_card_visa")
    method = PaymentMethod.objects.get(customer=eve)
    sign_in_by_link(client, eve)
    theirs = f"/portal/subscriptions/{subscriber.subscription.id}"
    assert client.get(theirs).status_code == 404
    assert client.get(f"{theirs}/change").status_code == 404
    assert client.post(f"{theirs}/cancel", {}).status_code == 404
    assert client.post(f"{theirs}/keep").status_code == 404
    foreign = PaymentMethod.objects.exclude(id=method.id).get()
    assert client.post(f"/portal/payment-methods/{foreign.id}/default").status_code == 404
    assert client.post(f"/portal/payment-methods/{foreign.id}/remove").status_code == 404
    row = customers.tax_id(customer=subscriber.customer)
    assert client.post(f"/portal/account/tax-ids/{row.id}/remove").status_code == 404
    assert subscriber.invoice.number not in html_of(client, "/portal/invoices")
    assert Subscription.objects.get().cancel_at_period_end is False


def test_the_overviews_queries_do_not_grow_with_what_it_lists(client, subscriber, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        client.get("/portal/")


def test_no_page_of_theirs_is_kept_by_a_cache(client, subscriber):
    assert "no-store" in client.get("/portal/")["Cache-Control"]


def test_a_smaller_plan_gives_credit_and_says_so(client, shop, subscriber):
    small = catalog.price(merchant=shop.merchant, amount=500)
    path = f"/portal/subscriptions/{subscriber.subscription.id}/change"
    shown = client.post(path, {"price": small.id, "quantity": "1"}).content.decode()
    assert 'Charged now</dt><dd class="total">CA$0.00' in shown
    assert "Credit for your next invoices" in shown
    at = re.search(r'name="at" value="([^"]+)"', shown).group(1)
    client.post(path, {"price": small.id, "quantity": "1", "at": at, "confirm": "1"})
    assert Customer.objects.get().balance < 0
    assert "comes off your next invoice" in html_of(client, "/portal/")


def test_a_plan_is_changed_during_a_trial_without_a_charge(client, shop):
    link = catalog.payment_link(merchant=shop.merchant, prices=[shop.price], trial_period_days=14)
    client.post(client.get(f"/pay/{link.id}").url, QUEBEC)
    sign_in_by_link(client, Customer.objects.get())
    bigger = catalog.price(merchant=shop.merchant, amount=5000)
    path = f"/portal/subscriptions/{Subscription.objects.get().id}/change"
    shown = client.post(path, {"price": bigger.id, "quantity": "1"}).content.decode()
    assert 'Charged now</dt><dd class="total">CA$0.00' in shown
    at = re.search(r'name="at" value="([^"]+)"', shown).group(1)
    client.post(path, {"price": bigger.id, "quantity": "1", "at": at, "confirm": "1"})
    assert Subscription.objects.get().items.get(deleted_at__isnull=True).price_id == bigger.id
    assert "Free until" in html_of(client, "/portal/")


def test_a_change_whose_payment_fails_leads_to_its_invoice(client, shop, subscriber):
    client.post("/portal/payment-methods/add", {"instrument": "pm_card_chargeCustomerFail", "make_default": "on"})
    bigger = catalog.price(merchant=shop.merchant, amount=5000)
    path = f"/portal/subscriptions/{subscriber.subscription.id}/change"
    shown = client.post(path, {"price": bigger.id, "quantity": "1"}).content.decode()
    at = re.search(r'name="at" value="([^"]+)"', shown).group(1)
    html = client.post(
        path, {"price": bigger.id, "quantity": "1", "at": at, "confirm": "1"}, follow=True
    ).content.decode()
    assert "still has to be paid" in html
    assert "Pay this invoice" in html
    assert "is not paid yet" in html_of(client, "/portal/")


def test_a_subscription_that_ended_can_be_read_and_not_changed(client, subscriber):
    from engine.services.cancel import cancel_subscription
    from tests.factories.times import context

    cancel_subscription(
        ctx=context(subscriber.invoice.created),
        merchant_id=subscriber.merchant.id,
        subscription_id=subscriber.subscription.id,
    )
    path = f"/portal/subscriptions/{subscriber.subscription.id}"
    html = html_of(client, path)
    assert "Ended on" in html
    assert "Next invoice" not in html
    assert client.get(f"{path}/change").status_code == 404
    assert client.get(f"{path}/cancel").url == path


def test_a_subscriber_on_a_test_clock_lives_in_its_time(client, shop):
    clock = customers.clock(merchant=shop.merchant)
    ada = customers.customer(merchant=shop.merchant, test_clock=clock, payment_method="pm_card_visa")
    sign_in_by_link(client, ada)
    client.post("/portal/payment-methods/add", {"instrument": "pm_card_mastercard"})
    assert PaymentMethod.objects.get(last4="4444").created == clock.frozen_time


def test_a_subscriber_with_nothing_yet_sees_so(client, shop):
    sign_in_by_link(client, customers.customer(merchant=shop.merchant))
    for path, words in (
        ("/portal/", "No subscription yet"),
        ("/portal/invoices", "No invoice yet"),
        ("/portal/payment-methods", "Nothing is stored yet"),
    ):
        assert words in html_of(client, path)
