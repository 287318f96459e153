"""What a snapshot leaves out because it is written without queries, put in where it is shown.

A snapshot (and so an event's stored body) names prices and tax rates by id, and coupons and products by our own id.
Stripe shows whole prices and tax rates, and the ids that its clients chose. Here every answer is walked once and
completed in bulk: at most one query per kind of thing, whatever the answer holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from django.conf import settings
from django.urls import reverse

from api.chosen_prices import chosen_ids, put_chosen_ids
from api.link_pages import put_links
from api.unused_fields import put_in
from catalog.models import Coupon, Price, TaxRate
from catalog.snapshots import price_snapshot, tax_rate_snapshot
from customers.models import PaymentMethod
from customers.snapshots import legacy_card_snapshot, legacy_id, payment_method_snapshot
from events.statements import Statement
from invoicing.models import CreditNote, Invoice
from invoicing.selectors import customer_numbers, late_invoices, lines_of
from invoicing.snapshots import put_lines
from merchants.models import Merchant
from payments.intents import authentication_secret
from payments.models import PaymentIntent
from payments.movements import movements_of
from payments.snapshots import charged_account, charged_card
from subscriptions.selectors import discounts_of_customers
from subscriptions.snapshots import discount_snapshot

Json = dict[str, Any]
Nodes = dict[str, list[Json]]

DEPTH_MAX = 12
_WITHOUT_LIVEMODE = frozenset(
    {
        *("account", "balance_transaction", "billing_portal", "card", "discount", "file", "item", "list", "refund"),
        *("search_result", "subscription_item"),
    }
)


def complete(body: Json, *, merchant_id: str, livemode: bool) -> None:
    """Put prices, tax rates, lines, customers' discounts and clients' own ids into `body`, in place."""
    nodes = _nodes(body)
    _lines(merchant_id, nodes["invoice"])
    _customer_discounts(merchant_id, nodes["customer"])
    _delinquency(merchant_id, nodes["customer"])
    _default_sources(merchant_id, nodes["customer"])
    _invoice_numbers(merchant_id, nodes["customer"])
    _pending_items(nodes["subscription"])
    nodes = _nodes(body)  # with the objects that were put in; the next ones are added as they are
    _prices(merchant_id, livemode, nodes)
    _tax_rates(merchant_id, livemode, nodes)
    chosen = _client_ids(merchant_id, nodes)
    _seller_and_links(merchant_id, nodes["invoice"])
    _credit_note_links(merchant_id, nodes["credit_note"])
    put_links(nodes["payment_link"])
    _instruments(merchant_id, nodes)
    _bank_pages(merchant_id, nodes["payment_intent"])
    _movements(merchant_id, [*nodes["charge"], *nodes["refund"]])
    _file_addresses(nodes)
    _login_pages(nodes)
    for kind, found in nodes.items():
        put_in(kind, found)
        if kind not in _WITHOUT_LIVEMODE:
            for node in found:
                if "deleted" not in node:
                    node.setdefault("livemode", livemode)
    put_chosen_ids(body, chosen)  # last: it makes new objects


def _nodes(body: Any) -> Nodes:
    """All objects in `body`, by kind."""
    nodes: Nodes = defaultdict(list)
    level, depth = [body], 0
    while level and depth <= DEPTH_MAX:
        below: list[Any] = []
        for one in level:
            if type(one) is list:
                below += [child for child in one if isinstance(child, (dict, list))]
                continue
            kind = one.get("object")
            if isinstance(kind, str):
                nodes[kind].append(one)
            below += [child for child in one.values() if isinstance(child, (dict, list))]
        level, depth = below, depth + 1
    return nodes


def _lines(merchant_id: str, invoices: list[Json]) -> None:
    """Invoices told without their lines (a run's events are) get them."""
    bare = [node for node in invoices if "lines" not in node and "deleted" not in node]
    if not bare:
        return
    lines = lines_of(sorted({node["id"] for node in bare}))
    for node in bare:
        put_lines(node, [(line, line.taxes.all()) for line in lines[node["id"]] if line.merchant_id == merchant_id])


def _seller_and_links(merchant_id: str, invoices: list[Json]) -> None:
    """Who bills, and where a finalized invoice is seen, paid and downloaded without logging in."""
    if not invoices:
        return
    country, name = Merchant.objects.values_list("country", "name").get(id=merchant_id)
    ids = {node["id"] for node in invoices if node.get("number")}
    rows = Invoice.objects.filter(merchant_id=merchant_id, id__in=ids).exclude(hosted_token="")
    tokens = dict(rows.values_list("id", "hosted_token")) if ids else {}
    for node in invoices:
        if "deleted" in node:
            continue
        token = tokens.get(node["id"])
        node |= {"account_country": country, "account_name": name}
        for field, page in (("hosted_invoice_url", "hosted_invoice"), ("invoice_pdf", "hosted_invoice_pdf")):
            node[field] = settings.SITE_URL + reverse(page, args=[token]) if token else None


def _credit_note_links(merchant_id: str, notes: list[Json]) -> None:
    """Where a credit note's paper is downloaded, below its invoice's own address. A preview has none."""
    ids = {node["id"] for node in notes if "pdf" in node}
    if not ids:
        return
    rows = CreditNote.objects.filter(merchant_id=merchant_id, id__in=ids).exclude(invoice__hosted_token="")
    tokens = dict(rows.values_list("id", "invoice__hosted_token"))
    for node in notes:
        token = tokens.get(node["id"])
        if token:
            node["pdf"] = settings.SITE_URL + reverse("hosted_credit_note_pdf", args=[token, node["id"]])


def _file_addresses(nodes: Nodes) -> None:
    """Where a file is downloaded with a key, and a link's file by whoever has its address."""
    for node in [*nodes["file"], *nodes["file_link"]]:
        if str(node.get("url") or "").startswith("/"):
            node["url"] = settings.SITE_URL + node["url"]


def _login_pages(nodes: Nodes) -> None:
    """Where subscribers sign in to a portal by themselves."""
    for node in nodes["billing_portal.configuration"]:
        page = node.get("login_page") or {}
        if str(page.get("url") or "").startswith("/"):
            page["url"] = settings.SITE_URL + page["url"]


def _instruments(merchant_id: str, nodes: Nodes) -> None:
    """What a charge went to, and the whole method beside the refusal of an intent's last attempt."""
    charges = [node for node in nodes["charge"] if "payment_method_details" not in node]
    errors = [node["last_payment_error"] for node in nodes["payment_intent"] if node.get("last_payment_error")]
    ids = {_id_of(node.get("payment_method")) for node in [*charges, *errors]} - {""}
    if not ids:
        return
    rows = PaymentMethod.objects.filter(merchant_id=merchant_id, id__in=ids)
    methods = {row.id: payment_method_snapshot(row) for row in rows}
    older = {row.id: legacy_card_snapshot(row) for row in rows if row.made_as == "card"}
    for node in charges:
        if method := methods.get(_id_of(node.get("payment_method"))):
            kind = method["type"]
            used = charged_card(method["card"], node) if kind == "card" else charged_account(kind, method[kind])
            node["payment_method_details"] = {"type": kind, kind: used}
            if method["id"] in older:
                node["source"] = dict(older[method["id"]])
            node["billing_details"] = {"tax_id": None, **method["billing_details"]}
    for error in errors:
        given = error.get("payment_method")
        if isinstance(given, str) and given in methods:
            error["payment_method"] = dict(methods[given])
            nodes["payment_method"].append(error["payment_method"])


def _bank_pages(merchant_id: str, intents: list[Json]) -> None:
    """Where the customer answers the bank, for a payment that stands for itself: a page of ours, in a sandbox."""
    asked = [node for node in intents if (node.get("next_action") or {}).get("type") == "use_stripe_sdk"]
    if not asked:
        return
    rows = PaymentIntent.objects.filter(merchant_id=merchant_id, id__in={node["id"] for node in asked})
    terms = dict(rows.filter(invoice__isnull=True).values_list("id", "terms"))
    for node in asked:
        if terms.get(node["id"]):
            page = reverse("payment_authenticate", args=[node["id"], authentication_secret(node["id"])])
            way = {"return_url": terms[node["id"]].get("return_url"), "url": settings.SITE_URL + page}
            node["next_action"] = {"type": "redirect_to_url", "redirect_to_url": way}


def _movements(merchant_id: str, sources: list[Json]) -> None:
    """What of the balance each charge and refund moved, once the processor's books were read."""
    bare = {node["id"] for node in sources if not node.get("balance_transaction")}
    found = movements_of(merchant_id, bare) if bare else {}
    for node in sources:
        if node["id"] in found:
            node["balance_transaction"] = found[node["id"]][0].id


def _id_of(given: Any) -> str:
    return given["id"] if isinstance(given, dict) else given or ""


def _customer_discounts(merchant_id: str, customers: list[Json]) -> None:
    """A customer's own discount, as it stands now."""
    ids = {node["id"] for node in customers if node.get("discount", 0) is None}
    if not ids:
        return
    found = discounts_of_customers(merchant_id, ids)
    for node in customers:
        if node["id"] in found:
            node["discount"] = discount_snapshot(found[node["id"]])


def _invoice_numbers(merchant_id: str, customers: list[Json]) -> None:
    """The prefix and the next number of each customer's own invoices."""
    shown = [node for node in customers if "invoice_prefix" in node]
    if not shown:
        return
    numbers = customer_numbers(merchant_id, {node["id"] for node in shown})
    for node in shown:
        node["invoice_prefix"], node["next_invoice_sequence"] = numbers[node["id"]]


def _delinquency(merchant_id: str, customers: list[Json]) -> None:
    """Whether each customer owes an invoice that could not be collected or is overdue, as it stands now."""
    shown = [node for node in customers if "deleted" not in node]
    if not shown:
        return
    late = late_invoices().filter(merchant_id=merchant_id, customer_id__in={node["id"] for node in shown})
    found = set(late.order_by().values_list("customer_id", flat=True).distinct())
    for node in shown:
        node["delinquent"] = node["id"] in found


def _default_sources(merchant_id: str, customers: list[Json]) -> None:
    """The default method by its older name, where it was given by the older calls."""
    named = {}
    for node in customers:
        given = (node.get("invoice_settings") or {}).get("default_payment_method")
        if given and node.get("default_source") is None:
            named[node["id"]] = _id_of(given)
    if not named:
        return
    rows = PaymentMethod.objects.filter(merchant_id=merchant_id, id__in=set(named.values()))
    older = {row.id: legacy_id(row) for row in rows.exclude(made_as="")}
    for node in customers:
        if node["id"] in named:
            node["default_source"] = older.get(named[node["id"]])


def _pending_items(subscriptions: list[Json]) -> None:
    """The items of a change that waits to be paid, whole: as they stand, with what the change makes of them."""
    for node in subscriptions:
        waiting = node.get("pending_update") or {}
        standing = {item["id"]: item for item in node.get("items", {}).get("data", ())}
        for place, item in enumerate(waiting.get("subscription_items") or ()):
            if "object" not in item:
                # One to be has no id yet; what stands for it says whose it is, and that it is none.
                item["id"] = item["id"] or f"si_of_{node['id']}_{place}"
                whole = _new_item(node) | deepcopy(standing.get(item["id"], {}))
                item |= whole | {name: said for name, said in item.items() if said is not None}


def _new_item(subscription: Json) -> Json:
    """What an item that is not there yet has for certain."""
    return {
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": subscription["created"],
        "current_period_end": subscription["billing_cycle_anchor"],
        "current_period_start": subscription["billing_cycle_anchor"],
        "discounts": [],
        "metadata": {},
        "quantity": 1,
        "subscription": subscription["id"],
        "tax_rates": [],
    }


def _prices(merchant_id: str, livemode: bool, nodes: Nodes) -> None:
    items = nodes["subscription_item"]
    ids = {item["price"] for item in items if isinstance(item.get("price"), str)}
    if not ids:
        return
    rows = _priced.models(merchant=merchant_id, ids=ids)
    prices = {row.id: price_snapshot(row, livemode=livemode) for row in rows}
    for item in items:
        if isinstance(item.get("price"), str) and item["price"] in prices:
            item["price"] = dict(prices[item["price"]])
            nodes["price"].append(item["price"])
            item["plan"] = plan_of(item["price"])
            if item["plan"]:
                nodes["plan"].append(item["plan"])
            if item["plan"] and item["plan"]["usage_type"] == "metered":
                item.pop("quantity", None)  # its meter counts


def plan_of(price: Json) -> Json | None:
    """The older shape of a recurring price, which a subscription item still carries beside it."""
    recurring = price["recurring"]
    if recurring is None:
        return None
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": dict(price["metadata"]),
        "nickname": price["nickname"],
        "product": price["product"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def _tax_rates(merchant_id: str, livemode: bool, nodes: Nodes) -> None:
    kinds = ("subscription", "subscription_item", "invoice", "invoiceitem")
    holders = [
        (node, name)
        for node in (*(node for kind in kinds for node in nodes[kind]), *_phases(nodes["subscription_schedule"]))
        for name in ("default_tax_rates", "tax_rates")
        if any(isinstance(one, str) for one in node.get(name) or ())
    ]
    if not holders:
        return
    ids = {one for node, name in holders for one in node[name] if isinstance(one, str)}
    rates = {
        row.id: tax_rate_snapshot(row, livemode=livemode)
        for row in TaxRate.objects.filter(merchant_id=merchant_id, id__in=ids)
    }
    nodes["tax_rate"] += rates.values()
    for node, name in holders:
        node[name] = [rates.get(one, one) if isinstance(one, str) else one for one in node[name]]


def _phases(schedules: list[Json]) -> Iterable[Json]:
    """Phases and their items, which name no kind of their own."""
    for node in schedules:
        for phase in node.get("phases") or ():
            yield phase
            yield from (*phase.get("items", ()), *phase.get("add_invoice_items", ()))


def _client_ids(merchant_id: str, nodes: Nodes) -> dict[str, str]:
    """Our ids of coupons and products replaced by the ones that API clients chose, where they chose any.

    Returns the chosen ids of products and prices.
    """
    coupons = [(node["source"], "coupon") for node in nodes["discount"] if node.get("source")]
    coupons += [(node["promotion"], "coupon") for node in nodes["promotion_code"] if node.get("promotion")]
    coupons += [
        (given, "coupon")
        for node in nodes["subscription_schedule"]
        for phase in node.get("phases", ())
        for given in phase["discounts"]
    ]
    _put(dict(_coupons.tuples(merchant=merchant_id, ids=_ours(coupons, "coup_"))), coupons)
    products = [(node, "product") for kind in ("price", "plan") for node in nodes[kind]]
    products += [
        (node["pricing"]["price_details"], "product")
        for kind in ("line_item", "invoiceitem")
        for node in nodes[kind]
        if (node.get("pricing") or {}).get("price_details")
    ]
    chosen = chosen_ids(merchant_id, _ours(products, "prod_"), [kind for kind, found in nodes.items() if found])
    _put(chosen, products)
    return chosen


def _ours(places: list[tuple[Json, str]], prefix: str) -> set[str]:
    return {
        holder[name] for holder, name in places if isinstance(holder.get(name), str) and holder[name].startswith(prefix)
    }


def _put(chosen: dict[str, str], places: list[tuple[Json, str]]) -> None:
    for holder, name in places:
        if isinstance(holder.get(name), str):
            holder[name] = chosen.get(holder[name], holder[name])


_priced = Statement(lambda merchant, ids: Price.objects.filter(merchant_id=merchant, id__any=ids))
_coupons = Statement(
    lambda merchant, ids: Coupon.objects.filter(merchant_id=merchant, id__any=ids, api_id__isnull=False).values_list(
        "id", "api_id"
    )
)
