"""A shop, its people, and a browser-less client at work for it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from dashboard.actions import new_action_token
from merchants.models import Merchant, User
from tests.factories import merchants


@dataclass
class Desk:
    """One person logged in, with short words for what tests do all day."""

    client: Client
    user: User
    merchant: Merchant

    def get(self, name: str, /, *args: str, **kwargs):
        return self.client.get(reverse(f"dashboard:{name}", args=args), **kwargs)

    def post(self, name: str, /, *args: str, token: str = "", **data):
        """Send a form with a fresh one-time token, or with the one given."""
        data["action_token"] = token or new_action_token(str(self.user.pk))
        return self.client.post(reverse(f"dashboard:{name}", args=args), data)


@pytest.fixture(autouse=True)
def _no_tokens_left_over():
    cache.clear()


@pytest.fixture
def shop(db) -> Merchant:
    return merchants.merchant(name="Érable & Cie", livemode=True)


@pytest.fixture
def desk_of(shop: Merchant) -> Callable[..., Desk]:
    def make(role: str = "owner", merchant: Merchant = shop, language: str = "en") -> Desk:
        user = merchants.user()
        merchants.membership(merchant=merchant, user=user, role=role)
        client = Client(headers={"accept-language": language})
        client.force_login(user)
        return Desk(client, user, merchant)

    return make


@pytest.fixture
def desk(desk_of) -> Desk:
    """The owner at work."""
    return desk_of()
