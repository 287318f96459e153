"""Stripe's fields that nothing here uses, shown as Stripe shows them when nobody uses them. Pure.

An SDK's object has an attribute for each field that came: one that is left out raises where a caller reads it.
Snapshots (and so the bodies that events keep) hold what there is to say; the rest is put in where an object is shown.
Properties that Stripe itself leaves out until they are expanded are not here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

UNUSED: Mapping[str, Mapping[str, Any]] = {
    "account": dict.fromkeys(
        (
            "business_profile.mcc",
            "business_profile.minority_owned_business_designation",
            "business_profile.specified_commercial_transactions_act_url",
            "business_profile.support_address",
            "business_profile.support_phone",
            "business_profile.url",
            "settings.payments.statement_descriptor_kana",
            "settings.payments.statement_descriptor_kanji",
            "settings.payments.statement_descriptor_prefix_kana",
            "settings.payments.statement_descriptor_prefix_kanji",
        )
    ),
    "billing_portal.configuration": {
        "features.subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    },
    "billing.credit_balance_summary": {"customer_account": None},
    "billing.credit_balance_transaction": {
        "credit.credits_application_invoice_voided": None,
        "debit.credits_applied": None,
    },
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
        "outcome.advice_code": None,
    },
    "checkout.session": {
        **dict.fromkeys(
            (
                "adaptive_pricing",
                "allowed_payment_method_types",
                "after_expiration",
                "billing_address_collection",
                "client_secret",
                "collected_information",
                "consent",
                "consent_collection",
                "currency_conversion",
                "customer_account",
                "customer_creation",
                "integration_identifier",
                "managed_payments",
                "optional_items",
                "origin_context",
                "payment_method_collection",
                "payment_method_configuration_details",
                "payment_method_options",
                "permissions",
                "recovered_from",
                "saved_payment_method_options",
                "shipping_address_collection",
                "shipping_cost",
                "submit_type",
                "url",
                "wallet_options",
            )
        ),
        **dict.fromkeys(
            (
                "customer_details.address",
                "customer_details.business_name",
                "customer_details.individual_name",
                "customer_details.phone",
                "customer_details.tax_exempt",
            )
        ),
        "customer_details.tax_ids": [],
        "phone_number_collection": {"enabled": False},
    },
    "credit_note": {"customer_account": None},
    "credit_note_line_item": {"metadata": {}},
    "customer": {"customer_account": None},
    "customer_balance_transaction": {"checkout_session": None, "customer_account": None, "metadata": {}},
    "discount": {"customer_account": None},
    "dispute": {"intended_submission_method": None},
    "invoice": {
        **dict.fromkeys(
            (
                "account_tax_ids",
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
        "automatic_tax.disabled_reason": None,
        "issuer": {"type": "self"},
    },
    "invoiceitem": dict.fromkeys(("customer_account", "test_clock")),
    "item": {"adjustable_quantity": None, "metadata": {}},
    "payment_intent": {
        **dict.fromkeys(
            (
                "allowed_payment_method_types",
                "application",
                "application_fee_amount",
                "automatic_payment_methods",
                "customer_account",
                "excluded_payment_method_types",
                "managed_payments",
                "on_behalf_of",
                "payment_method_configuration_details",
                "payment_method_options",
                "payment_record",
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
                "on_behalf_of",
                "optional_items",
                "payment_intent_data",
                "payment_method_options",
                "payment_method_types",
                "restrictions",
                "shipping_address_collection",
                "subscription_data.invoice_settings.account_tax_ids",
                "subscription_data.invoice_settings.custom_fields",
                "subscription_data.invoice_settings.description",
                "subscription_data.invoice_settings.footer",
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
    "payment_method": {"billing_details.tax_id": None, "card.regulated_status": None, "customer_account": None},
    "payout": dict.fromkeys(
        (
            "application_fee",
            "application_fee_amount",
            "balance_transaction",
            "description",
            "destination",
            "failure_balance_transaction",
            "failure_message",
            "original_payout",
            "payout_method",
            "reversed_by",
            "statement_descriptor",
            "trace_id",
        )
    ),
    "plan": {"meter": None, "tiers_mode": None, "transform_usage": None},
    "price": {"custom_unit_amount": None},
    "product": {
        "default_price": None,
        "marketing_features": [],
        "package_dimensions": None,
        "shippable": None,
        "tax_details": None,
        "type": "service",
    },
    "promotion_code": {"customer_account": None},
    "refund": dict.fromkeys(
        (
            "balance_transaction",
            "customer",
            "customer_account",
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
                "allowed_payment_method_types",
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
                "cancellation_details.feedback_option",
                "customer_account",
                "default_source",
                "invoice_settings.custom_fields",
                "invoice_settings.description",
                "invoice_settings.footer",
                "managed_payments",
                "pending_update.cancel_at_period_end",
                "pending_update.discount",
                "pending_update.discounts",
                "pending_update.metadata",
                "pending_update.trial_from_plan",
                "transfer_data",
                "trial_settings.end_behavior.billing_cycle_anchor",
            )
        ),
        "billing_schedules": [],
    },
    "subscription_item": {"current_trial": None},
    "subscription_schedule": {
        **dict.fromkeys(
            (
                "application",
                "customer_account",
                "default_settings.invoice_settings.custom_fields",
                "default_settings.invoice_settings.description",
                "default_settings.invoice_settings.footer",
                "phases.application_fee_percent",
                "phases.billing_thresholds",
                "phases.invoice_settings.custom_fields",
                "phases.invoice_settings.description",
                "phases.invoice_settings.footer",
                "phases.on_behalf_of",
                "phases.transfer_data",
            )
        ),
        "billing_mode.flexible": {"proration_discounts": "itemized"},
        "pause_schedules": [],
        "phases.add_invoice_items.discountable": None,
        "phases.add_invoice_items.metadata": {},
        "phases.add_invoice_items.period": {
            "end": {"type": "min_item_period_end"},
            "start": {"type": "max_item_period_start"},
        },
    },
    "tax_id": {"customer_account": None, "owner.customer_account": None},
    "tax_rate": {
        "effective_percentage": None,
        "flat_amount": None,
        "jurisdiction_level": None,
        "rate_type": "percentage",
    },
}


# What Stripe leaves out of an object rather than say that there is none of it: its type there takes no null.
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "credit_note_line_item": ("invoice_line_item",),
    "invoice_payment": ("payment.payment_record",),
    "invoiceitem": ("parent.subscription_details.subscription_item", "pricing.price_details"),
    "line_item": ("pricing.price_details",),
    "price": ("tiers",),
    "refund": ("failure_reason",),
}


def put_in(kind: str, nodes: Iterable[dict[str, Any]]) -> None:
    """What `nodes`, all objects of this kind, do not say of themselves, and out what Stripe does not say; in place.

    A name with dots is within a part of the object, or of each of its parts: where that is there.
    """
    unused, left_out = _of_kind(kind)
    for node in nodes:
        if "deleted" in node:
            continue
        for within, name, said in unused:
            for holder in _parts(node, within):
                if name not in holder:
                    holder[name] = deepcopy(said)
        for within, name in left_out:
            for holder in _parts(node, within):
                if name in holder and holder[name] is None:
                    del holder[name]


@functools.cache
def _of_kind(kind: str) -> tuple[list[tuple[list[str], str, Any]], list[tuple[list[str], str]]]:
    """The names of `UNUSED`, with what is said, and of `LEFT_OUT`: within which parts, and the last word."""
    unused = [(name.split("."), said) for name, said in UNUSED.get(kind, {}).items()]
    left_out = [name.split(".") for name in LEFT_OUT.get(kind, ())]
    return [(path[:-1], path[-1], said) for path, said in unused], [(path[:-1], path[-1]) for path in left_out]


def _parts(node: dict[str, Any], within: Sequence[str]) -> Iterable[dict[str, Any]]:
    parts = [node]
    for name in within:
        found = [part.get(name) for part in parts]
        parts = [one for part in found for one in (part if isinstance(part, list) else [part]) if isinstance(one, dict)]
    return parts
