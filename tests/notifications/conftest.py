import pytest


@pytest.fixture(autouse=True)
def _only_the_addresses_that_mails_name(settings):
    settings.ROOT_URLCONF = "tests.notifications.urls"
