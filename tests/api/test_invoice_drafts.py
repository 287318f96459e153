"""The official SDK makes invoice items and drafts, changes them, takes them apart; what is final stays."""

from __future__ import annotations

from decimal import Decimal

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_sdk_clocks import at


def amounts(invoice) -> list[int]:
    return [line.amount for line in invoice.lines.data]


def test_a_draft_is_empty_unless_pending_items_are_asked_for(sdk: Sdk) -> None:
    customer = sdk.customer().id
    sdk.v1.invoice_items.create({"customer": customer, "amount": 700, "currency": "usd", "description": "Help"})
    empty = sdk.v1.invoices.create({"customer": customer})
    assert (empty.status, empty.total, amounts(empty), empty.auto_advance) == ("draft", 0, [], False)
    full = sdk.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    assert (full.total, amounts(full), full.automatically_finalizes_at) == (700, [700], None)


def test_items_come_as_amounts_units_prices_and_credits(sdk: Sdk) -> None:
    customer = sdk.customer().id
    product = sdk.v1.products.create({"name": "Hour"}).id
    price = sdk.price(250, interval="", product=product)
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd"}).id
    rows = [
        {"amount": 1000, "description": "Setup"},
        {"unit_amount_decimal": "0.5", "quantity": 3},  # 1.5 -> 2
        {"pricing": {"price": price.id}, "quantity": 4},  # 4 * 250
        {"price_data": {"currency": "usd", "product": product, "unit_amount": 99}, "quantity": 2},
        {"amount": -300, "description": "Sorry", "period": {"start": at(2024, 1, 1), "end": at(2024, 1, 31)}},
    ]
    for row in rows:
        sdk.v1.invoice_items.create({"customer": customer, "invoice": draft, **row})
    invoice = sdk.v1.invoices.retrieve(draft)
    assert amounts(invoice) == [1000, 2, 1000, 198, -300]
    assert (invoice.total, invoice.subtotal) == (1900, 1900)
    [credit] = invoice.lines.data[-1:]
    assert (credit.period.start, credit.period.end, credit.discountable) == (at(2024, 1, 1), at(2024, 1, 31), False)
    units = sdk.v1.invoice_items.list({"invoice": draft, "limit": 5}).data[3]
    assert (units.quantity, units.pricing.unit_amount_decimal, units.amount) == (3, Decimal("0.5"), 2)
    assert [one.id for one in sdk.v1.invoice_items.list({"customer": customer, "pending": True}).data] == []


def test_an_item_changes_with_its_draft_and_is_deleted_from_it(sdk: Sdk) -> None:
    customer = sdk.customer().id
    rate = sdk.v1.tax_rates.create({"display_name": "GST", "percentage": 5, "inclusive": False}).id
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd", "default_tax_rates": [rate]}).id
    item = sdk.v1.invoice_items.create({"customer": customer, "invoice": draft, "amount": 1000}).id
    other = sdk.v1.invoice_items.create({"customer": customer, "invoice": draft, "amount": 500}).id
    assert sdk.v1.invoices.retrieve(draft).total == 1575
    changed = sdk.v1.invoice_items.update(
        item, {"unit_amount_decimal": "600", "quantity": 2, "description": "Two", "metadata": {"po": "7"}}
    )
    assert (changed.amount, changed.quantity, changed.metadata["po"]) == (1200, 2, "7")
    invoice = sdk.v1.invoices.retrieve(draft)
    assert (invoice.total, amounts(invoice)) == (1785, [1200, 500])  # 1700 + 85
    assert (invoice.lines.data[0].description, invoice.lines.data[0].metadata["po"]) == ("Two", "7")
    assert sdk.v1.invoice_items.delete(other).deleted
    assert sdk.v1.invoices.retrieve(draft).total == 1260
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.invoice_items.retrieve(other)


