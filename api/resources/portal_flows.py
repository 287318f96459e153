"""A portal session's `flow_data`: the one thing that it is for, checked against what there is and what is offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.lookup import NoSuchObject, found
from api.protocol.operation import Call, Json
from api.protocol.schema import ParameterMissing, choice, hash_of, integer, list_of, text
from api.resources.checkout import checked_address
from api.resources.pricing import discount_requests
from catalog import selectors as catalog
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer
from subscriptions import selectors
from subscriptions.models import PortalConfiguration, Subscription
from subscriptions.rules.portal_features import quantity_bounds
from subscriptions.types import TERMINAL_STATUSES

_ID = text(required=True, most=200)
_SUBSCRIPTION = {"subscription": _ID}
# Which feature of the configuration each flow is part of.
FEATURES = {
    "customer_update": "customer_update",
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
}
FLOW = hash_of(
    {
        "after_completion": hash_of(
            {
                "hosted_confirmation": hash_of({"custom_message": text(most=500)}),
                "redirect": hash_of({"return_url": text(required=True, most=2000)}),
                "type": choice("hosted_confirmation", "portal_homepage", "redirect", required=True),
            }
        ),
        "subscription_cancel": hash_of(
            {
                "retention": hash_of(
                    {
                        "coupon_offer": hash_of({"coupon": _ID}, required=True),
                        "type": choice("coupon_offer", required=True),
                    }
                ),
                **_SUBSCRIPTION,
            }
        ),
        "subscription_update": hash_of(_SUBSCRIPTION),
        "subscription_update_confirm": hash_of(
            {
                "discounts": list_of(hash_of({"coupon": text(most=200), "promotion_code": text(most=200)}), most=1),
                "items": list_of(
                    hash_of({"id": _ID, "price": text(most=200), "quantity": integer(least=1, most=10**6)}),
                    required=True,
                    most=1,
                ),
                **_SUBSCRIPTION,
            }
        ),
        "type": choice(*FEATURES, required=True),
    }
)


class FlowNotOffered(OstinatoError):
    code = "parameter_invalid"
    param = "flow_data[type]"
    message_id = gettext_noop("The portal configuration does not offer this: turn on its %(feature)s.")


class FlowSubscriptionOver(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The subscription is over, or about to end: the flow has nothing to do.")


class FlowPriceNotOffered(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The portal configuration does not let subscribers change to this price.")


class FlowQuantityNotOffered(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The portal configuration does not let subscribers choose this quantity.")


def flow_of(call: Call, customer: Customer, portal: PortalConfiguration) -> Json | None:
    """The flow as Stripe's session shows it, by our ids inside; None where none was asked for."""
    said = call.params.get("flow_data")
    if said is None:
        return None
    kind = said["type"]
    feature = portal.features[FEATURES[kind]]
    if not feature["enabled"]:
        raise FlowNotOffered(feature=FEATURES[kind])
    flow: Json = {"after_completion": _after(said.get("after_completion")), "type": kind}
    flow |= dict.fromkeys(("customer_update", "subscription_cancel", "subscription_pause", "subscription_update"))
    flow["subscription_update_confirm"] = None
    if kind.startswith("subscription"):
        name = f"flow_data[{kind}]"
        if kind not in said:
            raise ParameterMissing(param=name, name=name)
        subscription = _subscription(call, customer, said[kind]["subscription"], f"{name}[subscription]", kind)
        flow[kind] = {"subscription": subscription.id}
        if kind == "subscription_cancel":
            flow[kind]["retention"] = _retention(call, said[kind].get("retention"), name)
        if kind == "subscription_update_confirm":
            flow[kind] |= _confirmed(call, subscription, feature, said[kind], name)
    return flow


def _after(said: Mapping[str, Any] | None) -> Json:
    """Stripe's page of its own says that it is done, unless something else is asked for."""
    kind = said["type"] if said else "hosted_confirmation"
    after: Json = {"hosted_confirmation": None, "redirect": None, "type": kind}
    if kind == "hosted_confirmation":
        message = (said or {}).get("hosted_confirmation", {}).get("custom_message")
        return after | {"hosted_confirmation": {"custom_message": message}}
    if kind == "redirect":
        name = "flow_data[after_completion][redirect]"
        if said is None or "redirect" not in said:
            raise ParameterMissing(param=name, name=name)
        url = checked_address(said["redirect"]["return_url"], f"{name}[return_url]")
        return after | {"redirect": {"return_url": url}}
    return after


def _subscription(call: Call, customer: Customer, given: str, param: str, kind: str) -> Subscription:
    rows = selectors.subscriptions(call.merchant_id).filter(customer_id=customer.id)
    subscription = found(rows, given, "subscription", param=param)
    ending = subscription.cancel_at is not None or subscription.cancel_at_period_end
    if subscription.status in TERMINAL_STATUSES or (kind == "subscription_cancel" and ending):
        raise FlowSubscriptionOver(param=param)
    return subscription


def _retention(call: Call, said: Mapping[str, Any] | None, name: str) -> Json | None:
    if said is None:
        return None
    param = f"{name}[retention][coupon_offer][coupon]"
    wanted = said["coupon_offer"]["coupon"]
    coupon = found(catalog.coupons(call.merchant_id), wanted, "coupon", param=param, chosen_ids=True)
    return {"coupon_offer": {"coupon": coupon.api_id or coupon.id}, "type": "coupon_offer"}


def _confirmed(
    call: Call, subscription: Subscription, update: Mapping[str, Any], said: Mapping[str, Any], name: str
) -> Json:
    """What the subscriber is to confirm: an item of the subscription, a price that is offered, a quantity that is."""
    wanted, param = said["items"][0], f"{name}[items][0]"
    item = found(subscription.items.filter(deleted_at=None), wanted["id"], "subscription item", param=f"{param}[id]")
    price_id, quantity = wanted.get("price", item.price_id), wanted.get("quantity")
    if price_id != item.price_id:
        _check_price(call, subscription, update, price_id, f"{param}[price]")
    elif quantity is None:
        raise ParameterMissing(param=f"{param}[price]", name=f"{param}[price]")
    if quantity is not None and quantity != item.quantity:
        bounds = quantity_bounds(update, price_id)
        if bounds is None or not bounds[0] <= quantity <= (bounds[1] or quantity):
            raise FlowQuantityNotOffered(param=f"{param}[quantity]")
    discount_requests(call, said.get("discounts"), f"{name}[discounts]")  # refused before anybody is sent there
    return {
        "discounts": [
            {"coupon": one.get("coupon"), "promotion_code": one.get("promotion_code")}
            for one in said.get("discounts", ())
        ]
        or None,
        "items": [{"id": item.id, "price": price_id, "quantity": quantity}],
    }


def _check_price(call: Call, subscription: Subscription, update: Mapping[str, Any], price_id: str, param: str) -> None:
    price = catalog.prices(call.merchant_id).filter(id=price_id).first()
    if price is None:
        raise NoSuchObject(param=param, what="price", id=price_id)
    listed = {one for product in update["products"] or () for one in product["prices"]}
    fits = price.active and price.type == "recurring" and price.currency == subscription.currency
    offered = "price" in update["default_allowed_updates"] and (update["products"] is None or price_id in listed)
    taken = subscription.items.filter(deleted_at=None, price_id=price_id).exists()
    if not fits or not offered or taken:
        raise FlowPriceNotOffered(param=param)
