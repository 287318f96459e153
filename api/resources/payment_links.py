"""/v1/payment_links: pages of ours that anybody may buy from."""

from __future__ import annotations

from collections.abc import Sequence
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
    list_of,
    merged_metadata,
    text,
)
from api.resources.checkout import LINE, checked_address, is_adjustable, items_of, lines_of
from api.resources.checkout_terms import TRIAL
from catalog import services as catalog
from catalog.selectors import payment_links
from catalog.snapshots import payment_link_snapshot

LINKS = "/v1/payment_links"
_AFTER = hash_of(
    {
        "redirect": hash_of({"url": text(required=True, most=2000)}),
        "type": choice("hosted_confirmation", "redirect", required=True),
    }
)
_LINK = fields(METADATA, after_completion=_AFTER, allow_promotion_codes=boolean())
CREATE_LINK = fields(
    _LINK,
    line_items=list_of(LINE, required=True, most=20),
    subscription_data=hash_of({"trial_period_days": TRIAL}),
)
UPDATE_LINK = fields(_LINK, active=boolean())


def create_link(call: Call) -> Json:
    params = call.params
    row = catalog.create_payment_link(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        items=items_of(call),
        adjustable_quantity=is_adjustable(call),
        allow_promotion_codes=params.get("allow_promotion_codes", False),
        metadata=new_metadata(params),
        trial_period_days=params.get("subscription_data", {}).get("trial_period_days"),
        **_after(params),
    )
    return payment_link_snapshot(row, livemode=call.livemode)


def _after(params: dict[str, Any]) -> dict[str, str]:
    if "after_completion" not in params:
        return {}
    after = params["after_completion"]
    if after["type"] == "hosted_confirmation":
        return {"after_completion_url": ""}
    if "redirect" not in after:
        raise ParameterMissing(param="after_completion[redirect]", name="after_completion[redirect]")
    return {"after_completion_url": checked_address(after["redirect"]["url"], "after_completion[redirect][url]")}


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
    changed = catalog.update_payment_link(
        ctx=call.ctx, merchant_id=call.merchant_id, payment_link_id=row.id, **values | _after(call.params)
    )
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
