"""The dashboard's addresses: a plural for each list, the id for a detail, a verb for each act."""

from django.urls import path

from dashboard.views import (
    activity,
    catalog,
    catalog_acts,
    customer_acts,
    customers,
    invoices,
    message_acts,
    method_acts,
    offer_acts,
    overview,
    payments,
    settings,
    subscriptions,
    switch,
)

app_name = "dashboard"

urlpatterns = [
    path("", overview.Overview.as_view(), name="overview"),
    path("switch/", switch.SwitchMerchant.as_view(), name="switch_merchant"),
    path("settings/", settings.Settings.as_view(), name="settings"),
    path("customers/", customers.CustomerList.as_view(), name="customers"),
    path("customers/new/", customer_acts.CustomerNew.as_view(), name="customer_new"),
    path("customers/<str:pk>/", customers.CustomerDetail.as_view(), name="customer"),
    path("customers/<str:pk>/edit/", customer_acts.CustomerEdit.as_view(), name="customer_edit"),
    path("customers/<str:pk>/tax-ids/add/", customer_acts.CustomerAddTaxId.as_view(), name="customer_add_tax_id"),
    path(
        "customers/<str:pk>/tax-ids/<str:tax_id>/remove/",
        customer_acts.CustomerRemoveTaxId.as_view(),
        name="customer_remove_tax_id",
    ),
    path("customers/<str:pk>/balance/", customer_acts.CustomerAdjustBalance.as_view(), name="customer_adjust_balance"),
    path("customers/<str:pk>/methods/add/", method_acts.CustomerAddMethod.as_view(), name="customer_add_method"),
    path(
        "customers/<str:pk>/methods/<str:method>/default/",
        method_acts.CustomerDefaultMethod.as_view(),
        name="customer_default_method",
    ),
    path("subscriptions/", subscriptions.SubscriptionList.as_view(), name="subscriptions"),
    path("subscriptions/<str:pk>/", subscriptions.SubscriptionDetail.as_view(), name="subscription"),
    path("invoices/", invoices.InvoiceList.as_view(), name="invoices"),
    path("invoices/<str:pk>/", invoices.InvoiceDetail.as_view(), name="invoice"),
    path("invoices/<str:pk>/pdf/", invoices.InvoicePdf.as_view(), name="invoice_pdf"),
    path("invoices/<str:pk>/send-again/", message_acts.InvoiceResend.as_view(), name="invoice_resend"),
    path("payments/", payments.PaymentList.as_view(), name="payments"),
    path("payments/<str:pk>/", payments.PaymentDetail.as_view(), name="payment"),
    path("products/", catalog.ProductList.as_view(), name="products"),
    path("products/new/", catalog_acts.ProductNew.as_view(), name="product_new"),
    path("products/<str:pk>/", catalog.ProductDetail.as_view(), name="product"),
    path("products/<str:pk>/edit/", catalog_acts.ProductEdit.as_view(), name="product_edit"),
    path("products/<str:pk>/prices/new/", catalog_acts.PriceNew.as_view(), name="price_new"),
    path("products/<str:pk>/prices/<str:price>/", catalog_acts.PriceEdit.as_view(), name="price_edit"),
    path("coupons/", catalog.CouponList.as_view(), name="coupons"),
    path("coupons/new/", offer_acts.CouponNew.as_view(), name="coupon_new"),
    path("coupons/<str:pk>/", catalog.CouponDetail.as_view(), name="coupon"),
    path("coupons/<str:pk>/edit/", offer_acts.CouponEdit.as_view(), name="coupon_edit"),
    path("coupons/<str:pk>/withdraw/", offer_acts.CouponDelete.as_view(), name="coupon_delete"),
    path("coupons/<str:pk>/codes/new/", offer_acts.PromotionCodeNew.as_view(), name="promotion_code_new"),
    path(
        "coupons/<str:pk>/codes/<str:code>/archive/",
        offer_acts.PromotionCodeArchive.as_view(),
        name="promotion_code_archive",
    ),
    path("tax-rates/", catalog.TaxRateList.as_view(), name="tax_rates"),
    path("tax-rates/new/", catalog_acts.TaxRateNew.as_view(), name="tax_rate_new"),
    path("tax-rates/<str:pk>/", catalog.TaxRateDetail.as_view(), name="tax_rate"),
    path("tax-rates/<str:pk>/edit/", catalog_acts.TaxRateEdit.as_view(), name="tax_rate_edit"),
    path("payment-links/", catalog.PaymentLinkList.as_view(), name="payment_links"),
    path("payment-links/new/", offer_acts.PaymentLinkNew.as_view(), name="payment_link_new"),
    path("payment-links/<str:pk>/", catalog.PaymentLinkDetail.as_view(), name="payment_link"),
    path("payment-links/<str:pk>/edit/", offer_acts.PaymentLinkEdit.as_view(), name="payment_link_edit"),
    path("events/", activity.EventList.as_view(), name="events"),
    path("events/<str:pk>/", activity.EventDetail.as_view(), name="event"),
    path("messages/", activity.MessageList.as_view(), name="messages"),
    path("messages/<str:pk>/", activity.MessageDetail.as_view(), name="message"),
    path("runs/", activity.RunList.as_view(), name="runs"),
    path("runs/refusals/", activity.RefusalList.as_view(), name="refusals"),
    path("test-clocks/", activity.TestClockList.as_view(), name="test_clocks"),
    path("test-clocks/<str:pk>/", activity.TestClockDetail.as_view(), name="test_clock"),
]

