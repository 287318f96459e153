"""/v1/account: the merchant that the key belongs to."""

from __future__ import annotations

from api.protocol.operation import Call, Json, Operation
from core.json_values import epoch
from merchants.selectors import merchant_by_id


def retrieve(call: Call) -> Json:
    merchant = merchant_by_id(call.merchant_id)
    return {
        "id": merchant.id,
        "object": "account",
        "business_profile": {
            "name": merchant.name,
            "support_email": merchant.support_email or None,
            "support_url": merchant.support_url or None,
        },
        "charges_enabled": True,
        "country": merchant.country,
        "created": epoch(merchant.created),
        "default_currency": merchant.default_currency,
        "details_submitted": True,
        "email": merchant.support_email or None,
        "metadata": {},
        "payouts_enabled": False,
        "settings": {
            "branding": {
                "icon": None,
                "logo": None,
                "primary_color": merchant.brand_color or None,
                "secondary_color": None,
            },
            "card_payments": {
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": merchant.name, "timezone": merchant.timezone},
            "payments": {"statement_descriptor": merchant.statement_descriptor or None},
        },
        "type": "standard",
    }


OPERATIONS = [Operation("GET", "/v1/account", retrieve)]