def test_a_quantity_alone_keeps_the_unit_price(sdk: Sdk) -> None:
    customer = sdk.customer().id
    item = sdk.v1.invoice_items.create({"customer": customer, "amount": 700, "currency": "usd"})
    assert sdk.v1.invoice_items.update(item.id, {"quantity": 3}).amount == 2100
    assert sdk.v1.invoice_items.update(item.id, {"amount": 50}).quantity == 1


def test_nothing_changes_once_the_invoice_is_final(sdk: Sdk) -> None:
    customer = sdk.customer().id
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd"}).id
    item = sdk.v1.invoice_items.create({"customer": customer, "invoice": draft, "amount": 1000}).id
    final = sdk.v1.invoices.finalize_invoice(draft)
    assert (final.status, final.amount_due) == ("open", 1000)
    line = final.lines.data[0].id
    refused = [
        lambda: sdk.v1.invoice_items.update(item, {"amount": 5}),
        lambda: sdk.v1.invoice_items.delete(item),
        lambda: sdk.v1.invoice_items.create({"customer": customer, "invoice": draft, "amount": 5}),
        lambda: sdk.v1.invoices.add_lines(draft, {"lines": [{"amount": 5}]}),
        lambda: sdk.v1.invoices.line_items.update(draft, line, {"amount": 5}),
        lambda: sdk.v1.invoices.remove_lines(draft, {"lines": [{"id": line, "behavior": "delete"}]}),
        lambda: sdk.v1.invoices.update(draft, {"default_tax_rates": ""}),
        lambda: sdk.v1.invoices.update(draft, {"footer": "x"}),
        lambda: sdk.v1.invoices.delete(draft),
    ]
    for attempt in refused:
        with pytest.raises(stripe.InvalidRequestError) as error:
            attempt()
        assert error.value.http_status == 400
    memo = sdk.v1.invoices.update(draft, {"description": "Thank you", "metadata": {"seen": "1"}})
    assert (memo.description, memo.metadata["seen"], memo.total) == ("Thank you", "1", 1000)
    assert sdk.v1.invoices.pay(draft).status == "paid"


def test_lines_are_added_changed_and_removed(sdk: Sdk) -> None:
    customer = sdk.customer().id
    waiting = sdk.v1.invoice_items.create({"customer": customer, "amount": 40, "currency": "usd"}).id
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd"}).id
    lines = [
        {"amount": 100, "description": "One"},
        {"invoice_item": waiting},
        {"unit_amount_decimal": "7", "quantity": 2},
    ]
    added = sdk.v1.invoices.add_lines(draft, {"lines": lines, "invoice_metadata": {"by": "lines"}})
    assert (amounts(added), added.total, added.metadata["by"]) == ([100, 40, 14], 154, "lines")
    first, second, third = [line.id for line in added.lines.data]
    change = {"lines": [{"id": first, "amount": 200}, {"id": third, "quantity": 3, "description": "Three"}]}
    assert amounts(sdk.v1.invoices.update_lines(draft, change)) == [200, 40, 21]
    one = sdk.v1.invoices.line_items.update(draft, first, {"description": "First", "metadata": {"k": "v"}})
    assert (one.description, one.amount, one.metadata["k"]) == ("First", 200, "v")
    removal = {"lines": [{"id": second, "behavior": "unassign"}, {"id": third, "behavior": "delete"}]}
    left = sdk.v1.invoices.remove_lines(draft, removal)
    assert (amounts(left), left.total) == ([200], 200)
    assert [item.id for item in sdk.v1.invoice_items.list({"pending": True}).data] == [waiting]
    with pytest.raises(stripe.InvalidRequestError) as twice:
        sdk.v1.invoices.update_lines(draft, {"lines": [{"id": second, "amount": 1}]})
    assert twice.value.param == "lines[0][id]"


def test_lines_are_listed_by_pages(sdk: Sdk) -> None:
    customer = sdk.customer().id
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd"}).id
    sdk.v1.invoices.add_lines(draft, {"lines": [{"amount": number} for number in range(1, 13)]})
    first = sdk.v1.invoices.line_items.list(draft, {"limit": 5})
    assert ([line.amount for line in first.data], first.has_more) == ([1, 2, 3, 4, 5], True)
    assert [line.amount for line in first.auto_paging_iter()] == list(range(1, 13))


