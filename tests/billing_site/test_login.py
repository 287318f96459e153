"""Guessing passwords is slowed down; the limit is kept in the shared cache."""

import pytest
from django.core.cache import cache

WRONG = {"login": "someone@example.com", "password": "not the password"}


@pytest.fixture
def rate_limits(settings):
    from billing_site import settings as product

    settings.ACCOUNT_RATE_LIMITS = product.ACCOUNT_RATE_LIMITS
    cache.clear()
    yield
    cache.clear()


@pytest.mark.django_db
def test_the_sixth_wrong_password_is_not_even_tried(client, rate_limits, django_user_model):
    django_user_model.objects.create_user("someone@example.com", "the right password")
    for _ in range(5):
        assert "not correct" in client.post("/accounts/login/", WRONG).content.decode()
    right = {**WRONG, "password": "the right password"}
    page = client.post("/accounts/login/", right)
    assert page.status_code == 200
    assert "Too many failed login attempts" in page.content.decode()
