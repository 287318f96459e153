"""The database itself says no: what is finalized is frozen, what is billed is billed once, numbers have no gaps."""

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from events.copying import DATABASE_ERRORS, Row, insert_rows
from invoicing.models import Invoice, InvoiceLine, InvoiceLineTax, NumberSeries
from invoicing.writes import allow_erasure, take_numbers
from subscriptions.models import BilledPeriod
from tests.factories.catalog import price, tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import utc

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid():
    """A paid invoice of 10.00 with its line and tax."""
    shop = merchant()
    rate = tax_rate(merchant=shop)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=owner, prices=[price(merchant=shop)], default_tax_rate_ids=(rate.id,))
    return Invoice.objects.get()


def refused(statement, *args):
    """Whether the database refuses the statement, and nothing of it stays."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, args)
    except DATABASE_ERRORS as error:
        return str(error)
    return ""


class TestFinalizedPaper:
    @pytest.mark.parametrize(
        "change",
        [
            "total = total + 1, lines_gross = lines_gross + 1",
            "amount_due = 999, amount_paid = 999, balance_applied = 1",
            "number = 'INV-9999'",
            "number_value = 9999",
            "currency = 'eur'",
            "seller_snapshot = '{}'",
            "customer_snapshot = '{}'",
            "finalized_at = finalized_at + interval '1 day'",
            "hosted_token = 'guessed'",
            "status = 'draft', number = NULL, number_value = NULL",
        ],
    )
    def test_refuses_to_change(self, paid, change):
        assert "frozen" in refused(f"UPDATE invoicing_invoice SET {change}") or "draft" in change

    def test_lets_status_metadata_and_payments_move(self, paid):
        assert not refused("""UPDATE invoicing_invoice SET metadata = '{"a": 1}', attempt_count = 7, version = 9""")

    def test_is_never_deleted(self, paid):
        assert "may not be deleted" in refused("DELETE FROM invoicing_invoice WHERE id = %s", paid.id)

    def test_keeps_its_lines(self, paid):
        assert "frozen" in refused("DELETE FROM invoicing_invoiceline")
        assert "frozen" in refused("UPDATE invoicing_invoiceline SET amount = 1")
        assert "frozen" in refused("DELETE FROM invoicing_invoicelinetax")
        assert (InvoiceLine.objects.count(), InvoiceLineTax.objects.count()) == (1, 1)

    def test_takes_no_further_line(self, paid):
        line = Row(InvoiceLine.objects.values().get())
        with pytest.raises(psycopg.Error, match="no line may be added"), transaction.atomic():
            insert_rows(InvoiceLine, [line | {"id": "il_late"}])

    def test_may_be_erased_by_the_one_named_function(self, paid):
        with transaction.atomic():
            allow_erasure()
            InvoiceLineTax.objects.all().delete()
            InvoiceLine.objects.all().delete()
        assert not InvoiceLine.objects.exists()

    def test_cannot_be_paid_with_something_left(self, paid):
        assert "invoice_paid_has_nothing_left" in refused("UPDATE invoicing_invoice SET amount_remaining = 5")


class TestBilledOnce:
    def test_a_period_cannot_be_billed_twice(self, paid):
        period = Row(BilledPeriod.objects.values().get())
        with pytest.raises(psycopg.errors.UniqueViolation, match="billed_once"), transaction.atomic():
            insert_rows(BilledPeriod, [period | {"id": "bp_again"}])

    def test_a_reversed_one_may(self, paid):
        BilledPeriod.objects.update(reversed_at=utc(2024, 1, 2))
        period = Row(BilledPeriod.objects.values().get())
        insert_rows(BilledPeriod, [period | {"id": "bp_again", "reversed_at": None}])
        assert BilledPeriod.objects.count() == 2


class TestNumbers:
    def test_the_same_number_is_refused(self, paid):
        again = Row(Invoice.objects.values().get()) | {"id": "in_again", "hosted_token": "other"}
        with pytest.raises(psycopg.errors.UniqueViolation, match="invoice_number_once"), transaction.atomic():
            insert_rows(Invoice, [again])

    def test_a_rollback_gives_its_block_back(self, paid):
        series = NumberSeries.objects.get()
        with transaction.atomic():
            block = take_numbers({series.billing_entity_id: 5})[series.billing_entity_id]
            transaction.set_rollback(True)
        assert (block.first, block.count) == (2, 5)
        assert take_numbers({series.billing_entity_id: 1})[series.billing_entity_id].first == 2

    def test_a_series_only_goes_up(self, paid):
        assert "only goes up" in refused("UPDATE invoicing_numberseries SET next_number = 1")

    def test_a_finalized_invoice_without_a_number_is_refused(self, paid):
        bare = Row(Invoice.objects.values().get()) | {"id": "in_bare", "number": None, "hosted_token": "other"}
        with pytest.raises((IntegrityError, psycopg.Error)), transaction.atomic():
            insert_rows(Invoice, [bare | {"number_value": None}])
