"""The addresses that mails name; the mails are tested without the faces above them."""

from django.urls import include, path

of_dashboard = [path("disputes/<str:pk>/", lambda request, pk: None, name="dispute")]
urlpatterns = [
    path("dashboard/", include((of_dashboard, "dashboard"))),
    path("i/<str:hosted_token>", lambda request, hosted_token: None, name="hosted_invoice"),
    path("fix/<str:token>", lambda request, token: None, name="payment_fix"),
    path("confirm/<str:token>", lambda request, token: None, name="payment_confirm"),
    path("portal/<str:merchant_id>/login", lambda request, merchant_id: None, name="portal_login"),
]
