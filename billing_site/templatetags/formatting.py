"""How templates show money, dates, shares, statuses: always in the reader's locale, by Babel."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from babel import dates, numbers
from django import template
from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing_site.brand import parse_hex
from billing_site.status_words import status_tone, status_word
from core.money_format import format_money, format_percentage, format_unit_amount, reader_locale as babel_locale

register = template.Library()
NOTHING = "–"


def reader_locale() -> str:
    """Babel's name of the active language: fr-ca -> fr_CA."""
    return translation.to_locale(translation.get_language() or settings.LANGUAGE_CODE)


@register.filter
def money(amount: int | Decimal | None, currency: str) -> str:
    """Minor units as a price: 1999 CAD -> $19.99 in English, 19,99 $ in Canadian French."""
    if amount is None or amount == "" or not currency:
        return NOTHING
    return format_money(int(amount), currency, reader_locale())


@register.filter
def less(amount: int | None, currency: str) -> str:
    """What an amount takes off: 500 -> −$5.00. A discount that goes back with a credit adds: -149 -> $1.49."""
    return f"−{money(amount, currency)}" if amount is None or amount >= 0 else money(-amount, currency)


@register.filter
def unit_money(amount: Decimal | None, currency: str) -> str:
    """A unit price in minor units, fractions of them included."""
    return NOTHING if amount is None else format_unit_amount(Decimal(amount), currency, reader_locale())


@register.filter
def local_date(moment: date | datetime | None, width: str = "medium") -> str:
    """A date in the reader's words, on the merchant's calendar (the active time zone)."""
    if not moment:
        return NOTHING
    if isinstance(moment, datetime):
        moment = moment.astimezone(timezone.get_current_timezone()).date()
    return dates.format_date(moment, format=width, locale=babel_locale(reader_locale()))


@register.filter
def local_datetime(moment: datetime | None, width: str = "medium") -> str:
    """An instant in the reader's words and the active time zone, without seconds."""
    if not moment:
        return NOTHING
    local = moment.astimezone(timezone.get_current_timezone())
    locale = babel_locale(reader_locale())
    time = dates.format_time(local.time(), format="short", locale=locale)
    return f"{dates.format_date(local, format=width, locale=locale)}, {time}"


@register.filter
def month_of(moment: datetime, skeleton: str = "yMMM") -> str:
    """The month that an instant ends or lies in: a boundary at midnight belongs to the month before."""
    moment = (moment - timedelta(microseconds=1)).astimezone(timezone.get_current_timezone())
    return dates.format_skeleton(skeleton, moment, locale=babel_locale(reader_locale()))


@register.filter
def percentage(share: Decimal | float | None, digits: int = 1) -> str:
    """A share of one as a percentage: 0.034 -> 3.4 %."""
    if share is None:
        return NOTHING
    return format_percentage(round(Decimal(share) * 100, int(digits)).normalize(), reader_locale())


@register.filter
def signed_percentage(share: Decimal | None) -> str:
    """A change: 0.042 -> +4.2%. The sign is always there, so that colour is not alone in saying it."""
    if share is None:
        return NOTHING
    words = percentage(abs(share))
    return words if not round(share, 3) else f"{'+' if share > 0 else '−'}{words}"


@register.filter
def percent(points: Decimal | None) -> str:
    """Percent points as written on a coupon or a tax rate: 9.975 -> 9.975%."""
    return NOTHING if points is None else format_percentage(points, reader_locale())


@register.filter
def number(value: int | Decimal | None) -> str:
    return NOTHING if value is None else numbers.format_decimal(value, locale=babel_locale(reader_locale()))


@register.filter
def country_name(code: str) -> str:
    """CA -> Canada, in the reader's words; a code that is unknown is shown as it is."""
    return babel_locale(reader_locale()).territories.get(code, code)


@register.filter
def language_name(code: str) -> str:
    """fr-ca -> French (Canada), in the reader's words."""
    return babel_locale(code).get_display_name(babel_locale(reader_locale())) or code if code else NOTHING


@register.filter
def status_pill(status: str) -> SafeString | str:
    """A status as a coloured pill; the word carries the meaning, the colour only repeats it."""
    if not status:
        return NOTHING
    return format_html('<span class="pill pill-{}">{}</span>', status_tone(status), status_word(status))


@register.filter
def brand_css_url(colour: str) -> str:
    return reverse("brand_css", args=[parse_hex(colour)])


@register.filter
def language_label(code: str) -> str:
    """The short name in the language switch: each language once, Canadian French as plain FR."""
    return {"en": "EN", "fr-ca": "FR", "fr": "FR-FR"}.get(code, code.upper())


@register.filter
def get_item(mapping: dict, key: str):
    return mapping.get(key)
