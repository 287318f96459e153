"""What was collected and what went back, for staff to look at."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from merchants.staff import ReadOnlyAdmin, ReadOnlyInline, money
from payments.models import (
    BalanceTransaction,
    Charge,
    Dispute,
    EvidenceFile,
    GatewayAccount,
    GatewayCustomer,
    GatewayEvent,
    GatewaySetup,
    InvoicePayment,
    PaymentIntent,
    Payout,
    Refund,
    SandboxObject,
    SandboxReply,
    SetupIntent,
)

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


class ChargeInline(ReadOnlyInline):
    model = Charge
    fields = ("attempt", "status", money("amount"), "decline_code", "failure_message", "created")
    ordering = ("attempt", "id")


@admin.register(PaymentIntent)
class PaymentIntentAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "invoice", "status", money("amount"), "gateway", "merchant", "created")
    money_fields = ("amount", "amount_received")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "gateway_intent_id__exact", "invoice__id__exact", "customer__id__exact")
    list_select_related = ("customer", "invoice", "merchant")
    inlines = (ChargeInline,)


@admin.register(Charge)
class ChargeAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", money("amount"), money("amount_refunded"), "attempt", "decline_code", "created")
    money_fields = ("amount", "amount_refunded")
    list_filter = ("status",)
    search_fields = (
        "id__exact",
        "merchant_id__exact",
        "invoice_id__exact",
        "customer_id__exact",
        "payment_intent__id__exact",
        "gateway_charge_id__exact",
    )
    list_select_related = ("payment_intent",)


@admin.register(InvoicePayment)
class InvoicePaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice", "type", money("amount_paid"), "merchant", "created")
    money_fields = ("amount_paid",)
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "invoice__id__exact", "invoice__number__exact", "charge_id__exact")
    list_select_related = ("invoice", "merchant")


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("id", "charge", "status", money("amount"), "reason", "merchant", "created")
    money_fields = ("amount",)
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "charge__id__exact", "invoice_id__exact", "gateway_refund_id__exact")
    list_select_related = ("charge", "merchant")


@admin.register(SandboxObject)
class SandboxObjectAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "customer_id", "merchant_id", "created")
    search_fields = ("id__exact", "kind__exact", "merchant_id__exact", "customer_id__exact")


@admin.register(SandboxReply)
class SandboxReplyAdmin(ReadOnlyAdmin):
    list_display = ("id", "merchant_id", "idempotency_key", "recorded_at")
    search_fields = ("id__exact", "merchant_id__exact", "idempotency_key__exact")


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "reason", money("amount"), "evidence_due_by", "merchant", "created")
    money_fields = ("amount",)
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "charge__id__exact", "invoice_id__exact", "gateway_dispute_id__exact")
    list_select_related = ("charge", "merchant")


@admin.register(EvidenceFile)
class EvidenceFileAdmin(ReadOnlyAdmin):
    list_display = ("id", "file", "gateway", "gateway_file_id", "merchant", "recorded_at")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "file__id__exact", "gateway_file_id__exact")
    list_select_related = ("file", "merchant")


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", money("amount"), money("fee"), money("net"), "status", "merchant", "created")
    money_fields = ("amount", "fee", "net")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "gateway_balance_transaction_id__exact", "source_id__exact")
    list_select_related = ("merchant",)


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", money("amount"), "arrival_date", "merchant", "created")
    money_fields = ("amount",)
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "gateway_payout_id__exact")
    list_select_related = ("merchant",)


@admin.register(GatewayAccount)
class GatewayAccountAdmin(ReadOnlyAdmin):
    """Its secrets are sealed, and not even the sealed text is shown."""

    list_display = ("id", "gateway", "gateway_account_id", "status", "api_key_hint", "merchant", "created")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "gateway_account_id__exact", "merchant__id__exact")
    list_select_related = ("merchant",)
    exclude = ("api_key_sealed", "webhook_secret_sealed", "webhook_secret_before_sealed")


@admin.register(GatewayCustomer)
class GatewayCustomerAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer_id", "gateway_customer_id", "merchant_id", "created")
    search_fields = ("customer_id__exact", "gateway_customer_id__exact", "merchant_id__exact")


@admin.register(GatewaySetup)
class GatewaySetupAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "gateway", "status", "merchant", "created")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "customer__id__exact", "gateway_setup_id__exact")
    list_select_related = ("customer", "merchant")


@admin.register(SetupIntent)
class SetupIntentAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "status", "usage", "merchant", "created")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "customer__id__exact", "payment_method_id__exact")
    list_select_related = ("customer", "merchant")


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "object_id", "status", "source", "attempts", "merchant_id", "recorded_at")
    list_filter = ("status",)
    search_fields = ("id__exact", "gateway_event_id__exact", "object_id__exact", "merchant_id__exact")
