"""/v1/customers, with the balance's ledger and tax numbers below each customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from api.business_time import clocked
from api.lookup import blanked_metadata, deleted, found, found_by, new_metadata, sent
from api.paging import in_range, page, whole_list
from api.payment_tokens import attached_id, is_token, method_id
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    choice,
    fields,
    hash_of,
    integer,
    list_of,
    merged_metadata,
    text,
)
from catalog.selectors import coupons
from core.context import Context
from core.errors import OstinatoError
from customers import backups, selectors, services
from customers.models import Customer
from customers.snapshots import balance_transaction_snapshot, customer_snapshot, tax_id_snapshot
from customers.types import TaxId
from engine.services import discounts
from engine.services.deletion import delete_customer
from engine.services.numbering import set_customer_numbers
from events.statements import Statement
from payments.services import name_method
from subscriptions.rules.discounts import DiscountNamedTwice
from subscriptions.selectors import discounts_of_customers

URL = "/v1/customers"
_ADDRESS_FIELDS = ("line1", "line2", "city", "state", "postal_code", "country")
_TEXTS = ("email", "name", "business_name", "individual_name", "description", "phone")

ADDRESS = hash_of({name: text(clearable=True, most=500) for name in _ADDRESS_FIELDS}, clearable=True)
TAX_ID = {"type": text(required=True, most=50), "value": text(required=True, most=100)}
CUSTOM_FIELDS = list_of(
    hash_of({"name": text(required=True, most=40), "value": text(required=True, most=140)}), clearable=True, most=4
)
_COMMON = fields(
    METADATA,
    address=ADDRESS,
    balance=integer(),
    business_name=text(clearable=True),
    coupon=text(clearable=True, most=200),
    description=text(clearable=True),
    email=text(clearable=True, most=512),
    invoice_settings=hash_of(
        {
            "backup_payment_methods": list_of(text(most=200), clearable=True, most=10),
            "custom_fields": CUSTOM_FIELDS,
            "default_payment_method": text(clearable=True),
            "footer": text(clearable=True, most=5000),
        }
    ),
    default_source=text(most=200),
    individual_name=text(clearable=True),
    invoice_prefix=text(clearable=True, most=100),
    name=text(clearable=True),
    next_invoice_sequence=integer(least=1, most=1_000_000_000),
    phone=text(clearable=True),
    promotion_code=text(clearable=True, most=200),
    preferred_locales=list_of(text(most=20), clearable=True, most=10),
    shipping=hash_of(
        {"address": ADDRESS, "name": text(required=True, most=500), "phone": text(clearable=True, most=40)},
        clearable=True,
    ),
    source=text(most=200),
    tax=hash_of(
        {"validate_location": choice("deferred", required=True)}
    ),  # there is no automatic tax to look it up for
    tax_exempt=choice("none", "exempt", "reverse", clearable=True),
)
CREATE = fields(
    _COMMON, payment_method=text(), tax_id_data=list_of(hash_of(TAX_ID), most=10), test_clock=text(most=200)
)
UPDATE = _COMMON
LIST = fields(PAGE, created=RANGE, email=text(most=512), test_clock=text(most=200))


def customer_of(call: Call, given: str, param: str = "id") -> Customer:
    return found_by(_one, call.merchant_id, given, "customer", param=param)


_one = Statement(lambda merchant, id: selectors.customers(merchant).filter(id=id))


def _values(params: dict[str, Any]) -> dict[str, Any]:
    """The service's field names; what was sent empty is blank."""
    values = sent(params, *_TEXTS)
    if "address" in params:
        address = params["address"] or {}
        values |= {name: address.get(name) or "" for name in _ADDRESS_FIELDS}
    if "shipping" in params:
        values["shipping"] = _shipping(params["shipping"])
    settings = params.get("invoice_settings", {})
    if "custom_fields" in settings:
        values["invoice_custom_fields"] = settings["custom_fields"] or []
    if "footer" in settings:
        values["invoice_footer"] = settings["footer"] or ""
    if "preferred_locales" in params:
        values["preferred_locales"] = params["preferred_locales"] or []
    if "tax_exempt" in params:
        values["tax_exempt"] = params["tax_exempt"] or "none"
    return values


def _shipping(given: Json | None) -> Json | None:
    """Stripe's shipping object, every part of its address there."""
    if given is None:
        return None
    address = given.get("address") or {}
    return {
        "address": {name: address.get(name) or None for name in _ADDRESS_FIELDS},
        "name": given["name"],
        "phone": given.get("phone") or None,
    }


def create(call: Call) -> Json:
    params = call.params
    ctx = clocked(call, params.get("test_clock"))
    row = services.create_customer(
        ctx=ctx,
        merchant_id=call.merchant_id,
        test_clock_id=params.get("test_clock", ""),
        tax_ids=[TaxId(one["type"], one["value"]) for one in params.get("tax_id_data", ())],
        metadata=new_metadata(params),
        strict_tax_ids=False,
        **_values(params),
    )
    try:
        _numbers(call, ctx, row, params)
        _after(call, ctx, row, params)
    except OstinatoError:
        # The gateway is called outside any transaction: a card that is declined takes its customer with it.
        delete_customer(ctx=ctx, merchant_id=call.merchant_id, customer_id=row.id)
        raise
    return customer_snapshot(customer_of(call, row.id))


