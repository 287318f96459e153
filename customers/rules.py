"""What may be written about a customer: countries, locales, tax numbers, the balance. Pure."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from babel import Locale
from babel.core import get_global

from core.errors import OstinatoError, gettext_noop
from core.money import check_amount
from customers.locales import parse_locale, wished_locales
from customers.types import CreditGrantFacts, CustomerFields

TAX_EXEMPT = ("none", "exempt", "reverse")

# Longest values, as the columns have them: a longer one is refused by name, never cut.
MAX_LENGTHS = {
    "email": 512,
    "name": 250,
    "business_name": 150,
    "individual_name": 150,
    "description": 350,
    "phone": 40,
    "line1": 200,
    "line2": 200,
    "city": 100,
    "state": 100,
    "postal_code": 20,
}

# Stripe's type -> the python-stdnum module that knows it.
_STDNUM = {
    "au_abn": "au.abn",
    "br_cnpj": "br.cnpj",
    "br_cpf": "br.cpf",
    "ca_bn": "ca.bn",
    "ca_gst_hst": "ca.bn",
    "ch_vat": "ch.vat",
    "cl_tin": "cl.rut",
    "cn_tin": "cn.uscc",
    "co_nit": "co.nit",
    "cr_tin": "cr.cpj",
    "do_rcn": "do.rnc",
    "ec_ruc": "ec.ruc",
    "es_cif": "es.cif",
    "eu_vat": "eu.vat",
    "gb_vat": "gb.vat",
    "id_npwp": "id.npwp",
    "il_vat": "il.idnr",
    "in_gst": "in_.gstin",
    "jp_cn": "jp.cn",
    "ke_pin": "ke.pin",
    "kr_brn": "kr.brn",
    "mx_rfc": "mx.rfc",
    "no_vat": "no.mva",
    "nz_gst": "nz.ird",
    "pe_ruc": "pe.ruc",
    "rs_pib": "rs.pib",
    "ru_inn": "ru.inn",
    "sg_uen": "sg.uen",
    "th_vat": "th.tin",
    "tr_tin": "tr.vkn",
    "tw_vat": "tw.ubn",
    "us_ein": "us.ein",
    "uy_ruc": "uy.rut",
    "ve_rif": "ve.rif",
    "vn_tin": "vn.mst",
}
# Types whose number no library checks: their written form only.
_PATTERNS = {
    "ca_gst_hst": r"\d{9}RT\d{4}",
    "ca_pst_bc": r"PST-?\d{4}-?\d{4}",
    "ca_pst_mb": r"\d{6}-?\d",
    "ca_pst_sk": r"\d{7}",
    "ca_qst": r"\d{10}TQ\d{4}",
    "sg_gst": r"M\d{8}[A-Z]",
    "za_vat": r"4\d{9}",
}

# Which types a form offers first to somebody of that country.
TAX_ID_TYPES_BY_COUNTRY = {
    "AU": ("au_abn",),
    "BR": ("br_cnpj", "br_cpf"),
    "CA": ("ca_gst_hst", "ca_qst", "ca_bn", "ca_pst_bc", "ca_pst_mb", "ca_pst_sk"),
    "CH": ("ch_vat",),
    "GB": ("gb_vat",),
    "IN": ("in_gst",),
    "JP": ("jp_cn",),
    "MX": ("mx_rfc",),
    "NO": ("no_vat",),
    "NZ": ("nz_gst",),
    "SG": ("sg_uen", "sg_gst"),
    "US": ("us_ein",),
    "ZA": ("za_vat",),
}
# fmt: off
_EU = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
))
# fmt: on


class UnknownCountry(OstinatoError):
    code = "country_invalid"
    param = "country"
    message_id = gettext_noop("“%(country)s” is not a country's two-letter code.")


class UnknownTaxExemption(OstinatoError):
    code = "parameter_invalid_enum"
    param = "tax_exempt"
    message_id = gettext_noop("“%(value)s” is not a tax status: none, exempt or reverse.")


class TextTooLong(OstinatoError):
    code = "parameter_invalid_string_too_long"
    message_id = gettext_noop("This is too long: at most %(limit)s characters.")


class ControlCharacters(OstinatoError):
    code = "parameter_invalid_string"
    message_id = gettext_noop("This contains characters that cannot be printed.")


class UnknownTaxIdType(OstinatoError):
    code = "tax_id_type_invalid"
    param = "tax_id[type]"
    message_id = gettext_noop("“%(type)s” is not a kind of tax number we know.")


class InvalidTaxId(OstinatoError):
    code = "tax_id_invalid"
    param = "tax_id[value]"
    message_id = gettext_noop("“%(value)s” is not a valid number of this kind.")


class BalanceInOtherCurrency(OstinatoError):
    code = "currency_mismatch"
    param = "currency"
    message_id = gettext_noop("This customer's balance is in %(expected)s, not in %(currency)s.")


class NothingToAdjust(OstinatoError):
    code = "amount_invalid"
    param = "amount"
    message_id = gettext_noop("A balance cannot be changed by nothing.")


class GrantNotPositive(OstinatoError):
    code = "parameter_invalid_integer"
    param = "amount[monetary][value]"
    message_id = gettext_noop("A credit grant is for more than zero.")


class PriorityOutOfRange(OstinatoError):
    code = "parameter_invalid_integer"
    param = "priority"
    message_id = gettext_noop("A priority is from 0 to 100, not %(priority)s.")


class UnknownGrantCategory(OstinatoError):
    code = "parameter_invalid_enum"
    param = "category"
    message_id = gettext_noop("“%(category)s” is not a kind of credit grant: paid or promotional.")


class GrantExpiresFirst(OstinatoError):
    code = "parameter_invalid"
    param = "expires_at"
    message_id = gettext_noop("The credit grant would expire before it can be spent.")


class TooManyGrants(OstinatoError):
    code = "credit_grant_limit_exceeded"
    param = "customer"
    message_id = gettext_noop("A customer has at most %(most)s credit grants with something left.")


class GrantNotChangeable(OstinatoError):
    code = "credit_grant_not_changeable"
    param = "credit_grant"
    message_id = gettext_noop("This credit grant has expired or was voided.")


class GrantSpent(OstinatoError):
    code = "credit_grant_not_voidable"
    param = "credit_grant"
    message_id = gettext_noop("Something of this credit grant was spent: it can be expired, not voided.")


def clean_fields(fields: CustomerFields) -> CustomerFields:
    """The fields as they are stored: trimmed, country upper-case, locale normalised. Raises what is wrong."""
    cleaned: dict[str, Any] = {}
    for name, value in fields.items():
        cleaned[name] = clean_text(name, value) if isinstance(value, str) else value
    if cleaned.get("country"):
        cleaned["country"] = parse_country(cleaned["country"])
    if cleaned.get("preferred_locale"):
        cleaned["preferred_locale"] = parse_locale(cleaned["preferred_locale"])
    if "preferred_locales" in cleaned:
        cleaned |= wished_locales(cleaned["preferred_locales"])
    if "tax_exempt" in cleaned and cleaned["tax_exempt"] not in TAX_EXEMPT:
        raise UnknownTaxExemption(value=cleaned["tax_exempt"])
    return cast(CustomerFields, cleaned)


def clean_text(name: str, value: str) -> str:
    """One line of text, trimmed, of a length that fits. Raises `TextTooLong`, `ControlCharacters`."""
    text = value.strip()
    limit = MAX_LENGTHS.get(name)
    if limit is not None and len(text) > limit:
        raise TextTooLong(param=name, limit=limit)
    if any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise ControlCharacters(param=name)  # PostgreSQL refuses NUL, and mail headers break on the others
    return text


def parse_country(text: str) -> str:
    """An ISO 3166-1 alpha-2 code, upper-case. Raises `UnknownCountry`."""
    code = text.strip().upper()
    if code not in country_codes():
        raise UnknownCountry(country=text)
    return code


@lru_cache(maxsize=1)
def country_codes() -> frozenset[str]:
    """Every country that can be in an address: CLDR's territories without groups, test codes and the withdrawn."""
    withdrawn = set(get_global("territory_aliases"))
    no_country = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "CP", "CQ", "DG", "EA", "IC", "AC", "TA"}
    territories = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in territories if re.fullmatch(r"[A-Z]{2}", code)) - withdrawn - no_country