try:
    from dashboard.views import clock_acts, invoice_acts, payment_acts, subscription_acts

    urlpatterns = [
        path("subscriptions/new/", subscription_acts.SubscriptionNew.as_view(), name="subscription_new"),
        path("test-clocks/new/", clock_acts.TestClockNew.as_view(), name="test_clock_new"),
        *urlpatterns,
        path(
            "subscriptions/<str:pk>/change/", subscription_acts.SubscriptionChange.as_view(), name="subscription_change"
        ),
        path(
            "subscriptions/<str:pk>/change/preview/",
            subscription_acts.SubscriptionChangePreview.as_view(),
            name="subscription_change_preview",
        ),
        path(
            "subscriptions/<str:pk>/cancel/", subscription_acts.SubscriptionCancel.as_view(), name="subscription_cancel"
        ),
        path(
            "subscriptions/<str:pk>/keep/",
            subscription_acts.SubscriptionUndoCancel.as_view(),
            name="subscription_undo_cancel",
        ),
        path("invoices/<str:pk>/finalize/", invoice_acts.InvoiceFinalize.as_view(), name="invoice_finalize"),
        path("invoices/<str:pk>/void/", invoice_acts.InvoiceVoid.as_view(), name="invoice_void"),
        path("invoices/<str:pk>/write-off/", invoice_acts.InvoiceUncollectible.as_view(), name="invoice_uncollectible"),
        path("invoices/<str:pk>/pay/", invoice_acts.InvoicePay.as_view(), name="invoice_pay"),
        path(
            "invoices/<str:pk>/record-payment/",
            invoice_acts.InvoiceRecordPayment.as_view(),
            name="invoice_record_payment",
        ),
        path(
            "payments/<str:pk>/charges/<str:charge>/refund/",
            payment_acts.PaymentRefund.as_view(),
            name="payment_refund",
        ),
        path("test-clocks/<str:pk>/advance/", clock_acts.TestClockAdvance.as_view(), name="test_clock_advance"),
    ]
except ImportError:
    for _name in ("subscription_new", "test_clock_new"):
        urlpatterns.insert(0, path(f"later/{_name}/", overview.Overview.as_view(), name=_name))
    for _name in (
        "subscription_change",
        "subscription_change_preview",
        "subscription_cancel",
        "subscription_undo_cancel",
        "invoice_finalize",
        "invoice_void",
        "invoice_uncollectible",
        "invoice_pay",
        "invoice_record_payment",
        "test_clock_advance",
    ):
        urlpatterns.append(path(f"later/{_name}/<str:pk>/", overview.Overview.as_view(), name=_name))
    urlpatterns.append(path("later/refund/<str:pk>/<str:charge>/", overview.Overview.as_view(), name="payment_refund"))
