"""/v1/tokens, /v1/sources and a customer's sources and cards: the calls that payment methods came in the place of.

What they make is a payment method, shown under their names: tok_…, card_… or src_… before the characters of its pm_….
In a sandbox alone: a live card is entered on the processor's own page, and its number never comes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.business_time import clocked
from api.lookup import deleted, found, new_metadata
from api.paging import page_of
from api.payment_tokens import account_described, as_instrument, card_described, in_sandbox, is_token, stored_id
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    Fields,
    ParameterMissing,
    choice,
    fields,
    hash_of,
    integer,
    merged_metadata,
    one_of,
    text,
)
from api.resources.customers import ADDRESS, customer_of
from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch
from customers.models import Customer, PaymentMethod
from customers.services import set_default_payment_method
from customers.snapshots import legacy_card_snapshot, legacy_id, legacy_source_snapshot
from payments import services
from payments.snapshots import client_secret

_ADDRESS = {f"address_{name}": text(clearable=True, most=200) for name in ("city", "country", "line1", "line2")}
_ADDRESS |= {f"address_{name}": text(clearable=True, most=200) for name in ("state", "zip")}
CARD: Fields = fields(
    _ADDRESS,
    cvc=text(most=10),
    exp_month=integer(required=True),
    exp_year=integer(required=True),
    name=text(clearable=True, most=200),
    number=text(required=True, most=30),
)
_OWNER = hash_of({"address": ADDRESS, "email": text(most=512), "name": text(most=200), "phone": text(most=40)})
CREATE_SOURCE = fields(
    METADATA,
    acss_debit=hash_of(
        {name: text(required=True, most=20) for name in ("account_number", "institution_number", "transit_number")}
    ),
    card=hash_of(CARD),
    currency=text(most=3),
    owner=_OWNER,
    sepa_debit=hash_of({"iban": text(required=True, most=40)}),
    statement_descriptor=text(most=22),
    token=text(most=200),
    type=choice("acss_debit", "card", "sepa_debit"),
    usage=choice("reusable", "single_use"),
)
_GIVEN = one_of(text(most=200), hash_of(fields(CARD, METADATA, object=choice("card", required=True))))
GIVE = fields(METADATA, card=_GIVEN, source=_GIVEN)
UPDATE = fields(
    METADATA,
    _ADDRESS,
    exp_month=integer(least=1, most=12),
    exp_year=integer(least=2000, most=2100),
    name=text(clearable=True, most=200),
    owner=_OWNER,
)
LIST = fields(PAGE, object=text(most=30))


class NumbersElsewhere(OstinatoError):
    code = "parameter_invalid"
    param = "card"
    message_id = gettext_noop(
        "Card numbers are not taken here: in live mode they are entered on the payment processor's own page."
    )


class TokenUsed(OstinatoError):
    code = "token_already_used"
    param = "source"
    message_id = gettext_noop("You cannot use a token more than once: %(token)s.")


def _rows(call: Call) -> Any:
    return PaymentMethod.objects.filter(merchant_id=call.merchant_id).exclude(made_as="")


def _billing(given: Json) -> Json:
    """A card's own words as billing details; those that were not said are not there."""
    said: Json = {"name": given["name"]} if "name" in given else {}
    names = {"city": "city", "country": "country", "line1": "line1", "line2": "line2", "state": "state"}
    parts = names | {"zip": "postal_code"}
    address = {name: given[f"address_{old}"] for old, name in parts.items() if f"address_{old}" in given}
    return said | ({"address": dict.fromkeys(parts.values()) | address} if address else {})


def made(call: Call, given: Json, made_as: str = "card", kind: str = "card", **fields: Any) -> PaymentMethod:
    """A method of nobody by what is printed on a published test card or account."""
    if not in_sandbox(call.merchant_id):
        raise NumbersElsewhere(param=kind)
    described = card_described(given, call.ctx.as_of) if kind == "card" else account_described(kind, given)
    return services.create_payment_method(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        made_as=made_as,
        **{"billing_details": _billing(given)} | fields | described,
    )


