"""What subscribers may do in the portal, said by a person instead of over the API."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.models import PortalConfiguration
from subscriptions.services.portal_configurations import portal_of
from tests.factories import merchants

pytestmark = pytest.mark.django_db
SAID = {
    "name": "Shop",
    "headline": "Your coffee",
    "default_return_url": "https://example.com/account",
    "allowed_updates": ["address", "email"],
    "invoice_history": "on",
    "subscription_update": "on",
    "default_allowed_updates": ["quantity"],
    "update_proration": "create_prorations",
    "mode": "immediately",
    "cancel_proration": "always_invoice",
    "cancellation_reason": "on",
    "options": ["unused", "other"],
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_open(desk_of: Any, language: str) -> None:
    desk = desk_of(language=language)
    assert (desk.get("portal").status_code, desk.get("portal_new").status_code) == (200, 200)


def test_the_first_one_becomes_the_portal_that_subscribers_have(desk: Any) -> None:
    assert desk.post("portal_new", **SAID).status_code == 302
    row = portal_of(desk.merchant.id, "")
    features = row.features
    assert (row.name, row.headline, row.is_default, row.active) == ("Shop", "Your coffee", True, True)
    assert features["customer_update"] == {"enabled": True, "allowed_updates": ["address", "email"]}
    assert (features["invoice_history"]["enabled"], features["payment_method_update"]["enabled"]) == (True, False)
    assert features["subscription_update"]["default_allowed_updates"] == ["quantity"]
    assert features["subscription_update"]["proration_behavior"] == "create_prorations"
    cancel = features["subscription_cancel"]
    assert (cancel["enabled"], cancel["mode"], cancel["proration_behavior"]) == (False, "immediately", "always_invoice")
    assert cancel["cancellation_reason"]["options"] == ["unused", "other"]
    page = desk.get("portal").content.decode()
    assert "Default" in page
    assert "no canceling" in page


def test_a_change_leaves_what_only_the_api_says(desk: Any) -> None:
    desk.post("portal_new", **SAID)
    row = PortalConfiguration.objects.get()
    products = [{"product": "prod_1", "prices": ["price_1"], "adjustable_quantity": {"enabled": True}}]
    row.features["subscription_update"]["products"] = products
    row.save()
    assert 'value="unused" id="id_options_3" checked' in desk.get("portal_edit", row.pk).content.decode()
    desk.post("portal_edit", row.pk, **SAID | {"subscription_cancel": "on", "headline": ""})
    row.refresh_from_db()
    assert row.features["subscription_update"]["products"] == products
    assert (row.features["subscription_cancel"]["enabled"], row.headline, row.version) == (True, "", 2)


def test_another_one_is_switched_off_and_the_default_is_not(desk: Any) -> None:
    desk.post("portal_new", **SAID)
    desk.post("portal_new", **SAID | {"name": "Staff", "active": "on"})
    default, other = PortalConfiguration.objects.order_by("id")
    desk.post("portal_edit", default.pk, **SAID)
    desk.post("portal_edit", other.pk, **SAID)
    default.refresh_from_db()
    other.refresh_from_db()
    assert (default.active, other.active, other.is_default) == (True, False, False)


@pytest.mark.parametrize(
    "wrong", [{"default_return_url": "javascript:alert(1)"}, {"mode": "never"}, {"options": ["x"]}]
)
def test_what_is_wrong_is_refused_and_nothing_is_kept(desk: Any, wrong: dict[str, Any]) -> None:
    assert desk.post("portal_new", **SAID | wrong).status_code == 422
    assert not PortalConfiguration.objects.exists()


def test_who_may_not_set_up_sees_none_of_it_nor_does_another_merchant(desk: Any, desk_of: Any) -> None:
    desk.post("portal_new", **SAID)
    row = PortalConfiguration.objects.get()
    support = desk_of("support")
    for name, args in (("portal", ()), ("portal_new", ()), ("portal_edit", (row.pk,))):
        assert support.get(name, *args).status_code == 403
    other = desk_of(merchant=merchants.merchant(name="Ailleurs", prefix="AIL", livemode=True))
    assert other.get("portal_edit", row.pk).status_code == 404
    assert other.post("portal_edit", row.pk, **SAID).status_code == 404
