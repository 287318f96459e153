"""SEMANTICS, numbering per customer, and the metadata of invoice lines, by the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from invoicing.models import NumberSeries
from invoicing.rules.numbering import customer_prefix
from merchants.models import Merchant
from tests.api.sdk import Sdk
from tests.factories.times import utc

JAN_1 = int(utc(2024, 1, 1).timestamp())
MAR_2 = int(utc(2024, 3, 2).timestamp())


@pytest.fixture
def shop(sdk: Sdk) -> Sdk:
    Merchant.objects.filter(id=sdk.merchant.id).update(invoice_numbering="customer")
    return sdk


def billed(sdk: Sdk, **fields: Any) -> Any:
    """A customer with a paid invoice."""
    customer = sdk.customer(**fields)
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(1000).id}]})
    return customer


def numbers(sdk: Sdk, customer: Any) -> list[str]:
    return [one.number for one in sdk.invoices(customer=customer.id)]


def test_each_customer_has_a_prefix_and_a_gapless_count(shop: Sdk) -> None:
    clock = shop.clock(JAN_1)
    first, second = billed(shop, clock=clock.id), billed(shop, clock=clock.id, invoice_prefix="ACME")
    shop.advance(clock.id, MAR_2)  # both renew in the same run, twice
    own = customer_prefix(first.id)
    assert numbers(shop, first) == [f"{own}-0001", f"{own}-0002", f"{own}-0003"]
    assert numbers(shop, second) == ["ACME-0001", "ACME-0002", "ACME-0003"]
    shown = shop.v1.customers.retrieve(second.id)
    assert (shown.invoice_prefix, shown.next_invoice_sequence) == ("ACME", 4)
    assert NumberSeries.objects.get(customer_id="").next_number == 1


def test_prefix_and_next_number_are_set_upwards_only(shop: Sdk) -> None:
    customer = shop.customer()
    assert (customer.invoice_prefix, customer.next_invoice_sequence) == (customer_prefix(customer.id), 1)
    changed = shop.v1.customers.update(customer.id, {"invoice_prefix": "NEW1", "next_invoice_sequence": 40})
    assert (changed.invoice_prefix, changed.next_invoice_sequence) == ("NEW1", 40)
    shop.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.price(1000).id}]})
    assert numbers(shop, customer) == ["NEW1-0040"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.update(customer.id, {"next_invoice_sequence": 40, "name": "Nobody"})
    assert refused.value.param == "next_invoice_sequence"
    assert shop.v1.customers.retrieve(customer.id).name == "Ada"


@pytest.mark.parametrize("prefix", ["ab", "abc", "A-B", "ABCDEFGHIJKLM"])
def test_a_prefix_has_3_to_12_capitals_or_digits(shop: Sdk, prefix: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.create({"invoice_prefix": prefix})
    assert refused.value.param == "invoice_prefix"


def test_no_two_customers_share_a_prefix(shop: Sdk) -> None:
    shop.v1.customers.create({"invoice_prefix": "ACME"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.create({"invoice_prefix": "ACME"})
    assert (refused.value.code, refused.value.param) == ("resource_already_exists", "invoice_prefix")


def test_a_customers_prefix_does_not_count_while_one_series_is_for_all(sdk: Sdk) -> None:
    customer = billed(sdk, invoice_prefix="ACME")
    assert numbers(sdk, customer) == [f"{NumberSeries.objects.get(customer_id='').prefix}-0001"]
    assert sdk.v1.customers.retrieve(customer.id).next_invoice_sequence == 1


def test_a_subscriptions_line_has_its_metadata_and_its_items(sdk: Sdk) -> None:
    """Stripe: the line reflects the subscription's; the item's own keys win."""
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id)
    made = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price(1000).id, "metadata": {"seat": "a"}}, {"price": sdk.price(500).id}],
            "metadata": {"seat": "?", "order": "7"},
        }
    )
    sdk.v1.subscriptions.update(made.id, {"metadata": {"order": "8"}})
    sdk.advance(clock.id, int(utc(2024, 2, 1, 2).timestamp()))
    first, second = (
        sorted(tuple(sorted(line.metadata.to_dict().items())) for line in paper.lines.data)
        for paper in sdk.invoices(subscription=made.id)
    )
    assert first == [(("order", "7"), ("seat", "?")), (("order", "7"), ("seat", "a"))]
    assert second == [(("order", "8"), ("seat", "?")), (("order", "8"), ("seat", "a"))]
