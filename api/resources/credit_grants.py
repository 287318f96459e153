"""/v1/billing/credit_grants, credit_balance_summary and credit_balance_transactions."""

from __future__ import annotations

from typing import Any

from api.business_time import clocked, of_customer
from api.lookup import NoSuchObject, blanked_metadata, found, new_metadata
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, choice, fields, hash_of, integer, list_of, text, timestamp
from api.resources.customers import customer_of
from api.resources.pricing import price_ids
from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch
from customers import granting, selectors
from customers.granting import update_credit_grant
from customers.models import CreditGrant, CreditGrantTransaction
from customers.snapshots import credit_grant_snapshot

GRANTS = "/v1/billing/credit_grants"
SUMMARY = "/v1/billing/credit_balance_summary"
TRANSACTIONS = "/v1/billing/credit_balance_transactions"
_SCOPE = hash_of(
    {"price_type": choice("metered"), "prices": list_of(hash_of({"id": text(required=True, most=200)}), most=20)},
    required=True,
)
CREATE = fields(
    METADATA,
    amount=hash_of(
        {
            "monetary": hash_of(
                {"currency": text(required=True, most=3), "value": integer(required=True)}, required=True
            ),
            "type": choice("monetary", required=True),
        },
        required=True,
    ),
    applicability_config=hash_of({"scope": _SCOPE}, required=True),
    category=choice("paid", "promotional"),
    customer=text(required=True, most=200),
    effective_at=timestamp(),
    expires_at=timestamp(),
    name=text(most=100),
    priority=integer(least=0, most=100),
)
_FILTER = hash_of(
    {
        "type": choice("applicability_scope", "credit_grant", required=True),
        "applicability_scope": hash_of({"price_type": choice("metered"), "prices": list_of(hash_of({"id": text()}))}),
        "credit_grant": text(most=200),
    },
    required=True,
)


class ScopeMissing(OstinatoError):
    code = "parameter_missing"
    param = "applicability_config[scope]"
    message_id = gettext_noop("Say what the credit may be spent on: price_type or prices, not both.")


def _grant(call: Call) -> CreditGrant:
    return found(selectors.credit_grants(call.merchant_id), call.id, "credit grant")


def create(call: Call) -> Json:
    params = call.params
    customer = customer_of(call, params["customer"], "customer")
    scope = params["applicability_config"]["scope"]
    if ("price_type" in scope) == ("prices" in scope):
        raise ScopeMissing
    prices = [{"price": given["id"]} for given in scope.get("prices", ())]
    values = {
        name: params[name] for name in ("category", "effective_at", "expires_at", "name", "priority") if name in params
    }
    row = granting.create_credit_grant(
        ctx=clocked(call, customer.test_clock_id),
        merchant_id=call.merchant_id,
        customer_id=customer.id,
        amount=params["amount"]["monetary"]["value"],
        currency=params["amount"]["monetary"]["currency"],
        price_ids=price_ids(call, prices, "applicability_config[scope][prices]"),
        metadata=new_metadata(params),
        **values,
    )
    return credit_grant_snapshot(row)


def retrieve(call: Call) -> Json:
    return credit_grant_snapshot(_grant(call))


def update(call: Call) -> Json:
    row, params = _grant(call), call.params
    values = {"expires_at": params["expires_at"]} if "expires_at" in params else {}
    if "metadata" in params:
        values["metadata"] = blanked_metadata(row, params)
    return credit_grant_snapshot(
        update_credit_grant(
            ctx=clocked(call, row.test_clock_id), merchant_id=call.merchant_id, credit_grant_id=row.id, **values
        )
    )


def expire(call: Call) -> Json:
    row = _grant(call)
    ctx = clocked(call, row.test_clock_id)
    return credit_grant_snapshot(
        granting.expire_credit_grant(ctx=ctx, merchant_id=call.merchant_id, credit_grant_id=row.id)
    )


