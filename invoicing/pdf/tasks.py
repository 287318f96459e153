"""Make an invoice's PDF in the background."""

from __future__ import annotations

from django.utils import timezone

from core.context import Context
from invoicing.pdf.service import invoice_pdf


def make_pdf(merchant_id: str, invoice_id: str) -> str:
    """Make and store the PDF when there is none yet. Returns its SHA-256."""
    wall = timezone.now()
    ctx = Context(as_of=wall, recorded_at=wall)
    return invoice_pdf(ctx=ctx, merchant_id=merchant_id, invoice_id=invoice_id)[2]
