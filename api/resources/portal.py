"""/v1/billing_portal/sessions and /v1/billing_portal/configurations: a way in, and what may be done there."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from api.lookup import NoSuchObject, found, new_metadata
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, boolean, choice, fields, hash_of, list_of, merged_metadata, text
from api.resources.checkout import checked_address
from api.resources.customers import customer_of
from catalog import selectors
from core.errors import OstinatoError, gettext_noop
from subscriptions.models import PortalConfiguration
from subscriptions.rules.portal_features import REASONS, UPDATES, features_of
from subscriptions.services import portal_configurations as services
from subscriptions.services.portal_sessions import open_portal_session
from subscriptions.snapshots import portal_configuration_snapshot

SESSIONS, CONFIGURATIONS = "/v1/billing_portal/sessions", "/v1/billing_portal/configurations"
_PRORATION = choice("always_invoice", "create_prorations", "none")
_ENABLED = boolean(required=True)
_PRODUCT = hash_of(
    {"prices": list_of(text(most=200), required=True, most=10), "product": text(required=True, most=200)}
)


def _features(*, enabled: Any) -> Any:
    return hash_of(
        {
            "customer_update": hash_of(
                {"allowed_updates": list_of(choice(*UPDATES), clearable=True, most=10), "enabled": boolean()}
            ),
            "invoice_history": hash_of({"enabled": _ENABLED}),
            "payment_method_update": hash_of({"enabled": _ENABLED}),
            "subscription_cancel": hash_of(
                {
                    "cancellation_reason": hash_of(
                        {"enabled": _ENABLED, "options": list_of(choice(*REASONS), clearable=True, most=10)}
                    ),
                    "enabled": enabled,
                    "mode": choice("at_period_end", "immediately"),
                    "proration_behavior": _PRORATION,
                }
            ),
            "subscription_update": hash_of(
                {
                    "default_allowed_updates": list_of(choice("price", "quantity"), clearable=True, most=5),
                    "enabled": enabled,
                    "products": list_of(_PRODUCT, clearable=True, most=10),
                    "proration_behavior": _PRORATION,
                }
            ),
        },
        required=enabled.required,
    )


_COMMON = fields(
    METADATA,
    business_profile=hash_of({"headline": text(clearable=True, most=60)}),
    default_return_url=text(clearable=True, most=2000),
    name=text(clearable=True, most=100),
)
CREATE = fields(_COMMON, features=_features(enabled=_ENABLED))
UPDATE = fields(_COMMON, active=boolean(), features=_features(enabled=boolean()))
CREATE_SESSION = fields(
    configuration=text(most=200), customer=text(required=True, most=200), return_url=text(most=2000)
)


class ConfigurationInactive(OstinatoError):
    code = "parameter_invalid"
    param = "configuration"
    message_id = gettext_noop("The portal configuration is not active.")


def shown(call: Call, row: PortalConfiguration) -> Json:
    return portal_configuration_snapshot(row, livemode=call.livemode)


def create(call: Call) -> Json:
    features = features_of(_said(call))
    row = services.create_configuration(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        features=features,
        metadata=new_metadata(call.params),
        **_columns(call),
    )
    return shown(call, row)


def update(call: Call) -> Json:
    row = found(services.configurations(call.merchant_id), call.id, "configuration")
    columns = _columns(call)
    if "active" in call.params:
        columns["active"] = call.params["active"]
    if "features" in call.params:
        columns["features"] = features_of(_said(call), row.features)
    if "metadata" in call.params:
        columns["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    changed = services.update_configuration(
        ctx=call.ctx, merchant_id=call.merchant_id, configuration_id=row.id, **columns
    )
    return shown(call, changed)


def _columns(call: Call) -> dict[str, Any]:
    params = call.params
    columns: dict[str, Any] = {name: params[name] or "" for name in ("default_return_url", "name") if name in params}
    if columns.get("default_return_url"):
        checked_address(columns["default_return_url"], "default_return_url")
    if "headline" in params.get("business_profile", {}):
        columns["headline"] = params["business_profile"]["headline"] or ""
    return columns


def _said(call: Call) -> dict[str, Any]:
    """The features as sent; what was cleared is empty, and the products that are named are there."""
    said = {name: dict(given) for name, given in call.params["features"].items()}
    for name, key in (("customer_update", "allowed_updates"), ("subscription_update", "default_allowed_updates")):
        if key in said.get(name, {}):
            said[name][key] = list(said[name][key] or ())
    reason = said.get("subscription_cancel", {}).get("cancellation_reason")
    if reason and "options" in reason:
        said["subscription_cancel"]["cancellation_reason"] = reason | {"options": list(reason["options"] or REASONS)}
    update_of = said.get("subscription_update", {})
    if "products" in update_of:
        update_of["products"] = _products(call, update_of["products"]) if update_of["products"] else None
    return said


def _products(call: Call, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with its prices, by our ids. Raises `NoSuchObject` for a price that is none of the product's."""
    told = []
    for number, one in enumerate(products):
        where = f"features[subscription_update][products][{number}]"
        product = found(
            selectors.products(call.merchant_id), one["product"], "product", param=f"{where}[product]", chosen_ids=True
        )
        known = set(selectors.prices(call.merchant_id).filter(product_id=product.id).values_list("id", flat=True))
        for place, price in enumerate(one["prices"]):
            if price not in known:
                raise NoSuchObject(param=f"{where}[prices][{place}]", what="price", id=price)
        told.append(
            {
                "adjustable_quantity": {"enabled": True, "maximum": None, "minimum": 1},
                "prices": list(one["prices"]),
                "product": product.api_id or product.id,
            }
        )
    return told


