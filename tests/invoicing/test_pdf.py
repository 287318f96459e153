"""The invoice's PDF: what it says, in which language, and that its bytes never change."""

import hashlib
import io
import logging
import re
import threading

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from django.utils import translation
from PIL import Image
from pypdf import PdfReader

from invoicing.models import Invoice
from invoicing.pdf import render, service
from invoicing.pdf.logo import LogoBroken, LogoMissing, printable_logo
from invoicing.pdf.service import DraftHasNoPdf, StoredPdfDamaged, draft_preview_pdf, invoice_pdf
from invoicing.pdf.words import tax_name
from invoicing.selectors import InvoiceNotFound
from subscriptions.models import Discount
from tests.factories.catalog import coupon
from tests.factories.customers import customer, tax_id
from tests.factories.merchants import merchant
from tests.factories.times import NEW_YEAR, context
from tests.invoicing.paper import paper_invoice

pytestmark = pytest.mark.django_db


def text_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    # Layout spaces (narrow, no-break) are a matter of the font; figures are compared with plain ones.
    return "\n".join(page.extract_text() for page in pages).replace(" ", " ").replace("\xa0", " ")


def pdf_text(invoice: Invoice) -> str:
    content, _, _ = invoice_pdf(ctx=context(), merchant_id=invoice.merchant_id, invoice_id=invoice.id)
    return text_of(content)


@pytest.fixture
def shop():
    return merchant(timezone="America/Toronto", locale="fr-ca")


@pytest.fixture
def ada(shop):
    return customer(merchant=shop)


class TestWhatItSays:
    def test_english_figures_parties_and_numbers(self, shop, ada):
        tax_id(customer=ada)
        text = pdf_text(paper_invoice(merchant=shop, customer=ada, lines=2))
        for part in (
            "Invoice", "EC-0042", "January 5, 2024", "Paid",
            "Érable & Cie inc.", "1 rue du Sirop", "GST/HST 123456789RT0001",
            "Ada Tremblay", "GST/HST 987654321RT0001",
            "CA$50.00", "CA$200.00",  # unit price, subtotal
            "GST 5% on CA$200.00", "CA$10.00", "QST 9.975%", "CA$19.96",
            "CA$229.96",  # 2 x 114.98
            "CA$0.00",  # nothing left to pay
            "page 1 / 1",
        ):  # fmt: skip
            assert part in text

    def test_french_words_and_figures(self, shop, ada):
        text = pdf_text(paper_invoice(merchant=shop, customer=ada, locale="fr-ca", status="open"))
        for part in ("Facture", "Montant dû", "114,98 $", "TPS 5 %", "TVQ 9,975 %", "5 janvier 2024", "Facturé à"):
            assert part in text

    def test_discounts_by_name(self, shop, ada):
        given = Discount.objects.create(
            merchant=shop, coupon=coupon(merchant=shop, percent_off=20, name="Welcome"), customer=ada,
            start=NEW_YEAR, created=NEW_YEAR, recorded_at=NEW_YEAR,
        )  # fmt: skip
        text = pdf_text(paper_invoice(merchant=shop, customer=ada, discount=2000, discount_id=given.id))
        assert "Welcome (20% off)" in text
        assert "−CA$20.00" in text

    def test_amounts_without_decimals(self, shop, ada):
        text = pdf_text(paper_invoice(merchant=shop, customer=ada, currency="jpy"))
        assert "¥11,498" in text

    def test_many_lines_run_over_numbered_pages(self, shop, ada):
        text = pdf_text(paper_invoice(merchant=shop, customer=ada, lines=32))
        assert "page 3 / 3" in text
        assert text.count("Unit price") == 3, "the table's head is repeated"

    def test_a_void_invoice_says_so(self, shop, ada):
        assert "VOID" in pdf_text(paper_invoice(merchant=shop, customer=ada, status="void"))

    def test_speaks_from_the_snapshot_and_not_of_today(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada)
        shop.billing_entities.update(legal_name="Someone else")
        ada.name = "Ada Married"
        ada.save()
        text = pdf_text(invoice)
        assert "Érable & Cie inc." in text
        assert "Ada Tremblay" in text

    def test_an_unknown_locale_is_no_obstacle(self, shop, ada):
        assert "Invoice" in pdf_text(paper_invoice(merchant=shop, customer=ada, locale="xx-yy"))