def void(call: Call) -> Json:
    row = _grant(call)
    ctx = clocked(call, row.test_clock_id)
    return credit_grant_snapshot(
        granting.void_credit_grant(ctx=ctx, merchant_id=call.merchant_id, credit_grant_id=row.id)
    )


def list_(call: Call) -> Json:
    rows = selectors.credit_grants(call.merchant_id, call.params.get("customer", ""))
    return page(rows, call, lambda found: [credit_grant_snapshot(row) for row in found], url=GRANTS)


def summary(call: Call) -> Json:
    """What the customer could spend now, and what the ledgers come to; of one grant when the filter names it."""
    customer = customer_of(call, call.params["customer"], "customer")
    now = of_customer(call, customer.id, changes=False).as_of
    sums = selectors.credit_summary(call.merchant_id, customer.id, now)
    wanted = call.params["filter"].get("credit_grant")
    if wanted:
        row = selectors.credit_grants(call.merchant_id, customer.id).filter(id=wanted).first()
        if row is None:
            raise NoSuchObject(param="filter[credit_grant]", what="credit grant", id=wanted)
        effective = row.effective_at <= now and (row.expires_at is None or now < row.expires_at)
        sums = {row.currency: (row.balance if effective else 0, row.balance)}
    return {
        "object": "billing.credit_balance_summary",
        "balances": [
            {"available_balance": _money(currency, available), "ledger_balance": _money(currency, ledger)}
            for currency, (available, ledger) in sums.items()
        ],
        "customer": customer.id,
    }


def list_transactions(call: Call) -> Json:
    rows: Any = CreditGrantTransaction.objects.filter(merchant_id=call.merchant_id).select_related("credit_grant")
    rows = rows.filter(customer=customer_of(call, call.params["customer"], "customer"))
    if "credit_grant" in call.params:
        rows = rows.filter(credit_grant_id=call.params["credit_grant"])
    return page(rows, call, lambda found: [_entry(row) for row in found], url=TRANSACTIONS)


def retrieve_transaction(call: Call) -> Json:
    rows = CreditGrantTransaction.objects.filter(merchant_id=call.merchant_id).select_related("credit_grant")
    return _entry(found(rows, call.id, "credit balance transaction"))


def _entry(row: CreditGrantTransaction) -> Json:
    """Stripe's billing.credit_balance_transaction."""
    credit = row.amount > 0
    told: Json = {"amount": _money(row.currency, abs(row.amount)), "type": row.type}
    if row.type == "credits_application_invoice_voided":
        told[row.type] = {"invoice": row.invoice_id, "invoice_line_item": row.invoice_line_id}
    if row.type == "credits_applied":
        told["credits_applied"] = {"invoice": row.invoice_id, "invoice_line_item": row.invoice_line_id}
    return {
        "id": row.id,
        "object": "billing.credit_balance_transaction",
        "created": epoch(row.created),
        "credit": told if credit else None,
        "credit_grant": row.credit_grant_id,
        "debit": None if credit else told,
        "effective_at": epoch(row.created),
        "test_clock": row.credit_grant.test_clock_id,
        "type": "credit" if credit else "debit",
    }


def _money(currency: str, value: int) -> Json:
    return {"monetary": {"currency": currency, "value": value}, "type": "monetary"}


_OF = text(required=True, most=200)
OPERATIONS = [
    Operation("POST", GRANTS, create, CREATE),
    Operation("GET", GRANTS, list_, fields(PAGE, customer=text(most=200))),
    Operation("GET", GRANTS + "/{id}", retrieve),
    Operation("POST", GRANTS + "/{id}", update, fields(METADATA, expires_at=timestamp(clearable=True))),
    Operation("POST", GRANTS + "/{id}/expire", expire),
    Operation("POST", GRANTS + "/{id}/void", void),
    Operation("GET", SUMMARY, summary, fields(customer=_OF, filter=_FILTER)),
    Operation("GET", TRANSACTIONS + "/{id}", retrieve_transaction),
    Operation("GET", TRANSACTIONS, list_transactions, fields(PAGE, customer=_OF, credit_grant=text(most=200))),
]
