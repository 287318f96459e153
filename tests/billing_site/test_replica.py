"""Reports read from a replica; nothing else does, and nothing writes there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import catalog, customers, merchants
from tests.factories.signups import subscription

ROOT = Path(__file__).resolve().parents[2]
# In a process of its own, whose settings have a replica: the same rows through connections that refuse to write.
SCRIPT = """
import json, sys
import django
from django.conf import settings
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
django.setup()
from django.db import connections, InternalError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from merchants.models import Merchant, User
main, replica = connections["default"], connections["replica"]
client = Client()
client.force_login(User.objects.get(), backend="django.contrib.auth.backends.ModelBackend")
found = {}
for url in sys.argv[1:]:
    with CaptureQueriesContext(main) as of_main, CaptureQueriesContext(replica) as of_replica:
        answer = client.get(url)
        size = len(b"".join(answer)) if answer.streaming else len(answer.content)
    tables = lambda captured: sorted({t for q in captured.captured_queries for t in
        ("subscriptions_subscription", "invoicing_invoice", "customers_customer") if t in q["sql"]})
    found[url] = [answer.status_code, tables(of_main), tables(of_replica), size > 50]
try:
    Merchant.objects.using("replica").update(name="changed")
    found["write"] = "done"
except Exception as refused:
    found["write"] = type(refused).__name__
Merchant.objects.update(name="changed")
print(json.dumps(found))
"""


@pytest.mark.slow
def test_reports_are_read_from_the_replica_and_pages_that_act_are_not(subprocess_env):
    shop = merchants.merchant()
    merchants.membership(merchant=shop, user=merchants.user())
    ada = customers.customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=ada, prices=[catalog.price(merchant=shop)])
    url = subprocess_env["DATABASE_URL"]
    env = {
        **subprocess_env,
        "REPLICA_URL": f"{url}{'&' if '?' in url else '?'}options=-c%20default_transaction_read_only%3Don",
        "ALLOWED_HOSTS": "testserver",
    }
    pages = ["/dashboard/", "/dashboard/customers/?format=csv", "/dashboard/customers/"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *pages], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    overview, export, page, write = json.loads(done.stdout.splitlines()[-1]).values()
    assert (overview[0], overview[1], overview[3]) == (200, [], True)
    assert "invoicing_invoice" in overview[2]
    assert (export[0], export[1], export[3]) == (200, [], True)
    assert "customers_customer" in export[2]
    assert (page[0], page[2]) == (200, [])
    assert write != "done"


def test_without_a_replica_there_is_one_database(settings):
    assert list(settings.DATABASES) == ["default"]
    assert settings.DATABASE_ROUTERS == []
