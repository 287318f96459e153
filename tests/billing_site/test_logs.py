"""Log lines: what they carry, and what they never do."""

import json
import logging
import sys

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from billing_site.logs import JsonFormatter, LineFormatter, redacted
from billing_site.middleware import RequestIdMiddleware
from core.log_context import bound, bound_ids
from engine.services.renew import run_renewals
from tests.factories import customers, merchants
from tests.factories.catalog import price
from tests.factories.signups import subscription
from tests.factories.times import context, utc


def line(message: str, *args: object, error: bool = False, **extra: object) -> dict:
    record = logging.LogRecord("engine", logging.INFO, __file__, 1, message, args, sys.exc_info() if error else None)
    vars(record).update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_is_one_json_object_with_the_ids_of_its_work():
    with bound(request_id="req_1", merchant_id="mer_1"), bound(run_id="run_1"):
        found = line("a chunk of %d failed\nhere", 500, chunk=3)
    assert (found["message"], found["level"], found["logger"]) == ("a chunk of 500 failed\nhere", "INFO", "engine")
    assert (found["request_id"], found["merchant_id"], found["run_id"], found["chunk"]) == (
        "req_1",
        "mer_1",
        "run_1",
        3,
    )
    assert bound_ids() == {}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("key sk_live_abcDEF123", "key [hidden]"),
        ("key rk_test_abcDEF123 used", "key [hidden] used"),
        ("signed with whsec_0123abcd", "signed with [hidden]"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer …"),
        ("at postgres://ada:hunter2@db:5432/x", "at postgres://ada:…@db:5432/x"),
        ("smtp+tls://u:p4ss@host:587", "smtp+tls://u:…@host:587"),
        ("password=hunter2 tried", "password=… tried"),
        ('{"client_secret": "pi_1_secret_2"}', '{"client_secret": "…"}'),
        ("card 4242 4242 4242 4242 declined", "card [hidden]4242 declined"),
        ("invoice INV-0002 of sub_0R9 in 12 ms", "invoice INV-0002 of sub_0R9 in 12 ms"),
    ],
)
def test_no_secret_is_written_down(said, kept):
    assert redacted(said) == kept
    record = logging.LogRecord("engine", logging.INFO, __file__, 1, said, (), None)
    assert LineFormatter("%(message)s").format(record) == kept
    assert line(said)["message"] == kept
    assert line("x", extra_text=said)["extra_text"] == kept


def test_a_traceback_is_redacted_too():
    try:
        raise ValueError("sk_live_abcDEF123")
    except ValueError:
        found = line("failed", error=True)
    assert "ValueError: [hidden]" in found["traceback"]


def test_a_request_is_told_once_by_its_route_and_its_ids_end_with_it(rf: RequestFactory, caplog):
    from django.urls import resolve

    request = rf.get("/media/logos/private-name.png")
    request.resolver_match = resolve(request.path)
    seen: list[dict[str, str]] = []

    def answer(_request) -> HttpResponse:
        seen.append(bound_ids())
        return HttpResponse("ok")

    with caplog.at_level(logging.INFO, logger="ostinato.requests"):
        response = RequestIdMiddleware(answer)(request)
    [record] = caplog.records
    assert (record.route, record.status) == ("media/logos/<path:name>", 200)
    assert "private-name" not in JsonFormatter().format(record)
    assert seen == [{"request_id": response["Request-Id"]}]
    assert bound_ids() == {}


@pytest.mark.django_db
def test_what_a_run_logs_names_the_run(caplog, monkeypatch):
    shop = merchants.merchant()
    ada = customers.customer(merchant=shop)
    subscription(customer=ada, prices=[price(merchant=shop)], collection_method="send_invoice", days_until_due=30)
    seen: list[dict[str, str]] = []

    def plan(snapshot, as_of):
        seen.append(bound_ids())
        raise ZeroDivisionError

    monkeypatch.setattr("engine.services.renew.plan_renewal", plan)
    run_renewals(ctx=context(utc(2024, 2, 1)))
    assert seen[0]["run_id"].startswith("run_")


@pytest.mark.django_db
def test_what_the_api_logs_names_the_merchant(client, monkeypatch):
    from api.keys import create_api_key

    shop = merchants.merchant()
    _, key = create_api_key(ctx=context(), merchant_id=shop.id, livemode=False)
    seen: list[dict[str, str]] = []
    monkeypatch.setattr("api.views.note_use", lambda *_: seen.append(bound_ids()))
    client.get("/v1/customers", headers={"authorization": f"Bearer {key}"})
    assert seen[0]["merchant_id"] == shop.id
