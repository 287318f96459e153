"""Customers, payment methods, accounts."""

from typing import Any

from tests.fake_stripe.books import Account, Books, Json
from tests.fake_stripe.cards import TOKENS, Token
from tests.fake_stripe.errors import Refusal, invalid, missing
from tests.fake_stripe.routing import Call, listed, route


@route("GET", "/v1/account")
def own_account(call: Call) -> Json:
    return account_body(call.account)


@route("GET", "/v1/accounts/{id}")
def an_account(call: Call) -> Json:
    if call.args["id"] != call.account.id:
        raise Refusal(403, "invalid_request_error", "account_invalid", "The key does not have access to this account.")
    return account_body(call.account)


def account_body(account: Account) -> Json:
    return {
        "id": account.id,
        "object": "account",
        "business_profile": {"name": "Érable & Cie", "url": None},
        "charges_enabled": True,
        "country": account.country,
        "default_currency": "cad",
        "details_submitted": True,
        "email": "aide@erable.example",
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Érable & Cie", "timezone": "Etc/UTC"}},
        "type": "standard",
    }


@route("POST", "/v1/customers")
def create_customer(call: Call) -> Json:
    given = call.params
    made = call.books.add(
        call.account,
        "customer",
        "cus",
        address=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=given.get("description"),
        email=given.get("email"),
        invoice_prefix="FAKE",
        invoice_settings={"custom_fields": None, "default_payment_method": None, "footer": None},
        livemode=False,
        metadata=given.get("metadata", {}),
        name=given.get("name"),
        phone=None,
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )
    call.books.tell(call.account, "customer.created", made)
    return made


@route("GET", "/v1/customers/{id}")
def read_customer(call: Call) -> Json:
    found = call.books.find(call.account, "customer", call.args["id"])
    return {"id": found["id"], "object": "customer", "deleted": True} if found.get("deleted") else found


@route("POST", "/v1/customers/{id}")
def update_customer(call: Call) -> Json:
    found = living_customer(call.books, call.account, call.args["id"], "id")
    found |= {name: call.params[name] for name in ("email", "name", "description") if name in call.params}
    found["metadata"] |= call.params.get("metadata", {})
    call.books.tell(call.account, "customer.updated", found)
    return found


@route("DELETE", "/v1/customers/{id}")
def delete_customer(call: Call) -> Json:
    found = living_customer(call.books, call.account, call.args["id"], "id")
    found["deleted"] = True
    call.books.tell(call.account, "customer.deleted", found)
    return {"id": found["id"], "object": "customer", "deleted": True}


@route("GET", "/v1/customers")
def list_customers(call: Call) -> Json:
    return listed(call, "customer")


def living_customer(books: Books, account: Account, customer_id: str, param: str) -> Json:
    found = books.find(account, "customer", customer_id, param)
    if found.get("deleted"):
        raise missing("customer", customer_id, param)
    return found


# --- payment methods -----------------------------------------------------------------------------------------


def new_method(books: Books, account: Account, name: str, customer_id: str | None) -> Json:
    """A payment method made of a test token."""
    token = TOKENS[name]
    made = books.add(
        account,
        "payment_method",
        "pm",
        allow_redisplay="unspecified",
        billing_details={"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        customer=customer_id,
        livemode=False,
        metadata={},
        type=token.type,
        **{token.type: _details(token)},
    )
    account.tokens[made["id"]] = name
    return made


def _details(token: Token) -> Json:
    if token.type != "card":
        return {"bank_name": "FAKE BANK", "fingerprint": f"fp{token.last4}", "last4": token.last4}
    return {
        "brand": token.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "CA",
        "display_brand": token.brand,
        "exp_month": 12,
        "exp_year": 2035,
        "fingerprint": f"fp{token.last4}",
        "funding": "credit",
        "generated_from": None,
        "last4": token.last4,
        "networks": {"available": [token.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": {"type": token.wallet, "dynamic_last4": None} if token.wallet else None,
    }


@route("POST", "/v1/payment_methods/{id}/attach")
def attach(call: Call) -> Json:
    name = call.args["id"]
    owner = living_customer(call.books, call.account, call.params.get("customer", ""), "customer")
    if name in TOKENS:
        if TOKENS[name].refuses_attach:
            raise _attach_declined()
        made = new_method(call.books, call.account, name, owner["id"])
    else:
        made = call.books.find(call.account, "payment_method", name, "payment_method")
        if made["customer"] not in (None, owner["id"]):
            raise invalid("payment_method", "The payment method is attached to another customer.")
        made["customer"] = owner["id"]
    call.books.tell(call.account, "payment_method.attached", made)
    return made


def _attach_declined() -> Refusal:
    return Refusal(
        402, "card_error", "card_declined", "Your card was declined.", kept=True, decline_code="generic_decline"
    )


@route("POST", "/v1/payment_methods/{id}/detach")
def detach(call: Call) -> Json:
    found = call.books.find(call.account, "payment_method", call.args["id"], "payment_method")
    if found["customer"] is None:
        raise invalid("payment_method", "The payment method you provided is not attached to a customer.")
    before, found["customer"] = found["customer"], None
    call.books.tell(call.account, "payment_method.detached", found, {"customer": before})
    return found


@route("GET", "/v1/payment_methods/{id}")
def read_method(call: Call) -> Json:
    return call.books.find(call.account, "payment_method", call.args["id"], "payment_method")


@route("GET", "/v1/payment_methods")
def list_methods(call: Call) -> Json:
    return listed(call, "payment_method", customer=call.params.get("customer"))


def replace_card(books: Books, account: Account, method_id: str, **card: Any) -> Json:
    """The issuer replaced the card (new number or expiry), and the network told Stripe."""
    found = books.find(account, "payment_method", method_id)
    previous = {"card": {name: found["card"][name] for name in card}}
    found["card"] |= card
    books.tell(account, "payment_method.automatically_updated", found, previous)
    return found
