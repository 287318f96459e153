"""Whole addresses of the subscriber's pages, for mails and for who prints them."""

from django.conf import settings
from django.urls import reverse


def portal_link_url(merchant_id: str, token: str) -> str:
    """The one-time link that `open_portal_session` made a token for."""
    return settings.SITE_URL + reverse("portal_link", args=[merchant_id, token])


def payment_link_url(payment_link_id: str) -> str:
    return settings.SITE_URL + reverse("payment_link", args=[payment_link_id])


def hosted_invoice_url(hosted_token: str) -> str:
    return settings.SITE_URL + reverse("hosted_invoice", args=[hosted_token])
