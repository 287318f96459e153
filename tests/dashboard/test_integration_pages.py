"""Keys, endpoints, deliveries, requests and the reference, as people see them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from api.models import ApiKey, ApiRequest, WebhookDelivery, WebhookEndpoint
from api.webhooks.deliveries import make_deliveries
from api.webhooks.endpoints import create_endpoint
from api.webhooks.rules import wants
from events.models import Event
from events.relay import events_by_id
from tests.factories import merchants
from tests.factories.times import context

pytestmark = pytest.mark.django_db
PAGES = ["webhooks", "webhook_deliveries", "logs", "api_reference", "webhook_new", "api_key_restricted"]
URL = "https://example.com/hooks"


@pytest.fixture
def endpoint(shop: Any) -> WebhookEndpoint:
    row, _ = create_endpoint(ctx=context(), merchant_id=shop.id, livemode=True, url=URL, enabled_events=["*"])
    return row


@pytest.fixture
def delivery(shop: Any, endpoint: WebhookEndpoint) -> WebhookDelivery:
    from customers.services import create_customer

    create_customer(ctx=context(), merchant_id=shop.id, email="ada@example.com")
    make_deliveries(context(), events_by_id(list(Event.objects.values_list("id", flat=True))))
    return WebhookDelivery.objects.get(event_type="customer.created")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_opens(desk_of: Any, name: str, language: str) -> None:
    assert desk_of(language=language).get(name).status_code == 200


@pytest.mark.parametrize("name", ["webhooks", "webhook_deliveries", "logs", "webhook_new", "api_key_restricted"])
def test_who_may_not_set_up_sees_none_of_it(desk_of: Any, name: str) -> None:
    assert desk_of("support").get(name).status_code == 403


def test_an_endpoint_is_made_and_its_secret_is_shown_once(desk: Any) -> None:
    page = desk.post("webhook_new", url=URL, enabled_events=["invoice.paid", "invoice.voided"], description="Books")
    row = WebhookEndpoint.objects.get()
    assert page.status_code == 200
    assert b"whsec_" in page.content
    assert row.enabled_events == ["invoice.paid", "invoice.voided"]
    assert not wants(row.enabled_events, "invoice.created")
    assert b"whsec_" not in desk.get("webhook", row.pk).content


@pytest.mark.parametrize(
    ("url", "events"),
    [("http://10.0.0.1/x", ["*"]), (URL, ["invoice.payed"]), (URL, []), ("http://plain.example.com", ["*"])],
)
def test_a_bad_endpoint_is_refused_beside_its_field(desk: Any, url: str, events: list[str]) -> None:
    assert desk.post("webhook_new", url=url, enabled_events=events).status_code == 422
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_that_hears_everything_hears_nothing_else(desk: Any) -> None:
    desk.post("webhook_new", url=URL, enabled_events=["*", "invoice.paid"])
    row = WebhookEndpoint.objects.get()
    assert row.enabled_events == ["*"]
    page = desk.get("webhook_edit", row.pk).content.decode()
    assert 'value="*" checked' in page
    assert 'value="invoice.paid">' in page
    desk.post("webhook_edit", row.pk, url=URL, enabled_events=["invoice.paid"])
    assert 'value="invoice.paid" checked' in desk.get("webhook_edit", row.pk).content.decode()


def test_an_endpoint_is_switched_off_and_on_rolled_and_deleted(desk: Any, endpoint: WebhookEndpoint) -> None:
    desk.post("webhook_disable", endpoint.pk)
    assert WebhookEndpoint.objects.get().status == "disabled"
    desk.post("webhook_enable", endpoint.pk)
    assert WebhookEndpoint.objects.get().status == "enabled"
    assert b"whsec_" in desk.post("webhook_roll", endpoint.pk, overlap="24").content
    rolled = WebhookEndpoint.objects.get()
    assert rolled.secret_before_sealed == endpoint.secret_sealed != rolled.secret_sealed
    desk.post("webhook_delete", endpoint.pk)
    assert desk.get("webhook", endpoint.pk).status_code == 404


def test_a_delivery_shows_what_is_sent_and_is_sent_again(desk: Any, delivery: WebhookDelivery) -> None:
    page = desk.get("webhook_delivery", delivery.pk).content.decode()
    assert "ada@example.com" in page
    assert URL in desk.get("webhook_deliveries").content.decode()
    assert URL in desk.get("event", delivery.event_id).content.decode()
    WebhookDelivery.objects.update(status="failed", attempts=3, next_attempt_at=None)
    assert desk.post("webhook_resend", delivery.pk).status_code == 302
    assert WebhookDelivery.objects.get(pk=delivery.pk).status == "pending"
    assert desk.post("event_send", delivery.event_id, endpoint=delivery.endpoint_id).status_code == 302


def test_a_restricted_key_is_made_and_rotated(desk: Any) -> None:
    from dashboard.forms.integration import RESOURCES

    scopes = {f"scope_{one}": "none" for one in RESOURCES} | {"scope_customer": "read"}
    page = desk.post("api_key_restricted", name="Shop", **scopes)
    assert b"rk_live_" in page.content
    key = ApiKey.objects.get()
    assert key.scopes == {"customer": "read"}
    assert b"customer read" in desk.get("api_keys").content
    assert b"rk_live_" in desk.post("api_key_rotate", key.pk, overlap="1").content
    old, new = ApiKey.objects.order_by("id")
    listed = desk.get("api_keys", data={"state": "expired"}).content.decode()
    assert "Nothing matches" in listed
    ApiKey.objects.filter(pk=old.pk).update(expires_at=old.recorded_at)
    listed = desk.get("api_keys", data={"state": "expired"}).content.decode()
    assert old.hint in listed
    assert new.hint not in listed
    assert (old.expires_at is not None, new.expires_at, new.scopes) == (True, None, {"customer": "read"})
    assert old.expires_at - old.recorded_at <= timedelta(hours=1, minutes=1)


def test_requests_are_found_by_path_status_and_id(desk: Any) -> None:
    from api.keys import create_api_key

    _, secret = create_api_key(ctx=context(), merchant_id=desk.merchant.id, livemode=True)
    asking = Client(headers={"authorization": f"Bearer {secret}"})
    form = "application/x-www-form-urlencoded"
    made = asking.post("/v1/customers", "email=ada@example.com", content_type=form)
    asking.post("/v1/products", "colour=red", content_type=form)
    good, bad = ApiRequest.objects.order_by("id")
    assert made.status_code == good.status == 200
    found = desk.get("logs", data={"outcome": "4"}).content.decode()
    assert ("/v1/products" in found, "/v1/customers" in found) == (True, False)
    assert "/v1/products" in desk.get("logs", data={"key": good.key_id}).content.decode()
    assert "/v1/products" not in desk.get("logs", data={"key": "somebody"}).content.decode()
    assert bad.request_id in desk.get("logs", data={"q": bad.request_id}).content.decode()
    page = desk.get("log", good.request_id).content.decode()
    assert "ada@example.com" in page
    assert made.json()["id"] in page  # the event that it made
    assert "colour" in desk.get("log", bad.pk).content.decode()


def test_another_merchants_endpoints_deliveries_and_requests_are_not_there(desk_of: Any, delivery: Any) -> None:
    other = desk_of(merchant=merchants.merchant(name="Ailleurs", prefix="AIL", livemode=True))
    for name, pk in (
        ("webhook", delivery.endpoint_id),
        ("webhook_delivery", delivery.pk),
        ("event", delivery.event_id),
    ):
        assert other.get(name, pk).status_code == 404
    assert URL not in other.get("webhooks").content.decode()
