"""Acts: each calls one use case, once, however often its button is pressed."""

import re

import pytest
from django.core import signing
from django.urls import reverse

from customers.models import Customer
from dashboard.actions import SALT, new_action_token
from invoicing.models import Invoice
from merchants.models import Merchant
from payments.models import Charge, PaymentIntent, Refund
from subscriptions.models import Subscription
from tests.factories import catalog, customers, merchants
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR


@pytest.fixture
def shop(db) -> Merchant:
    """A sandbox, so that its customers live on a test clock: acts then happen at a fixed time."""
    return merchants.merchant(name="Érable (sandbox)", grace=3600)


@pytest.fixture
def price(shop):
    return catalog.price(merchant=shop, amount=2000)


@pytest.fixture
def ada(shop) -> Customer:
    clock = customers.clock(merchant=shop, frozen_time=NEW_YEAR)
    return customers.customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)


@pytest.fixture
def running(ada, price) -> Subscription:
    return subscription(customer=ada, prices=[price], at=NEW_YEAR)


def subscribe_data(customer, price, **more) -> dict:
    rows = {f"quantity_{n}": 1 for n in range(4)}
    return {
        "customer_id": customer.pk,
        "price_0": price.pk,
        "collection_method": "charge_automatically",
        **rows,
        **more,
    }


class TestSubscribe:
    def test_it_bills_and_shows_the_subscription(self, desk, ada, price) -> None:
        response = desk.post("subscription_new", **subscribe_data(ada, price, quantity_0=3))
        made = Subscription.objects.get()
        assert response["Location"] == reverse("dashboard:subscription", args=[made.pk])
        assert (made.status, Invoice.objects.get().total) == ("active", 6000)

    def test_a_button_pressed_twice_subscribes_once(self, desk, ada, price) -> None:
        token = new_action_token(str(desk.user.pk))
        desk.post("subscription_new", token=token, **subscribe_data(ada, price))
        second = desk.post("subscription_new", token=token, **subscribe_data(ada, price))
        assert second.status_code == 302
        assert Subscription.objects.count() == 1
        assert Charge.objects.count() == 1
        assert "done once" in desk.client.get(second["Location"]).content.decode()

    def test_a_price_of_another_currency_is_refused_in_words(self, desk, ada, price, shop) -> None:
        desk.post("subscription_new", **subscribe_data(ada, price))
        euros = catalog.price(merchant=shop, amount=900, currency="eur")
        # The page of a CAD customer does not even offer it; the answer is a form error, not a crash.
        response = desk.post("subscription_new", **subscribe_data(ada, euros))
        assert response.status_code == 422
        assert Subscription.objects.count() == 1

    def test_a_foreign_customer_is_not_there(self, desk, price) -> None:
        other = merchants.merchant(name="Elsewhere", prefix="ELSE", livemode=True)
        stranger = customers.customer(merchant=other)
        assert desk.post("subscription_new", **subscribe_data(stranger, price)).status_code == 404


class TestTokens:
    def test_a_form_without_a_token_acts_not(self, desk, running) -> None:
        invoice = Invoice.objects.get()
        response = desk.client.post(reverse("dashboard:subscription_cancel", args=[running.pk]), {"when": "now"})
        assert response.status_code == 422
        running.refresh_from_db()
        assert running.status == "active"
        assert invoice.status == "paid"

    def test_another_persons_token_acts_not(self, desk, running) -> None:
        stolen = signing.TimestampSigner(salt=SALT).sign("usr_someone:secret")
        assert desk.post("subscription_cancel", running.pk, token=stolen, when="now").status_code == 422

    def test_every_form_carries_a_token_of_its_own(self, desk, running) -> None:
        def token() -> str:
            page = desk.get("subscription_cancel", running.pk).content.decode()
            return re.search(r'name="action_token" value="([^"]+)"', page)[1]

        assert token() != token()


