"""/v1/billing_portal/sessions and /v1/billing_portal/configurations: a way in, and what may be done there."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from api.lookup import NoSuchObject, found, new_metadata
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    merged_metadata,
    text,
)
from api.resources.checkout import checked_address
from api.resources.customers import customer_of
from api.resources.portal_flows import FLOW, flow_of
from catalog import selectors
from core.errors import OstinatoError, gettext_noop
from subscriptions.models import PortalConfiguration
from subscriptions.rules.portal_features import CONDITIONS, REASONS, UPDATES, features_of
from subscriptions.services import portal_configurations as services
from subscriptions.services.portal_sessions import open_portal_session
from subscriptions.snapshots import portal_configuration_snapshot

SESSIONS, CONFIGURATIONS = "/v1/billing_portal/sessions", "/v1/billing_portal/configurations"
_PRORATION = choice("always_invoice", "create_prorations", "none")
_ENABLED = boolean(required=True)
_PRODUCT = hash_of(
    {
        "adjustable_quantity": hash_of(
            {"enabled": _ENABLED, "maximum": integer(least=1, most=10**6), "minimum": integer(least=0, most=10**6)}
        ),
        "prices": list_of(text(most=200), required=True, most=10),
        "product": text(required=True, most=200),
    }
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
                    "billing_cycle_anchor": choice("now", "unchanged"),
                    "default_allowed_updates": list_of(choice("price", "quantity"), clearable=True, most=5),
                    "enabled": enabled,
                    "products": list_of(_PRODUCT, clearable=True, most=10),
                    "proration_behavior": _PRORATION,
                    "schedule_at_period_end": hash_of(
                        {
                            "conditions": list_of(
                                hash_of({"type": choice(*CONDITIONS, required=True)}), clearable=True, most=2
                            )
                        }
                    ),
                    "trial_update_behavior": choice("continue_trial", "end_trial"),
                }
            ),
        },
        required=enabled.required,
    )


_COMMON = fields(
    METADATA,
    business_profile=hash_of(
        {
            "headline": text(clearable=True, most=60),
            "privacy_policy_url": text(clearable=True, most=2000),
            "terms_of_service_url": text(clearable=True, most=2000),
        }
    ),
    default_return_url=text(clearable=True, most=2000),
    login_page=hash_of({"enabled": _ENABLED}),
    name=text(clearable=True, most=100),
)
CREATE = fields(_COMMON, features=_features(enabled=_ENABLED))
UPDATE = fields(_COMMON, active=boolean(), features=_features(enabled=boolean()))
CREATE_SESSION = fields(
    configuration=text(most=200),
    customer=text(required=True, most=200),
    flow_data=FLOW,
    locale=text(most=10),
    return_url=text(most=2000),
)


class ConfigurationInactive(OstinatoError):
    code = "parameter_invalid"
    param = "configuration"
    message_id = gettext_noop("The portal configuration is not active.")


class QuantityBoundsCrossed(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The maximum is below the minimum.")


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
    for name, said in params.get("business_profile", {}).items():
        columns[name] = said or ""
        if said and name != "headline":
            checked_address(said, f"business_profile[{name}]")
    if "login_page" in params:
        columns["login_page"] = params["login_page"]["enabled"]
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
    if "conditions" in update_of.get("schedule_at_period_end", {}):
        conditions = update_of["schedule_at_period_end"]["conditions"] or ()
        update_of["schedule_at_period_end"] = {"conditions": list(conditions)}
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
        quantity = {"enabled": True, "maximum": None, "minimum": 1} | one.get("adjustable_quantity", {})
        if quantity["maximum"] is not None and quantity["maximum"] < quantity["minimum"]:
            raise QuantityBoundsCrossed(param=f"{where}[adjustable_quantity][maximum]")
        told.append(
            {
                "adjustable_quantity": quantity,
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
    flow = flow_of(call, customer, portal)
    # "auto" is the customer's language, else the browser's; so is one that the pages do not speak.
    locale = params.get("locale", "")
    row, token = open_portal_session(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        customer_id=customer.id,
        return_url=back,
        configuration_id=wanted,
        locale="" if locale == "auto" else locale,
        flow=flow,
    )
    is_saved = not portal._state.adding
    return {
        "id": row.id,
        "object": "billing_portal.session",
        "configuration": portal.id if is_saved else "bpc_" + call.merchant_id.removeprefix("acct_"),
        "created": int(row.created.timestamp()),
        "customer": customer.id,
        "customer_account": None,
        "flow": flow,
        "livemode": call.livemode,
        "locale": locale or None,
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