def test_a_draft_is_deleted_and_a_subscriptions_is_not(sdk: Sdk) -> None:
    customer = sdk.customer().id
    draft = sdk.v1.invoices.create({"customer": customer}).id
    assert sdk.v1.invoices.delete(draft).deleted
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.invoices.retrieve(draft)
    subscription = sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": sdk.price().id}]})
    sdk.v1.invoice_items.create(
        {"customer": customer, "subscription": subscription.id, "amount": 90, "currency": "usd"}
    )
    sdk.v1.invoice_items.create({"customer": customer, "amount": 5, "currency": "usd"})
    own = sdk.v1.invoices.create({"customer": customer, "subscription": subscription.id})
    assert (amounts(own), own.billing_reason) == ([90], "manual")
    assert own.parent.subscription_details.subscription == subscription.id
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.invoices.delete(own.id)


def test_a_draft_that_advances_finalizes_an_hour_later(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 10))
    customer = sdk.customer(clock.id).id
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd", "auto_advance": True})
    assert draft.automatically_finalizes_at == at(2024, 1, 10, 1)
    sdk.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 800}]})
    later = sdk.v1.invoices.create(
        {"customer": customer, "currency": "usd", "automatically_finalizes_at": at(2024, 1, 12)}
    )
    sdk.advance(clock.id, at(2024, 1, 10, 2))
    assert sdk.v1.invoices.retrieve(draft.id).status == "paid"
    assert sdk.v1.invoices.retrieve(later.id).status == "draft"
    sdk.advance(clock.id, at(2024, 1, 13))
    assert (sdk.v1.invoices.retrieve(later.id).status, sdk.v1.invoices.retrieve(later.id).total) == ("paid", 0)


def test_the_texts_of_an_invoice_and_when_it_is_due(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 10))
    customer = sdk.customer(clock.id).id
    draft = sdk.v1.invoices.create(
        {
            "customer": customer,
            "currency": "usd",
            "collection_method": "send_invoice",
            "days_until_due": 14,
            "custom_fields": [{"name": "PO", "value": "4711"}],
            "footer": "Merci",
            "statement_descriptor": "ERABLE",
            "effective_at": at(2024, 1, 9),
        }
    )
    assert (draft.due_date, draft.footer, draft.statement_descriptor) == (at(2024, 1, 24), "Merci", "ERABLE")
    assert ([dict(one) for one in draft.custom_fields], draft.effective_at) == (
        [{"name": "PO", "value": "4711"}],
        at(2024, 1, 9),
    )
    changed = sdk.v1.invoices.update(draft.id, {"due_date": at(2024, 2, 1), "custom_fields": ""})
    assert (changed.due_date, changed.custom_fields) == (at(2024, 2, 1), None)
    found = sdk.v1.invoices.list({"due_date": {"gte": at(2024, 2, 1)}, "collection_method": "send_invoice"})
    assert [one.id for one in found.data] == [draft.id]
    for wrong in ({"collection_method": "charge_automatically"}, {"due_date": at(2023, 1, 1), "days_until_due": None}):
        params = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 3, **wrong}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.invoices.create({name: value for name, value in params.items() if value is not None})
        assert refused.value.param == "due_date"


def test_new_default_tax_rates_tax_what_has_none_of_its_own(sdk: Sdk) -> None:
    customer = sdk.customer().id
    five, ten = (
        sdk.v1.tax_rates.create({"display_name": "Tax", "percentage": p, "inclusive": False}).id for p in (5, 10)
    )
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd"}).id
    sdk.v1.invoices.add_lines(draft, {"lines": [{"amount": 1000}, {"amount": 1000, "tax_rates": [ten]}]})
    assert sdk.v1.invoices.retrieve(draft).total == 2100
    assert sdk.v1.invoices.update(draft, {"default_tax_rates": [five]}).total == 2150
    assert sdk.v1.invoices.update(draft, {"default_tax_rates": ""}).total == 2100