class TestSubscriptionActs:
    def change(self, desk, running, **more):
        item = running.items.get()
        data = {f"price_{item.pk}": item.price_id, f"quantity_{item.pk}": 5, "add_quantity": 1}
        return data | {"proration_behavior": "always_invoice"} | more

    def test_the_preview_is_what_is_billed(self, desk, running) -> None:
        data = self.change(desk, running)
        page = desk.post("subscription_change_preview", running.pk, **data).content.decode()
        moment = re.search(r'name="proration_date" value="(\d+)"', page)[1]
        shown = re.search(r'Charged now</dt><dd class="total">CA\$([\d.,]+)<', page)[1]
        desk.post("subscription_change", running.pk, **data, proration_date=moment)
        billed = Invoice.objects.order_by("-created", "-number_value").first()
        assert f"{billed.amount_due / 100:.2f}" == shown

    def test_a_change_of_nothing_is_refused_in_words(self, desk, running) -> None:
        item = running.items.get()
        data = self.change(desk, running) | {f"quantity_{item.pk}": item.quantity}
        response = desk.post("subscription_change", running.pk, **data)
        assert response.status_code == 422
        assert "already is as you ask" in response.content.decode()

    def test_cancel_at_the_periods_end_and_think_again(self, desk, running) -> None:
        desk.post("subscription_cancel", running.pk, when="period_end", feedback="unused")
        running.refresh_from_db()
        assert running.cancel_at_period_end
        desk.post("subscription_undo_cancel", running.pk)
        running.refresh_from_db()
        assert not running.cancel_at_period_end

    def test_cancel_now(self, desk, running) -> None:
        desk.post("subscription_cancel", running.pk, when="now")
        running.refresh_from_db()
        assert running.status == "canceled"
        assert desk.get("subscription_cancel", running.pk).status_code == 404  # it has ended


class TestMoney:
    def test_a_refund_of_a_part(self, desk, running) -> None:
        payment, charge = PaymentIntent.objects.get(), Charge.objects.get()
        desk.post("payment_refund", payment.pk, charge.pk, amount="7.50")
        assert Refund.objects.get().amount == 750

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("12.345", "12.345 has more decimals than CAD has (2)."),
            ("7,50", "“7,50” is not a number."),
            ("0", "The amount must be above zero."),
            ("-3", "The amount must be above zero."),
            ("20.01", "more than what is left"),
        ],
    )
    def test_a_wrong_amount_is_said_beside_its_field(self, desk, running, typed: str, said: str) -> None:
        payment, charge = PaymentIntent.objects.get(), Charge.objects.get()
        response = desk.post("payment_refund", payment.pk, charge.pk, amount=typed)
        assert response.status_code == 422
        assert said in response.content.decode()
        assert not Refund.objects.exists()

    def test_french_readers_type_a_comma(self, desk_of, running) -> None:
        payment, charge = PaymentIntent.objects.get(), Charge.objects.get()
        desk_of(language="fr-ca").post("payment_refund", payment.pk, charge.pk, amount="7,50")
        assert Refund.objects.get().amount == 750

    def test_support_may_not_send_money_back(self, desk_of, running) -> None:
        payment, charge = PaymentIntent.objects.get(), Charge.objects.get()
        assert desk_of("support").post("payment_refund", payment.pk, charge.pk, amount="5").status_code == 403


class TestInvoiceActs:
    @pytest.fixture
    def unpaid(self, shop, price) -> Invoice:
        customer = customers.customer(merchant=shop, name="Denis")
        subscription(customer=customer, prices=[price], collection_method="send_invoice", days_until_due=14)
        draft = Invoice.objects.get()
        assert draft.status == "draft"
        return draft

    def finalized(self, desk, draft: Invoice) -> Invoice:
        assert desk.post("invoice_finalize", draft.pk).status_code == 302
        draft.refresh_from_db()
        assert (draft.status, draft.number) == ("open", "INV-0001")
        return draft

    def test_finalize_then_void(self, desk, unpaid) -> None:
        invoice = self.finalized(desk, unpaid)
        desk.post("invoice_void", invoice.pk)
        invoice.refresh_from_db()
        assert invoice.status == "void"
        response = desk.post("invoice_void", invoice.pk)
        assert response.status_code == 422
        assert "void already" in response.content.decode()

    def test_write_off_then_a_transfer_arrives(self, desk, unpaid) -> None:
        invoice = self.finalized(desk, unpaid)
        desk.post("invoice_uncollectible", invoice.pk)
        desk.post("invoice_record_payment", invoice.pk, amount="20", note="transfer 42")
        invoice.refresh_from_db()
        assert invoice.status == "paid"
        assert "transfer 42" in desk.get("invoice", invoice.pk).content.decode()

    def test_charging_without_a_method_says_so(self, desk, unpaid) -> None:
        invoice = self.finalized(desk, unpaid)
        response = desk.post("invoice_pay", invoice.pk, payment_method="")
        told = response.content.decode() if response.status_code == 422 else ""
        told = told or desk.client.get(response["Location"]).content.decode()
        assert "no payment method" in told
        invoice.refresh_from_db()
        assert invoice.status == "open"

    def test_the_pdf_opens(self, desk, unpaid) -> None:
        response = desk.get("invoice_pdf", self.finalized(desk, unpaid).pk)
        assert response["Content-Type"] == "application/pdf"
        assert response.content.startswith(b"%PDF")

    def test_a_draft_has_no_pdf_and_says_so(self, desk, unpaid) -> None:
        response = desk.get("invoice_pdf", unpaid.pk)
        assert response["Location"] == reverse("dashboard:invoice", args=[unpaid.pk])