def resume_create(call: Call) -> Json:
    """What is left of `create` for a customer that an earlier try made: each step sets what it is told."""
    row = customer_of(call, call.id)
    _after(call, clocked(call, row.test_clock_id), row, call.params)
    return customer_snapshot(customer_of(call, row.id))


def _after(call: Call, ctx: Context, row: Customer, params: dict[str, Any]) -> None:
    """The payment method, the default one and the balance, each by its own service."""
    if params.get("payment_method"):
        attached_id(ctx, call.merchant_id, row.id, params["payment_method"], param="payment_method")
    if given := params.get("source") or params.get("default_source"):
        _source(call, ctx, row, given)
    settings = params.get("invoice_settings", {})
    if "default_payment_method" in settings:
        given, name = settings["default_payment_method"], "invoice_settings[default_payment_method]"
        services.set_default_payment_method(
            ctx=ctx,
            merchant_id=call.merchant_id,
            customer_id=row.id,
            payment_method_id=method_id(ctx, call.merchant_id, row.id, given, param=name) if given else "",
        )
    if "backup_payment_methods" in settings:
        name = "invoice_settings[backup_payment_methods]"
        backups.set_backup_payment_methods(
            ctx=ctx,
            merchant_id=call.merchant_id,
            customer_id=row.id,
            payment_method_ids=[
                method_id(ctx, call.merchant_id, row.id, given, param=name)
                for given in settings["backup_payment_methods"] or ()
            ],
        )
    if params.get("balance", row.balance) != row.balance:
        services.adjust_balance(
            ctx=ctx,
            merchant_id=call.merchant_id,
            customer_id=row.id,
            amount=params["balance"] - row.balance,
            currency=row.currency or row.merchant.default_currency,
        )
    _discount(call, ctx, row, params)


def _source(call: Call, ctx: Context, row: Customer, given: str) -> None:
    """The older way to give a card, which is then what is charged."""
    method = attached_id(ctx, call.merchant_id, row.id, given, param="source")
    if is_token(given):
        name_method(call.merchant_id, method, "card")
    services.set_default_payment_method(
        ctx=ctx, merchant_id=call.merchant_id, customer_id=row.id, payment_method_id=method
    )


def _numbers(call: Call, ctx: Context, row: Customer, params: dict[str, Any]) -> None:
    prefix, following = params.get("invoice_prefix"), params.get("next_invoice_sequence")
    if prefix is None and following is None:
        return
    set_customer_numbers(
        ctx=ctx, merchant_id=call.merchant_id, customer_id=row.id, prefix=prefix, next_number=following
    )


def _discount(call: Call, ctx: Context, row: Customer, params: dict[str, Any]) -> None:
    """The customer's one discount, as older versions of the API give and clear it; it can be deleted by itself too."""
    given = {name: params[name] for name in ("coupon", "promotion_code") if name in params}
    if not given:
        return
    if len(given) > 1:
        raise DiscountNamedTwice(param="coupon")
    [(name, value)] = given.items()
    if value is None:
        if discounts_of_customers(call.merchant_id, [row.id]):
            discounts.delete_customer_discount(ctx=ctx, merchant_id=row.merchant_id, customer_id=row.id)
    elif name == "coupon":
        coupon = found(coupons(call.merchant_id), value, "coupon", param="coupon", chosen_ids=True)
        discounts.give_discount(ctx=ctx, merchant_id=row.merchant_id, customer_id=row.id, coupon_id=coupon.id)
    else:
        discounts.give_discount(ctx=ctx, merchant_id=row.merchant_id, customer_id=row.id, promotion_code_id=value)


def delete_discount(call: Call) -> Json:
    row = customer_of(call, call.id)
    discounts.delete_customer_discount(
        ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, customer_id=row.id
    )
    return {"object": "discount", "deleted": True}


def retrieve(call: Call) -> Json:
    row = Customer.objects.filter(merchant_id=call.merchant_id, id=call.id, deleted_at__isnull=False).first()
    return deleted("customer", row.id) if row else customer_snapshot(customer_of(call, call.id))


def update(call: Call) -> Json:
    row = customer_of(call, call.id)
    ctx = clocked(call, row.test_clock_id)
    values = _values(call.params)
    if call.params.get("address"):
        # Parts of the address that are not sent keep their values.
        values = {
            name: value
            for name, value in values.items()
            if name not in _ADDRESS_FIELDS or name in call.params["address"]
        }
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    with transaction.atomic():
        _numbers(call, ctx, row, call.params)
        row = services.update_customer(ctx=ctx, merchant_id=call.merchant_id, customer_id=row.id, **values)
    _after(call, ctx, row, call.params)
    return customer_snapshot(customer_of(call, row.id))


