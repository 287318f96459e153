"""The subscriber's addresses: checkout, hosted invoice, portal."""

from django.urls import path

from portal.views import (
    account,
    checkout,
    checkout_result,
    hosted_invoice,
    invoices,
    overview,
    payment_methods,
    processor,
    sign_in,
    subscriptions,
)

urlpatterns = [
    path("pay/<slug:payment_link_id>", checkout.open_link, name="payment_link"),
    path("pay/return/<slug:payment_intent_id>/", processor.bank_done, name="bank_done"),
    path("pay/s/<slug:session_id>", checkout.page, name="checkout"),
    path("pay/s/<slug:session_id>/preview", checkout.preview, name="checkout_preview"),
    path("pay/s/<slug:session_id>/address", checkout.address, name="checkout_address"),
    path("pay/s/<slug:session_id>/authenticate", checkout_result.authenticate, name="checkout_authenticate"),
    path("pay/s/<slug:session_id>/done", checkout_result.done, name="checkout_done"),
    path("pay/s/<slug:session_id>/portal", checkout_result.to_portal, name="checkout_to_portal"),
    path("i/<slug:hosted_token>", hosted_invoice.page, name="hosted_invoice"),
    path("i/<slug:hosted_token>/pay", hosted_invoice.pay, name="hosted_invoice_pay"),
    path("i/<slug:hosted_token>/authenticate", hosted_invoice.authenticate, name="hosted_invoice_authenticate"),
    path("i/<slug:hosted_token>/card", processor.invoice_card, name="hosted_invoice_card"),
    path(
        "i/<slug:hosted_token>/card/<slug:setup_id>",
        processor.invoice_card_done,
        name="hosted_invoice_card_done",
    ),
    path("i/<slug:hosted_token>/pdf", hosted_invoice.pdf, name="hosted_invoice_pdf"),
    path(
        "i/<slug:hosted_token>/credit-notes/<slug:note_id>/pdf",
        hosted_invoice.credit_note,
        name="hosted_credit_note_pdf",
    ),
    path("portal/", overview.home, name="portal_home"),
    path("portal/sign-out", sign_in.leave, name="portal_sign_out"),
    path("portal/switch", sign_in.switch, name="portal_switch"),
    path("portal/subscriptions/<slug:subscription_id>", subscriptions.detail, name="portal_subscription"),
    path("portal/subscriptions/<slug:subscription_id>/change", subscriptions.change, name="portal_change"),
    path("portal/subscriptions/<slug:subscription_id>/cancel", subscriptions.cancel, name="portal_cancel"),
    path("portal/subscriptions/<slug:subscription_id>/keep", subscriptions.keep, name="portal_keep"),
    path("portal/invoices", invoices.listing, name="portal_invoices"),
    path("portal/payment-methods", payment_methods.listing, name="portal_payment_methods"),
    path("portal/payment-methods/add", payment_methods.add, name="portal_add_payment_method"),
    path("portal/payment-methods/setup/<slug:setup_id>", processor.setup_done, name="portal_setup"),
    path(
        "portal/payment-methods/<slug:payment_method_id>/default",
        payment_methods.make_default,
        name="portal_default_payment_method",
    ),
    path(
        "portal/payment-methods/<slug:payment_method_id>/remove",
        payment_methods.remove,
        name="portal_remove_payment_method",
    ),
    path("portal/account", account.details, name="portal_account"),
    path("portal/account/address", account.address, name="portal_account_address"),
    path("portal/account/tax-ids", account.add_number, name="portal_add_tax_id"),
    path("portal/account/tax-ids/<slug:tax_id_id>/remove", account.remove_number, name="portal_remove_tax_id"),
    path("portal/<slug:merchant_id>/login", sign_in.ask, name="portal_login"),
    path("portal/<slug:merchant_id>/link/<slug:token>", sign_in.use_link, name="portal_link"),
]
