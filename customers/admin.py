"""Subscribers, for staff to look at."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from customers.models import (
    CreditGrant,
    CreditGrantTransaction,
    Customer,
    CustomerBalanceTransaction,
    CustomerTaxId,
    PaymentMethod,
    TestClock,
)
from merchants.staff import ReadOnlyAdmin, ReadOnlyInline, money

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


class TaxIdInline(ReadOnlyInline):
    model = CustomerTaxId
    fields = ("type", "value", "created")


class PaymentMethodInline(ReadOnlyInline):
    model = PaymentMethod
    fields = ("type", "brand", "last4", "exp_month", "exp_year", "detached_at")


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "merchant", "city", "country", money("balance"), "created")
    money_fields = ("balance",)
    list_filter = ("tax_exempt", BY_MERCHANT)
    search_fields = ("id__exact", "email", "name")
    list_select_related = ("merchant",)
    inlines = (TaxIdInline, PaymentMethodInline)


@admin.register(CustomerTaxId)
class CustomerTaxIdAdmin(ReadOnlyAdmin):
    list_display = ("value", "type", "customer", "merchant", "created")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "value__exact", "customer__id__exact", "customer__email")
    list_select_related = ("customer", "merchant")


@admin.register(CustomerBalanceTransaction)
class CustomerBalanceTransactionAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "type", money("amount"), money("ending_balance"), "invoice_id", "created")
    money_fields = ("amount", "ending_balance")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "customer__id__exact", "invoice_id__exact", "credit_note_id__exact")
    list_select_related = ("customer",)


@admin.register(CreditGrant)
class CreditGrantAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "customer", "category", money("amount"), money("balance"), "expires_at", "voided_at")
    money_fields = ("amount", "balance")
    list_filter = ("category", BY_MERCHANT)
    search_fields = ("id__exact", "customer__id__exact", "customer__email")
    list_select_related = ("customer",)


@admin.register(CreditGrantTransaction)
class CreditGrantTransactionAdmin(ReadOnlyAdmin):
    list_display = ("id", "credit_grant", "customer", "type", money("amount"), money("ending_balance"), "created")
    money_fields = ("amount", "ending_balance")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "credit_grant__id__exact", "customer__id__exact", "invoice_id__exact")
    list_select_related = ("customer", "credit_grant")


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "type", "brand", "last4", "exp_month", "exp_year", "gateway", "detached_at")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "gateway_method_id__exact", "last4__exact", "customer__id__exact", "customer__email")
    list_select_related = ("customer",)


@admin.register(TestClock)
class TestClockAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "status", "frozen_time", "target_time", "merchant", "deleted_at")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "name")
    list_select_related = ("merchant",)