def delete(call: Call) -> Json:
    row = customer_of(call, call.id)
    delete_customer(ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, customer_id=row.id)
    return deleted("customer", row.id)


def list_(call: Call) -> Json:
    rows = in_range(selectors.customers(call.merchant_id), "created", call.params.get("created"))
    # Customers of a clock are listed only by their clock, as in Stripe.
    rows = rows.filter(test_clock_id=call.params.get("test_clock"))
    if "email" in call.params:
        rows = rows.filter(email=call.params["email"])
    return page(rows, call, lambda found: [customer_snapshot(row) for row in found], url=URL)


def create_balance_transaction(call: Call) -> Json:
    row = customer_of(call, call.id)
    entry = services.adjust_balance(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        customer_id=row.id,
        amount=call.params["amount"],
        currency=call.params["currency"],
        description=call.params.get("description") or "",
        metadata=new_metadata(call.params),
    )
    return balance_transaction_snapshot(entry)


def update_balance_transaction(call: Call) -> Json:
    row = customer_of(call, call.id)
    rows = selectors.balance_transactions(call.merchant_id, row.id)
    entry = found(rows, call.ids["entry"], "customer balance transaction")
    values: dict[str, Any] = sent(call.params, "description")
    if "metadata" in call.params:
        values["metadata"] = blanked_metadata(entry, call.params)
    entry = services.describe_balance_transaction(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        customer_id=row.id,
        entry_id=entry.id,
        **values,
    )
    return balance_transaction_snapshot(entry)


def list_balance_transactions(call: Call) -> Json:
    rows = selectors.balance_transactions(call.merchant_id, customer_of(call, call.id).id)
    rows = in_range(rows, "created", call.params.get("created"))
    if "invoice" in call.params:
        rows = rows.filter(invoice_id=call.params["invoice"])
    url = f"{URL}/{call.id}/balance_transactions"
    return page(rows, call, lambda found: [balance_transaction_snapshot(row) for row in found], url=url)


def retrieve_balance_transaction(call: Call) -> Json:
    rows = selectors.balance_transactions(call.merchant_id, customer_of(call, call.id).id)
    return balance_transaction_snapshot(found(rows, call.ids["entry"], "customer balance transaction"))


def create_tax_id(call: Call) -> Json:
    row = customer_of(call, call.id)
    number = TaxId(call.params["type"], call.params["value"])
    added = services.add_tax_id(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        customer_id=row.id,
        tax_id=number,
        strict=False,
    )
    return tax_id_snapshot(added)


def list_tax_ids(call: Call) -> Json:
    rows = customer_of(call, call.id).tax_ids.all()
    return page(rows, call, lambda found: [tax_id_snapshot(row) for row in found], url=f"{URL}/{call.id}/tax_ids")


def retrieve_tax_id(call: Call) -> Json:
    return tax_id_snapshot(found(customer_of(call, call.id).tax_ids.all(), call.ids["tax_id"], "tax ID"))


def delete_tax_id(call: Call) -> Json:
    row = customer_of(call, call.id)
    number = found(row.tax_ids.all(), call.ids["tax_id"], "tax ID")
    services.remove_tax_id(
        ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, customer_id=row.id, tax_id_id=number.id
    )
    return deleted("tax_id", number.id)


_BALANCE = fields(
    METADATA,
    amount=integer(required=True),
    currency=text(required=True, most=3),
    description=text(clearable=True, most=350),
)
_LEDGER = fields(PAGE, created=RANGE, invoice=text(most=200))
_WORDS = fields(METADATA, description=text(clearable=True, most=350))
OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("DELETE", URL + "/{id}", delete),
    Operation("DELETE", URL + "/{id}/discount", delete_discount),
    Operation("POST", URL + "/{id}/balance_transactions", create_balance_transaction, _BALANCE),
    Operation("GET", URL + "/{id}/balance_transactions", list_balance_transactions, _LEDGER),
    Operation("POST", URL + "/{id}/balance_transactions/{entry}", update_balance_transaction, _WORDS),
    Operation("GET", URL + "/{id}/balance_transactions/{entry}", retrieve_balance_transaction),
    Operation("POST", URL + "/{id}/tax_ids", create_tax_id, TAX_ID),
    Operation("GET", URL + "/{id}/tax_ids", list_tax_ids, PAGE),
    Operation("GET", URL + "/{id}/tax_ids/{tax_id}", retrieve_tax_id),
    Operation("DELETE", URL + "/{id}/tax_ids/{tax_id}", delete_tax_id),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Customer.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: customer_snapshot(row) if row.deleted_at is None else deleted("customer", row.id) for row in rows}


def include_tax_ids(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    lists = {given: whole_list([], url=f"{URL}/{given}/tax_ids") for given in ids}
    for customer in Customer.objects.filter(merchant_id=merchant_id, id__in=ids).prefetch_related("tax_ids"):
        lists[customer.id]["data"] = [tax_id_snapshot(row) for row in customer.tax_ids.all()]
    return lists


LOADERS = {"customer": load}
INCLUDES = {("customer", "tax_ids"): include_tax_ids}
