"""A subscription, its items and discounts as Stripe's JSON objects. Pure: rows or model instances in, dicts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from catalog.page_terms import answered_fields, page_terms_snapshot
from core.json_values import epoch

_NONE: Mapping[str, Sequence[str]] = {}


def subscription_snapshot(
    subscription: Any,
    items: Iterable[Any] = (),
    discount_ids: Iterable[str] = (),
    item_discount_ids: Mapping[str, Sequence[str]] = _NONE,
) -> dict[str, Any]:
    """Stripe's subscription object with its items. Prices and tax rates are ids: who shows it puts the objects in.

    `discount_ids` are the subscription's own, `item_discount_ids` those of its items, by item.
    """
    return {
        "id": subscription.id,
        "object": "subscription",
        "application": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": epoch(subscription.billing_cycle_anchor),
        "billing_cycle_anchor_config": subscription.billing_cycle_anchor_config,
        "billing_mode": {"type": "flexible", "flexible": {"proration_discounts": "itemized"}},
        "billing_thresholds": _thresholds(subscription),
        "cancel_at": epoch(subscription.cancel_at),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "canceled_at": epoch(subscription.canceled_at),
        "cancellation_details": {
            "comment": subscription.cancellation_comment or None,
            "feedback": subscription.cancellation_feedback or None,
            "reason": subscription.cancellation_reason or None,
        },
        "collection_method": subscription.collection_method,
        "created": epoch(subscription.created),
        "currency": subscription.currency,
        "customer": subscription.customer_id,
        "days_until_due": subscription.days_until_due,
        "default_payment_method": subscription.default_payment_method_id or None,
        "default_tax_rates": list(subscription.default_tax_rate_ids),
        "description": subscription.description or None,
        "discounts": list(discount_ids),
        "ended_at": epoch(subscription.ended_at),
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": _items(subscription.id, [item_snapshot(item, item_discount_ids.get(item.id, ())) for item in items]),
        "latest_invoice": subscription.latest_invoice_id or None,
        "metadata": dict(subscription.metadata),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": _pause_collection(subscription),
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": subscription.save_default_payment_method,
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": subscription.pending_setup_intent_id or None,
        "pending_update": _pending_update(subscription),
        "schedule": subscription.schedule_id or None,
        "start_date": epoch(subscription.start_date),
        "status": subscription.status,
        "test_clock": subscription.test_clock_id,
        "trial_end": epoch(subscription.trial_end),
        "trial_settings": {"end_behavior": {"missing_payment_method": subscription.trial_missing_payment_method}},
        "trial_start": epoch(subscription.trial_start),
    }


def _items(subscription_id: str, data: list[dict[str, Any]]) -> dict[str, Any]:
    url = f"/v1/subscription_items?subscription={subscription_id}"
    return {"object": "list", "data": data, "has_more": False, "total_count": len(data), "url": url}


def _pause_collection(subscription: Any) -> dict[str, Any] | None:
    if not subscription.pause_behavior:
        return None
    return {"behavior": subscription.pause_behavior, "resumes_at": epoch(subscription.pause_resumes_at)}


def _pending_update(subscription: Any) -> dict[str, Any] | None:
    """A change that waits to be paid, while it stands."""
    held = subscription.pending_update or {}
    if subscription.pending_update_expires_at is None or held.get("request", {}).get("kind") == "resume":
        return None
    shown: dict[str, Any] = dict.fromkeys(("billing_cycle_anchor", "subscription_items", "trial_end"))
    shown |= held.get("shown", {})
    return {**shown, "expires_at": epoch(subscription.pending_update_expires_at)}


def _thresholds(subscription: Any) -> dict[str, Any] | None:
    amount = subscription.billing_threshold_amount
    resets = subscription.billing_threshold_resets_anchor
    return None if amount is None and not resets else {"amount_gte": amount, "reset_billing_cycle_anchor": resets}


def _item_thresholds(item: Any) -> dict[str, Any] | None:
    usage = item.billing_threshold_usage
    return None if usage is None else {"usage_gte": usage}


def item_snapshot(item: Any, discount_ids: Iterable[str] = ()) -> dict[str, Any]:
    """Stripe's subscription_item object."""
    return {
        "id": item.id,
        "object": "subscription_item",
        "billing_thresholds": _item_thresholds(item),
        "created": epoch(item.created),
        "current_period_end": epoch(item.current_period_end),
        "current_period_start": epoch(item.current_period_start),
        "discounts": list(discount_ids),
        "metadata": dict(item.metadata),
        "price": item.price_id,
        "quantity": item.quantity,
        "subscription": item.subscription_id,
        "tax_rates": list(item.tax_rate_ids),
    }


