"""An invoice at its own address: read, kept as PDF and paid by whoever has it."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from customers.models import Customer, PaymentMethod
from engine.services.refund import refund_charge
from invoicing.models import Invoice
from payments.models import Charge, Refund
from portal.summaries import invoice_summary
from tests.factories.times import context
from tests.portal.conftest import QUEBEC

pytestmark = pytest.mark.django_db
DECLINED = "pm_card_visa_chargeDeclinedInsufficientFunds"


@pytest.fixture
def unpaid(client, checkout_url):
    """An open invoice: its first card was declined."""
    client.post(checkout_url, {**QUEBEC, "instrument": DECLINED})
    return Invoice.objects.get()


def pay(invoice, **fields):
    return Client().post(f"/i/{invoice.hosted_token}/pay", {"method": "new", **fields}, follow=True)


def html_of(invoice):
    response = Client().get(f"/i/{invoice.hosted_token}")
    assert response.status_code == 200
    return response.content.decode()


def test_an_open_invoice_says_what_is_due_and_why(unpaid):
    html = html_of(unpaid)
    assert unpaid.number in html
    assert "CA$23.00" in html
    assert "GST (5%)" in html
    assert "QST (9.975%)" in html
    assert "Pay CA$23.00" in html


def test_anybody_with_the_address_pays_once(unpaid):
    html = pay(unpaid, instrument="pm_card_visa").content.decode()
    assert "Paid on" in html
    assert "Pay CA" not in html
    pay(unpaid, instrument="pm_card_visa")
    assert Charge.objects.filter(status="succeeded").count() == 1


@pytest.mark.parametrize(
    ("card", "amount", "said"), [("pm_card_visa", 500, "CA$5.00"), ("pm_card_pendingRefund", 300, "on its way")]
)
def test_what_went_back_is_shown(unpaid, card, amount, said):
    pay(unpaid, instrument=card)
    assert "Refunds" not in html_of(unpaid)
    charge = Charge.objects.get(status="succeeded")
    refund_charge(ctx=context(charge.created), merchant_id=unpaid.merchant_id, charge_id=charge.id, amount=amount)
    html = html_of(unpaid)
    assert "Refunds" in html
    assert said in html


def test_a_refund_that_failed_is_not_shown(unpaid):
    pay(unpaid, instrument="pm_card_visa")
    charge = Charge.objects.get(status="succeeded")
    refund_charge(ctx=context(charge.created), merchant_id=unpaid.merchant_id, charge_id=charge.id)
    Refund.objects.update(status="failed")
    assert "Refunds" not in html_of(unpaid)


def test_a_decline_is_said_and_another_card_pays(unpaid):
    html = pay(unpaid, instrument=DECLINED).content.decode()
    assert "did not go through" in html
    pay(unpaid, instrument="pm_card_visa")
    assert Invoice.objects.get().status == "paid"


def test_a_stored_card_pays(unpaid):
    pay(unpaid, instrument="pm_card_chargeCustomerFail")
    stored = PaymentMethod.objects.get(detached_at__isnull=True, last4="0341")
    assert "•••• 0341" in html_of(unpaid)
    pay(unpaid, method=stored.id)
    assert Charge.objects.filter(payment_method_id=stored.id).count() == 2


def test_another_customers_card_does_not(unpaid, shop):
    from tests.factories import customers

    eve = customers.customer(merchant=shop.merchant, payment_method="pm_card_visa")
    response = pay(unpaid, method=eve.default_payment_method_id)
    assert response.status_code == 422
    assert Invoice.objects.get().status == "open"


@pytest.mark.parametrize(("answer", "status"), [("approve", "paid"), ("fail", "open")])
def test_the_bank_may_ask(unpaid, answer, status):
    assert "Is it you?" in pay(unpaid, instrument="pm_card_threeDSecure2Required").content.decode()
    Client().post(f"/i/{unpaid.hosted_token}/authenticate", {"answer": answer})
    assert Invoice.objects.get().status == status


@pytest.mark.parametrize("fields", [{"instrument": ""}, {"instrument": "4242"}, {"method": "pm_none"}, {"method": ""}])
def test_bad_input_is_said_and_charges_nothing(unpaid, fields):
    before = Charge.objects.count()
    assert pay(unpaid, **fields).status_code == 422
    assert Charge.objects.count() == before


def test_the_pdf_comes_from_the_same_address(unpaid):
    response = Client().get(f"/i/{unpaid.hosted_token}/pdf")
    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")


def test_a_void_invoice_owes_nothing(unpaid):
    from engine.services.invoices import void_invoice
    from tests.factories.times import context

    void_invoice(ctx=context(unpaid.finalized_at), merchant_id=unpaid.merchant_id, invoice_id=unpaid.id)
    html = html_of(unpaid)
    assert "Nothing is owed" in html
    assert "Pay CA" not in html
    assert pay(unpaid, instrument="pm_card_visa").status_code == 200
    assert not Charge.objects.filter(status="succeeded").exists()


def test_a_written_off_invoice_can_still_be_paid(unpaid):
    from engine.services.invoices import mark_uncollectible
    from tests.factories.times import context

    mark_uncollectible(ctx=context(unpaid.finalized_at), merchant_id=unpaid.merchant_id, invoice_id=unpaid.id)
    pay(unpaid, instrument="pm_card_visa")
    assert Invoice.objects.get().status == "paid"


@pytest.mark.parametrize("token", ["x", "%00", "in_123", "../../etc"])
def test_an_address_that_was_guessed_shows_nothing(db, token):
    assert Client().get(f"/i/{token}").status_code == 404


def test_an_invoices_id_is_no_address(unpaid):
    for guess in (unpaid.id, unpaid.number):
        assert Client().get(f"/i/{guess}").status_code == 404


def test_the_reader_sees_their_own_language(unpaid):
    Customer.objects.update(preferred_locale="fr-ca")
    Invoice.objects.filter(status="open").update(locale="fr-ca")
    assert 'lang="fr-ca"' in html_of(unpaid)


def test_the_page_reads_a_fixed_number_of_rows(unpaid, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        html_of(unpaid)


def test_credits_stand_between_the_subtotal_and_the_taxes():
    invoice = Invoice(currency="cad", lines_gross=30412, credit_grants_applied=10612, total=19800)
    summary = invoice_summary(invoice, [])
    html = render_to_string("portal/_taxes.html", {"summary": summary, "total_label": "Total"})
    # 304.12 less the 106.12 that grants pay is 198.00
    assert html.index("CA$304.12") < html.index("−CA$106.12") < html.index("CA$198.00")
