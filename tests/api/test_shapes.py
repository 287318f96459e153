"""Every object that /v1 shows is what the official SDK's classes say it is: each field there, each of its type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from payments.models import BalanceTransaction, Payout
from tests.api import shapes
from tests.api.sdk import Sdk, new_sdk

JAN_1, FEB_1, MAR_1 = 1704067200, 1706745600, 1709251200
HOUR = 3600


@pytest.fixture
def watch() -> shapes.Watched:
    return shapes.Watched()


@pytest.fixture
def sdk(transactional_db: None, live_server: Any, watch: shapes.Watched) -> Iterator[Sdk]:
    """An SDK whose every answer is held against the SDK's classes."""
    made = new_sdk(live_server.url, grace=HOUR, currency="usd")
    secret = made.client._requestor.api_key
    made.client = stripe.StripeClient(
        secret, base_addresses={"api": live_server.url}, max_network_retries=0, http_client=watch
    )
    yield made
    assert watch.faults == []


def test_the_catalog_has_its_shapes(sdk: Sdk, watch: shapes.Watched) -> None:
    tiers = [{"up_to": 5, "unit_amount": 700}, {"up_to": "inf", "unit_amount": 600, "flat_amount": 10}]
    tiered = sdk.price(
        unit_amount=None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers, expand=["tiers", "product"]
    )
    assert tiered.product.marketing_features == []
    sdk.price(1000, interval="", currency_options={"eur": {"unit_amount": 900}}, expand=["currency_options"])
    coupon = sdk.v1.coupons.create({"percent_off": 12.5, "duration": "repeating", "duration_in_months": 3})
    sdk.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HELLO"})
    assert (
        sdk.v1.tax_rates.create({"display_name": "GST", "percentage": 5, "inclusive": False}).rate_type == "percentage"
    )
    meter = sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    sdk.v1.billing.meters.deactivate(meter.id)
    feature = sdk.v1.entitlements.features.create({"name": "Export", "lookup_key": "export"})
    sdk.v1.products.features.create(tiered.product.id, {"entitlement_feature": feature.id})
    for resource in (sdk.v1.products, sdk.v1.prices, sdk.v1.coupons, sdk.v1.promotion_codes, sdk.v1.billing.meters):
        resource.list()
    kinds = {"product", "price", "coupon", "promotion_code", "tax_rate", "billing.meter", "product_feature"}
    assert kinds <= watch.kinds


def test_a_life_has_its_shapes(sdk: Sdk, watch: shapes.Watched) -> None:
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id)
    coupon = sdk.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    rate = sdk.v1.tax_rates.create({"display_name": "GST", "percentage": 5, "inclusive": False})
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price(3000).id}],
            "discounts": [{"coupon": coupon.id}],
            "default_tax_rates": [rate.id],
            "expand": ["latest_invoice.payments.data.payment.payment_intent", "discounts", "customer"],
        }
    )
    assert subscription.latest_invoice.hosted_invoice_url.startswith("http")
    item = subscription["items"].data[0]
    sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item.id, "price": sdk.price(5000).id}]})
    sdk.v1.invoice_items.list({"customer": customer.id})
    refusing = sdk.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": refusing.id}})
    sdk.advance(clock.id, FEB_1 + 2 * HOUR)
    [first, failed] = sdk.invoices(customer=customer.id)
    unpaid = sdk.v1.invoices.retrieve(
        failed.id, {"expand": ["payments.data.payment.payment_intent", "confirmation_secret"]}
    )
    [payment] = unpaid.payments.data
    assert payment.payment.payment_intent.last_payment_error.payment_method.card.last4 == "0341"
    sdk.v1.invoices.pay(failed.id, {"payment_method": "pm_card_visa"})
    [charge, *_] = sdk.v1.charges.list({"customer": customer.id, "expand": ["data.refunds"]}).data
    assert charge.payment_method_details.card.last4 == "4242"
    sdk.v1.refunds.create({"payment_intent": charge.payment_intent, "amount": 100})
    sdk.v1.credit_notes.create({"invoice": first.id, "amount": 500, "credit_amount": 500})
    sdk.v1.customers.balance_transactions.list(customer.id)
    sdk.v1.customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": "DE136695976"})
    sdk.v1.invoice_payments.list({"invoice": first.id})
    sdk.v1.subscriptions.cancel(subscription.id, {"prorate": True, "invoice_now": True})
    list(
        sdk.v1.events.list(
            {"limit": 100, "types": ["invoice.*", "customer.subscription.*", "charge.*"]}
        ).auto_paging_iter()
    )
    kinds = {
        "charge",
        "credit_note",
        "customer",
        "customer_balance_transaction",
        "discount",
        "event",
        "invoice",
        "invoice_payment",
        "invoiceitem",
        "line_item",
        "payment_intent",
        "payment_method",
        "refund",
        "subscription",
        "subscription_item",
        "tax_id",
        "test_helpers.test_clock",
    }
    assert kinds <= watch.kinds