def retrieve(call: Call) -> Json:
    return shown(call, found(services.configurations(call.merchant_id), call.id, "configuration"))


def list_(call: Call) -> Json:
    rows = services.configurations(call.merchant_id)
    rows = rows.filter(**{name: call.params[name] for name in ("active", "is_default") if name in call.params})
    return page(rows, call, lambda found: [shown(call, row) for row in found], url=CONFIGURATIONS)


def open_portal(call: Call) -> Json:
    """A way into the portal that works once, for half an hour."""
    params = call.params
    customer = customer_of(call, params["customer"], "customer")
    wanted = params.get("configuration", "")
    if wanted:
        chosen = found(services.configurations(call.merchant_id), wanted, "configuration", param="configuration")
        if not chosen.active:
            raise ConfigurationInactive
    portal = services.portal_of(call.merchant_id, wanted)
    back = checked_address(params["return_url"], "return_url") if "return_url" in params else portal.default_return_url
    row, token = open_portal_session(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        customer_id=customer.id,
        return_url=back,
        configuration_id=wanted,
    )
    is_saved = not portal._state.adding
    return {
        "id": row.id,
        "object": "billing_portal.session",
        "configuration": portal.id if is_saved else "bpc_" + call.merchant_id.removeprefix("acct_"),
        "created": int(row.created.timestamp()),
        "customer": customer.id,
        "customer_account": None,
        "flow": None,
        "livemode": call.livemode,
        "locale": None,
        "on_behalf_of": None,
        "return_url": back or None,
        "url": settings.SITE_URL + reverse("portal_link", args=[call.merchant_id, token]),
    }


OPERATIONS = [
    Operation("POST", SESSIONS, open_portal, CREATE_SESSION),
    Operation("POST", CONFIGURATIONS, create, CREATE),
    Operation("GET", CONFIGURATIONS, list_, fields(PAGE, active=boolean(), is_default=boolean())),
    Operation("GET", CONFIGURATIONS + "/{id}", retrieve),
    Operation("POST", CONFIGURATIONS + "/{id}", update, UPDATE),
]
