"""The processors' way in."""

from django.urls import path

from payments.views import stripe_webhook

app_name = "payments"
urlpatterns = [path("stripe/<slug:account_id>/", stripe_webhook, name="stripe_webhook")]
