"""The languages that a customer wishes for, and which of them is spoken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from babel import Locale, UnknownLocaleError

from core.errors import OstinatoError, gettext_noop

SPOKEN = frozenset({"en", "fr"})  # languages of the pages, mails and papers


class UnknownLocale(OstinatoError):
    code = "locale_invalid"
    param = "preferred_locale"
    message_id = gettext_noop("“%(locale)s” is not a language we know.")


def parse_locale(text: str) -> str:
    """A language tag as Django writes it: "fr_CA" -> "fr-ca", "zh-CN" -> "zh-hans-cn". Raises `UnknownLocale`."""
    tag = text.strip().replace("_", "-")
    try:
        found = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        raise UnknownLocale(locale=text[:20]) from None
    stored = str(found).replace("_", "-").lower()
    if len(tag) > 10 or len(stored) > 10 or not tag.lower().startswith(found.language):
        raise UnknownLocale(locale=text[:20])
    return stored


def wished_locales(given: Sequence[str]) -> dict[str, Any]:
    """All that were sent, and the first of them that pages and papers speak, else the first. Raises `UnknownLocale`."""
    parsed = []
    for number, one in enumerate(given):
        try:
            parsed.append(parse_locale(one))
        except UnknownLocale as unknown:
            unknown.param = f"preferred_locales[{number}]"
            raise
    spoken = (one for one in parsed if one.partition("-")[0] in SPOKEN)
    return {"preferred_locales": [one.strip() for one in given], "preferred_locale": next(spoken, (parsed or [""])[0])}


def locales_after(locale: str, before: Sequence[str]) -> list[str]:
    """The wished ones once somebody chose this one: it comes first. None chosen: none is wished."""
    return [locale, *(one for one in before if parse_locale(one) != locale)] if locale else []
