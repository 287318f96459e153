"""Stripe's fields that nothing here uses, shown as Stripe shows them when nobody uses them. Pure.

An SDK's object has an attribute for each field that came: one that is left out raises where a caller reads it.
Snapshots (and so the bodies that events keep) hold what there is to say; the rest is put in where an object is shown.
Properties that Stripe itself leaves out until they are expanded are not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

UNUSED: Mapping[str, Mapping[str, Any]] = {
    "billing.credit_grant": {"customer_account": None},
    "charge": {
        **dict.fromkeys(
            (
                "application",
                "application_fee",
                "application_fee_amount",
                "balance_transaction",
                "calculated_statement_descriptor",
                "failure_balance_transaction",
                "on_behalf_of",
                "receipt_email",
                "receipt_number",
                "review",
                "shipping",
                "source",
                "source_transfer",
                "statement_descriptor_suffix",
                "transfer_data",
                "transfer_group",
            )
        ),
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "fraud_details": {},
    },
    "checkout.session": {
        **dict.fromkeys(
            (
                "adaptive_pricing",
                "after_expiration",
                "billing_address_collection",
                "branding_settings",
                "client_secret",
                "collected_information",
                "consent",
                "consent_collection",
                "currency_conversion",
                "customer_account",
                "customer_creation",
                "excluded_payment_method_types",
                "integration_identifier",
                "managed_payments",
                "name_collection",
                "optional_items",
                "origin_context",
                "payment_method_collection",
                "payment_method_configuration_details",
                "payment_method_options",
                "permissions",
                "phone_number_collection",
                "presentment_details",
                "recovered_from",
                "redirect_on_completion",
                "return_url",
                "saved_payment_method_options",
                "shipping_address_collection",
                "shipping_cost",
                "submit_type",
                "tax_id_collection",
                "url",
                "wallet_options",
            )
        ),
    },
    "credit_note": {"customer_account": None},
    "customer": {"business_name": None, "customer_account": None, "individual_name": None},
    "customer_balance_transaction": {"checkout_session": None, "customer_account": None, "metadata": {}},
    "discount": {"customer_account": None},
    "invoice": {
        **dict.fromkeys(
            (
                "account_tax_ids",
                "amount_paid_off_stripe",
                "application",
                "custom_fields",
                "customer_account",
                "customer_phone",
                "customer_shipping",
                "default_source",
                "from_invoice",
                "last_finalization_error",
                "latest_revision",
                "receipt_number",
                "rendering",
                "shipping_cost",
                "shipping_details",
                "statement_descriptor",
                "webhooks_delivered_at",
            )
        ),
        "issuer": {"type": "self"},
    },
    "invoiceitem": dict.fromkeys(("customer_account", "proration_details", "test_clock")),
    "payment_intent": {
        **dict.fromkeys(
            (
                "application",
                "application_fee_amount",
                "automatic_payment_methods",
                "customer_account",
                "on_behalf_of",
                "payment_method_configuration_details",
                "payment_method_options",
                "processing",
                "review",
                "shipping",
                "source",
                "statement_descriptor_suffix",
                "transfer_data",
                "transfer_group",
            )
        ),
        "amount_details": {"tip": {}},
    },
    "payment_link": {
        **dict.fromkeys(
            (
                "application",
                "application_fee_amount",
                "application_fee_percent",
                "consent_collection",
                "inactive_message",
                "invoice_creation",
                "managed_payments",
                "name_collection",
                "on_behalf_of",
                "optional_items",
                "payment_intent_data",
                "payment_method_options",
                "payment_method_types",
                "restrictions",
                "shipping_address_collection",
                "transfer_data",
            )
        ),
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_address_collection": "required",
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer_creation": "always",
        "payment_method_collection": "always",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "submit_type": "auto",
        "tax_id_collection": {"enabled": False, "required": "never"},
    },
    "payment_method": {"customer_account": None},
    "plan": {"meter": None, "tiers_mode": None, "transform_usage": None},
    "price": {"custom_unit_amount": None},
    "product": {
        "default_price": None,
        "marketing_features": [],
        "package_dimensions": None,
        "shippable": None,
        "type": "service",
    },
    "promotion_code": {"customer_account": None},
    "refund": dict.fromkeys(
        (
            "balance_transaction",
            "customer",
            "customer_account",
            "description",
            "destination_details",
            "payment_intent",
            "payment_method",
            "receipt_number",
            "source_transfer_reversal",
            "transfer_reversal",
        )
    ),
    "setup_intent": {
        **dict.fromkeys(
            (
                "application",
                "customer_account",
                "excluded_payment_method_types",
                "flow_directions",
                "managed_payments",
                "on_behalf_of",
                "payment_method_configuration_details",
                "payment_method_options",
                "single_use_mandate",
            )
        ),
        "attach_to_self": False,
    },
    "subscription": {
        **dict.fromkeys(
            (
                "application_fee_percent",
                "customer_account",
                "default_source",
                "managed_payments",
                "presentment_details",
                "transfer_data",
            )
        ),
        "billing_schedules": [],
    },
    "subscription_item": {"billed_until": None},
    "subscription_schedule": {"application": None, "customer_account": None},
    "tax_id": {"customer_account": None},
    "tax_rate": {
        "effective_percentage": None,
        "flat_amount": None,
        "jurisdiction_level": None,
        "rate_type": "percentage",
    },
}


def put_in(kind: str, nodes: Iterable[dict[str, Any]]) -> None:
    """What `nodes`, all objects of this kind, do not say of themselves, in place."""
    unused = UNUSED.get(kind, {})
    for node in nodes:
        if "deleted" not in node:
            for name in unused.keys() - node.keys():
                node[name] = deepcopy(unused[name])