def discount_snapshot(discount: Any) -> dict[str, Any]:
    """Stripe's discount object."""
    return {
        "id": discount.id,
        "object": "discount",
        "checkout_session": None,
        "customer": discount.customer_id,
        "end": epoch(discount.end),
        "invoice": discount.invoice_id or None,
        "invoice_item": discount.invoice_item_id or None,
        "promotion_code": discount.promotion_code_id or None,
        "source": {"coupon": discount.coupon_id, "type": "coupon"},
        "start": epoch(discount.start),
        "subscription": discount.subscription_id,
        "subscription_item": discount.subscription_item_id or None,
    }


def entitlement_snapshot(held: Mapping[str, str], *, livemode: bool) -> dict[str, Any]:
    """Stripe's entitlements.active_entitlement, of {id, feature, lookup_key}."""
    return {
        "id": held["id"],
        "object": "entitlements.active_entitlement",
        "feature": held["feature"],
        "livemode": livemode,
        "lookup_key": held["lookup_key"],
    }


def entitlement_summary_snapshot(
    customer_id: str, held: Iterable[Mapping[str, str]], *, livemode: bool
) -> dict[str, Any]:
    """Stripe's entitlements.active_entitlement_summary: all that the customer holds."""
    return {
        "object": "entitlements.active_entitlement_summary",
        "customer": customer_id,
        "entitlements": {
            "object": "list",
            "data": [entitlement_snapshot(one, livemode=livemode) for one in held],
            "has_more": False,
            "url": f"/v1/customer/{customer_id}/entitlements",
        },
        "livemode": livemode,
    }


def schedule_snapshot(schedule: Any) -> dict[str, Any]:
    """Stripe's subscription_schedule object."""
    current = schedule.phases[schedule.current_phase] if schedule.current_phase is not None else None
    return {
        "id": schedule.id,
        "object": "subscription_schedule",
        "billing_mode": {"type": "flexible"},
        "canceled_at": epoch(schedule.canceled_at),
        "completed_at": epoch(schedule.completed_at),
        "created": epoch(schedule.created),
        "current_phase": None
        if current is None or schedule.status != "active"
        else {"start_date": _told(current["start"]), "end_date": _told(current["end"])},
        "customer": schedule.customer_id,
        "default_settings": _default_settings(schedule.default_settings),
        "end_behavior": schedule.end_behavior,
        "metadata": dict(schedule.metadata),
        "phases": [_phase(phase) for phase in schedule.phases],
        "released_at": epoch(schedule.released_at),
        "released_subscription": schedule.released_subscription_id or None,
        "status": schedule.status,
        "subscription": schedule.subscription_id,
        "test_clock": schedule.test_clock_id,
    }


def _default_settings(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": said.get("billing_cycle_anchor", "automatic"),
        "billing_thresholds": None,
        "collection_method": said.get("collection_method", "charge_automatically"),
        "default_payment_method": said.get("default_payment_method_id"),
        "description": said.get("description"),
        "invoice_settings": _invoice_settings(said.get("days_until_due")),
        "on_behalf_of": None,
        "transfer_data": None,
    }


def _invoice_settings(days_until_due: int | None) -> dict[str, Any]:
    return {"account_tax_ids": None, "days_until_due": days_until_due, "issuer": {"type": "self"}}


def _phase(phase: Any) -> dict[str, Any]:
    asked = phase["request"]
    trial_end = phase["end"] if asked["trial"] else asked["trial_end"]
    return {
        "start_date": _told(phase["start"]),
        "end_date": _told(phase["end"]),
        "items": [
            _phase_item(item)
            | {"billing_thresholds": None, "metadata": dict(item.get("metadata") or {}), "plan": item["price_id"]}
            for item in asked["items"]
        ],
        "add_invoice_items": [
            _phase_item(item) | {"discountable": item.get("discountable", True), "metadata": item.get("metadata", {})}
            for item in asked["add_invoice_items"]
        ],
        "billing_cycle_anchor": asked["billing_cycle_anchor"],
        "collection_method": asked["collection_method"],
        "currency": asked.get("currency") or None,
        "default_payment_method": asked["default_payment_method_id"],
        "default_tax_rates": list(asked["default_tax_rate_ids"] or ()),
        "description": asked["description"],
        "discounts": _phase_discounts(asked),
        "invoice_settings": None if asked["days_until_due"] is None else _invoice_settings(asked["days_until_due"]),
        "metadata": dict(asked["metadata"]),
        "proration_behavior": asked["proration_behavior"],
        "trial_end": _told(trial_end),
    }


def _phase_item(item: Any) -> dict[str, Any]:
    return {
        "discounts": [_asked(one) for one in item.get("discounts", ())],
        "price": item["price_id"],
        "quantity": item["quantity"],
        "tax_rates": list(item["tax_rate_ids"]),
    }


