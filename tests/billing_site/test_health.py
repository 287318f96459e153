"""Whether the house is well: for load balancers, monitors and Prometheus."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing_site import health, tasks, views
from engine.models import Refusal
from engine.services.renew import run_renewals
from payments.models import Charge
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db

FEBRUARY = utc(2024, 2, 1)
STRANGER = {"REMOTE_ADDR": "203.0.113.9"}
SAMPLE = re.compile(r'ostinato_[a-z_]+(\{[a-z]+="[a-z_.]+"\})? -?[0-9.e+]+')


@pytest.fixture(autouse=True)
def _no_heartbeat_left_over(monkeypatch):
    cache.clear()
    monkeypatch.setattr("django.utils.timezone.now", lambda: FEBRUARY)
    monkeypatch.setattr(tasks, "_told_at", float("-inf"))


@pytest.fixture
def late_shop():
    """One subscription due an hour ago, one refusal, a charge whose outcome is unknown since New Year."""
    shop = merchant(name="Secret Sauce Inc")
    ada = customer(merchant=shop, payment_method="pm_card_visa")
    row = subscription(customer=ada, prices=[price(merchant=shop)])
    type(row).objects.filter(id=row.id).update(next_action_at=utc(2024, 1, 31, 23))
    Charge.objects.update(status="unknown", recorded_at=NEW_YEAR)
    Refusal.objects.create(
        merchant=shop, object_id=row.id, kind="renewal", code="x", message="x", retry_at=FEBRUARY,
        created=FEBRUARY, recorded_at=FEBRUARY,
    )  # fmt: skip
    return shop


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in lines), lines
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_liveness_asks_no_database(client):
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/healthz").content == b"ok"
    assert not asked.captured_queries


def test_ready_with_a_database_that_is_migrated(client):
    answer = client.get("/readyz", **STRANGER)
    assert (answer.status_code, answer.json()["parts"]) == (200, {"database": True, "migrations": True})


@pytest.mark.parametrize("part", ["database", "migrations"])
def test_unready_without_a_part_that_requests_need(client, monkeypatch, part):
    def fails() -> bool:
        raise OSError("down")

    monkeypatch.setitem(views.NEEDED, part, fails)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"][part]) == (503, False)
    assert samples(client.get("/metrics").content.decode())[f'ostinato_ready{{part="{part}"}}'] == 0


def test_a_migration_that_is_missing_is_seen(monkeypatch):
    monkeypatch.setattr(health, "_is_migrated", False)
    assert health.is_migrated()
    monkeypatch.setattr(health, "_is_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'engine' AND name = '0002_run_control'")
    assert not health.is_migrated()


def test_what_is_late_takes_no_host_out_but_is_told_to_a_monitor(client, late_shop):
    assert client.get("/readyz").status_code == 200
    strict = client.get("/readyz?strict=1")
    assert (strict.status_code, strict.json()["status"]) == (503, "late")
    assert set(strict.json()["late"]) == {"cluster", "relay", "renewals", "unknown_charges"}
    assert strict.json()["ages_s"]["renewals"] == 3600.0


def test_a_stranger_is_told_no_figures(client, late_shop):
    body = client.get("/readyz?strict=1", **STRANGER).json()
    assert body == {"status": "late", "parts": {"database": True, "migrations": True}}


def test_a_worker_at_work_is_the_heartbeat(client):
    assert "cluster" in client.get("/readyz").json()["late"]
    tasks.canary()
    assert client.get("/readyz").json()["ages_s"]["cluster"] == 0.0
    assert client.get("/readyz?strict=1").status_code == 200


def test_the_figures_in_prometheus_format(client, late_shop):
    run_renewals(ctx=context(FEBRUARY))
    found = samples(client.get("/metrics").content.decode())
    assert found['ostinato_done_last_hour{run="renewal"}'] == 1
    assert 'ostinato_open_refusals{run="renewal"}' not in found  # it went through: its refusal is resolved
    assert found['ostinato_oldest_seconds{what="unknown_charges"}'] == 31 * 86400
    assert found['ostinato_late{what="unknown_charges"}'] == 1
    assert 'ostinato_oldest_seconds{what="cluster"}' not in found  # never seen is no age; late says it
    assert found['ostinato_late{what="cluster"}'] == 1


def test_the_figures_name_no_merchant(client, late_shop):
    text = client.get("/metrics").content.decode()
    assert late_shop.id not in text
    assert "Sauce" not in text


def test_the_queries_do_not_grow_with_what_waits(client, late_shop):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/metrics")
        return len(captured.captured_queries)

    queries()  # the first time a process also looks whether it is migrated
    before = queries()
    ada = customer(merchant=late_shop, payment_method="pm_card_visa")
    for _ in range(3):
        subscription(customer=ada, prices=[price(merchant=late_shop)])
    assert queries() == before


class TestWhoMaySeeThem:
    def test_the_host_itself(self, client):
        assert client.get("/metrics").status_code == 200

    def test_nobody_from_elsewhere_nor_through_a_proxy(self, client):
        assert client.get("/metrics", **STRANGER).status_code == 403
        assert client.get("/metrics", headers={"x-forwarded-for": "127.0.0.1"}).status_code == 403

    def test_a_private_network_by_setting(self, client, settings):
        settings.METRICS_NETWORKS = ["10.1.0.0/16"]
        assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
        assert client.get("/metrics").status_code == 403

    def test_with_a_token_only_who_has_it(self, settings):
        settings.METRICS_TOKEN = "a-long-token"
        assert Client().get("/metrics").status_code == 403
        assert Client().get("/metrics", headers={"authorization": "Bearer another"}).status_code == 403
        assert Client().get("/metrics", headers={"authorization": "Bearer é"}).status_code == 403
        assert Client().get("/metrics", headers={"authorization": "Bearer a-long-token"}, **STRANGER).status_code == 200
