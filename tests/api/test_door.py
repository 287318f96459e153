"""The door of /v1: keys, unknown addresses, errors, idempotency, pages, expansion."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest

from api.models import ApiKey, IdempotentRequest
from catalog.models import Product
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def error(answer: dict) -> dict:
    return answer["error"]


def test_a_key_is_kept_only_as_its_hash(caller: Caller) -> None:
    key = ApiKey.objects.get()
    assert caller.secret not in (key.secret_hash, key.hint)
    assert caller.secret.startswith("sk_test_")


def test_without_a_key_or_with_a_wrong_one_the_door_is_shut(caller: Caller) -> None:
    assert error(caller("GET", "/v1/products", Authorization=""))["type"] == "invalid_request_error"
    assert caller.last.status_code == 401
    caller("GET", "/v1/products", Authorization="Bearer sk_test_wrong")
    assert caller.last.status_code == 401


def test_the_key_may_come_as_the_basic_user(caller: Caller) -> None:
    basic = "Basic " + b64encode(f"{caller.secret}:".encode()).decode()
    assert caller("GET", "/v1/products", Authorization=basic)["object"] == "list"


def test_an_unknown_address_says_so(caller: Caller) -> None:
    answer = caller("GET", "/v1/unicorns")
    assert (caller.last.status_code, error(answer)["message"]) == (
        404,
        "Unrecognized request URL (GET: /v1/unicorns).",
    )


def test_an_unknown_parameter_is_named_and_nothing_is_written(caller: Caller) -> None:
    answer = error(caller("POST", "/v1/products", "name=Box&colour=red"))
    assert (caller.last.status_code, answer["code"], answer["param"]) == (400, "parameter_unknown", "colour")
    assert not Product.objects.exists()


def test_what_is_created_can_be_retrieved_changed_listed_and_deleted(caller: Caller) -> None:
    made = caller("POST", "/v1/products", "name=Box&metadata[a]=1&metadata[b]=2")
    assert made["object"] == "product"
    changed = caller("POST", f"/v1/products/{made['id']}", "description=Beans&metadata[a]=")
    assert (changed["description"], changed["metadata"]) == ("Beans", {"b": "2"})
    assert caller("GET", "/v1/products")["data"] == [caller("GET", f"/v1/products/{made['id']}")]
    assert caller("DELETE", f"/v1/products/{made['id']}") == {"id": made["id"], "object": "product", "deleted": True}
    assert error(caller("GET", f"/v1/products/{made['id']}"))["code"] == "resource_missing"
    assert caller.last.status_code == 404


def test_another_merchants_object_is_not_there(caller: Caller, another: Callable[[], Caller]) -> None:
    theirs = another()("POST", "/v1/products", "name=Box")
    assert error(caller("GET", f"/v1/products/{theirs['id']}"))["code"] == "resource_missing"
    assert caller("GET", "/v1/products")["data"] == []


def test_the_same_key_and_parameters_get_the_same_answer_and_make_one_object(caller: Caller) -> None:
    first = caller("POST", "/v1/products", "name=Box", **{"Idempotency-Key": "k1"})
    again = caller("POST", "/v1/products", "name=Box", **{"Idempotency-Key": "k1"})
    assert (again, caller.last["Idempotent-Replayed"]) == (first, "true")
    assert Product.objects.count() == 1


def test_the_same_key_with_other_parameters_is_refused(caller: Caller) -> None:
    caller("POST", "/v1/products", "name=Box", **{"Idempotency-Key": "k1"})
    answer = error(caller("POST", "/v1/products", "name=Crate", **{"Idempotency-Key": "k1"}))
    assert (caller.last.status_code, answer["type"]) == (400, "idempotency_error")


def test_a_key_that_is_under_way_asks_to_wait(caller: Caller) -> None:
    caller("POST", "/v1/products", "name=Box", **{"Idempotency-Key": "k1"})
    IdempotentRequest.objects.update(status=0)
    caller("POST", "/v1/products", "name=Box", **{"Idempotency-Key": "k1"})
    assert caller.last.status_code == 409


def test_pages_go_forward_and_back_over_the_same_objects(caller: Caller) -> None:
    ids = [caller("POST", "/v1/products", f"name=Box+{n}")["id"] for n in range(5)]
    first = caller("GET", "/v1/products", "limit=2")
    assert ([one["id"] for one in first["data"]], first["has_more"]) == ([ids[4], ids[3]], True)
    second = caller("GET", "/v1/products", f"limit=2&starting_after={ids[3]}")
    assert [one["id"] for one in second["data"]] == [ids[2], ids[1]]
    back = caller("GET", "/v1/products", f"limit=2&ending_before={ids[1]}")
    assert [one["id"] for one in back["data"]] == [ids[3], ids[2]]


@pytest.mark.parametrize("body", ["limit=0", "limit=101", "limit=x", "starting_after=prod_nothing"])
def test_a_bad_page_is_refused_by_name(caller: Caller, body: str) -> None:
    assert error(caller("GET", "/v1/products", body))["param"] == body.partition("=")[0]
    assert caller.last.status_code == 400


@pytest.mark.parametrize("body", ["%", "a[b=1", "name=%00", "name=Box&name=Crate", "a" + "[b]" * 30 + "=1"])
def test_no_body_whatever_is_a_fault_of_ours(caller: Caller, body: str) -> None:
    caller("POST", "/v1/products", body)
    assert caller.last.status_code == 400
    assert not Product.objects.exists()


def test_every_answer_carries_its_request_id(caller: Caller) -> None:
    caller("GET", "/v1/products")
    assert caller.last["Request-Id"].startswith("req_")


def test_the_answer_names_its_version_and_repeats_the_idempotency_key(caller: Caller) -> None:
    caller("POST", "/v1/products", "name=Box", **{"Idempotency-Key": "k9", "Stripe-Version": "2024-06-20"})
    assert (caller.last["Stripe-Version"], caller.last["Idempotency-Key"]) == ("2026-08-26.dahlia", "k9")
    assert caller.last["Request-Id"].startswith("req_")


def test_a_version_that_is_none_is_refused(caller: Caller) -> None:
    refused = error(caller("GET", "/v1/products", **{"Stripe-Version": "latest"}))
    assert (caller.last.status_code, refused["message"]) == (400, "Invalid Stripe API version: latest")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("created={t}", 1),
        ("created[gte]={t}", 1),
        ("created[lte]={t}", 1),
        ("created[gt]={t}", 0),
        ("created[lt]={t}", 0),
        ("created[gt]={t}&created[lt]=253402300799", 0),
        ("created[lte]=253402300799", 1),
    ],
)
def test_lists_are_filtered_by_the_whole_seconds_that_callers_see(caller: Caller, asked: str, found: int) -> None:
    made = caller("POST", "/v1/products", "name=Box")
    assert len(caller("GET", "/v1/products", asked.format(t=made["created"]))["data"]) == found


def test_metadata_has_fifty_keys_also_after_a_merge(caller: Caller) -> None:
    full = "&".join(f"metadata[k{n}]=v" for n in range(50))
    made = caller("POST", "/v1/customers", full)
    assert len(made["metadata"]) == 50
    refused = error(caller("POST", f"/v1/customers/{made['id']}", "metadata[k50]=v"))
    assert (caller.last.status_code, refused["param"]) == (400, "metadata")
    swapped = caller("POST", f"/v1/customers/{made['id']}", "metadata[k50]=v&metadata[k0]=")
    assert (len(swapped["metadata"]), "k0" in swapped["metadata"]) == (50, False)


def test_an_answer_is_written_as_stripe_writes_it(caller: Caller) -> None:
    caller("GET", "/v1/customers")
    assert caller.last.content.decode().startswith('{\n  "object": "list",\n  "url": "/v1/customers",')
