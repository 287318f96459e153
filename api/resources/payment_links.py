"""/v1/payment_links: pages of ours that anybody may buy from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from api.lookup import found, new_metadata
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    ParameterMissing,
    boolean,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    merged_metadata,
    text,
)
from api.resources.checkout import LINE, checked_address, is_adjustable, items_of, lines_of
from api.resources.checkout_terms import TRIAL
from api.resources.page_terms import CONSENT, PAGE_TERMS, line_terms_of, page_terms_of
from catalog import services as catalog
from catalog.selectors import payment_links
from catalog.snapshots import payment_link_snapshot

LINKS = "/v1/payment_links"
_AFTER = hash_of(
    {
        "hosted_confirmation": hash_of({"custom_message": text(most=500)}),
        "redirect": hash_of({"url": text(required=True, most=2000)}),
        "type": choice("hosted_confirmation", "redirect", required=True),
    }
)
_LIMIT = hash_of(
    {"completed_sessions": hash_of({"limit": integer(required=True, least=1)}, required=True)}, clearable=True
)
_TRIAL_SETTINGS = hash_of(
    {
        "end_behavior": hash_of(
            {"missing_payment_method": choice("cancel", "create_invoice", "pause", required=True)}, required=True
        )
    },
    clearable=True,
)
_LINK = fields(
    METADATA,
    PAGE_TERMS,
    after_completion=_AFTER,
    allow_promotion_codes=boolean(),
    inactive_message=text(clearable=True, most=500),
    restrictions=_LIMIT,
)
CREATE_LINK = fields(
    _LINK,
    consent_collection=CONSENT,
    line_items=list_of(LINE, required=True, most=20),
    subscription_data=hash_of(
        fields(METADATA, description=text(most=500), trial_period_days=TRIAL, trial_settings=_TRIAL_SETTINGS)
    ),
)
UPDATE_LINK = fields(
    _LINK,
    active=boolean(),
    subscription_data=hash_of(
        fields(METADATA, trial_period_days=dataclasses.replace(TRIAL, clearable=True), trial_settings=_TRIAL_SETTINGS)
    ),
)


def create_link(call: Call) -> Json:
    params = call.params
    data = params.get("subscription_data", {})
    row = catalog.create_payment_link(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        items=items_of(call),
        line_terms=line_terms_of(call),
        adjustable_quantity=is_adjustable(call),
        allow_promotion_codes=params.get("allow_promotion_codes", False),
        metadata=new_metadata(params),
        terms=_terms_of(params, {}),
        trial_period_days=data.get("trial_period_days"),
        after_completion_url=_after_url(params) or "",
    )
    return payment_link_snapshot(row, livemode=call.livemode)


def _terms_of(params: dict[str, Any], known: Mapping[str, Any]) -> Json:
    """A link's `terms` after the request."""
    terms = {**known, **page_terms_of(params, known)}
    if "inactive_message" in params:
        terms["inactive_message"] = params["inactive_message"] or ""
    if "restrictions" in params:
        limits = params["restrictions"]
        terms["completed_sessions_limit"] = limits["completed_sessions"]["limit"] if limits else None
    if "after_completion" in params:
        confirmed = params["after_completion"].get("hosted_confirmation", {})
        terms["confirmation_message"] = confirmed.get("custom_message", "")
    if "subscription_data" in params:
        terms["subscription"] = _subscription(params["subscription_data"], terms.get("subscription", {}))
    return terms


def _subscription(data: Mapping[str, Any], known: Mapping[str, Any]) -> Json:
    said: Json = dict(known)
    if "description" in data:
        said["description"] = data["description"]
    if "metadata" in data:
        said["metadata"] = merged_metadata(known.get("metadata", {}), data["metadata"])
    if "trial_settings" in data:
        settings = data["trial_settings"]
        said["trial_missing_payment_method"] = settings["end_behavior"]["missing_payment_method"] if settings else ""
    return said


def _after_url(params: dict[str, Any]) -> str | None:
    """Where the buyer is sent back to; blank for a page of ours, None where nothing was said."""
    if "after_completion" not in params:
        return None
    after = params["after_completion"]
    if after["type"] == "hosted_confirmation":
        return ""
    if "redirect" not in after:
        raise ParameterMissing(param="after_completion[redirect]", name="after_completion[redirect]")
    return checked_address(after["redirect"]["url"], "after_completion[redirect][url]")


def retrieve_link(call: Call) -> Json:
    return payment_link_snapshot(
        found(payment_links(call.merchant_id), call.id, "payment_link"), livemode=call.livemode
    )


def update_link(call: Call) -> Json:
    row = found(payment_links(call.merchant_id), call.id, "payment_link")
    names = ("active", "allow_promotion_codes")
    values: dict[str, Any] = {name: call.params[name] for name in names if name in call.params}
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    if "trial_period_days" in call.params.get("subscription_data", {}):
        values["trial_period_days"] = call.params["subscription_data"]["trial_period_days"]
    if (url := _after_url(call.params)) is not None:
        values["after_completion_url"] = url
    values["terms"] = _terms_of(call.params, row.terms)
    changed = catalog.update_payment_link(ctx=call.ctx, merchant_id=call.merchant_id, payment_link_id=row.id, **values)
    return payment_link_snapshot(changed, livemode=call.livemode)


def list_links(call: Call) -> Json:
    rows = in_range(payment_links(call.merchant_id), "created", call.params.get("created"))
    if "active" in call.params:
        rows = rows.filter(active=call.params["active"])
    return page(
        rows, call, lambda found: [payment_link_snapshot(row, livemode=call.livemode) for row in found], url=LINKS
    )


def list_link_lines(call: Call) -> Json:
    row = found(payment_links(call.merchant_id), call.id, "payment_link")
    return lines_of(call, row, f"{LINKS}/{row.id}/line_items")


OPERATIONS = [
    Operation("POST", LINKS, create_link, CREATE_LINK),
    Operation("GET", LINKS, list_links, fields(PAGE, active=boolean(), created=RANGE)),
    Operation("GET", LINKS + "/{id}", retrieve_link),
    Operation("POST", LINKS + "/{id}", update_link, UPDATE_LINK),
    Operation("GET", LINKS + "/{id}/line_items", list_link_lines, PAGE),
]


def load_links(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = payment_links(merchant_id).filter(id__in=ids).select_related("merchant")
    return {row.id: payment_link_snapshot(row, livemode=row.merchant.livemode) for row in rows}


LOADERS = {"payment_link": load_links}
