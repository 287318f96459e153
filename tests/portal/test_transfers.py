"""Paying by bank transfer: what the hosted page, the paper and the mail say of it, from the merchant's settings on."""

import pytest

from engine.services.pay import record_payment
from engine.services.subscribe import subscribe
from engine.types import ItemRequest, SubscribeRequest
from invoicing.models import Invoice
from invoicing.rules.transfers import payment_reference
from merchants.services import update_billing_entity
from notifications.consumers import queue_mails
from notifications.models import Message
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context
from tests.invoicing.test_pdf import pdf_text
from tests.notifications.stories import told

pytestmark = pytest.mark.django_db
DETAILS = "Titulaire: Érable et Cie inc.\nTransit: 81530-815\nCompte: 123-456-7"


@pytest.fixture
def sent():
    """The invoice of a subscription that is sent to be paid, by a seller that takes transfers."""
    shop = merchant(finalization_grace_seconds=0)
    update_billing_entity(ctx=context(), merchant_id=shop.id, bank_details=DETAILS)
    who = customer(merchant=shop, preferred_locale="fr-ca")
    item = ItemRequest(price(merchant=shop).id)
    subscribe(
        ctx=context(),
        request=SubscribeRequest(shop.id, who.id, (item,), collection_method="send_invoice", days_until_due=30),
    )
    invoice = Invoice.objects.get()
    assert invoice.status == "open"
    return invoice


def test_it_is_on_the_page_until_it_is_paid(client, sent):
    reference = payment_reference(sent.number)
    html = client.get(f"/i/{sent.hosted_token}").content.decode()
    for words in ("Payer par virement bancaire", "Transit", "81530-815", reference):
        assert words in html
    record_payment(ctx=context(), merchant_id=sent.merchant_id, invoice_id=sent.id, amount=sent.total)
    assert reference not in client.get(f"/i/{sent.hosted_token}").content.decode()


def test_it_is_on_the_paper(sent):
    text = pdf_text(sent)
    for words in ("Payer par virement bancaire", "81530-815", "123-456-7", payment_reference(sent.number)):
        assert words in text


def test_it_is_in_the_mail(sent):
    queue_mails(context(), [told("invoice.finalized", sent.id, merchant=sent.merchant, created=sent.created)])
    text = Message.objects.get().text
    for words in ("Titulaire\xa0: Érable et Cie inc.", "Compte\xa0: 123-456-7", payment_reference(sent.number)):
        assert words in text


def test_a_later_account_is_for_later_invoices(client, sent):
    update_billing_entity(ctx=context(), merchant_id=sent.merchant_id, bank_details="")
    assert "81530-815" in client.get(f"/i/{sent.hosted_token}").content.decode()