def _phase_discounts(asked: Any) -> list[dict[str, str | None]]:
    if asked.get("discounts") is not None:
        return [_asked(one) for one in asked["discounts"]]
    return [_asked({"coupon_id": coupon}) for coupon in asked["coupon_ids"] or ()]


def _asked(one: Any) -> dict[str, str | None]:
    """A discount that a phase will give, by the one of the three that names it."""
    names = ("coupon", "discount", "promotion_code")
    return {name: one.get(f"{name}_id") or None for name in names}


def _told(instant: str | None) -> int | None:
    return None if instant is None else epoch(datetime.fromisoformat(instant))


def portal_configuration_snapshot(row: Any, *, livemode: bool) -> dict[str, Any]:
    """Stripe's billing_portal.configuration."""
    return {
        "id": row.id,
        "object": "billing_portal.configuration",
        "active": row.active,
        "application": None,
        "business_profile": {
            "headline": row.headline or None,
            "privacy_policy_url": row.privacy_policy_url or None,
            "terms_of_service_url": row.terms_of_service_url or None,
        },
        "created": epoch(row.created),
        "default_return_url": row.default_return_url or None,
        "features": row.features,
        "is_default": row.is_default,
        "livemode": livemode,
        # The path below the site's own address; whoever shows it puts that before.
        "login_page": {"enabled": row.login_page, "url": f"/portal/login/{row.id}" if row.login_page else None},
        "metadata": dict(row.metadata),
        "name": row.name or None,
        "updated": epoch(row.updated),
    }


def checkout_session_snapshot(
    session: Any,
    *,
    currency: str,
    subtotal: int,
    total: int,
    discount: int,
    tax: int,
    paid: bool,
    email: str,
    payment_intent: str | None = None,
) -> dict[str, Any]:
    """Stripe's checkout.session. Its `url` is put in where it is shown; no event tells it.

    `paid`: nothing of what it comes to is owed any more.
    """
    status, mode, terms = session.status, session.mode, session.terms
    payment_status = ("paid" if total else "no_payment_required") if paid or mode == "setup" else "unpaid"
    link = session.payment_link
    is_setup = mode == "setup"
    return {
        "id": session.id,
        "object": "checkout.session",
        "allow_promotion_codes": link.allow_promotion_codes or None,
        "amount_subtotal": None if is_setup else subtotal,
        "amount_total": None if is_setup else total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": session.cancel_url or None,
        "client_reference_id": session.client_reference_id or None,
        "created": epoch(session.created),
        "currency": currency,
        "customer": session.customer_id or None,
        "customer_details": _customer_details(session.answers, email),
        "customer_email": email or None,
        "expires_at": epoch(session.expires_at),
        "discounts": [
            {"coupon": one["coupon_id"] or None, "promotion_code": one["promotion_code_id"] or None}
            for one in terms.get("discounts", ())
        ],
        "invoice": session.invoice_id or None,
        "invoice_creation": _invoice_creation(terms.get("invoice")) if mode == "payment" else None,
        "locale": session.locale or None,
        "metadata": dict(session.metadata),
        "mode": mode,
        "payment_intent": payment_intent if mode == "payment" else None,
        "payment_link": None if link.one_visit else link.id,
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "setup_intent": session.setup_intent_id or None,
        "shipping_options": [],
        "status": status,
        "subscription": session.subscription_id or None,
        "success_url": link.after_completion_url or None,
        "total_details": None if is_setup else {"amount_discount": discount, "amount_shipping": 0, "amount_tax": tax},
        "ui_mode": "hosted_page",
        **_page(session),
    }


def _customer_details(answers: Mapping[str, Any], email: str) -> dict[str, Any] | None:
    """What was filled in on the page; before, what is known of the buyer."""
    if not answers:
        return {"email": email, "name": None} if email else None
    names = ("address", "email", "name", "phone")
    return {name: answers.get(name) or None for name in names} | {"tax_exempt": "none"}


def _page(session: Any) -> dict[str, Any]:
    """What its page asks and says, and what was answered."""
    shown = page_terms_snapshot(session.payment_link.terms)
    shown["custom_fields"] = answered_fields(shown["custom_fields"], session.answers.get("custom_fields", {}))
    if "consent_collection" in shown:
        accepted = "accepted" if session.answers.get("accepts_terms") else None
        shown["consent"] = {"promotions": None, "terms_of_service": accepted}
    return shown


def _invoice_creation(said: Mapping[str, Any] | None) -> dict[str, Any]:
    given = said or {}
    return {
        "enabled": said is not None,
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": list(given.get("custom_fields") or ()) or None,
            "description": given.get("description") or None,
            "footer": given.get("footer") or None,
            "issuer": None,
            "metadata": dict(given.get("metadata") or {}),
            "rendering_options": None,
        },
    }