class TestOneOff:
    def test_an_amount_waits_then_is_invoiced(self, desk, ada) -> None:
        desk.post("customer_add_amount", ada.pk, amount="30", description="Mug")
        page = desk.get("customer", ada.pk).content.decode()
        assert "Mug" in page
        response = desk.post("customer_invoice_now", ada.pk, collection_method="charge_automatically")
        invoice = Invoice.objects.get()
        assert response["Location"] == reverse("dashboard:invoice", args=[invoice.pk])
        assert (invoice.lines_gross, invoice.subscription_id) == (3000, None)

    def test_an_amount_of_nothing_is_refused(self, desk, ada) -> None:
        response = desk.post("customer_add_amount", ada.pk, amount="0", description="Air")
        assert "must not be zero" in response.content.decode()

    def test_a_deleted_draft_gives_its_amounts_back(self, desk, ada) -> None:
        desk.post("customer_add_amount", ada.pk, amount="30", description="Mug")
        desk.post("customer_invoice_now", ada.pk, collection_method="send_invoice")
        draft = Invoice.objects.get(status="draft")
        desk.post("invoice_delete_draft", draft.pk)
        assert not Invoice.objects.exists()
        assert "Mug" in desk.get("customer", ada.pk).content.decode()

    def test_a_subscriptions_draft_cannot_be_deleted(self, desk, shop, price) -> None:
        customer = customers.customer(merchant=shop)
        subscription(customer=customer, prices=[price], collection_method="send_invoice", days_until_due=14)
        assert desk.get("invoice_delete_draft", Invoice.objects.get().pk).status_code == 404


class TestPauses:
    def test_the_service_rests_and_goes_on(self, desk, running) -> None:
        desk.post("subscription_pause", running.pk, what="service")
        running.refresh_from_db()
        assert running.status == "paused"
        assert "nothing is billed" in desk.get("subscription", running.pk).content.decode()
        desk.post("subscription_resume", running.pk, billing_cycle_anchor="unchanged")
        running.refresh_from_db()
        assert running.status == "active"

    def test_only_collection_rests(self, desk, running) -> None:
        desk.post("subscription_pause", running.pk, what="keep_as_draft")
        running.refresh_from_db()
        assert (running.status, running.pause_behavior) == ("active", "keep_as_draft")
        assert "Collection is paused" in desk.get("subscription", running.pk).content.decode()
        desk.post("subscription_resume", running.pk, billing_cycle_anchor="now")
        running.refresh_from_db()
        assert running.pause_behavior == ""


class TestCreditNotes:
    def test_a_part_of_a_paid_invoice_goes_back_to_the_card(self, desk, running) -> None:
        invoice = Invoice.objects.get()
        desk.post("invoice_credit", invoice.pk, amount="5", destination="refund_amount", memo="Sorry")
        note = invoice.credit_notes.get()
        assert (note.total, note.refund_amount, Refund.objects.get().amount) == (500, 500, 500)
        page = desk.get("invoice", invoice.pk).content.decode()
        assert note.number in page
        assert "CA$5.00 refunded" in page

    def test_what_is_not_paid_yet_is_lowered_first_and_can_be_due_again(self, desk, shop, price) -> None:
        customer = customers.customer(merchant=shop)
        subscription(customer=customer, prices=[price], collection_method="send_invoice", days_until_due=14)
        invoice = Invoice.objects.get()
        desk.post("invoice_finalize", invoice.pk)
        desk.post("invoice_credit", invoice.pk, amount="5", destination="refund_amount")
        invoice.refresh_from_db()
        assert invoice.amount_remaining == 1500
        desk.post("credit_note_void", invoice.pk, invoice.credit_notes.get().pk)
        invoice.refresh_from_db()
        assert invoice.amount_remaining == 2000

    def test_more_than_was_billed_is_refused(self, desk, running) -> None:
        response = desk.post("invoice_credit", Invoice.objects.get().pk, amount="21", destination="refund_amount")
        assert response.status_code == 422
        assert "left of the invoice" in response.content.decode()
