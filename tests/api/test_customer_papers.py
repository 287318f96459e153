"""What an application keeps of its customers by the official SDK: papers, tax numbers, the balance's ledger."""

from __future__ import annotations

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_sdk_clocks import at


def test_what_a_customer_wants_on_its_invoices_is_on_each_new_one(sdk: Sdk) -> None:
    settings = {"custom_fields": [{"name": "PO", "value": "4711"}], "footer": "Merci"}
    shipping = {"name": "Ada", "phone": "+1 514 555 0100", "address": {"line1": "1 rue du Sirop", "country": "CA"}}
    customer = sdk.v1.customers.create({"name": "Ada", "invoice_settings": settings, "shipping": shipping})
    assert (customer.shipping.name, customer.shipping.address.country) == ("Ada", "CA")
    assert (customer.invoice_settings.footer, customer.invoice_settings.custom_fields[0].value) == ("Merci", "4711")
    draft = sdk.v1.invoices.create({"customer": customer.id})
    assert (draft.footer, draft.custom_fields[0].name) == ("Merci", "PO")
    assert sdk.v1.invoices.create({"customer": customer.id, "footer": "Own"}).footer == "Own"
    cleared = sdk.v1.customers.update(customer.id, {"shipping": "", "invoice_settings": {"custom_fields": ""}})
    assert (cleared.shipping, cleared.invoice_settings.custom_fields) == (None, None)


def test_a_tax_number_is_kept_by_its_form_and_its_check_digits_are_told(sdk: Sdk) -> None:
    customer = sdk.v1.customers.create({"tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}]}).id
    [odd] = sdk.v1.customers.tax_ids.list(customer).data
    assert (odd.value, odd.verification.status, odd.country) == ("DE123456789", "unverified", "DE")
    good = sdk.v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE136695976"})
    assert good.verification.status == "verified"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE12"})
    assert refused.value.code == "tax_id_invalid"


def test_the_balance_is_a_ledger_of_entries_with_words(sdk: Sdk) -> None:
    customer = sdk.v1.customers.create({"name": "Ada"}).id
    ledger = sdk.v1.customers.balance_transactions
    first = ledger.create(customer, {"amount": -500, "currency": "usd", "metadata": {"why": "gift"}})
    second = ledger.create(customer, {"amount": 200, "currency": "usd", "description": "Fee"})
    assert (first.ending_balance, second.ending_balance, first.metadata["why"]) == (-500, -300, "gift")
    told = ledger.update(customer, first.id, {"description": "A gift", "metadata": {"why": "", "by": "ada"}})
    assert (told.description, dict(told.metadata), told.amount) == ("A gift", {"by": "ada"}, -500)
    assert ledger.retrieve(customer, first.id).description == "A gift"
    assert [one.id for one in ledger.list(customer, {"limit": 1}).auto_paging_iter()] == [second.id, first.id]
    assert sdk.v1.customers.update(customer, {"balance": -50}).balance == -50
    assert ledger.list(customer).data[0].amount == 250
    with pytest.raises(stripe.InvalidRequestError):
        ledger.create(customer, {"amount": 5, "currency": "eur"})


def test_customers_are_found_and_deleting_one_ends_what_runs(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id, email="grace@example.com").id
    subscription = sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": sdk.price().id}]}).id
    assert [one.id for one in sdk.v1.customers.list({"test_clock": clock.id}).data] == [customer]
    plain = sdk.v1.customers.create({"email": "grace@example.com"}).id
    assert [one.id for one in sdk.v1.customers.list({"email": "grace@example.com"}).data] == [plain]
    assert sdk.v1.customers.delete(customer).deleted
    assert sdk.v1.subscriptions.retrieve(subscription).status == "canceled"
    assert sdk.v1.customers.retrieve(customer).deleted


def test_a_customer_has_a_name_in_business_and_one_of_its_own(sdk: Sdk) -> None:
    names = {"business_name": "Engines Ltd", "individual_name": "Ada Lovelace"}
    ada = sdk.v1.customers.create({**names, "tax": {"validate_location": "deferred"}})
    assert (ada.business_name, ada.individual_name, ada.name) == ("Engines Ltd", "Ada Lovelace", None)
    changed = sdk.v1.customers.update(ada.id, {"business_name": ""})
    assert ("business_name" in changed, changed.individual_name) == (False, "Ada Lovelace")
    [told] = sdk.v1.events.list({"type": "customer.updated"}).data
    assert told.data.previous_attributes.to_dict() == {"business_name": "Engines Ltd"}
    with pytest.raises(stripe.InvalidRequestError) as long:
        sdk.v1.customers.update(ada.id, {"individual_name": "a" * 151})
    assert long.value.param == "individual_name"


def test_a_payment_method_says_whether_it_may_be_shown_again(sdk: Sdk) -> None:
    ada = sdk.customer(card="").id
    shown = sdk.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}, "allow_redisplay": "always"})
    other = sdk.v1.payment_methods.attach("pm_card_mastercard", {"customer": ada})
    sdk.v1.payment_methods.attach(shown.id, {"customer": ada})
    assert (shown.allow_redisplay, other.allow_redisplay) == ("always", "unspecified")
    asked = {"customer": ada, "allow_redisplay": "always"}
    assert [one.id for one in sdk.v1.payment_methods.list(asked).data] == [shown.id]
    assert sdk.v1.payment_methods.update(other.id, {"allow_redisplay": "limited"}).allow_redisplay == "limited"
    limited = sdk.v1.customers.payment_methods.list(ada, {"allow_redisplay": "limited"}).data
    assert [one.id for one in limited] == [other.id]
