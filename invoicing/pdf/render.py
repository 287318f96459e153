"""Set an invoice's words on pages with WeasyPrint. Reads no network and no file but our fonts and style sheet."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from core.collector import collector_paused
from invoicing.pdf.document import InvoiceDocument

STYLE_SHEET = Path(__file__).with_name("invoice.css")
# A file for each weight that the style sheet names: of the variable font that pages use, each PDF would reckon
# its own weights out again, half of its whole time.
FONT_FILES = "node_modules/@fontsource/inter/files/inter-{subset}-{weight}-normal.woff2"
SUBSETS = {"Inter": "latin", "Inter Extended": "latin-ext"}
WEIGHTS = (400, 500, 600, 700)


@dataclass(frozen=True, slots=True)
class _Look:
    css: CSS
    fonts: FontConfiguration


_look: _Look | None = None
# Pango's font configuration is shared, and a second thread would only wait for the interpreter anyway.
_one_at_a_time = threading.Lock()


def render_pdf(document: InvoiceDocument) -> bytes:
    """The document as a PDF: about 0.1 s a page once the style sheet and fonts were read."""
    html = render_to_string(
        "invoicing/pdf/invoice.html",
        {
            "doc": document,
            "parties": [
                (document.seller, document.labels["from"]),
                (document.buyer, document.labels["bill_to"]),
            ],
        },
    )
    with _one_at_a_time, collector_paused():
        look = _loaded_look()
        # A logo comes as a data URI; whatever an SVG inside it asks for is refused.
        page = HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",)))
        pdf: bytes = page.write_pdf(stylesheets=[look.css], font_config=look.fonts)
    return pdf


def _loaded_look() -> _Look:
    global _look
    if _look is None:
        fonts = FontConfiguration()
        faces = "".join(_font_face(family, weight) for family in SUBSETS for weight in WEIGHTS)
        fetcher = URLFetcher(allowed_protocols=("file",))
        text = faces + STYLE_SHEET.read_text(encoding="utf-8")
        _look = _Look(CSS(string=text, font_config=fonts, url_fetcher=fetcher), fonts)
    return _look


def _font_face(family: str, weight: int) -> str:
    """An @font-face rule; without the npm parts nothing, and the system's DejaVu is used."""
    file = Path(settings.BASE_DIR) / FONT_FILES.format(subset=SUBSETS[family], weight=weight)
    if not file.exists():
        return ""
    source = file.resolve().as_uri()
    return f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("{source}") format("woff2") }}\n'
