"""A merchant on the fake processor, as both sides see it."""

import pytest

from payments.models import GatewayAccount
from tests.factories.gateways import merchant_on_stripe
from tests.factories.times import NEW_YEAR


@pytest.fixture
def merchant(fake):
    fake.books.started = NEW_YEAR.timestamp()
    return merchant_on_stripe(fake)


@pytest.fixture
def theirs(fake, merchant):
    [account] = fake.books.accounts.values()
    return account


@pytest.fixture
def ours(merchant):
    return GatewayAccount.objects.get()