def test_credit_and_usage_have_their_shapes(sdk: Sdk, watch: shapes.Watched) -> None:
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id)
    meter = sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    metered = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    price = sdk.price(100, recurring=metered)
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    sdk.v1.billing.meter_events.create(
        {"event_name": "calls", "payload": {"value": "7", "stripe_customer_id": customer.id}, "timestamp": JAN_1}
    )
    sdk.v1.billing.credit_grants.create(
        {
            "customer": customer.id,
            "amount": {"type": "monetary", "monetary": {"value": 300, "currency": "usd"}},
            "applicability_config": {"scope": {"price_type": "metered"}},
            "category": "promotional",
        }
    )
    scope = {"type": "applicability_scope", "applicability_scope": {"price_type": "metered"}}
    sdk.v1.billing.credit_balance_summary.retrieve({"customer": customer.id, "filter": scope})
    sdk.advance(clock.id, FEB_1 + 2 * HOUR)
    assert [one.amount_due for one in sdk.invoices(customer=customer.id)] == [7 * 100 - 300]
    sdk.v1.billing.credit_balance_transactions.list({"customer": customer.id})
    span = {"start_time": JAN_1, "end_time": MAR_1}
    sdk.v1.billing.meters.event_summaries.list(meter.id, {"customer": customer.id, **span})
    kinds = {"billing.credit_grant", "billing.credit_balance_summary", "billing.credit_balance_transaction"}
    assert kinds | {"billing.meter_event", "billing.meter_event_summary"} <= watch.kinds


def test_previews_have_their_shapes(sdk: Sdk) -> None:
    customer, price = sdk.customer(), sdk.price(1000)
    sold = {"items": [{"price": price.id, "quantity": 3}]}
    to_be = sdk.v1.invoices.create_preview({"customer": customer.id, "subscription_details": sold})
    [line] = to_be.lines.data
    assert (line.amount, line.parent.type) == (3000, "subscription_item_details")
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, **sold})
    item = subscription["items"].data[0].id
    changed = {"items": [{"id": item, "quantity": 1}]}
    sdk.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": changed})
    sdk.v1.invoices.create_preview({"subscription": subscription.id})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"object": "product"}, "product.name: missing"),
        ({"object": "product", "name": 1}, "product.name: 1 is no str"),
        ({"object": "price", "type": "sometimes"}, "price.type: 'sometimes' is none of ('one_time', 'recurring')"),
        ({"object": "list", "data": [{"object": "product"}]}, ".data[0].name: missing"),
        ({"object": "invoice", "lines": []}, "invoice.lines: [] is no list object"),
        ({"object": "price", "recurring": {"interval": "month"}}, "price.recurring.usage_type: missing"),
        ({"object": "charge", "paid": 1}, "charge.paid: 1 is no bool"),
        ({"object": "charge", "amount": True}, "charge.amount: True is no int"),
    ],
)
def test_the_checker_sees_what_is_wrong(body: dict[str, Any], said: str) -> None:
    assert said in list(shapes.faults(body))


def test_pages_setups_and_books_have_their_shapes(sdk: Sdk, watch: shapes.Watched) -> None:
    customer = sdk.customer()
    price = sdk.price(2000)
    line = {"price": price.id, "quantity": 1}
    sdk.v1.checkout.sessions.create(
        {"mode": "subscription", "customer": customer.id, "line_items": [line], "success_url": "https://shop.example"}
    )
    sdk.v1.payment_links.create({"line_items": [line]})
    sdk.v1.billing_portal.sessions.create({"customer": customer.id})
    sdk.v1.setup_intents.create({"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True})
    sdk.v1.plans.retrieve(price.id)
    sdk.v1.customers.search({"query": "created>0"})
    sdk.v1.balance.retrieve()
    common: dict[str, Any] = {
        "merchant_id": sdk.merchant.id,
        "gateway": "sandbox",
        "currency": "usd",
        "amount": 1000,
        "created": sdk.merchant.created,
        "recorded_at": sdk.merchant.created,
    }
    BalanceTransaction.objects.create(
        gateway_balance_transaction_id="txn_1",
        type="charge",
        fee=30,
        net=970,
        status="available",
        available_on=sdk.merchant.created,
        gateway_source_id="ch_1",
        **common,
    )
    Payout.objects.create(gateway_payout_id="po_1", status="paid", arrival_date=sdk.merchant.created, **common)
    for resource in (sdk.v1.balance_transactions, sdk.v1.payouts):
        assert len(resource.list().data) == 1
    kinds = {
        "balance",
        "balance_transaction",
        "billing_portal.session",
        "checkout.session",
        "payment_link",
        "payout",
        "plan",
        "search_result",
        "setup_intent",
    }
    assert kinds <= watch.kinds
