from django.apps import AppConfig


class BillingSiteConfig(AppConfig):
    name = "billing_site"
    label = "billing_site"
    default_auto_field = "django.db.models.BigAutoField"
