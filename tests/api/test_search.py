"""Stripe's search language: what it means, and what it finds through the official SDK."""

from __future__ import annotations

import pytest
import stripe

from api.protocol.search_query import Clause, Query, QueryMixed, QueryTooLong, QueryUnreadable, parse_query
from core.errors import OstinatoError
from tests.api.sdk import Sdk, new_sdk


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ('email:"a@b.c"', Query((Clause("email", ":", "a@b.c"),))),
        ("email:'a@b.c'", Query((Clause("email", ":", "a@b.c"),))),
        ('-name~"Ada"', Query((Clause("name", "~", "Ada", negated=True),))),
        ("total>=1000", Query((Clause("total", ">=", "1000"),))),
        ('metadata["key"]:"v"', Query((Clause("metadata", ":", "v", "key"),))),
        ("metadata['key']:null", Query((Clause("metadata", ":", None, "key"),))),
        ('metadata["key"]:"null"', Query((Clause("metadata", ":", "null", "key"),))),
        (r'name:"The \"Cat\" \\ Dog"', Query((Clause("name", ":", 'The "Cat" \\ Dog'),))),
        ('name:"AND OR"', Query((Clause("name", ":", "AND OR"),))),
        (
            'email:"a" AND metadata["k"]:"v" total<5',
            Query((Clause("email", ":", "a"), Clause("metadata", ":", "v", "k"), Clause("total", "<", "5"))),
        ),
        ('status:"paid" or status:"open"', Query((Clause("status", ":", "paid"), Clause("status", ":", "open")), True)),
    ],
)
def test_a_query_is_its_clauses(text: str, query: Query) -> None:
    assert parse_query(text) == query


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", QueryUnreadable),
        ("AND", QueryUnreadable),
        ('email:"a" AND', QueryUnreadable),
        ('AND email:"a"', QueryUnreadable),
        ('email:"a" AND OR email:"b"', QueryUnreadable),
        ("email", QueryUnreadable),
        ("email:", QueryUnreadable),
        ('email:"a', QueryUnreadable),
        ("status:active", QueryUnreadable),
        ("total>ten", QueryUnreadable),
        ('(email:"a")', QueryUnreadable),
        ('email:"a"name:"b"', QueryUnreadable),
        ('email:"a" AND name:"b" OR name:"c"', QueryMixed),
        ('email:"a" name:"b" OR name:"c"', QueryMixed),
        (" ".join(['email:"a"'] * 11), QueryTooLong),
    ],
)
def test_a_query_that_means_nothing_is_refused_by_name(text: str, error: type[OstinatoError]) -> None:
    with pytest.raises(error):
        parse_query(text)


@pytest.fixture
def people(sdk: Sdk) -> dict[str, str]:
    """Three customers: their ids by name."""
    made = {
        "Ada": {"email": "ada@example.com", "metadata": {"tier": "gold"}},
        "Bob": {"email": "bob@example.com", "metadata": {"tier": "Silver"}, "phone": "+1 555"},
        "Cleo": {"email": "cleo@shop.example", "metadata": {}},
    }
    return {name: sdk.v1.customers.create({"name": name, **fields}).id for name, fields in made.items()}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('email:"ADA@example.com"', ["Ada"]),
        ('email~"example.com"', ["Bob", "Ada"]),
        ('-email~"example.com"', ["Cleo"]),
        ('metadata["tier"]:"gold"', ["Ada"]),
        ('-metadata["tier"]:"gold"', ["Cleo", "Bob"]),
        ('metadata["tier"]:null', ["Cleo"]),
        ('-metadata["tier"]:null', ["Bob", "Ada"]),
        ('metadata["tier"]:"silver" AND name:"bob"', ["Bob"]),
        ('name:"Ada" OR name:"Cleo"', ["Cleo", "Ada"]),
        ("phone:null", ["Cleo", "Ada"]),
        ("created>1500000000", ["Cleo", "Bob", "Ada"]),
        ("created<1500000000", []),
    ],
)
def test_customers_are_found(sdk: Sdk, people: dict[str, str], query: str, names: list[str]) -> None:
    found = sdk.v1.customers.search({"query": query})
    assert (found.object, found.url, [one.name for one in found.data]) == (
        "search_result",
        "/v1/customers/search",
        names,
    )


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('colour:"red"', "Field `colour` is an unsupported search field for resource `customers`."),
        ('metadata:"red"', "unsupported search field"),
        ('email["a"]:"red"', "unsupported search field"),
        ('email>"red"', "operator >"),
        ('email~"re"', "not a value"),
        ('created:"soon"', "not a value"),
        ("created~12345", "operator ~"),
    ],
)
def test_what_cannot_be_searched_is_named(sdk: Sdk, query: str, says: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=says) as refused:
        sdk.v1.customers.search({"query": query})
    assert refused.value.param == "query"


