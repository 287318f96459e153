"""Who sold to whom, as it stood when the invoice was finalized. The paper is printed from these, never from today.

seller_snapshot -> {
  "legal_name", "name": str                       # on the paper, and the trade name people know
  "address": ADDRESS
  "tax_registrations": [{"type": "ca_gst", "value": "…"}]
  "email", "url": str                             # support, "" when there is none
  "footer": str
  "bank_details": str                             # where transfers go, "" when the seller takes none
  "brand_color": "#rrggbb"
  "logo": str                                     # name in Django storage, "" when there is none
  "locale", "timezone": str                       # the merchant's; dates on the paper are read in this zone
}
customer_snapshot -> {
  "name", "email", "phone", "description": str
  "address": ADDRESS
  "tax_ids": [{"type": "eu_vat", "value": "…"}]
  "tax_exempt": "none" | "exempt" | "reverse"
  "locale": str                                   # preferred_locale, "" when there is none
}
ADDRESS = {"line1", "line2", "city", "state", "postal_code", "country"}: str
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

ADDRESS_FIELDS = ("line1", "line2", "city", "state", "postal_code", "country")

Snapshot = dict[str, object]


class AddressFacts(Protocol):
    line1: str
    line2: str
    city: str
    state: str
    postal_code: str
    country: str


class EntityFacts(AddressFacts, Protocol):
    """A `merchants.BillingEntity`, or anything with its fields."""

    legal_name: str
    tax_registrations: list[dict[str, str]]
    footer: str
    bank_details: str


class MerchantFacts(Protocol):
    """A `merchants.Merchant`, or anything with its fields. `logo` is read as text: its storage name."""

    name: str
    support_email: str
    support_url: str
    brand_color: str
    locale: str
    timezone: str


class BuyerFacts(AddressFacts, Protocol):
    """A `customers.Customer`, or anything with its fields."""

    name: str
    email: str
    phone: str
    description: str
    tax_exempt: str
    preferred_locale: str


class TaxIdFacts(Protocol):
    type: str
    value: str


def seller_snapshot(entity: EntityFacts, merchant: MerchantFacts) -> Snapshot:
    """The seller's part of the paper, in the shape above."""
    return {
        "legal_name": entity.legal_name,
        "name": merchant.name,
        "address": _address(entity),
        "tax_registrations": [_tax_number(given) for given in entity.tax_registrations],
        "email": merchant.support_email,
        "url": merchant.support_url,
        "footer": entity.footer,
        "bank_details": entity.bank_details,
        "brand_color": merchant.brand_color,
        "logo": str(getattr(merchant, "logo", "") or ""),
        "locale": merchant.locale,
        "timezone": merchant.timezone,
    }


def customer_snapshot(customer: BuyerFacts, tax_ids: Iterable[TaxIdFacts]) -> Snapshot:
    """The buyer's part of the paper, in the shape above; tax numbers in a fixed order."""
    return {
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "description": customer.description,
        "address": _address(customer),
        "tax_ids": sorted(
            ({"type": tax_id.type, "value": tax_id.value} for tax_id in tax_ids),
            key=lambda tax_id: (tax_id["type"], tax_id["value"]),
        ),
        "tax_exempt": customer.tax_exempt,
        "locale": customer.preferred_locale,
    }


def invoice_locale(customer_locale: str, merchant_locale: str) -> str:
    """The language of an invoice and its mails: the customer's, else the merchant's, else English."""
    return customer_locale or merchant_locale or "en"


def _address(facts: AddressFacts) -> dict[str, str]:
    return {field: getattr(facts, field) for field in ADDRESS_FIELDS}


def _tax_number(given: Mapping[str, str]) -> dict[str, str]:
    return {"type": given.get("type", ""), "value": given.get("value", "")}