@lru_cache(maxsize=16)
def country_choices(locale: str) -> list[tuple[str, str]]:
    """(code, name) in the reader's words and alphabet."""
    names = Locale.parse(locale.replace("-", "_")).territories
    plain = str.maketrans("ÀÂÄÅÇÉÈÊËÎÏÔÖÙÛÜàâäåçéèêëîïôöùûü", "AAAACEEEEIIOOUUUaaaaceeeeiioouuu")
    choices = [(code, names[code]) for code in country_codes() if code in names]
    return sorted(choices, key=lambda choice: choice[1].translate(plain).lower())


def parse_tax_id(type_: str, value: str) -> str:
    """The number in its compact form. Raises `UnknownTaxIdType`, `InvalidTaxId`, for a wrong check digit too."""
    compact, verification = read_tax_id(type_, value)
    if verification == "unverified":
        raise InvalidTaxId(value=value[:60])
    return compact


def read_tax_id(type_: str, value: str) -> tuple[str, str]:
    """The number in its compact form, and "verified" or "unverified" by its check digits; blank where it has none.

    As Stripe, one whose form alone is right may be kept. Raises `UnknownTaxIdType`, `InvalidTaxId`.
    """
    if type_ not in _STDNUM and type_ not in _PATTERNS:
        raise UnknownTaxIdType(type=type_)
    compact = re.sub(r"[\s.]", "", value).upper()
    if (
        not compact
        or len(compact) > 50
        or (type_ in _PATTERNS and not re.fullmatch(_PATTERNS[type_], compact, re.ASCII))
    ):
        raise InvalidTaxId(value=value[:60])
    if type_ not in _STDNUM:
        return compact, ""
    # Imported when needed: the library has a module per number, and most are never asked for.
    module = importlib.import_module(f"stdnum.{_STDNUM[type_]}")
    try:
        return str(module.validate(compact)), "verified"
    except Exception as error:  # stdnum raises its own family, and a few modules ValueError on odd characters
        if type(error).__name__ == "InvalidChecksum":
            return compact, "unverified"
        raise InvalidTaxId(value=value[:60]) from None


