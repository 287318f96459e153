"""A customer's backup payment methods on the dashboard, and what an invoice's page says of a backup's charge."""

import pytest

from customers.backups import set_backup_payment_methods
from engine.services.collect import collect_invoices
from tests.factories.customers import customer, payment_method
from tests.factories.payments import open_invoice
from tests.factories.times import context

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(shop):
    return customer(merchant=shop, payment_method="pm_card_chargeCustomerFail")


@pytest.fixture
def mastercard(ada):
    return payment_method(customer=ada, instrument="pm_card_mastercard", brand="mastercard", last4="4444")


def test_a_member_makes_a_card_the_backup_and_takes_it_back(desk, ada, mastercard) -> None:
    assert "Use it as a backup?" in desk.get("customer_backup", ada.pk, mastercard.pk, "add").content.decode()
    desk.post("customer_backup", ada.pk, mastercard.pk, "add")
    ada.refresh_from_db()
    assert ada.backup_payment_method_ids == [mastercard.pk]
    page = desk.get("customer", ada.pk).content.decode()
    assert page.index("Visa •••• 4242") < page.index("Mastercard •••• 4444") < page.index("Backup 1")
    desk.post("customer_backup", ada.pk, mastercard.pk, "remove")
    ada.refresh_from_db()
    assert ada.backup_payment_method_ids == []


def test_the_default_cannot_be_its_own_backup(desk, ada) -> None:
    refused = desk.post("customer_backup", ada.pk, ada.default_payment_method_id, "add")
    assert "The default payment method cannot be its own backup." in refused.content.decode()
    assert desk.get("customer_backup", ada.pk, ada.default_payment_method_id, "nonsense").status_code == 404


def test_who_may_only_read_changes_nothing(desk_of, ada, mastercard) -> None:
    answer = desk_of("read_only").post("customer_backup", ada.pk, mastercard.pk, "add")
    assert answer.status_code == 403


def test_an_invoice_shows_each_attempt_with_its_method(desk, ada, mastercard) -> None:
    ids = {"merchant_id": ada.merchant_id, "customer_id": ada.id}
    set_backup_payment_methods(ctx=context(), payment_method_ids=[mastercard.id], **ids)
    invoice = open_invoice(customer=ada)
    collect_invoices(ctx=context(), invoice_ids=[invoice.id])
    page = desk.get("invoice", invoice.pk).content.decode()
    attempts = page[page.index("Payment attempts") :]
    first, second = (attempts.index(words) for words in ("Visa •••• 4242", "Mastercard •••• 4444"))
    assert first < attempts.index(">Backup<") < second
    timeline = attempts[attempts.index("Timeline") :]
    assert timeline.index("Invoice paid") < timeline.index("Charge failed")  # the newest first
