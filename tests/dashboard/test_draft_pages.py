"""A draft's lines on its page, a grant's name and expiry, and coupons of single items."""

import pytest

from customers.granting import create_credit_grant
from customers.models import CreditGrant
from engine.services.finalize import finalize_invoice
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice
from engine.services.renew import run_renewals
from invoicing.models import Invoice, InvoiceItem, InvoiceLine
from subscriptions.models import Discount, Subscription
from tests.factories import catalog, customers, merchants, usage
from tests.factories.signups import subscription
from tests.factories.times import context, utc

FEB_1 = utc(2024, 2, 1)


@pytest.fixture
def shop(db):
    return merchants.merchant(name="Érable (sandbox)", grace=3600)


@pytest.fixture
def ada(shop):
    clock = customers.clock(merchant=shop, frozen_time=FEB_1)
    return customers.customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)


@pytest.fixture
def draft(ada):
    ids = {"ctx": context(FEB_1), "merchant_id": ada.merchant_id}
    create_invoice_item(**ids, customer_id=ada.pk, amount=700, currency="cad", description="Set-up")
    return Invoice.objects.get(id=create_invoice(**ids, customer_id=ada.pk, currency="cad"))


def lines() -> list[tuple[str, int, int]]:
    return list(InvoiceLine.objects.order_by("position").values_list("description", "quantity", "amount"))


def total(draft) -> int:
    draft.refresh_from_db()
    return draft.total


class TestLines:
    def test_an_amount_and_a_one_time_price_are_added(self, desk, draft, shop):
        book = catalog.one_time_price(merchant=shop, amount=2500)
        empty = {"price_id": "", "unit_amount": "", "description": "", "quantity": 1}
        desk.post("draft_line_new", draft.pk, **empty | {"unit_amount": "-1.005", "quantity": 3, "description": "Off"})
        desk.post("draft_line_new", draft.pk, **empty | {"price_id": book.pk, "quantity": 2})
        assert lines() == [("Set-up", 1, 700), ("Off", 3, -302), ("Coffee box", 2, 5000)]  # 3 × -100.5 = -301.5
        assert total(draft) == 700 - 302 + 5000

    def test_either_a_price_or_an_amount(self, desk, draft, shop):
        book = catalog.one_time_price(merchant=shop, amount=2500)
        both = {"price_id": book.pk, "unit_amount": "1", "quantity": 1, "description": ""}
        assert "Either a price or an amount" in desk.post("draft_line_new", draft.pk, **both).content.decode()
        neither = {"price_id": "", "unit_amount": "", "quantity": 1, "description": "Nothing"}
        assert desk.post("draft_line_new", draft.pk, **neither).status_code == 422
        assert lines() == [("Set-up", 1, 700)]

    def test_a_line_is_changed_and_one_that_is_sent_back_stays_as_it_is(self, desk, draft):
        line = InvoiceLine.objects.get()
        page = desk.get("draft_line_change", draft.pk, line.pk).content.decode()
        assert 'value="7"' in page
        same = {"price_id": "", "unit_amount": "7", "quantity": 1, "description": "Set-up"}
        assert desk.post("draft_line_change", draft.pk, line.pk, **same).status_code == 302
        assert lines() == [("Set-up", 1, 700)]
        changed = same | {"unit_amount": "2.50", "quantity": 3, "description": "Visits"}
        desk.post("draft_line_change", draft.pk, line.pk, **changed)
        assert (lines(), total(draft)) == ([("Visits", 3, 750)], 750)

    def test_a_line_that_is_taken_off_waits_or_is_gone(self, desk, draft):
        line = InvoiceLine.objects.get()
        desk.post("draft_line_remove", draft.pk, line.pk, what="waits")
        assert (lines(), InvoiceItem.objects.get().invoice_id) == ([], "")
        desk.post("draft_line_new", draft.pk, price_id="", unit_amount="5", quantity=1, description="Other")
        desk.post("draft_line_remove", draft.pk, InvoiceLine.objects.get().pk, what="gone")
        assert (lines(), InvoiceItem.objects.filter(deleted_at=None).count(), total(draft)) == ([], 1, 0)

    def test_a_renewals_draft_takes_lines_and_keeps_its_own(self, desk, ada, shop):
        """Of the subscription's own line the words alone change, and it is not taken off."""
        subscription(customer=ada, prices=[catalog.price(merchant=shop, amount=1000)])
        run_renewals(ctx=context(FEB_1), clock_id=ada.test_clock_id)
        draft = Invoice.objects.get(status="draft")
        own = InvoiceLine.objects.get(invoice=draft)
        desk.post("draft_line_new", draft.pk, price_id="", unit_amount="5", quantity=1, description="Delivery")
        assert total(draft) == 1500
        assert "unit_amount" not in desk.get("draft_line_change", draft.pk, own.pk).content.decode()
        desk.post("draft_line_change", draft.pk, own.pk, description="February")
        own.refresh_from_db()
        assert (own.description, own.amount, total(draft)) == ("February", 1000, 1500)
        assert desk.get("draft_line_remove", draft.pk, own.pk).status_code == 404

    def test_only_a_draft_and_only_by_who_may(self, desk_of, draft, ada):
        line = InvoiceLine.objects.get()
        reader = desk_of("viewer")
        assert reader.get("draft_line_new", draft.pk).status_code == 403
        assert "Add a line" not in reader.get("invoice", draft.pk).content.decode()
        finalize_invoice(ctx=context(FEB_1), merchant_id=draft.merchant_id, invoice_id=draft.pk)
        assert desk_of().get("draft_line_change", draft.pk, line.pk).status_code == 404