def of_token(call: Call, given: str, param: str = "source", made_as: str = "card") -> PaymentMethod:
    """The method that a token, a source or a card names; a test token makes a new one. Raises `NoSuchObject`."""
    if is_token(given) and in_sandbox(call.merchant_id):
        return services.create_payment_method(
            ctx=call.ctx, merchant_id=call.merchant_id, instrument=as_instrument(given), made_as=made_as
        )
    what = {"tok": "token", "card": "token"}.get(given.partition("_")[0], "source")
    return found(_rows(call), stored_id(given), what, param=param)


# --- tokens ------------------------------------------------------------------------------------------------------


def create_token(call: Call) -> Json:
    if "card" not in call.params:
        raise ParameterMissing(param="card", name="card")
    return token_body(made(call, call.params["card"]))


def retrieve_token(call: Call) -> Json:
    return token_body(found(_rows(call), stored_id(call.id), "token"))


def token_body(row: PaymentMethod) -> Json:
    return {
        "id": "tok_" + row.id.removeprefix("pm_"),
        "object": "token",
        "card": legacy_card_snapshot(row),
        "client_ip": None,
        "created": epoch(row.created),
        "type": "card",
        "used": row.customer_id is not None or row.gateway_method_id != "",
    }


# --- sources -----------------------------------------------------------------------------------------------------


def create_source(call: Call) -> Json:
    params = call.params
    if "token" in params:
        row = of_token(call, params["token"], "token", "source")
        row.made_as = services.name_method(call.merchant_id, row.id, "source")
        return shown(row)
    kind = params.get("type", "")
    if not kind or kind not in params:
        raise ParameterMissing(param=kind or "type", name=kind or "type")
    owner = {name: value for name, value in params.get("owner", {}).items() if value}
    details = _billing(params[kind]) | owner
    return shown(made(call, params[kind], "source", kind, billing_details=details, metadata=new_metadata(params)))


def retrieve_source(call: Call) -> Json:
    return shown(found(_rows(call), stored_id(call.id), "source"))


def update_source(call: Call) -> Json:
    return shown(_changed(call, found(_rows(call), stored_id(call.id), "source")))


def shown(row: PaymentMethod) -> Json:
    """As it was made: a card, or a source."""
    if row.made_as == "card":
        return legacy_card_snapshot(row)
    return legacy_source_snapshot(row, client_secret(legacy_id(row)))


# --- a customer's ------------------------------------------------------------------------------------------------


def _of_customer(call: Call) -> tuple[Customer, Any]:
    customer = customer_of(call, call.id)
    return customer, _rows(call).filter(customer=customer, detached_at__isnull=True)


def give(call: Call) -> Json:
    """A card or a source becomes the customer's; the first is its default."""
    customer = customer_of(call, call.id)
    given = call.params.get("source") or call.params.get("card")
    if not given:
        raise ParameterMissing(param="source", name="source")
    row = made(call, given) if isinstance(given, dict) else of_token(call, given)
    if row.customer_id is not None or row.detached_at is not None:
        raise TokenUsed(token=given)
    ctx = clocked(call, customer.test_clock_id)
    row = services.attach_stored_method(
        ctx=ctx, merchant_id=call.merchant_id, customer_id=customer.id, payment_method_id=row.id
    )
    if "metadata" in call.params:
        row = services.update_payment_method(
            ctx=ctx, merchant_id=call.merchant_id, payment_method_id=row.id, metadata=new_metadata(call.params)
        )
    if not customer.default_payment_method_id:
        set_default_payment_method(
            ctx=ctx, merchant_id=call.merchant_id, customer_id=customer.id, payment_method_id=row.id
        )
    return shown(row)


