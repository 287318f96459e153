"""A merchant that can bill from its first minute: tenant, legal entity, number series and recovery policy at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.money import parse_currency
from core.periods import time_zone
from dunning.writes import ensure_default_policies
from invoicing.writes import insert_number_series
from merchants.models import Merchant
from merchants.selectors import default_billing_entity, merchant_by_id
from merchants.services import MerchantNameMissing
from merchants.writes import insert_billing_entity, insert_merchant

_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_-]{0,19}")
# What a sandbox takes over from the merchant it belongs to.
_SHARED = ("country", "default_currency", "timezone", "locale", "support_email", "support_url", "brand_color", "logo")
_ADDRESS = ("legal_name", "line1", "line2", "city", "state", "postal_code", "country", "tax_registrations", "footer")


class NumberPrefixInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "number_prefix"
    message_id = gettext_noop("A prefix has 1 to 20 letters, digits and - _ /, the first a letter or a digit.")


class SandboxOfSandbox(OstinatoError):
    code = "parameter_invalid"
    param = "parent"
    message_id = gettext_noop("A sandbox belongs to a live merchant.")


@dataclass(frozen=True, slots=True)
class NewMerchant:
    """Who sells. `entity` holds the legal entity's address and tax registrations, `settings` other merchant fields."""

    name: str
    country: str
    default_currency: str
    timezone: str = "UTC"
    locale: str = "en"
    number_prefix: str = "INV"
    legal_name: str = ""
    entity: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def create_merchant(*, ctx: Context, request: NewMerchant) -> Merchant:
    """A live merchant. Raises `MerchantNameMissing`, `UnknownCurrency`, `UnknownTimeZone`, `NumberPrefixInvalid`."""
    fields, entity = _own(request)
    return _create(ctx, fields, entity, request.number_prefix)


def create_sandbox(*, ctx: Context, parent_id: str, name: str, number_prefix: str = "TEST") -> Merchant:
    """A place to try things: a merchant of its own with its parent's settings and seller, and test clocks.

    Raises `MerchantNotFound`, `SandboxOfSandbox`, `NumberPrefixInvalid`.
    """
    parent = merchant_by_id(parent_id)
    if not parent.livemode:
        raise SandboxOfSandbox
    seller = default_billing_entity(parent_id)
    fields = {name: getattr(parent, name) for name in _SHARED}
    entity = {name: getattr(seller, name) for name in _ADDRESS} if seller else {"legal_name": parent.name}
    return _create(
        ctx,
        fields
        | {"name": name, "parent": parent, "livemode": False}
        | {"minimum_charges": parent.minimum_charges or MINIMUM_CHARGES},
        {"country": parent.country} | entity,
        number_prefix,
    )


# What Stripe charges at least, in minor units: anything less goes to the customer's balance.
MINIMUM_CHARGES = {
    "aud": 50,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
    "usd": 50,
}


def _own(request: NewMerchant) -> tuple[dict[str, Any], dict[str, Any]]:
    """The merchant's fields and its legal entity's."""
    fields = {
        "name": request.name,
        "country": request.country,
        "default_currency": parse_currency(request.default_currency),
        "timezone": request.timezone,
        "locale": request.locale,
        "minimum_charges": MINIMUM_CHARGES,
        **request.settings,
    }
    return fields, {"legal_name": request.legal_name or request.name, "country": request.country, **request.entity}


def create_lone_sandbox(*, ctx: Context, request: NewMerchant) -> Merchant:
    """A sandbox where no live merchant is: to try the product before anything is sold.

    Raises what `create_merchant` does.
    """
    fields, entity = _own(request)
    return _create(ctx, fields | {"livemode": False}, entity, request.number_prefix)


def _create(ctx: Context, fields: Mapping[str, Any], entity: Mapping[str, Any], prefix: str) -> Merchant:
    if not str(fields["name"]).strip():
        raise MerchantNameMissing
    if not _PREFIX.fullmatch(prefix):
        raise NumberPrefixInvalid
    time_zone(fields["timezone"])
    with transaction.atomic():
        merchant = insert_merchant(ctx, **fields)
        seller = insert_billing_entity(ctx, merchant=merchant, **entity)
        insert_number_series(ctx, merchant_id=merchant.id, billing_entity_id=seller.id, prefix=prefix)
        ensure_default_policies(ctx, [merchant.id])
    return merchant