def test_a_grant_gets_another_name_and_expiry(desk, ada):
    ids = {"ctx": context(FEB_1), "merchant_id": ada.merchant_id}
    expiry = utc(2024, 6, 1, 10, 30).replace(second=12)
    given = create_credit_grant(**ids, customer_id=ada.pk, amount=500, currency="cad", name="Old", expires_at=expiry)
    shown = desk.get("customer_change_grant", ada.pk, given.pk).context["form"]["expires_at"].value()
    as_shown = shown.strftime("%Y-%m-%dT%H:%M:%S")
    desk.post("customer_change_grant", ada.pk, given.pk, name="Welcome", expires_at=as_shown)
    given = CreditGrant.objects.get()
    assert (given.name, given.expires_at) == ("Welcome", expiry)
    desk.post("customer_change_grant", ada.pk, given.pk, name="Welcome", expires_at="")
    assert CreditGrant.objects.get().expires_at is None
    past = desk.post("customer_change_grant", ada.pk, given.pk, name="Welcome", expires_at="2024-01-01T00:00")
    assert past.status_code == 422


class TestCouponsOfItems:
    @pytest.fixture
    def off(self, shop):
        return catalog.coupon(merchant=shop, percent_off=50, duration="forever", name="Half")

    def test_a_new_subscription_discounts_one_of_its_items(self, desk, ada, shop, off):
        """1000 whole and 3000 at half: 2500."""
        whole, half = catalog.price(merchant=shop, amount=1000), catalog.price(merchant=shop, amount=3000)
        rows = {f"quantity_{n}": 1 for n in range(4)} | {"price_0": whole.pk, "price_1": half.pk, "coupon_1": off.pk}
        desk.post("subscription_new", customer_id=ada.pk, collection_method="charge_automatically", **rows)
        assert Invoice.objects.get().total == 2500

    def test_an_items_coupon_is_kept_given_and_taken_away(self, desk, ada, shop, off):
        sub = subscription(customer=ada, prices=[catalog.price(merchant=shop, amount=1000)], at=FEB_1)
        item = sub.items.get()
        data = {"proration_behavior": "none", "add_quantity": 1, f"price_{item.pk}": item.price_id}
        data |= {f"quantity_{item.pk}": 1}
        desk.post("subscription_change", sub.pk, **data, **{f"coupon_{item.pk}": off.pk})
        live = Discount.objects.filter(subscription=sub, deleted_at=None)
        assert live.get().subscription_item_id == item.pk
        assert "Half" in desk.get("subscription_change", sub.pk).content.decode()
        kept = data | {f"quantity_{item.pk}": 2, f"coupon_{item.pk}": "keep"}
        desk.post("subscription_change", sub.pk, **kept)
        assert (live.count(), sub.items.get().quantity) == (1, 2)
        desk.post("subscription_change", sub.pk, **kept | {f"coupon_{item.pk}": ""})
        assert not live.exists()


def test_what_a_percentage_is_taken_of_is_shown_as_money(desk_of, ada, shop):
    """2.9 % of 1,000.00: the page says the amount, not so many cents."""
    fees = usage.metered_price(meter=usage.meter(merchant=shop), amount=0, percentage="2.9")
    subscription(customer=ada, prices=[fees])
    usage.report(ada, 100_000, utc(2024, 1, 10), reported=utc(2024, 1, 10))
    run_renewals(ctx=context(FEB_1), clock_id=ada.test_clock_id)
    draft = Invoice.objects.get(status="draft")
    assert draft.total == 2900
    page = desk_of().get("invoice", draft.pk).content.decode()
    assert '<td class="num wide-only">CA$1,000.00</td>' in page
    french = desk_of(language="fr-ca").get("invoice", draft.pk).content.decode().replace("\xa0", " ")
    assert "1 000,00" in french
    assert "Ajouter une ligne" in french
    assert Subscription.objects.count() == 1
