"""The PDF of an invoice or a credit note: made once, stored with its hash, and the same bytes served for ever."""

from __future__ import annotations

import hashlib
import logging

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.text import slugify

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from invoicing.models import CreditNote, Invoice
from invoicing.pdf.credit_note import credit_note_document
from invoicing.pdf.document import invoice_document
from invoicing.pdf.logo import logo_or_nothing
from invoicing.pdf.render import render_pdf
from invoicing.pdf.selectors import discount_names
from invoicing.selectors import credit_note_by_id, credit_note_lines, invoice_by_id, invoice_lines

logger = logging.getLogger(__name__)


class DraftHasNoPdf(OstinatoError):
    code = "invoice_not_finalized"
    param = "invoice"
    message_id = gettext_noop("A draft has no PDF yet: it gets one when it is finalized. A preview can be made.")


class StoredPdfDamaged(OstinatoError):
    """The stored file is gone or is not what was stored. It is not made again: what was sent must stay provable."""

    code = "invoice_pdf_damaged"
    param = "invoice"
    message_id = gettext_noop(
        "The stored PDF of invoice %(number)s is missing or was altered. Restore it from a backup."
    )


def invoice_pdf(*, ctx: Context, merchant_id: str, invoice_id: str) -> tuple[bytes, str, str]:
    """The PDF's bytes, a file name for people, and the SHA-256 of the bytes; made and stored on first use.

    It shows the invoice as it stood then: paid when it was paid, else the amount due. Raises `InvoiceNotFound`,
    `DraftHasNoPdf`, `StoredPdfDamaged`.
    """
    invoice = invoice_by_id(merchant_id, invoice_id)
    if invoice.status == "draft":
        raise DraftHasNoPdf
    if not invoice.pdf_sha256:
        content = _render(invoice)
        if _store(invoice, content, "invoices"):
            return content, file_name(invoice), invoice.pdf_sha256
        invoice = invoice_by_id(merchant_id, invoice_id)  # another first view was quicker: its bytes are the ones
    return _stored(invoice), file_name(invoice), invoice.pdf_sha256


def credit_note_pdf(*, ctx: Context, merchant_id: str, credit_note_id: str) -> tuple[bytes, str, str]:
    """The same of a credit note: bytes, file name, SHA-256. Raises `CreditNoteNotFound`, `StoredPdfDamaged`."""
    note = credit_note_by_id(merchant_id, credit_note_id)
    name = f"credit-note-{slugify(note.number).upper() or note.id}.pdf"
    if not note.pdf_sha256:
        logo = logo_or_nothing(str(note.invoice.seller_snapshot.get("logo") or ""), merchant_id)
        content = render_pdf(credit_note_document(note, credit_note_lines(note.id), logo))
        if _store(note, content, "credit_notes"):
            return content, name, note.pdf_sha256
        note = credit_note_by_id(merchant_id, credit_note_id)
    return _stored(note), name, note.pdf_sha256


def draft_preview_pdf(*, ctx: Context, merchant_id: str, invoice_id: str) -> tuple[bytes, str]:
    """A draft on paper, marked as one and not stored; its bytes and file name. Raises `InvoiceNotFound`."""
    invoice = invoice_by_id(merchant_id, invoice_id)
    return _render(invoice), file_name(invoice)


def file_name(invoice: Invoice) -> str:
    """ "invoice-EC-0042.pdf": plain letters, whatever the number's prefix holds."""
    return f"invoice-{slugify(invoice.number or invoice.id).upper() or invoice.id}.pdf"


def _render(invoice: Invoice) -> bytes:
    lines = invoice_lines(invoice)
    logo = logo_or_nothing(str(invoice.seller_snapshot.get("logo") or ""), invoice.merchant_id)
    return render_pdf(
        invoice_document(invoice, lines, discount_names(invoice.merchant_id, lines, invoice.locale), logo)
    )


def _store(row: Invoice | CreditNote, content: bytes, folder: str) -> bool:
    """Keep the bytes, the file before the row that names it; False when somebody stored theirs in the meantime."""
    digest = hashlib.sha256(content).hexdigest()
    path = f"{folder}/{row.merchant_id}/{row.id}-{digest[:16]}.pdf"
    saved = default_storage.save(path, ContentFile(content))
    same = type(row)._default_manager.filter(merchant_id=row.merchant_id, id=row.id, pdf_sha256="")
    if not same.update(pdf=saved, pdf_sha256=digest):
        default_storage.delete(saved)
        return False
    row.pdf_sha256 = digest
    return True


def _stored(row: Invoice | CreditNote) -> bytes:
    try:
        with row.pdf.open("rb") as file:
            content: bytes = file.read()
    except (OSError, ValueError):
        content = b""
    if hashlib.sha256(content).hexdigest() != row.pdf_sha256:
        logger.error("%s: the stored PDF %s is missing or altered", row.id, row.pdf.name)
        raise StoredPdfDamaged(number=row.number)
    return content
