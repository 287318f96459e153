"""/v1/coupons and /v1/promotion_codes"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from api.lookup import deleted, found, new_metadata, sent
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    boolean,
    choice,
    decimal,
    fields,
    hash_of,
    integer,
    list_of,
    map_of,
    merged_metadata,
    text,
    timestamp,
)
from api.resources.customers import customer_of
from api.resources.products import product_of
from catalog import selectors, services
from catalog.models import Coupon, Product, PromotionCode
from catalog.rules import coupon_is_valid
from catalog.snapshots import coupon_snapshot, promotion_code_snapshot
from core.errors import OstinatoError, gettext_noop

COUPONS = "/v1/coupons"
CODES = "/v1/promotion_codes"
_CODE_ALPHABET = string.ascii_uppercase + string.digits
_CODE_LENGTH = 8

OPTIONS = map_of(hash_of({"amount_off": integer(required=True)}))
MINIMUMS = map_of(hash_of({"minimum_amount": integer(required=True)}))

CREATE_COUPON = fields(
    METADATA,
    id=text(most=200),
    amount_off=integer(),
    applies_to=hash_of({"products": list_of(text(most=200))}),
    currency=text(most=3),
    currency_options=OPTIONS,
    duration=choice("once", "repeating", "forever"),
    duration_in_months=integer(least=1, most=1200),
    max_redemptions=integer(),
    name=text(most=100),
    percent_off=decimal(),
    redeem_by=timestamp(),
)
UPDATE_COUPON = fields(METADATA, currency_options=OPTIONS, name=text(clearable=True, most=100))
CREATE_CODE = fields(
    METADATA,
    active=boolean(),
    code=text(most=500),
    coupon=text(most=200),
    customer=text(most=200),
    expires_at=timestamp(),
    max_redemptions=integer(),
    promotion=hash_of({"type": choice("coupon", required=True), "coupon": text(required=True, most=200)}),
    restrictions=hash_of(
        {
            "currency_options": MINIMUMS,
            "first_time_transaction": boolean(),
            "minimum_amount": integer(),
            "minimum_amount_currency": text(most=3),
        }
    ),
)
UPDATE_CODE = fields(METADATA, active=boolean(), restrictions=hash_of({"currency_options": MINIMUMS}))
LIST_CODES = fields(PAGE, active=boolean(), code=text(), coupon=text(most=200), created=RANGE, customer=text(most=200))


class CouponNamedTwice(OstinatoError):
    code = "parameters_exclusive"
    param = "coupon"
    message_id = gettext_noop("Name the coupon once: promotion[coupon], or coupon, as it was called before.")


class CouponMissing(OstinatoError):
    code = "parameter_missing"
    param = "promotion"
    message_id = gettext_noop("Say which coupon the code stands for: promotion[coupon].")


def coupon_of(call: Call, given: str, param: str = "id") -> Coupon:
    return found(selectors.coupons(call.merchant_id), given, "coupon", param=param, chosen_ids=True)


def _shown(row: Coupon, livemode: bool, as_of: datetime) -> Json:
    valid = coupon_is_valid(
        max_redemptions=row.max_redemptions,
        times_redeemed=row.times_redeemed,
        redeem_by=row.redeem_by,
        deleted=row.deleted_at is not None,
        as_of=as_of,
    )
    return coupon_snapshot(row, livemode=livemode, valid=valid)


def _options(params: dict[str, Any]) -> dict[str, Any]:
    """What a coupon takes in other currencies, as the service has it."""
    if "currency_options" not in params:
        return {}
    return {"currency_options": {code: given["amount_off"] for code, given in params["currency_options"].items()}}


def _restrictions(params: dict[str, Any]) -> dict[str, Any]:
    """What a code asks of its purchase, as the service has it."""
    given = dict(params.get("restrictions", {}))
    if "currency_options" in given:
        given["currency_options"] = {
            code: option["minimum_amount"] for code, option in given["currency_options"].items()
        }
    return given


def create_coupon(call: Call) -> Json:
    kept = ("id", "metadata", "applies_to", "currency_options")
    values = {name: value for name, value in call.params.items() if name not in kept}
    values |= _options(call.params)
    if "applies_to" in call.params:
        values["applies_to_product_ids"] = [
            product_of(call, given, f"applies_to[products][{n}]").id
            for n, given in enumerate(call.params["applies_to"].get("products", ()))
        ]
    row = services.create_coupon(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        api_id=call.params.get("id"),
        metadata=new_metadata(call.params),
        **values,
    )
    return _shown(row, call.livemode, call.ctx.as_of)


def retrieve_coupon(call: Call) -> Json:
    return _shown(coupon_of(call, call.id), call.livemode, call.ctx.as_of)


def update_coupon(call: Call) -> Json:
    row = coupon_of(call, call.id)
    values = sent(call.params, "name") | _options(call.params)
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    changed = services.update_coupon(ctx=call.ctx, merchant_id=call.merchant_id, coupon_id=row.id, **values)
    return _shown(changed, call.livemode, call.ctx.as_of)


def delete_coupon(call: Call) -> Json:
    row = coupon_of(call, call.id)
    services.delete_coupon(ctx=call.ctx, merchant_id=call.merchant_id, coupon_id=row.id)
    return deleted("coupon", row.api_id or row.id)


def list_coupons(call: Call) -> Json:
    rows = in_range(selectors.coupons(call.merchant_id), "created", call.params.get("created"))
    return page(rows, call, lambda found: [_shown(row, call.livemode, call.ctx.as_of) for row in found], url=COUPONS)


def _codes(call: Call) -> Any:
    return PromotionCode.objects.filter(merchant_id=call.merchant_id)


def create_code(call: Call) -> Json:
    params = call.params
    if "promotion" in params and "coupon" in params:
        raise CouponNamedTwice
    coupon_id = params.get("promotion", {}).get("coupon") or params.get("coupon")
    if not coupon_id:
        raise CouponMissing
    coupon = coupon_of(call, coupon_id, "promotion[coupon]" if "promotion" in params else "coupon")
    values: dict[str, Any] = sent(params, "active", "expires_at", "max_redemptions") | _restrictions(params)
    if "customer" in params:
        values["customer_id"] = customer_of(call, params["customer"], "customer").id
    row = services.create_promotion_code(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        coupon_id=coupon.id,
        code=params.get("code") or "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH)),
        metadata=new_metadata(params),
        **values,
    )
    return promotion_code_snapshot(row, livemode=call.livemode)


def retrieve_code(call: Call) -> Json:
    return promotion_code_snapshot(found(_codes(call), call.id, "promotion code"), livemode=call.livemode)


def update_code(call: Call) -> Json:
    row = found(_codes(call), call.id, "promotion code")
    values = sent(call.params, "active") | _restrictions(call.params)
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    changed = services.update_promotion_code(
        ctx=call.ctx, merchant_id=call.merchant_id, promotion_code_id=row.id, **values
    )
    return promotion_code_snapshot(changed, livemode=call.livemode)


def list_codes(call: Call) -> Json:
    params = call.params
    rows = in_range(_codes(call), "created", params.get("created"))
    if "active" in params:
        rows = rows.filter(active=params["active"])
    if "code" in params:
        rows = rows.filter(code__iexact=params["code"])
    if "customer" in params:
        rows = rows.filter(customer_id=params["customer"])
    if "coupon" in params:
        rows = rows.filter(Q(coupon_id=params["coupon"]) | Q(coupon__api_id=params["coupon"]))
    return page(
        rows, call, lambda found: [promotion_code_snapshot(row, livemode=call.livemode) for row in found], url=CODES
    )


OPERATIONS = [
    Operation("POST", COUPONS, create_coupon, CREATE_COUPON),
    Operation("GET", COUPONS, list_coupons, fields(PAGE, created=RANGE)),
    Operation("GET", COUPONS + "/{id}", retrieve_coupon),
    Operation("POST", COUPONS + "/{id}", update_coupon, UPDATE_COUPON),
    Operation("DELETE", COUPONS + "/{id}", delete_coupon),
    Operation("POST", CODES, create_code, CREATE_CODE),
    Operation("GET", CODES, list_codes, LIST_CODES),
    Operation("GET", CODES + "/{id}", retrieve_code),
    Operation("POST", CODES + "/{id}", update_code, UPDATE_CODE),
]


def load_coupons(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Coupon.objects.filter(Q(id__in=ids) | Q(api_id__in=ids), merchant_id=merchant_id).select_related("merchant")
    return {row.api_id or row.id: _shown(row, row.merchant.livemode, row.recorded_at) for row in rows}


def load_codes(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = PromotionCode.objects.filter(merchant_id=merchant_id, id__in=ids).select_related("merchant")
    return {row.id: promotion_code_snapshot(row, livemode=row.merchant.livemode) for row in rows}


def _by_shown_id(merchant_id: str, ids: Sequence[str]) -> dict[str, Coupon]:
    rows = Coupon.objects.filter(Q(id__in=ids) | Q(api_id__in=ids), merchant_id=merchant_id)
    return {row.api_id or row.id: row for row in rows}


def include_applies_to(merchant_id: str, ids: Sequence[str]) -> dict[str, Json | None]:
    """The products that each coupon is for, by the ids that clients chose; None where it is for all."""
    coupons = _by_shown_id(merchant_id, ids)
    products = {product for row in coupons.values() for product in row.applies_to_product_ids}
    chosen = dict(Product.objects.filter(id__in=products, api_id__isnull=False).values_list("id", "api_id"))
    return {
        shown: {"products": [chosen.get(one, one) for one in row.applies_to_product_ids]}
        if row.applies_to_product_ids
        else None
        for shown, row in coupons.items()
    }


def include_coupon_options(merchant_id: str, ids: Sequence[str]) -> dict[str, Json | None]:
    """What each coupon takes in each of its currencies, its own among them; None for a percentage."""
    return {shown: _options_shown(row) for shown, row in _by_shown_id(merchant_id, ids).items()}


def _options_shown(row: Coupon) -> Json | None:
    if not row.currency:
        return None
    amounts = {row.currency: row.amount_off, **row.currency_options}
    return {currency: {"amount_off": amount} for currency, amount in amounts.items()}


LOADERS = {"coupon": load_coupons, "promotion_code": load_codes}
INCLUDES = {("coupon", "applies_to"): include_applies_to, ("coupon", "currency_options"): include_coupon_options}
