"""A merchant with many due subscriptions, made by SQL: two items each, a discount on half, a tax on the other half."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

DUE = datetime(2024, 2, 1, tzinfo=UTC)

# Ids in the product's shape: a prefix and 22 digits.
_ID = "'%s_' || lpad(n::text, 22, '0')"
_N = "0000000000000000000001"

_SHOP = f"""
INSERT INTO merchants_merchant (id, parent_id, livemode, name, country, default_currency, timezone, locale,
    support_email, support_url, logo, brand_color, statement_descriptor, finalization_grace_seconds,
    default_days_until_due, tax_rounding, unpaid_proration, keep_event_bodies, minimum_charges, gateway, created,
    recorded_at)
VALUES ('acct_{_N}', NULL, false, 'Bench', 'CA', 'cad', 'UTC', 'en', '', '', '', '#4f46e5', '', %(grace)s, 30,
    'per_invoice', 'bill', %(bodies)s, '{{}}', 'sandbox', %(start)s, %(start)s);
INSERT INTO merchants_billingentity (id, merchant_id, is_default, legal_name, line1, line2, city, state, postal_code,
    country, tax_registrations, footer, created, recorded_at)
VALUES ('be_{_N}', 'acct_{_N}', true, 'Bench inc.', '1 rue', '', 'Québec', 'QC', 'G1R', 'CA', '[]', '', %(start)s,
    %(start)s);
INSERT INTO invoicing_numberseries (id, merchant_id, billing_entity_id, prefix, next_number, padding, created,
    recorded_at)
VALUES ('ns_{_N}', 'acct_{_N}', 'be_{_N}', 'B', 1, 4, %(start)s, %(start)s);
INSERT INTO catalog_product (id, merchant_id, name, description, active, images, url, statement_descriptor, tax_code,
    unit_label, sku, metadata, version, created, recorded_at)
VALUES ('prod_{_N}', 'acct_{_N}', 'Box', '', true, '{{}}', '', '', '', '', '', '{{}}', 1, %(start)s, %(start)s);
INSERT INTO catalog_price (id, merchant_id, product_id, active, nickname, type, currency, billing_scheme,
    unit_amount_decimal, interval, interval_count, usage_type, tax_behavior, sku, metadata, version, created,
    recorded_at)
SELECT {_ID % "price"}, 'acct_{_N}', 'prod_{_N}', true, '', 'recurring', 'cad', 'per_unit', 1000 * n, 'month', 1,
    'licensed', 'unspecified', '', '{{}}', 1, %(start)s, %(start)s FROM generate_series(1, 2) n;
INSERT INTO catalog_coupon (id, merchant_id, name, percent_off, amount_off, currency, duration, times_redeemed,
    applies_to_product_ids, metadata, version, created, recorded_at)
VALUES ('coup_{_N}', 'acct_{_N}', 'Ten', 10, NULL, '', 'forever', 0, '{{}}', '{{}}', 1, %(start)s, %(start)s);
INSERT INTO catalog_taxrate (id, merchant_id, active, display_name, description, percentage, inclusive, country, state,
    jurisdiction, tax_type, metadata, version, created, recorded_at)
VALUES ('txr_{_N}', 'acct_{_N}', true, 'GST', '', 5, false, 'CA', '', '', '', '{{}}', 1, %(start)s, %(start)s);
"""  # noqa: S608 - only our own constants

_SUBSCRIBERS = f"""
INSERT INTO customers_customer (id, merchant_id, email, name, description, phone, line1, line2, city, state,
    postal_code, country, preferred_locale, currency, balance, balance_sequence, tax_exempt,
    default_payment_method_id, delinquent, metadata, version, created, recorded_at)
SELECT {_ID % "cus"}, 'acct_{_N}', 'c' || n || '@example.com', 'Customer ' || n, '', '', '', '', '', '', '', 'CA', '',
    'cad', 0, 0, 'none', {_ID % "pm"}, false, '{{}}', 1, %(start)s, %(start)s FROM generate_series(1, %(rows)s) n;
INSERT INTO customers_paymentmethod (id, merchant_id, customer_id, gateway, gateway_method_id, type, brand, last4,
    exp_month, exp_year, fingerprint, billing_details, metadata, version, created, recorded_at)
SELECT {_ID % "pm"}, 'acct_{_N}', {_ID % "cus"}, 'sandbox', {_ID % "pm"}, 'card', 'visa', '4242', 12, 2035, '', '{{}}',
    '{{}}', 1, %(start)s, %(start)s FROM generate_series(1, %(rows)s) n;
INSERT INTO subscriptions_subscription (id, merchant_id, customer_id, billing_entity_id, status, collection_method,
    currency, description, billing_cycle_anchor, timezone, start_date, trial_missing_payment_method,
    cancel_at_period_end, cancellation_reason, cancellation_feedback, cancellation_comment,
    default_payment_method_id, default_tax_rate_ids, latest_invoice_id, next_action_at, metadata, version, created,
    recorded_at)
SELECT {_ID % "sub"}, 'acct_{_N}', {_ID % "cus"}, 'be_{_N}', 'active', 'charge_automatically', 'cad', '', %(start)s,
    'UTC', %(start)s, 'create_invoice', false, '', '', '', '',
    CASE WHEN n %% 2 = 0 THEN ARRAY['txr_{_N}'] ELSE ARRAY[]::text[] END, '', %(due)s, '{{}}', 1, %(start)s, %(start)s
FROM generate_series(1, %(rows)s) n;
INSERT INTO subscriptions_subscriptionitem (id, merchant_id, subscription_id, price_id, quantity,
    current_period_start, current_period_end, sequence, tax_rate_ids, metadata, created, recorded_at)
SELECT 'si_' || k || lpad(n::text, 21, '0'), 'acct_{_N}', {_ID % "sub"}, 'price_' || lpad(k::text, 22, '0'), 1,
    %(start)s, %(due)s, 0, '{{}}', '{{}}', %(start)s, %(start)s
FROM generate_series(1, %(rows)s) n, generate_series(1, 2) k;
INSERT INTO subscriptions_discount (id, merchant_id, coupon_id, customer_id, subscription_id, subscription_item_id,
    promotion_code_id, position, start, consumed_invoice_id, created, recorded_at)
SELECT {_ID % "di"}, 'acct_{_N}', 'coup_{_N}', {_ID % "cus"}, {_ID % "sub"}, '', '', 0, %(start)s, '', %(start)s,
    %(start)s FROM generate_series(1, %(rows)s) n WHERE n %% 2 = 1;
"""  # noqa: S608 - only our own constants


def build(rows: int, *, bodies: bool = True, grace: int = 0) -> None:
    """`rows` subscriptions that are due at `DUE`, in the current database."""
    values: dict[str, int | bool | datetime] = {
        "rows": rows,
        "bodies": bodies,
        "grace": grace,
        "due": DUE,
        "start": datetime(2024, 1, 1, tzinfo=UTC),
    }
    with connection.cursor() as cursor:
        for statement in f"{_SHOP}{_SUBSCRIBERS}".split(";\n"):
            if statement.strip():
                cursor.execute(statement, values)
        # Not ANALYZE as a whole: only what the run reads first.
        cursor.execute("ANALYZE subscriptions_subscription, subscriptions_subscriptionitem, customers_customer")
