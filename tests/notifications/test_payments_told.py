"""How a subscriber hears what was paid with what: the backup after a decline, and money that came in parts."""

import pytest

from customers.backups import set_backup_payment_methods
from engine.services.collect import collect_invoices
from engine.services.pay import record_payment
from events.models import Event
from notifications.consumers import EVENT_TYPES, queue_mails
from notifications.models import Message
from tests.factories.customers import customer, payment_method
from tests.factories.merchants import merchant
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context, utc
from tests.notifications.stories import told

pytestmark = pytest.mark.django_db

FIRST = {"brand": "visa", "last4": "0341"}
SECOND = {"brand": "mastercard", "last4": "4444"}


def hear(shop) -> list[Message]:
    """The mails of everything that was recorded."""
    for event in Event.objects.filter(type__in=EVENT_TYPES, type__startswith="invoice").order_by("xid", "id"):
        queue_mails(context(), [told(event.type, event.object_id, merchant=shop, created=NEW_YEAR, id=event.id)])
    return list(Message.objects.order_by("recorded_at", "id"))


def paying(shop, *instruments: str, **fields):
    """Somebody with a default and its backups, of other brands and digits."""
    who = customer(merchant=shop, **fields)
    faces = (FIRST, SECOND)
    ids = [payment_method(customer=who, instrument=one, **faces[at]).id for at, one in enumerate(instruments)]
    who.default_payment_method_id = ids[0]
    who.save(update_fields=["default_payment_method_id"])
    ids_of = {"ctx": context(), "merchant_id": shop.id, "customer_id": who.id}
    return set_backup_payment_methods(**ids_of, payment_method_ids=ids[1:])


@pytest.mark.parametrize(
    ("locale", "sentence", "row"),
    [
        (
            "en",
            "Visa •••• 0341 was declined, so we charged your backup, Mastercard •••• 4444.",
            "Payment method: Mastercard •••• 4444",
        ),
        (
            "fr-ca",
            "Visa •••• 0341 a été refusé; nous avons donc débité votre mode de secours, Mastercard •••• 4444.",
            "Mode de paiement\xa0: Mastercard •••• 4444",
        ),
    ],
)
def test_the_receipt_says_that_the_backup_was_charged(locale, sentence, row):
    shop = merchant()
    who = paying(shop, "pm_card_chargeCustomerFail", "pm_card_mastercard", preferred_locale=locale)
    collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=who).id])
    [mail] = hear(shop)
    assert mail.kind == "receipt"
    assert sentence in mail.text
    assert row in mail.text


def test_a_failed_payments_mail_names_all_that_was_tried():
    shop = merchant()
    who = paying(shop, "pm_card_chargeCustomerFail", "pm_card_visa_chargeDeclinedInsufficientFunds")
    collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=who).id])
    [mail] = hear(shop)
    assert mail.kind == "payment_failed"
    assert "We tried Visa •••• 0341, then your backup, Mastercard •••• 4444." in mail.text


def test_an_ordinary_receipt_says_what_was_charged_and_no_more():
    shop = merchant()
    collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=paying(shop, "pm_card_visa")).id])
    [mail] = hear(shop)
    assert "Payment method: Visa •••• 0341" in mail.text
    assert "backup" not in mail.text


def test_a_part_that_came_by_transfer_is_receipted_at_once_and_the_rest_when_it_is_paid():
    shop = merchant()
    invoice = open_invoice(customer=customer(merchant=shop), amount=1000, collection_method="send_invoice")
    ids = {"merchant_id": shop.id, "invoice_id": invoice.id}
    record_payment(ctx=context(), amount=400, reference="VIR-0012", received_at=utc(2023, 12, 29), **ids)
    [part] = hear(shop)
    assert (part.kind, part.invoice_id) == ("payment_received", invoice.id)
    for words in (
        "Thank you, we received CA$4.00.",
        f"It was a part of invoice {invoice.number}: CA$6.00 is left to pay.",
        "Received: December 29, 2023, VIR-0012",
        "Amount due: CA$6.00",
    ):
        assert words in part.text
    record_payment(ctx=context(), amount=600, **ids)
    _part, receipt = hear(shop)
    assert receipt.kind == "receipt"
    for words in ("Your invoice is paid in full.", "December 29, 2023, VIR-0012: CA$4.00", "January 1, 2024: CA$6.00"):
        assert words in receipt.text


def test_a_transfer_that_settles_an_invoice_is_receipted_once():
    shop = merchant()
    invoice = open_invoice(customer=customer(merchant=shop), amount=1000)
    record_payment(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id, amount=1500, reference="VIR-0013")
    [mail] = hear(shop)
    assert mail.kind == "receipt"
    assert "Received: January 1, 2024, VIR-0013" in mail.text
    assert "went through" not in mail.text