class TestStoredOnce:
    def test_the_same_bytes_for_ever(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada, status="open")
        ask = dict(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id)
        first, name, digest = invoice_pdf(**ask)
        assert (name, digest) == ("invoice-EC-0042.pdf", hashlib.sha256(first).hexdigest())
        Invoice.objects.filter(id=invoice.id).update(description="changed afterwards")
        assert invoice_pdf(**ask) == (first, name, digest)

    def test_a_lost_file_is_told_and_not_made_again(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada)
        ask = dict(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id)
        invoice_pdf(**ask)
        default_storage.delete(Invoice.objects.get(id=invoice.id).pdf.name)
        with pytest.raises(StoredPdfDamaged):
            invoice_pdf(**ask)

    def test_a_draft_has_none_but_can_be_previewed(self, shop, ada):
        draft = paper_invoice(merchant=shop, customer=ada, status="draft")
        with pytest.raises(DraftHasNoPdf):
            invoice_pdf(ctx=context(), merchant_id=shop.id, invoice_id=draft.id)
        content, _ = draft_preview_pdf(ctx=context(), merchant_id=shop.id, invoice_id=draft.id)
        assert "DRAFT" in text_of(content)
        assert not Invoice.objects.get(id=draft.id).pdf

    def test_another_merchant_sees_nothing(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada)
        with pytest.raises(InvoiceNotFound):
            invoice_pdf(ctx=context(), merchant_id=merchant(prefix="B-").id, invoice_id=invoice.id)


@pytest.mark.django_db(transaction=True)
def test_two_first_views_at_once_store_one_and_serve_the_same(monkeypatch):
    shop = merchant()
    invoice = paper_invoice(merchant=shop, customer=customer(merchant=shop))
    both_rendered = threading.Barrier(2, timeout=20)
    served: list[bytes] = []
    marks = iter([b"one", b"other"])

    def slow_render(invoice):
        mark = next(marks)
        both_rendered.wait()
        return b"%PDF " + mark

    monkeypatch.setattr(service, "_render", slow_render)

    def view():
        try:
            served.append(invoice_pdf(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id)[0])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=view) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(served) == 2
    assert served[0] == served[1]
    _, files = default_storage.listdir(f"invoices/{shop.id}")
    assert len(files) == 1


class TestLogo:
    def picture(self) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (200, 60), "#b3541e").save(out, "PNG")
        return out.getvalue()

    def test_a_picture_is_printed(self, shop, ada):
        shop.logo.save("shop.png", ContentFile(self.picture()))
        content, _, _ = invoice_pdf(
            ctx=context(), merchant_id=shop.id, invoice_id=paper_invoice(merchant=shop, customer=ada).id
        )
        assert len(PdfReader(io.BytesIO(content)).pages[0].images) == 1

    def test_a_drawing_is_printed_and_reads_no_file(self):
        name = default_storage.save(
            "logos/drawing.svg", ContentFile(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
        )
        assert printable_logo(name).startswith("data:image/svg+xml;base64,")

    def test_without_a_file_the_name_stands_there_and_the_log_tells(self, shop, ada, caplog):
        shop.logo = "logos/lost.png"
        shop.save()
        with caplog.at_level(logging.WARNING):
            text = pdf_text(paper_invoice(merchant=shop, customer=ada))
        assert text.startswith("Érable & Cie Invoice")
        assert "logos/lost.png is missing" in caplog.text

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"not a picture", id="text"),
            pytest.param(b"<html></html>", id="a page"),
            pytest.param(b'<!DOCTYPE s [<!ENTITY a "aa">]><svg>&a;</svg>', id="entities that grow"),
        ],
    )
    def test_a_broken_one_is_named(self, content):
        name = default_storage.save("logos/broken.png", ContentFile(content))
        with pytest.raises(LogoBroken):
            printable_logo(name)

    @pytest.mark.parametrize("name", ["logos/nothing.png", "../../etc/passwd"])
    def test_a_missing_one_is_named(self, name):
        with pytest.raises(LogoMissing):
            printable_logo(name)


@pytest.mark.parametrize(
    ("given", "english", "french"),
    [
        ("GST", "GST", "TPS"),
        ("TVQ", "QST", "TVQ"),
        ("TVH/HST", "HST", "TVH"),
        ("GST/HST", "GST/HST", "GST/HST"),  # two taxes, not one said twice
        ("Eco fee", "Eco fee", "Eco fee"),
    ],
)
def test_well_known_taxes_have_a_word_in_each_language(given, english, french):
    with translation.override("en"):
        assert tax_name(given) == english
    with translation.override("fr-ca"):
        assert tax_name(given) == french


def test_every_weight_of_the_style_sheet_has_a_font_file_of_its_own():
    named = {int(weight) for weight in re.findall(r"font-weight: (\d+)", render.STYLE_SHEET.read_text())}
    assert named <= set(render.WEIGHTS)
    assert all(render._font_face(family, weight) for family in render.SUBSETS for weight in named)
