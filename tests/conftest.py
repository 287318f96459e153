"""What all tests share: a database per process, files that vanish, subprocesses on the same database."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings

from tests import databases

# Several test processes share few cores: slowness is no finding.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.hookimpl(trylast=True)  # after the hook that marks what needs a browser
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: what is begun last would keep one process busy while the others have ended."""
    heavy = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in heavy)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[None]:
    """Replaces pytest-django's own: many runs side by side, and no migrations when nothing changed."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with django_db_blocker.unblock():
        databases.start_server()
        name = databases.create_database(worker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: databases.forget_rows())
        yield
    with django_db_blocker.unblock():
        databases.drop_database(name)


@pytest.fixture(scope="session", autouse=True)
def _loops_beside_a_browsers() -> Iterator[None]:
    """A browser, once started, keeps its event loop running in this thread: who runs a loop of their own must not see
    it. Only while it runs: Django keeps another connection for whoever sees a loop."""
    run = asyncio.run

    def alone(*args: Any, **options: Any) -> Any:
        browsers = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return run(*args, **options)
        finally:
            asyncio._set_running_loop(browsers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "run", alone)
        yield


@pytest.fixture(scope="session", autouse=True)
def _media_vanishes() -> Iterator[None]:
    from django.conf import settings

    yield
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


@pytest.fixture
def subprocess_env(transactional_db: None, tmp_path) -> dict[str, str]:
    """The environment in which `manage.py ...`, run by a test, sees the test's own (committed) rows."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "billing_site.settings",
        "DATABASE_URL": databases.url_of_current_database(),
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(tmp_path / "var"),
        "SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="session")
def _fake_server():
    from tests.fake_stripe import FakeStripe

    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def fake(_fake_server, settings, monkeypatch):
    """The fake Stripe with empty books and a good line, and our settings pointing to it."""
    import stripe

    from tests.fake_stripe.books import Books
    from tests.fake_stripe.faults import Faults

    _fake_server.books, _fake_server.faults = Books(), Faults()
    settings.STRIPE_API_BASE = _fake_server.url
    monkeypatch.setattr(stripe, "api_base", _fake_server.url)
    settings.STRIPE_CALLS_AT_ONCE = 4
    return _fake_server
