"""The protocol at its edges: what is no form, no number, no address, no key; what clients do by themselves."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from api.models import ApiKey
from customers.models import Customer
from tests.api.conftest import Caller, new_caller
from tests.api.sdk import Sdk

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def send(caller: Caller, method: str, path: str, body: str = "", kind: str = FORM, **headers: str) -> Any:
    headers = {"Authorization": f"Bearer {caller.secret}", **headers}
    caller.last = caller.client.generic(method, path, body, content_type=kind, headers=headers)
    return caller.last.json() if caller.last.content else {}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", '{"name": "Ada"}'),
        ("application/json; charset=utf-8", "name=Ada"),
        ("text/xml", "<name>Ada</name>"),
        ("multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n--x--'),
    ],
)
def test_a_body_that_is_no_form_is_refused_by_its_kind(caller: Caller, kind: str, body: str) -> None:
    error = send(caller, "POST", "/v1/customers", body, kind)["error"]
    assert (caller.last.status_code, error["code"]) == (400, "request_content_type_unsupported")
    assert kind.partition(";")[0] in error["message"]
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "param"),
    [
        ("GET", "/v1/customers", "limit=abc", "parameter_invalid_integer", "limit"),
        ("GET", "/v1/customers", "limit=0", "parameter_invalid_integer", "limit"),
        ("GET", "/v1/customers", "limit=101", "parameter_invalid_integer", "limit"),
        ("GET", "/v1/customers", "limit=10.0", "parameter_invalid_integer", "limit"),
        ("GET", "/v1/customers", "starting_after=a&ending_before=b", "parameters_exclusive", "ending_before"),
        ("GET", "/v1/customers", "created[gte]=soon", "parameter_invalid_integer", "created[gte]"),
        ("GET", "/v1/customers", "created[near]=1", "parameter_unknown", "created[near]"),
        ("GET", "/v1/customers", "created=99999999999999", "parameter_invalid_integer", "created"),
        ("GET", "/v1/customers", "expand=data.tax_ids", "parameter_invalid", "expand"),
        ("POST", "/v1/customers", "address[planet]=Mars", "parameter_unknown", "address[planet]"),
        ("POST", "/v1/customers", "metadata=abc", "parameter_invalid", "metadata"),
        ("POST", "/v1/customers", "metadata[a][b]=c", "parameter_invalid_string", "metadata[a]"),
        ("POST", "/v1/customers", f"name={'x' * 100_000}", "parameter_invalid_string", "name"),
        ("POST", "/v1/customers", "name=%00", "parameter_invalid_string", "name"),
        ("POST", "/v1/customers", "name=%ED%A0%80", "request_body_invalid", None),  # half of a surrogate pair
        ("POST", "/v1/customers", f"name={'x' * 1_000_001}", "request_too_large", None),
        ("POST", "/v1/customers", "a" + "[a]" * 500 + "=1", "parameter_invalid", "a" + ("[a]" * 33)),
        ("POST", "/v1/products", "name=", "parameter_invalid_empty", "name"),
        ("POST", "/v1/products", "name=Box&active=yes", "parameter_invalid", "active"),
        ("POST", "/v1/prices", "currency=cad&unit_amount=abc", "parameter_invalid_integer", "unit_amount"),
        ("POST", "/v1/coupons", "duration=once&percent_off=abc", "parameter_invalid", "percent_off"),
        ("POST", "/v1/invoices", "customer=cus_nobody", "resource_missing", "customer"),
        ("GET", "/v1/customers/cus_nobody", "", "resource_missing", "id"),
        ("GET", "/v1/customers/%00", "", "resource_missing", "id"),
        ("GET", "/v1/customers/a%0Ab", "", "resource_missing", "id"),
        ("GET", "/v1/customers/%ED%A0%80", "", "resource_missing", "id"),
        ("DELETE", "/v1/customers/cus_nobody", "", "resource_missing", "id"),
        ("DELETE", "/v1/products/prod_x/features/prodft_x", "", "resource_missing", "id"),
    ],
)
def test_a_request_that_means_nothing_names_what_is_wrong(
    caller: Caller, method: str, path: str, body: str, code: str, param: str | None
) -> None:
    error = caller(method, path, body)["error"]
    assert (error["code"], error.get("param"), error["type"]) == (code, param, "invalid_request_error")
    missing_page = code == "resource_missing" and param == "id"
    assert caller.last.status_code == (404 if missing_page else 413 if code == "request_too_large" else 400)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/customers"), ("PATCH", "/v1/customers/cus_x"),
    ("DELETE", "/v1/customers"), ("OPTIONS", "/v1/customers"), ("GET", "/v1/customers/" + "x" * 100_000),
    ("GET", "/v1//customers"), ("GET", "/v1/"), ("POST", "/v2/core/events")])  # fmt: skip
def test_what_is_no_address_is_told_in_the_shape_of_the_api(caller: Caller, method: str, path: str) -> None:
    error = send(caller, method, path)["error"]
    assert (caller.last.status_code, error["type"]) == (404, "invalid_request_error")
    assert error["message"].startswith(f"Unrecognized request URL ({method}: /v")
    assert len(error["message"]) < 300


def test_a_head_is_a_get_without_its_body(caller: Caller) -> None:
    send(caller, "HEAD", "/v1/customers")
    assert (caller.last.status_code, caller.last.content) == (200, b"")
    assert caller.last["Request-Id"].startswith("req_")


def test_a_deletion_takes_its_parameters_from_the_body_too(caller: Caller) -> None:
    made = caller("POST", "/v1/customers", "name=Ada")["id"]
    assert send(caller, "DELETE", f"/v1/customers/{made}", "colour=red")["error"]["param"] == "colour"
    assert not send(caller, "GET", f"/v1/customers/{made}").get("deleted")
    assert send(caller, "DELETE", f"/v1/customers/{made}")["deleted"] is True


def test_what_is_sent_empty_is_unset_and_what_is_not_sent_stays(caller: Caller) -> None:
    full = "name=Ada&phone=1&metadata[a]=1&metadata[b]=2&address[city]=Lyon&address[country]=FR"
    made = caller("POST", "/v1/customers", full)["id"]
    changed = caller("POST", f"/v1/customers/{made}", "phone=&metadata[a]=&address=")
    assert [changed[name] for name in ("name", "phone", "metadata", "address")] == ["Ada", None, {"b": "2"}, None]
    assert caller("POST", f"/v1/customers/{made}", "metadata=")["metadata"] == {}


def test_arrays_are_written_with_indexes_or_without(caller: Caller) -> None:
    recurring = "currency=cad&unit_amount=1000&recurring[interval]=month&product_data[name]=Box"
    first, second = (caller("POST", "/v1/prices", recurring)["id"] for _ in range(2))
    customer = caller("POST", "/v1/customers", "name=Ada")["id"]
    for items in (
        f"items[0][price]={first}&items[0][quantity]=2&items[1][price]={second}",
        f"items[][price]={first}&items[][quantity]=2&items[][price]={second}",
        f"items[7][price]={second}&items[3][price]={first}&items[3][quantity]=2",
    ):
        body = f"customer={customer}&{items.replace('items[', 'subscription_details[items][')}"
        shown = caller("POST", "/v1/invoices/create_preview", body)
        assert [(one["quantity"], one["amount"]) for one in shown["lines"]["data"]] == [(2, 2000), (1, 1000)]


def test_a_key_opens_its_own_merchants_door_only(caller: Caller) -> None:
    made = caller("POST", "/v1/customers", "name=Ada")["id"]
    live = new_caller(Client(), name="Érable, live", prefix="LIV", livemode=True)
    assert live.secret.startswith("sk_live_")
    assert live("GET", f"/v1/customers/{made}")["error"]["code"] == "resource_missing"
    told = live("POST", "/v1/customers", "name=Bob")
    assert "mode" not in caller("GET", f"/v1/customers/{told['id']}")["error"]["message"]  # no kin of ours
    assert (told["livemode"], caller("GET", f"/v1/customers/{made}")["livemode"]) == (True, False)
    for other, status in ((caller.merchant.id, 200), ("acct_other", 403)):
        send(caller, "GET", "/v1/customers", **{"Stripe-Account": other})
        assert caller.last.status_code == status


def test_an_object_of_the_other_mode_is_named_to_its_merchant(db: None) -> None:
    live = new_caller(Client(), livemode=True)
    test = new_caller(Client(), name="Érable, sandbox", prefix="TST", parent=live.merchant)
    for here, there, modes in ((test, live, ("live", "test")), (live, test, ("test", "live"))):
        theirs = there("POST", "/v1/customers", "name=Ada")["id"]
        says = f"; a similar object exists in {modes[0]} mode, but a {modes[1]} mode key was used to make this request."
        for method, path, body, status, param in (
            ("GET", f"/v1/customers/{theirs}", "", 404, "id"),
            ("POST", "/v1/invoices", f"customer={theirs}", 400, "customer"),
        ):
            error = here(method, path, body)["error"]
            assert (here.last.status_code, error["param"]) == (status, param)
            assert error["message"] == f"No such customer: '{theirs}'{says}"


@pytest.mark.parametrize(
    ("authorization", "says"),
    [
        ("", "You did not provide an API key."),
        ("Bearer", "You did not provide an API key."),
        ("Basic !!!", "You did not provide an API key."),
        ("Basic " + b64encode(b":secret").decode(), "You did not provide an API key."),
        ("Bearer sk_test_0123456789abcdefghijkl", "Invalid API Key provided: sk_test_…ijkl"),
        ("Bearer pk_test_0123456789abcdefghijkl", "Invalid API Key provided: pk_test_…ijkl"),
        ("Basic " + b64encode(b"sk_test_0123456789abcdefghijkl:").decode(), "Invalid API Key provided: sk_test_…ijkl"),
        ("Bearer " + "x" * 5000, "Invalid API Key provided: xxxxxxxx…xxxx"),
    ],
)
def test_a_key_that_is_none_is_refused(caller: Caller, authorization: str, says: str) -> None:
    error = caller("GET", "/v1/customers", Authorization=authorization)["error"]
    assert (caller.last.status_code, error["type"]) == (401, "invalid_request_error")
    assert error["message"].startswith(says)
    assert caller.last["WWW-Authenticate"] == 'Basic realm="Ostinato"'
    assert ApiKey.objects.get().last_used_at is None


@pytest.mark.parametrize("version", ["latest", "1999-01-01", "2026-13-45", "2026-08-26.dahlia; x", "2026-08-26."])
def test_a_version_that_is_none_is_refused(caller: Caller, version: str) -> None:
    error = send(caller, "GET", "/v1/customers", **{"Stripe-Version": version})["error"]
    assert (caller.last.status_code, error["message"]) == (400, f"Invalid Stripe API version: {version}")


def test_a_client_that_asks_too_much_waits_by_itself_and_gets_through(
    transactional_db: None, sdk: Sdk, settings: Any
) -> None:
    settings.API_RATE_TEST, settings.API_RATE_BURST_S = 2, 1
    client = type(sdk.client)(sdk.client._requestor.api_key, base_addresses={"api": sdk.url}, max_network_retries=4)
    assert [len(client.v1.products.list().data) for _ in range(5)] == [0] * 5


def test_a_refusal_for_haste_says_when_to_come_back(caller: Caller, settings: Any) -> None:
    settings.API_RATE_TEST, settings.API_RATE_BURST_S = 1, 1
    answers = [caller("GET", "/v1/customers", f"email={quote('a@b.ca')}") for _ in range(3)]
    assert answers[-1]["error"]["code"] == "rate_limit"
    assert (caller.last.status_code, caller.last["Stripe-Should-Retry"]) == (429, "true")
    assert int(caller.last["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("sent", "ends", "status"),
    [(b"name=Ada", True, 200), (b"name=" + b"x" * 1_000_000, True, 413), (b"name=Ada", False, 411)],
)
def test_a_body_in_chunks_is_read_or_refused_and_never_lost(
    caller: Caller, sent: bytes, ends: bool, status: int
) -> None:
    before = caller("GET", "/v1/customers")["data"]
    environ = {"wsgi.input": BytesIO(sent), "wsgi.input_terminated": ends, "HTTP_TRANSFER_ENCODING": "chunked"}
    kind = "application/x-www-form-urlencoded"
    headers = {"Authorization": f"Bearer {caller.secret}"}
    answer = caller.client.generic("POST", "/v1/customers", content_type=kind, headers=headers, **environ)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["name"] == "Ada"
    else:
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert caller("GET", "/v1/customers")["data"] == before
