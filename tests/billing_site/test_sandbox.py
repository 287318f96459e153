"""`manage.py sandbox --json`: an empty merchant and a key that opens its API."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from merchants.models import Merchant
from tests.factories.merchants import merchant

pytestmark = pytest.mark.django_db


def made() -> dict[str, str]:
    out = StringIO()
    call_command("sandbox", "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue().strip().splitlines()[-1])


def test_the_key_opens_an_empty_sandbox() -> None:
    result = made()
    assert result["secret_key"].startswith("sk_test_")
    assert result["base_url"].startswith("http")
    headers = {"Authorization": f"Bearer {result['secret_key']}"}
    answer = Client().get("/v1/customers", headers=headers).json()
    assert (answer["object"], answer["data"]) == ("list", [])


def test_it_belongs_to_the_one_live_merchant_when_there_is_one() -> None:
    live = merchant(livemode=True)
    made()
    sandbox = Merchant.objects.get(livemode=False)
    assert (sandbox.parent_id, sandbox.default_currency) == (live.id, live.default_currency)


def test_each_run_makes_another_one() -> None:
    assert made()["secret_key"] != made()["secret_key"]
    assert Merchant.objects.filter(livemode=False, parent=None).count() == 2