def list_(call: Call) -> Json:
    _, rows = _of_customer(call)
    data = [shown(row) for row in rows.order_by("-created", "-id")]
    if "object" in call.params:
        data = [one for one in data if one["object"] == call.params["object"]]
    return page_of(data, call, url=f"/v1/customers/{call.id}/sources")


def list_cards(call: Call) -> Json:
    _, rows = _of_customer(call)
    data = [shown(row) for row in rows.filter(made_as="card").order_by("-created", "-id")]
    return page_of(data, call, url=f"/v1/customers/{call.id}/cards")


def _one(call: Call) -> tuple[Customer, PaymentMethod]:
    customer, rows = _of_customer(call)
    return customer, found(rows, stored_id(call.ids["source"]), "source")


def retrieve(call: Call) -> Json:
    return shown(_one(call)[1])


def update(call: Call) -> Json:
    return shown(_changed(call, _one(call)[1]))


def _changed(call: Call, row: PaymentMethod) -> PaymentMethod:
    params = call.params
    changes: Json = {name: params[name] for name in ("exp_month", "exp_year") if name in params}
    said = _billing(params) | {name: value for name, value in params.get("owner", {}).items() if value}
    if said:
        changes["billing_details"] = {**row.billing_details, **said}
    if "metadata" in params:
        changes["metadata"] = merged_metadata(row.metadata, params["metadata"])
    clock = Customer.objects.filter(id=row.customer_id).values_list("test_clock_id", flat=True).first()
    return services.update_payment_method(
        ctx=clocked(call, clock), merchant_id=call.merchant_id, payment_method_id=row.id, **changes
    )


def delete(call: Call) -> Json:
    customer, row = _one(call)
    services.detach_payment_method(
        ctx=clocked(call, customer.test_clock_id),
        merchant_id=call.merchant_id,
        customer_id=customer.id,
        payment_method_id=row.id,
    )
    return deleted(shown(row)["object"], legacy_id(row))


TOKENS, SOURCES, OF_CUSTOMER = "/v1/tokens", "/v1/sources", "/v1/customers/{id}"
OPERATIONS = [
    Operation("POST", TOKENS, create_token, fields(card=hash_of(CARD))),
    Operation("GET", TOKENS + "/{id}", retrieve_token),
    Operation("POST", SOURCES, create_source, CREATE_SOURCE),
    Operation("GET", SOURCES + "/{id}", retrieve_source),
    Operation("POST", SOURCES + "/{id}", update_source, fields(METADATA, owner=_OWNER)),
    Operation("GET", OF_CUSTOMER + "/sources", list_, LIST),
    Operation("GET", OF_CUSTOMER + "/cards", list_cards, PAGE),
]
for _noun in ("sources", "cards"):
    OPERATIONS += [
        Operation("POST", f"{OF_CUSTOMER}/{_noun}", give, GIVE),
        Operation("GET", f"{OF_CUSTOMER}/{_noun}/{{source}}", retrieve),
        Operation("POST", f"{OF_CUSTOMER}/{_noun}/{{source}}", update, UPDATE),
        Operation("DELETE", f"{OF_CUSTOMER}/{_noun}/{{source}}", delete),
    ]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = PaymentMethod.objects.filter(merchant_id=merchant_id, id__in=[stored_id(one) for one in ids])
    return {legacy_id(row): shown(row) for row in rows.exclude(made_as="")}


def include_sources(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    """Each customer's cards and sources, the latest first."""
    lists: dict[str, Json] = {
        given: {"object": "list", "data": [], "has_more": False, "url": f"/v1/customers/{given}/sources"}
        for given in ids
    }
    rows = PaymentMethod.objects.filter(merchant_id=merchant_id, customer_id__in=ids, detached_at__isnull=True)
    for row in rows.exclude(made_as="").order_by("-created", "-id"):
        lists[str(row.customer_id)]["data"].append(shown(row))
    return lists


LOADERS = {"default_source": load, "source": load}
INCLUDES = {("customer", "sources"): include_sources}
