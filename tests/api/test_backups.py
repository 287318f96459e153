"""Backup payment methods, an extension of ours beside Stripe's `invoice_settings`, as the SDK sends them."""

from __future__ import annotations

import pytest
import stripe

from tests.api.sdk import Sdk


def test_backups_are_set_shown_in_order_and_cleared(sdk: Sdk) -> None:
    customer = sdk.v1.customers.create(
        {
            "payment_method": "pm_card_visa",
            "invoice_settings": {
                "default_payment_method": "pm_card_visa",
                "backup_payment_methods": ["pm_card_mastercard", "pm_card_amex"],
            },
        }
    )
    first, second = customer.invoice_settings.backup_payment_methods
    brands = [sdk.v1.payment_methods.retrieve(one).card.brand for one in (first, second)]
    assert brands == ["mastercard", "amex"]
    turned = sdk.v1.customers.update(customer.id, {"invoice_settings": {"backup_payment_methods": [second, first]}})
    assert turned.invoice_settings.backup_payment_methods == [second, first]
    default = sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": second}})
    assert default.invoice_settings.backup_payment_methods == [first]
    cleared = sdk.v1.customers.update(customer.id, {"invoice_settings": {"backup_payment_methods": ""}})
    assert cleared.invoice_settings.backup_payment_methods == []


def test_what_cannot_be_a_backup_is_refused_by_name(sdk: Sdk) -> None:
    customer, neighbour = sdk.customer(), sdk.customer()
    own, theirs = (one.invoice_settings.default_payment_method for one in (customer, neighbour))
    three = ["pm_card_mastercard", "pm_card_amex", "pm_card_discover", "pm_sepa_debit"]
    for named, code in (([own], "parameter_invalid"), ([theirs], "resource_missing"), (three, "parameter_invalid")):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.customers.update(customer.id, {"invoice_settings": {"backup_payment_methods": named}})
        assert (refused.value.code, refused.value.param) == (code, "invoice_settings[backup_payment_methods]")
    assert sdk.v1.customers.retrieve(customer.id).invoice_settings.backup_payment_methods == []


def test_a_method_shows_all_that_stripes_has_of_its_type(sdk: Sdk) -> None:
    customer = sdk.customer()
    card = sdk.v1.payment_methods.retrieve(customer.invoice_settings.default_payment_method)
    assert (card.card.wallet, card.card.networks.available) == (None, ["visa"])
    debit = sdk.v1.payment_methods.attach("pm_usBankAccount_success", {"customer": customer.id})
    assert (debit.us_bank_account.last4, debit.us_bank_account.bank_name, debit.us_bank_account.routing_number) == (
        "6781",
        None,
        None,
    )
