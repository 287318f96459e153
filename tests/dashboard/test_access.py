"""Who sees what: login, roles, other merchants' ids, several merchants."""

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from customers.models import Customer
from tests.factories import catalog, customers, merchants

SECTIONS = [
    "overview",
    "customers",
    "subscriptions",
    "invoices",
    "payments",
    "products",
    "coupons",
    "tax_rates",
    "payment_links",
    "events",
    "messages",
    "runs",
    "refusals",
    "runs_live",
    "settings",
]
FORMS = ["customer_new", "subscription_new", "product_new", "coupon_new", "tax_rate_new", "payment_link_new"]


@pytest.mark.parametrize("name", SECTIONS)
def test_a_stranger_is_sent_to_the_login_page(db, name: str) -> None:
    url = reverse(f"dashboard:{name}")
    response = Client().get(url)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('account_login')}?next={url}")


def test_a_login_without_any_merchant_is_refused(db) -> None:
    client = Client()
    client.force_login(merchants.user())
    assert client.get(reverse("dashboard:overview")).status_code == 403


@pytest.mark.parametrize("name", SECTIONS)
def test_a_read_only_member_sees_every_section(desk_of, name: str) -> None:
    assert desk_of("read_only").get(name).status_code == 200


@pytest.mark.parametrize("name", FORMS)
def test_a_read_only_member_opens_no_form(desk_of, name: str) -> None:
    response = desk_of("read_only").get(name)
    assert response.status_code == 403
    assert "not yours to do" in response.content.decode()


def test_a_read_only_member_sends_no_form_and_nothing_is_written(desk_of) -> None:
    desk = desk_of("read_only")
    response = desk.post("product_new", name="Tea", type="recurring", currency="cad", tax_behavior="unspecified")
    assert response.status_code == 403
    assert not Product.objects.exists()


def test_a_read_only_member_may_not_save_the_settings(desk_of) -> None:
    assert desk_of("read_only").post("settings", name="Mine now").status_code == 403


def test_a_read_only_member_sees_no_buttons_that_act(desk_of, shop) -> None:
    customer = customers.customer(merchant=shop)
    page = desk_of("read_only").get("customer", customer.pk).content.decode()
    assert reverse("dashboard:customer_edit", args=[customer.pk]) not in page
    assert reverse("dashboard:subscription_new") not in page


@pytest.mark.parametrize(
    ("role", "name", "status"),
    [
        ("support", "customer_new", 200),
        ("support", "product_new", 403),
        ("finance", "product_new", 200),
        ("admin", "coupon_new", 200),
    ],
)
def test_roles_open_their_own_forms(desk_of, role: str, name: str, status: int) -> None:
    assert desk_of(role).get(name).status_code == status


def test_a_foreign_merchants_ids_are_not_there(desk) -> None:
    other = merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True)
    customer = customers.customer(merchant=other)
    product = catalog.product(merchant=other)
    coupon = catalog.coupon(merchant=other)
    for name, pk in (
        ("customer", customer.pk),
        ("customer_edit", customer.pk),
        ("product", product.pk),
        ("price_new", product.pk),
        ("coupon", coupon.pk),
    ):
        response = desk.get(name, pk)
        assert response.status_code == 404, name
        assert "nothing here" in response.content.decode()


def test_lists_show_the_own_merchants_rows_only(desk, shop) -> None:
    other = merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True)
    customers.customer(merchant=shop, name="Ours")
    customers.customer(merchant=other, name="Theirs")
    page = desk.get("customers").content.decode()
    assert "Ours" in page
    assert "Theirs" not in page


def test_a_member_of_two_merchants_goes_from_one_to_the_other(desk, shop) -> None:
    sandbox = merchants.merchant(name="Sandbox", prefix="TEST", parent=shop)
    merchants.membership(merchant=sandbox, user=desk.user)
    assert "Sandbox: test data only" not in desk.get("overview").content.decode()
    desk.client.post(reverse("dashboard:switch_merchant"), {"merchant": sandbox.pk})
    assert "Sandbox: test data only" in desk.get("overview").content.decode()
    assert desk.get("test_clocks").status_code == 200


def test_nobody_switches_to_a_merchant_that_is_not_theirs(desk) -> None:
    other = merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True)
    response = desk.client.post(reverse("dashboard:switch_merchant"), {"merchant": other.pk})
    assert response.status_code == 404


def test_a_live_merchant_has_no_test_clocks(desk) -> None:
    assert desk.get("test_clocks").status_code == 404


@pytest.mark.parametrize("address", ["/dashboard/customers/%00/", "/dashboard/subscriptions/new/?customer=%00"])
def test_what_is_no_id_never_reaches_the_database(desk, address: str) -> None:
    assert desk.client.get(address).status_code == 404


def test_a_clock_that_the_form_never_offered_is_not_there(desk) -> None:
    sandbox = merchants.merchant(name="Elsewhere", prefix="ELSE")
    clock = customers.clock(merchant=sandbox)
    response = desk.post("customer_new", name="Ada", email="ada@example.com", tax_exempt="none", test_clock_id=clock.pk)
    assert response.status_code == 404
    assert not Customer.objects.exists()
