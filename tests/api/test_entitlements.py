"""Features over /v1: attached to products, held by customers while their subscription runs."""

from __future__ import annotations

import pytest

from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_customer_has_the_features_of_what_it_pays_for_until_it_ends(caller: Caller) -> None:
    feature = caller("POST", "/v1/entitlements/features", "name=Archive&lookup_key=archive&metadata[a]=1")
    assert (feature["object"], feature["metadata"]) == ("entitlements.feature", {"a": "1"})
    product = caller("POST", "/v1/products", "name=Box")["id"]
    attached = caller("POST", f"/v1/products/{product}/features", f"entitlement_feature={feature['id']}")
    assert attached["entitlement_feature"]["id"] == feature["id"]
    price = caller("POST", "/v1/prices", f"product={product}&currency=cad&unit_amount=1000&recurring[interval]=month")[
        "id"
    ]
    customer = caller("POST", "/v1/customers", "email=ada@example.com")["id"]
    caller("POST", "/v1/payment_methods/pm_card_visa/attach", f"customer={customer}")
    method = caller.last.json()["id"]
    body = f"customer={customer}&items[0][price]={price}&default_payment_method={method}"
    subscription = caller("POST", "/v1/subscriptions", body)
    assert subscription["status"] == "active"
    held = caller("GET", "/v1/entitlements/active_entitlements", f"customer={customer}&expand[]=data.feature")
    assert [(one["lookup_key"], one["feature"]["name"]) for one in held["data"]] == [("archive", "Archive")]
    caller("DELETE", f"/v1/subscriptions/{subscription['id']}")
    assert caller("GET", "/v1/entitlements/active_entitlements", f"customer={customer}")["data"] == []


def test_a_feature_is_changed_archived_and_taken_off(caller: Caller) -> None:
    feature = caller("POST", "/v1/entitlements/features", "name=Archive&lookup_key=archive&metadata[a]=1")["id"]
    refused = caller("POST", "/v1/entitlements/features", "name=Other&lookup_key=archive")
    assert (caller.last.status_code, refused["error"]["param"]) == (400, "lookup_key")
    changed = caller("POST", f"/v1/entitlements/features/{feature}", "active=false&metadata[a]=")
    assert (changed["active"], changed["metadata"]) == (False, {})
    assert caller("GET", "/v1/entitlements/features", "archived=false")["data"] == []


def test_a_draft_invoice_is_changed_and_a_finalized_one_only_beside_the_paper(caller: Caller) -> None:
    customer = caller("POST", "/v1/customers", "email=ada@example.com")["id"]
    caller("POST", "/v1/invoiceitems", f"customer={customer}&amount=500&currency=cad")
    how = "collection_method=send_invoice&days_until_due=30&pending_invoice_items_behavior=include"
    invoice = caller("POST", "/v1/invoices", f"customer={customer}&{how}")
    changed = caller("POST", f"/v1/invoices/{invoice['id']}", "description=Thank+you&metadata[a]=1")
    assert (changed["description"], changed["metadata"]) == ("Thank you", {"a": "1"})
    caller("POST", f"/v1/invoices/{invoice['id']}/finalize")
    refused = caller("POST", f"/v1/invoices/{invoice['id']}", "footer=Sorry")
    assert (caller.last.status_code, refused["error"]["param"]) == (400, "footer")
    assert caller("POST", f"/v1/invoices/{invoice['id']}", "metadata[a]=")["metadata"] == {}
