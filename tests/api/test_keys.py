"""Keys: restricted, expiring, rotated; how much they may ask; what the log keeps of them. By the official SDK."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone

from api import request_log
from api.keys import KeyNotRotatable, create_api_key, rotate_api_key
from api.models import ApiKey, ApiRequest
from api.routes import OPERATIONS
from api.scopes import ScopeUnknown, checked_scopes, resource_of, resources_of
from core.context import Context
from tests.api.sdk import Sdk, new_client

pytestmark = pytest.mark.django_db(transaction=True)
wall = timezone.now  # noqa: TID251 (the SDK's server lives in wall time)


def now() -> Context:
    at = wall()
    return Context(at, at)


def told(refused: Any) -> dict[str, Any]:
    return refused.value.json_body["error"]


def restricted(sdk: Sdk, **scopes: str) -> Any:
    given = checked_scopes(scopes, resources_of(OPERATIONS))
    _, secret = create_api_key(ctx=now(), merchant_id=sdk.merchant.id, livemode=False, scopes=given)
    assert secret.startswith("rk_test_")
    return new_client(secret, sdk.url).v1


def test_a_restricted_key_does_what_it_may_and_a_refusal_names_what_it_lacks(sdk: Sdk) -> None:
    v1 = restricted(sdk, customer="read", product="write")
    customer = sdk.customer(card="")
    assert v1.customers.retrieve(customer.id).id == customer.id
    assert v1.products.create({"name": "Box"}).id == v1.products.list().data[0].id
    with pytest.raises(stripe.PermissionError) as refused:
        v1.customers.create({"email": "eve@example.com"})
    assert (refused.value.http_status, told(refused)["code"]) == (403, "more_permissions_required")
    assert "Having the 'rak_customer_write' permission would allow this request to continue." in str(refused.value)
    with pytest.raises(stripe.PermissionError, match="rak_invoice_read"):
        v1.invoices.list()
    assert [one.email for one in sdk.v1.customers.list().data] == [customer.email]


def test_a_key_without_any_scope_may_do_nothing(sdk: Sdk) -> None:
    with pytest.raises(stripe.PermissionError, match="rak_customer_read"):
        restricted(sdk).customers.list()


def test_every_address_belongs_to_a_permission_that_a_key_can_be_given() -> None:
    known = set(resources_of(OPERATIONS))
    assert {resource_of(one.path) for one in OPERATIONS} == known
    assert {"customer", "billing_meter", "tax_rate", "test_helpers_test_clock", "webhook_endpoint"} <= known
    with pytest.raises(ScopeUnknown):
        checked_scopes({"unicorn": "read"}, known)
    with pytest.raises(ScopeUnknown):
        checked_scopes({"customer": "own"}, known)


def test_a_rotated_key_and_its_successor_both_work_until_the_overlap_ends(sdk: Sdk) -> None:
    old = ApiKey.objects.get()
    successor, secret = rotate_api_key(
        ctx=now(), merchant_id=sdk.merchant.id, key_id=old.id, overlap=timedelta(hours=1)
    )
    new = new_client(secret, sdk.url).v1
    assert sdk.v1.customers.list().data == new.customers.list().data == []
    ApiKey.objects.filter(id=old.id).update(expires_at=wall() - timedelta(seconds=1))
    with pytest.raises(stripe.AuthenticationError, match="Expired API Key"):
        sdk.v1.customers.list()
    assert new.customers.list().data == []
    assert (successor.scopes, ApiKey.objects.get(id=successor.id).last_used_at is not None) == (None, True)
    with pytest.raises(KeyNotRotatable):
        rotate_api_key(ctx=now(), merchant_id=sdk.merchant.id, key_id=old.id, overlap=timedelta())


def test_a_key_that_asks_too_much_is_told_when_to_come_back(sdk: Sdk, settings: Any) -> None:
    settings.API_RATE_TEST, settings.API_RATE_BURST_S = 1, 3
    with pytest.raises(stripe.RateLimitError) as refused:
        list(map(lambda _: sdk.v1.products.list(), range(8)))  # noqa: C417
    assert (refused.value.http_status, told(refused)["code"]) == (429, "rate_limit")
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 2
    # Another key of the same merchant has a bucket of its own.
    _, secret = create_api_key(ctx=now(), merchant_id=sdk.merchant.id, livemode=False)
    assert new_client(secret, sdk.url).v1.products.list().data == []


def test_replays_count_little(sdk: Sdk, settings: Any) -> None:
    settings.API_RATE_TEST, settings.API_RATE_BURST_S = 1, 10
    made = {sdk.v1.products.create({"name": "Box"}, {"idempotency_key": "again"}).id for _ in range(40)}
    assert len(made) == 1


def test_the_log_keeps_requests_with_their_refusals_and_without_secrets(sdk: Sdk) -> None:
    sdk.v1.products.create({"name": "Box"}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.products.create({"name": "Box", "colour": "red"})  # type: ignore[typeddict-unknown-key]
    ok, bad = ApiRequest.objects.order_by("id")
    assert (ok.method, ok.path, ok.status, ok.idempotency_key) == ("POST", "/v1/products", 200, "k1")
    assert (ok.params, ok.key_id, ok.merchant_id) == ({"name": "Box"}, ApiKey.objects.get().id, sdk.merchant.id)
    assert (bad.status, bad.error_code, bad.request_id) == (400, "parameter_unknown", refused.value.request_id)
    assert refused.value.json_body["error"]["request_log_url"].endswith(f"/dashboard/logs/{bad.request_id}/")


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        (
            {"card": {"number": "4242424242424242", "exp_month": "1"}},
            {"card": {"number": "[redacted]", "exp_month": "1"}},
        ),
        ({"client_secret": "pi_secret_x"}, {"client_secret": "[redacted]"}),
        ({"name": "x" * 600}, {"name": "x" * 500}),
        ({"name\x00": "a\x00b"}, {"name\ufffd": "a\ufffdb"}),
        ({str(n): "x" * 400 for n in range(40)}, {"…": "40 parameters"}),
    ],
)
def test_what_the_log_keeps_of_parameters(params: dict[str, Any], kept: dict[str, Any]) -> None:
    assert request_log.kept_params(params) == kept