def tax_id_types(country: str = "") -> list[str]:
    """All types, those of the country first."""
    first = TAX_ID_TYPES_BY_COUNTRY.get(country, ("eu_vat",) if country in _EU else ())
    return [*first, *sorted((_STDNUM.keys() | _PATTERNS.keys()) - set(first))]


def ending_balance(balance: int, amount: int) -> int:
    """The balance after `amount` (negative gives credit). Raises `NothingToAdjust`, `AmountTooLarge`."""
    if amount == 0:
        raise NothingToAdjust
    check_amount(amount)
    return check_amount(balance + amount)


def check_balance_currency(customer_currency: str, currency: str) -> None:
    """A balance is kept in one currency, the customer's. Raises `BalanceInOtherCurrency`."""
    if customer_currency and customer_currency != currency:
        raise BalanceInOtherCurrency(expected=customer_currency.upper(), currency=currency.upper())


def check_credit_grant(
    *, amount: int, priority: int, category: str, effective_at: datetime, expires_at: datetime | None
) -> None:
    """Raises `GrantNotPositive`, `AmountTooLarge`, `PriorityOutOfRange`, `UnknownGrantCategory`,
    `GrantExpiresFirst`."""
    if check_amount(amount) <= 0:
        raise GrantNotPositive
    if not 0 <= priority <= 100:
        raise PriorityOutOfRange(priority=priority)
    if category not in ("paid", "promotional"):
        raise UnknownGrantCategory(category=category)
    if expires_at is not None and expires_at <= effective_at:
        raise GrantExpiresFirst


def grant_is_spendable(grant: CreditGrantFacts, currency: str, at: datetime) -> bool:
    """Whether an invoice finalized at `at` may spend it."""
    begun = grant.effective_at <= at and (grant.expires_at is None or at < grant.expires_at)
    return begun and grant.currency == currency and grant.balance > 0


def in_order_of_spending(grants: Iterable[CreditGrantFacts]) -> list[CreditGrantFacts]:
    """Stripe's order: priority, then what expires earliest, promotional first, effective first, created first."""
    return sorted(
        grants,
        key=lambda grant: (
            grant.priority,
            grant.expires_at is None,
            grant.expires_at or grant.effective_at,
            grant.category != "promotional",
            grant.effective_at,
            grant.created,
            grant.id,
        ),
    )


def changed_values(before: dict[str, Any], after: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The previous values of what changed, as an event's `previous_attributes`."""
    return {name: before.get(name) for name in names if before.get(name) != after.get(name)}


# --- cards that end --------------------------------------------------------------------------------------------


def card_ends_at(exp_month: int, exp_year: int) -> datetime:
    """The instant after a card's last month. A card is good to the end of the month that stands on it."""
    year, month = divmod(exp_year * 12 + exp_month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def card_notice_at(exp_month: int | None, exp_year: int | None, as_of: datetime) -> datetime | None:
    """When its owner is told that a card ends: as its last month begins, or now if that is past; None: never.

    Stripe's `customer.source.expiring`: a card that "will expire at the end of the month".
    """
    if not exp_month or not exp_year or not 1 <= exp_month <= 12 or as_of >= card_ends_at(exp_month, exp_year):
        return None
    return datetime(exp_year, exp_month, 1, tzinfo=UTC)


def card_state(exp_month: int | None, exp_year: int | None, as_of: datetime) -> str:
    """expired, expiring (in its last month) or "" for a stored method as it stands."""
    if not exp_month or not exp_year:
        return ""
    if as_of >= card_ends_at(exp_month, exp_year):
        return "expired"
    return "expiring" if as_of >= datetime(exp_year, exp_month, 1, tzinfo=UTC) else ""
