"""The dashboard's addresses: a plural for each list, the id for a detail, a verb for each act."""

from django.urls import path, register_converter

from dashboard.views import (
    activity,
    api_keys,
    catalog,
    catalog_acts,
    clock_acts,
    credit_note_acts,
    customer_acts,
    customers,
    grant_acts,
    invoice_acts,
    invoices,
    message_acts,
    meters,
    method_acts,
    offer_acts,
    one_off_acts,
    overview,
    pause_acts,
    payment_acts,
    payments,
    product_acts,
    schedule_acts,
    schedules,
    settings,
    subscription_acts,
    subscriptions,
    switch,
)

app_name = "dashboard"


class IdConverter:
    """Our ids: nothing else in an address reaches the database."""

    regex = "[0-9A-Za-z_]{1,60}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")

urlpatterns = [
    path("", overview.Overview.as_view(), name="overview"),
    path("switch/", switch.SwitchMerchant.as_view(), name="switch_merchant"),
    path("settings/", settings.Settings.as_view(), name="settings"),
    path("customers/", customers.CustomerList.as_view(), name="customers"),
    path("customers/new/", customer_acts.CustomerNew.as_view(), name="customer_new"),
    path("customers/<id:pk>/", customers.CustomerDetail.as_view(), name="customer"),
    path("customers/<id:pk>/edit/", customer_acts.CustomerEdit.as_view(), name="customer_edit"),
    path("customers/<id:pk>/tax-ids/add/", customer_acts.CustomerAddTaxId.as_view(), name="customer_add_tax_id"),
    path(
        "customers/<id:pk>/tax-ids/<id:tax_id>/remove/",
        customer_acts.CustomerRemoveTaxId.as_view(),
        name="customer_remove_tax_id",
    ),
    path("customers/<id:pk>/balance/", customer_acts.CustomerAdjustBalance.as_view(), name="customer_adjust_balance"),
    path("customers/<id:pk>/amounts/add/", one_off_acts.CustomerAddAmount.as_view(), name="customer_add_amount"),
    path("customers/<id:pk>/invoice/", one_off_acts.CustomerInvoiceNow.as_view(), name="customer_invoice_now"),
    path("customers/<id:pk>/methods/add/", method_acts.CustomerAddMethod.as_view(), name="customer_add_method"),
    path(
        "customers/<id:pk>/methods/<id:method>/default/",
        method_acts.CustomerDefaultMethod.as_view(),
        name="customer_default_method",
    ),
    path("customers/<id:pk>/grants/new/", grant_acts.CustomerGrantCredit.as_view(), name="customer_grant_credit"),
    path(
        "customers/<id:pk>/grants/<id:grant>/void/",
        grant_acts.CustomerVoidGrant.as_view(),
        name="customer_void_grant",
    ),
    path(
        "customers/<id:pk>/grants/<id:grant>/expire/",
        grant_acts.CustomerExpireGrant.as_view(),
        name="customer_expire_grant",
    ),
    path("schedules/", schedules.ScheduleList.as_view(), name="schedules"),
    path("schedules/new/", schedule_acts.ScheduleNew.as_view(), name="schedule_new"),
    path("schedules/<id:pk>/edit/", schedule_acts.ScheduleEdit.as_view(), name="schedule_edit"),
    path(
        "subscriptions/<id:pk>/schedule/",
        schedule_acts.SubscriptionScheduleNew.as_view(),
        name="subscription_schedule",
    ),
    path("schedules/<id:pk>/", schedules.ScheduleDetail.as_view(), name="schedule"),
    path("schedules/<id:pk>/release/", schedules.ScheduleRelease.as_view(), name="schedule_release"),
    path("schedules/<id:pk>/cancel/", schedules.ScheduleCancel.as_view(), name="schedule_cancel"),
    path("meters/", meters.MeterList.as_view(), name="meters"),
    path("meters/new/", meters.MeterNew.as_view(), name="meter_new"),
    path("meters/<id:pk>/", meters.MeterDetail.as_view(), name="meter"),
    path("meters/<id:pk>/edit/", meters.MeterEdit.as_view(), name="meter_edit"),
    path("meters/<id:pk>/deactivate/", meters.MeterDeactivate.as_view(), name="meter_deactivate"),
    path("meters/<id:pk>/activate/", meters.MeterActivate.as_view(), name="meter_activate"),
    path("api-keys/", api_keys.ApiKeyList.as_view(), name="api_keys"),
    path("api-keys/new/", api_keys.ApiKeyNew.as_view(), name="api_key_new"),
    path("api-keys/<id:pk>/revoke/", api_keys.ApiKeyRevoke.as_view(), name="api_key_revoke"),
    path("subscriptions/", subscriptions.SubscriptionList.as_view(), name="subscriptions"),
    path("subscriptions/new/", subscription_acts.SubscriptionNew.as_view(), name="subscription_new"),
    path("subscriptions/<id:pk>/", subscriptions.SubscriptionDetail.as_view(), name="subscription"),
    path("invoices/", invoices.InvoiceList.as_view(), name="invoices"),
    path("invoices/<id:pk>/", invoices.InvoiceDetail.as_view(), name="invoice"),
    path("invoices/<id:pk>/delete/", one_off_acts.InvoiceDeleteDraft.as_view(), name="invoice_delete_draft"),
    path("invoices/<id:pk>/pdf/", invoices.InvoicePdf.as_view(), name="invoice_pdf"),
    path("invoices/<id:pk>/credit-notes/<id:note>/pdf/", invoices.CreditNotePdf.as_view(), name="credit_note_pdf"),
    path("invoices/<id:pk>/send-again/", message_acts.InvoiceResend.as_view(), name="invoice_resend"),
    path("payments/", payments.PaymentList.as_view(), name="payments"),
    path("payments/<id:pk>/", payments.PaymentDetail.as_view(), name="payment"),
    path("products/", catalog.ProductList.as_view(), name="products"),
    path("products/new/", product_acts.ProductNew.as_view(), name="product_new"),
    path("products/<id:pk>/", catalog.ProductDetail.as_view(), name="product"),
    path("products/<id:pk>/edit/", catalog_acts.ProductEdit.as_view(), name="product_edit"),
    path("products/<id:pk>/bundle/", product_acts.ProductBundle.as_view(), name="product_bundle"),
    path("products/<id:pk>/features/add/", product_acts.ProductAddFeature.as_view(), name="product_add_feature"),
    path(
        "products/<id:pk>/features/<id:row>/remove/",
        product_acts.ProductRemoveFeature.as_view(),
        name="product_remove_feature",
    ),
    path("products/<id:pk>/prices/new/", catalog_acts.PriceNew.as_view(), name="price_new"),
    path("products/<id:pk>/prices/<id:price>/", catalog_acts.PriceEdit.as_view(), name="price_edit"),
    path("coupons/", catalog.CouponList.as_view(), name="coupons"),
    path("coupons/new/", offer_acts.CouponNew.as_view(), name="coupon_new"),
    path("coupons/<id:pk>/", catalog.CouponDetail.as_view(), name="coupon"),
    path("coupons/<id:pk>/edit/", offer_acts.CouponEdit.as_view(), name="coupon_edit"),
    path("coupons/<id:pk>/withdraw/", offer_acts.CouponDelete.as_view(), name="coupon_delete"),
    path("coupons/<id:pk>/codes/new/", offer_acts.PromotionCodeNew.as_view(), name="promotion_code_new"),
    path(
        "coupons/<id:pk>/codes/<id:code>/archive/",
        offer_acts.PromotionCodeArchive.as_view(),
        name="promotion_code_archive",
    ),
    path("tax-rates/", catalog.TaxRateList.as_view(), name="tax_rates"),
    path("tax-rates/new/", catalog_acts.TaxRateNew.as_view(), name="tax_rate_new"),
    path("tax-rates/<id:pk>/", catalog.TaxRateDetail.as_view(), name="tax_rate"),
    path("tax-rates/<id:pk>/edit/", catalog_acts.TaxRateEdit.as_view(), name="tax_rate_edit"),
    path("payment-links/", catalog.PaymentLinkList.as_view(), name="payment_links"),
    path("payment-links/new/", offer_acts.PaymentLinkNew.as_view(), name="payment_link_new"),
    path("payment-links/<id:pk>/", catalog.PaymentLinkDetail.as_view(), name="payment_link"),
    path("payment-links/<id:pk>/edit/", offer_acts.PaymentLinkEdit.as_view(), name="payment_link_edit"),
    path("events/", activity.EventList.as_view(), name="events"),
    path("events/<id:pk>/", activity.EventDetail.as_view(), name="event"),
    path("messages/", activity.MessageList.as_view(), name="messages"),
    path("messages/<id:pk>/", activity.MessageDetail.as_view(), name="message"),
    path("messages/<id:pk>/as-sent/", activity.MessageAsSent.as_view(), name="message_as_sent"),
    path("runs/", activity.RunList.as_view(), name="runs"),
    path("runs/refusals/", activity.RefusalList.as_view(), name="refusals"),
    path("test-clocks/", activity.TestClockList.as_view(), name="test_clocks"),
    path("test-clocks/new/", clock_acts.TestClockNew.as_view(), name="test_clock_new"),
    path("test-clocks/<id:pk>/", activity.TestClockDetail.as_view(), name="test_clock"),
    path("subscriptions/<id:pk>/change/", subscription_acts.SubscriptionChange.as_view(), name="subscription_change"),
    path(
        "subscriptions/<id:pk>/change/preview/",
        subscription_acts.SubscriptionChangePreview.as_view(),
        name="subscription_change_preview",
    ),
    path("subscriptions/<id:pk>/cancel/", subscription_acts.SubscriptionCancel.as_view(), name="subscription_cancel"),
    path(
        "subscriptions/<id:pk>/keep/",
        subscription_acts.SubscriptionUndoCancel.as_view(),
        name="subscription_undo_cancel",
    ),
    path(
        "subscriptions/<id:pk>/thresholds/",
        subscription_acts.SubscriptionThresholds.as_view(),
        name="subscription_thresholds",
    ),
    path("subscriptions/<id:pk>/pause/", pause_acts.SubscriptionPause.as_view(), name="subscription_pause"),
    path("subscriptions/<id:pk>/resume/", pause_acts.SubscriptionResume.as_view(), name="subscription_resume"),
    path("invoices/<id:pk>/credit/", credit_note_acts.InvoiceCredit.as_view(), name="invoice_credit"),
    path(
        "invoices/<id:pk>/credit-notes/<id:note>/void/",
        credit_note_acts.CreditNoteVoid.as_view(),
        name="credit_note_void",
    ),
    path("invoices/<id:pk>/finalize/", invoice_acts.InvoiceFinalize.as_view(), name="invoice_finalize"),
    path("invoices/<id:pk>/void/", invoice_acts.InvoiceVoid.as_view(), name="invoice_void"),
    path("invoices/<id:pk>/write-off/", invoice_acts.InvoiceUncollectible.as_view(), name="invoice_uncollectible"),
    path("invoices/<id:pk>/pay/", invoice_acts.InvoicePay.as_view(), name="invoice_pay"),
    path(
        "invoices/<id:pk>/record-payment/",
        invoice_acts.InvoiceRecordPayment.as_view(),
        name="invoice_record_payment",
    ),
    path(
        "payments/<id:pk>/charges/<id:charge>/refund/",
        payment_acts.PaymentRefund.as_view(),
        name="payment_refund",
    ),
    path("test-clocks/<id:pk>/advance/", clock_acts.TestClockAdvance.as_view(), name="test_clock_advance"),
]
