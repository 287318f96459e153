"""Words and figures of the paper in the invoice's language. Called inside `translation.override`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_interval
from django.utils.translation import gettext as _, gettext_noop

from core.money_format import format_percentage, reader_locale

# Well-known tax names have a word in each language; others are printed as the merchant wrote them.
TAX_NAMES = {
    name.lower(): name
    for name in (
        gettext_noop("GST"),
        gettext_noop("QST"),
        gettext_noop("HST"),
        gettext_noop("PST"),
        gettext_noop("VAT"),
        gettext_noop("Sales tax"),
    )
}
TAX_NAMES |= {"tps": "GST", "tvq": "QST", "tvh": "HST", "tvp": "PST", "tva": "VAT"}
TAX_NUMBER_NAMES = {
    "ca_gst": gettext_noop("GST"),
    "ca_gst_hst": gettext_noop("GST/HST"),
    "ca_qst": gettext_noop("QST"),
    "ca_bn": gettext_noop("Business number"),
    "eu_vat": gettext_noop("VAT"),
    "fr_vat": gettext_noop("VAT"),
    "gb_vat": gettext_noop("VAT"),
    "ch_vat": gettext_noop("VAT"),
    "fr_siren": "SIREN",
    "fr_siret": "SIRET",
    "us_ein": "EIN",
}
WITHOUT_STATE = frozenset({"FR", "DE", "BE", "NL", "LU", "CH", "GB"})


def tax_name(display_name: str) -> str:
    """ "GST" -> "TPS" in French; "TVH/HST", which says the same twice, -> "HST" in English."""
    meant = {TAX_NAMES.get(part.strip().lower(), "") for part in display_name.split("/")}
    known = meant.pop() if len(meant) == 1 else ""
    return _(known) if known else display_name


def tax_number(type: str, value: str) -> tuple[str, str]:
    """("ca_qst", "1234") -> ("TVQ", "1234") in French; a type without a name is shown as its own code."""
    known = TAX_NUMBER_NAMES.get(type)
    return (_(known) if known else type.replace("_", " ").upper(), value)


def rate(percentage: Decimal, locale: str) -> str:
    return format_percentage(percentage.normalize(), locale)


def decimal_of(text: object) -> Decimal:
    """A percentage as a stored tax keeps it."""
    return Decimal(str(text))


def day(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    """A date in full on the seller's calendar: "5 janvier 2026"."""
    return format_date(moment.astimezone(zone), format="long", locale=reader_locale(locale))


def period(start: datetime, end: datetime, zone: ZoneInfo, locale: str) -> str:
    """ "Jan 1 – Feb 1, 2026"; one date when it is a moment."""
    babel_locale: Locale = reader_locale(locale)
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    if first == last:
        return format_date(first, format="medium", locale=babel_locale)
    return format_interval(first, last, skeleton="yMMMd", locale=babel_locale)


def address_lines(address: dict[str, str], locale: str) -> list[str]:
    """An address as it is written on an envelope; the country by its name in the reader's language."""
    country = address.get("country", "")
    state = "" if country in WITHOUT_STATE else address.get("state", "")
    if state and country == "CA" and locale.startswith("fr"):
        state = f"({state})"
    town = " ".join(part for part in (address.get("city", ""), state) if part)
    postal = address.get("postal_code", "")
    # North America writes the code after the town, continental Europe before it.
    place = f"{postal} {town}" if country in WITHOUT_STATE - {"GB"} else f"{town}  {postal}"
    name = reader_locale(locale).territories.get(country, country)
    return [line for line in (address.get("line1", ""), address.get("line2", ""), place.strip(), name) if line]
