"""The list pattern: search, filter, sort, page, CSV, partial loads, and a number of queries that rows do not raise."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from invoicing.rules.transfers import payment_reference
from tests.factories import catalog, customers
from tests.factories.payments import open_invoice
from tests.factories.signups import subscription
from tests.factories.times import utc


@pytest.fixture
def busy_shop(shop):
    """Three customers who subscribed and paid, one who did not pay."""
    price = catalog.price(merchant=shop, amount=2000)
    catalog.coupon(merchant=shop, name="Welcome")
    catalog.tax_rate(merchant=shop)
    catalog.payment_link(merchant=shop, prices=[price], name="Coffee")
    for name in ("Ada", "Blaise", "Chloé"):
        customer = customers.customer(
            merchant=shop, name=name, email=f"{name[:3].lower()}@example.com", payment_method="pm_card_visa"
        )
        subscription(customer=customer, prices=[price], at=utc(2024, 1, 5))
    late = customers.customer(
        merchant=shop, name="Denis", email="denis@example.com", payment_method="pm_card_chargeCustomerFail"
    )
    subscription(customer=late, prices=[price], at=utc(2024, 1, 6))
    return shop


def grow(shop, number: int) -> None:
    price = catalog.price(merchant=shop, amount=500)
    catalog.coupon(merchant=shop)
    catalog.tax_rate(merchant=shop)
    catalog.payment_link(merchant=shop, prices=[price])
    for n in range(number):
        customer = customers.customer(merchant=shop, name=f"More {n}", payment_method="pm_card_visa")
        subscription(customer=customer, prices=[price], at=utc(2024, 2, 1 + n))


def queries_of(desk, name: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert desk.get(name).status_code == 200
    return len(captured)


LISTS = {
    # session, user, memberships, then: count + rows (+ one per prefetched relation)
    "customers": 5,
    "subscriptions": 6,
    "invoices": 5,
    "payments": 5,
    "products": 6,
    "coupons": 5,
    "tax_rates": 5,
    "payment_links": 6,
    "events": 5,
    "messages": 5,
    "refusals": 5,
}


@pytest.mark.parametrize(("name", "most"), LISTS.items())
def test_a_list_takes_the_same_few_queries_whatever_its_length(desk, busy_shop, name: str, most: int) -> None:
    desk.get(name)  # what is cached once per process is cached now
    few = queries_of(desk, name)
    grow(busy_shop, 6)
    assert queries_of(desk, name) == few
    assert few <= most


def test_a_subscription_and_its_invoice_are_listed(desk, busy_shop) -> None:
    page = desk.get("subscriptions").content.decode()
    assert "Chloé" in page
    assert "CA$20.00 / month" in page
    assert "INV-0001" in desk.get("invoices").content.decode()


def test_search_finds_by_part_of_a_name_or_by_id(desk, busy_shop) -> None:
    found = desk.client.get(reverse("dashboard:customers"), {"q": "blai"}).content.decode()
    assert "Blaise" in found
    assert "Chloé" not in found
    pk = busy_shop.pk  # an id of something else finds nothing and breaks nothing
    assert "Nothing matches" in desk.client.get(reverse("dashboard:customers"), {"q": pk}).content.decode()


def test_a_status_filter_keeps_what_it_names(desk, busy_shop) -> None:
    page = desk.client.get(reverse("dashboard:subscriptions"), {"status": "incomplete"}).content.decode()
    assert "Denis" in page
    assert "Ada" not in page


def test_rows_are_sorted_by_the_column_in_the_address(desk, busy_shop) -> None:
    page = desk.client.get(reverse("dashboard:customers"), {"sort": "-name"}).content.decode()
    assert page.index("Denis") < page.index("Chloé") < page.index("Ada")


def test_headings_link_to_their_sort_and_keep_the_search(desk, busy_shop) -> None:
    page = desk.client.get(reverse("dashboard:customers"), {"q": "a", "page": "1"}).content.decode()
    assert 'href="?q=a&amp;sort=name"' in page


def test_pages_link_to_each_other(desk, shop) -> None:
    for n in range(30):
        customers.customer(merchant=shop, name=f"Number {n:02}")
    page = desk.client.get(reverse("dashboard:customers"), {"sort": "name"}).content.decode()
    assert 'href="?sort=name&amp;page=2"' in page
    assert "1–25 of 30" in page
    assert "Number 29" in desk.client.get(reverse("dashboard:customers"), {"sort": "name", "page": 2}).content.decode()


def test_a_page_beyond_the_last_shows_the_last(desk, busy_shop) -> None:
    assert desk.client.get(reverse("dashboard:customers"), {"page": "999"}).status_code == 200


def test_htmx_gets_the_table_alone(desk, busy_shop) -> None:
    headers = {"HX-Request": "true", "HX-Target": "list"}
    part = desk.client.get(reverse("dashboard:customers"), {"q": "ada"}, headers=headers).content.decode()
    assert "<html" not in part
    assert 'id="list"' in part


def test_an_empty_list_says_how_to_begin(desk) -> None:
    page = desk.get("customers").content.decode()
    assert "No customers yet" in page
    assert reverse("dashboard:customer_new") in page


class TestCsv:
    def rows(self, desk, name: str, **query: str) -> list[str]:
        response = desk.client.get(reverse(f"dashboard:{name}"), {"format": "csv"} | query)
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in response["Content-Disposition"]
        return b"".join(response.streaming_content).decode("utf-8-sig").splitlines()

    def test_amounts_are_in_major_units_with_their_currency(self, desk, busy_shop) -> None:
        header, *rows = self.rows(desk, "invoices")
        assert header.startswith("Number,Status,Customer,Total")
        assert len(rows) == 4
        assert "INV-0001,paid,Ada,20.00,0.00,cad" in rows[-1]

    def test_it_follows_the_filters(self, desk, busy_shop) -> None:
        assert len(self.rows(desk, "customers", q="ada")) == 2

    def test_text_that_a_spreadsheet_would_run_is_made_harmless(self, desk, shop) -> None:
        customers.customer(merchant=shop, name='=HYPERLINK("http://evil.example")')
        _header, row = self.rows(desk, "customers")
        assert "'=HYPERLINK" in row

    def test_it_takes_the_same_queries_however_long(self, desk, busy_shop) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as captured:
                self.rows(desk, "subscriptions")
            return len(captured)

        few = count()
        grow(busy_shop, 5)
        assert count() == few


def test_an_invoice_is_found_by_the_reference_of_its_transfer(desk, shop) -> None:
    ada = customers.customer(merchant=shop)
    wanted, other = (open_invoice(customer=ada) for _ in range(2))
    found = desk.get("invoices", data={"q": payment_reference(wanted.number)}).content.decode()
    assert (wanted.pk in found, other.pk in found) == (True, False)
    mistyped = desk.get("invoices", data={"q": "RF00 INV0 001"}).content.decode()
    assert wanted.pk not in mistyped
