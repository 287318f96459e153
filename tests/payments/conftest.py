"""The worlds in which the contract is tried."""

import pytest

from tests.payments.worlds import SandboxWorld, StripeWorld


@pytest.fixture(params=["sandbox", "stripe"])
def world(request):
    """The gateway, and what its other side does by itself."""
    return SandboxWorld() if request.param == "sandbox" else StripeWorld(request.getfixturevalue("fake"))


@pytest.fixture
def gateway(world):
    return world.gateway