def test_a_search_is_paged_and_counted_when_asked(sdk: Sdk, people: dict[str, str]) -> None:
    first = sdk.v1.customers.search({"query": "created>0", "limit": 2, "expand": ["total_count"]})
    assert ([one.name for one in first.data], first.has_more, first.total_count) == (["Cleo", "Bob"], True, 3)
    second = sdk.v1.customers.search({"query": "created>0", "limit": 2, "page": first.next_page})
    assert ([one.name for one in second.data], second.has_more, second.next_page) == (["Ada"], False, None)
    assert "total_count" not in second
    every = sdk.v1.customers.search({"query": "created>0", "limit": 1}).auto_paging_iter()
    assert [one.name for one in every] == ["Cleo", "Bob", "Ada"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.customers.search({"query": "created>0", "page": "nothing"})
    assert refused.value.param == "page"


def test_each_searchable_resource_finds_its_own(sdk: Sdk) -> None:
    customer = sdk.customer()
    product = sdk.v1.products.create({"name": "Whale song", "id": "whale", "metadata": {"sea": "north"}})
    price = sdk.price(2500, product=product.id, lookup_key="whale_monthly")
    subscription = sdk.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "metadata": {"order": "6735"}}
    )
    sdk.v1.refunds.create({"payment_intent": sdk.v1.payment_intents.list().data[0].id, "amount": 2500})
    invoice = sdk.v1.invoices.retrieve(subscription.latest_invoice)
    ids = [
        sdk.v1.products.search({"query": 'name~"whale" AND active:"true" AND metadata["sea"]:"north"'}).data[0].id,
        sdk.v1.prices.search({"query": 'product:"whale" AND lookup_key:"whale_monthly" type:"recurring"'}).data[0].id,
        sdk.v1.subscriptions.search({"query": 'status:"active" AND metadata["order"]:"6735"'}).data[0].id,
        sdk.v1.invoices.search({"query": f'total>2499 AND number:"{invoice.number}" AND status:"paid"'}).data[0].id,
    ]
    assert ids == ["whale", price.id, subscription.id, invoice.id]
    [intent] = sdk.v1.payment_intents.search({"query": f'customer:"{customer.id}" AND amount:2500'}).data
    card = 'payment_method_details.card.last4:"4242" AND refunded:"true" AND -disputed:"true" AND status:"succeeded"'
    [charge] = sdk.v1.charges.search({"query": card, "expand": ["data.customer"]}).data
    assert (charge.payment_intent, charge.customer.id) == (intent.id, customer.id)
    assert sdk.v1.subscriptions.search({"query": "canceled_at:null"}).data[0].id == subscription.id


@pytest.fixture
def books(sdk: Sdk) -> dict[str, str]:
    """Names of what is found, by id: two subscriptions, one canceled; their invoices, charges, prices and products."""
    names: dict[str, str] = {}
    for name, amount, card in (("small", 500, "pm_card_visa"), ("big", 3000, "pm_card_mastercard")):
        customer = sdk.customer(card=card, metadata={"size": name})
        price = sdk.price(amount, lookup_key=f"{name}_monthly", metadata={"size": name})
        items = [{"price": price.id}]
        made = sdk.v1.subscriptions.create({"customer": customer.id, "items": items, "metadata": {"size": name}})
        [charge] = sdk.v1.charges.list({"customer": customer.id}).data
        found = (customer.id, price.id, price.product, made.id, made.latest_invoice, charge.id, charge.payment_intent)
        names |= dict.fromkeys(found, name)
        names[f"{name}'s customer"] = customer.id
        if name == "big":
            sdk.v1.subscriptions.cancel(made.id)
    return names


def test_what_can_be_asked_of_each_resource(sdk: Sdk, books: dict[str, str]) -> None:
    big = books["big's customer"]
    for resource, query, names in [
        ("customers", 'metadata["size"]:"big" OR metadata["size"]:"small"', ["big", "small"]),
        ("customers", '-metadata["size"]:null AND -metadata["size"]:"big"', ["small"]),
        ("subscriptions", 'status:"active"', ["small"]),
        ("subscriptions", '-status:"active"', ["big"]),
        ("subscriptions", 'status:"active" OR status:"canceled"', ["big", "small"]),
        ("subscriptions", "canceled_at>0", ["big"]),
        ("subscriptions", "canceled_at:null", ["small"]),
        ("invoices", "total>=500 AND total<3000", ["small"]),
        ("invoices", "total>500", ["big"]),
        ("invoices", f'customer:"{big}" AND currency:"USD" AND status:"paid"', ["big"]),
        ("invoices", "-total:500 AND receipt_number:null", ["big"]),
        ("invoices", 'last_finalization_error_code:"card_declined"', []),
        ("prices", '-lookup_key:"small_monthly" AND type:"recurring"', ["big"]),
        ("prices", 'lookup_key~"monthly" AND active:"true"', ["big", "small"]),
        ("prices", "active:false", []),
        ("products", 'name~"PLAN" AND -name~"500"', ["big"]),
        ("products", "description:null AND url:null AND shippable:null", ["big", "small"]),
        ("charges", 'payment_method_details.card.brand:"mastercard"', ["big"]),
        ("charges", 'amount<1000 OR payment_method_details.card.brand:"mastercard"', ["big", "small"]),
        ("charges", f'-customer:"{big}" AND status:"succeeded" AND refunded:"false"', ["small"]),
        ("charges", "payment_method_details.card.exp_month>12", []),
        ("payment_intents", 'amount>=3000 AND status:"succeeded"', ["big"]),
        ("payment_intents", 'currency:"cad"', []),
    ]:
        found = getattr(sdk.v1, resource).search({"query": query}).data
        assert [books[one.id] for one in found] == names, (resource, query)


def test_another_merchant_finds_nothing_of_it(sdk: Sdk, people: dict[str, str]) -> None:
    stranger = new_sdk(sdk.url, name="Ailleurs", prefix="AIL")
    page = sdk.v1.customers.search({"query": "created>0", "limit": 1}).next_page
    assert stranger.v1.customers.search({"query": 'email:"ada@example.com"'}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        stranger.v1.customers.search({"query": "created>0", "page": page})
