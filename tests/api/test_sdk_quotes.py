"""Quotes through the official SDK: offered, taken up, withdrawn, over."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api import shapes
from tests.api.sdk import Sdk

JAN_1, JAN_31, FEB_1 = 1704067200, 1706659200, 1706745600
HOUR, DAY = 3600, 86_400


def kinds(sdk: Sdk) -> list[str]:
    return [one.type for one in reversed(sdk.v1.events.list({"limit": 100}).data) if one.type.startswith("quote.")]


def offered(sdk: Sdk, *lines: dict[str, Any], **terms: Any) -> Any:
    """An open quote for a customer with a card."""
    terms.setdefault("customer", sdk.customer().id)
    quote = sdk.v1.quotes.create({"line_items": list(lines), **terms})
    return sdk.v1.quotes.finalize_quote(quote.id)


def test_a_quote_becomes_a_subscription(sdk: Sdk) -> None:
    customer, plan, setup = sdk.customer(), sdk.price(1000), sdk.price(500, interval="")
    quote = sdk.v1.quotes.create(
        {
            "customer": customer.id,
            "line_items": [{"price": plan.id, "quantity": 2}, {"price": setup.id}],
            "metadata": {"deal": "7"},
            "subscription_data": {"description": "Two seats", "metadata": {"from": "quote"}},
            "expand": ["line_items", "computed.upfront.line_items"],
        }
    )
    assert (quote.status, quote.number, quote.currency) == ("draft", None, "usd")
    assert (quote.amount_subtotal, quote.amount_total) == (2500, 2500)
    assert [(line.amount_total, line.quantity, line.price.id) for line in quote.line_items.data] == [
        (2000, 2, plan.id),
        (500, 1, setup.id),
    ]
    assert quote.computed.upfront.amount_total == 2500
    assert [line.amount_total for line in quote.computed.upfront.line_items.data] == [2000, 500]
    recurring = quote.computed.recurring
    assert (recurring.amount_total, recurring.interval, recurring.interval_count) == (2000, "month", 1)
    assert quote.expires_at - quote.created == 30 * DAY
    opened = sdk.v1.quotes.finalize_quote(quote.id)
    assert opened.status == "open"
    assert opened.number.startswith("QT-")
    assert opened.number.endswith("-0001-1")
    accepted = sdk.v1.quotes.accept(quote.id, {"expand": ["subscription.latest_invoice"]})
    assert accepted.status == "accepted"
    subscription = accepted.subscription
    assert (subscription.status, subscription.description) == ("active", "Two seats")
    assert dict(subscription.metadata) == {"from": "quote"}
    assert (subscription.latest_invoice.amount_paid, subscription.latest_invoice.id) == (2500, accepted.invoice)
    assert kinds(sdk) == ["quote.created", "quote.finalized", "quote.accepted"]


def test_what_is_billed_once_becomes_an_invoice(sdk: Sdk) -> None:
    quote = offered(sdk, {"price": sdk.price(1500, interval="").id, "quantity": 3})
    assert quote.computed.recurring is None
    assert quote.amount_total == 4500
    invoice = sdk.v1.invoices.retrieve(sdk.v1.quotes.accept(quote.id).invoice)
    assert (invoice.status, invoice.total, invoice.auto_advance) == ("draft", 4500, True)
    assert [line.quantity for line in invoice.lines.data] == [3]


def test_what_a_customer_has_pending_is_on_no_quote(sdk: Sdk) -> None:
    customer = sdk.customer()
    sdk.v1.invoice_items.create({"customer": customer.id, "amount": 9900, "currency": "usd"})
    once, again = sdk.price(100, interval=""), sdk.price(200)
    assert offered(sdk, {"price": once.id}, customer=customer.id).amount_total == 100
    quote = offered(sdk, {"price": again.id}, customer=customer.id)
    assert (quote.amount_total, quote.computed.upfront.amount_total) == (200, 200)


def test_a_sent_quote_is_due_after_its_own_days(sdk: Sdk) -> None:
    quote = offered(
        sdk,
        {"price": sdk.price(1500, interval="").id},
        customer=sdk.customer(card="").id,
        collection_method="send_invoice",
        invoice_settings={"days_until_due": 10, "footer": "Thank you", "custom_fields": [{"name": "PO", "value": "9"}]},
    )
    accepted = sdk.v1.quotes.accept(quote.id)
    invoice = sdk.v1.invoices.retrieve(accepted.invoice)
    assert invoice.due_date - accepted.status_transitions.accepted_at == 10 * DAY
    assert (invoice.footer, invoice.custom_fields[0].value) == ("Thank you", "9")


def test_a_later_date_makes_a_schedule_that_starts_on_it(sdk: Sdk) -> None:
    clock = sdk.clock(JAN_1)
    customer, price = sdk.customer(clock.id), sdk.price(1000)
    quote = offered(
        sdk, {"price": price.id}, customer=customer.id, subscription_data={"effective_date": FEB_1}, expires_at=JAN_31
    )
    assert (quote.test_clock, quote.subscription_data.effective_date) == (clock.id, FEB_1)
    accepted = sdk.v1.quotes.accept(quote.id, {"expand": ["subscription_schedule"]})
    assert (accepted.subscription, accepted.invoice) == (None, None)
    assert (accepted.subscription_schedule.status, accepted.subscription_schedule.phases[0].start_date) == (
        "not_started",
        FEB_1,
    )
    sdk.advance(clock.id, FEB_1 + HOUR)
    [subscription] = sdk.v1.subscriptions.list({"customer": customer.id}).data
    assert (subscription.status, subscription.start_date) == ("active", FEB_1)


def test_a_trial_makes_the_first_invoice_nothing(sdk: Sdk) -> None:
    quote = offered(sdk, {"price": sdk.price(1000).id}, subscription_data={"trial_period_days": 14})
    assert (quote.amount_total, quote.computed.upfront.amount_total) == (1000, 0)
    assert quote.computed.recurring.amount_total == 1000
    subscription = sdk.v1.subscriptions.retrieve(sdk.v1.quotes.accept(quote.id).subscription)
    assert subscription.status == "trialing"
    assert subscription.trial_end - subscription.trial_start == 14 * DAY


def test_discounts_and_taxes_are_told_apart(sdk: Sdk) -> None:
    """2 x 1000 less 10 % for ever less 300 once = 1500, and 20 % on it = 300. Each time 1800 + 360."""
    always = sdk.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    once = sdk.v1.coupons.create({"amount_off": 300, "currency": "usd", "duration": "once"})
    code = sdk.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": once.id}, "code": "HELLO"})
    rate = sdk.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False})
    quote = offered(
        sdk,
        {"price": sdk.price(1000).id, "quantity": 2},
        discounts=[{"coupon": always.id}, {"promotion_code": code.id}],
        default_tax_rates=[rate.id],
    )
    assert (quote.amount_subtotal, quote.amount_total) == (2000, 1800)
    assert (quote.total_details.amount_discount, quote.total_details.amount_tax) == (500, 300)
    again = quote.computed.recurring
    assert (again.total_details.amount_discount, again.amount_total) == (200, 2160)
    told = sdk.v1.quotes.retrieve(quote.id, {"expand": ["total_details.breakdown", "discounts", "default_tax_rates"]})
    first, second = told.discounts
    assert (first.source.coupon, second.promotion_code) == (always.id, code.id)
    taken = {one.discount.id: one.amount for one in told.total_details.breakdown.discounts}
    assert taken == {first.id: 200, second.id: 300}
    [tax] = told.total_details.breakdown.taxes
    assert (tax.amount, tax.taxable_amount, tax.rate.display_name) == (300, 1500, "VAT")
    assert told.default_tax_rates[0].percentage == 20
    invoice = sdk.v1.invoices.retrieve(sdk.v1.quotes.accept(quote.id).invoice)
    assert invoice.total == quote.amount_total
    assert sdk.v1.coupons.retrieve(once.id).times_redeemed == 1


def test_only_drafts_change_and_only_open_quotes_are_taken_up(sdk: Sdk) -> None:
    customer, price = sdk.customer(), sdk.price(1000)
    draft = sdk.v1.quotes.create({"line_items": [{"price": price.id}], "header": "Hello"})
    assert (draft.customer, draft.amount_total) == (None, 1000)
    with pytest.raises(stripe.InvalidRequestError, match="a customer and at least one line") as incomplete:
        sdk.v1.quotes.finalize_quote(draft.id)
    assert incomplete.value.param == "customer"
    with pytest.raises(stripe.InvalidRequestError, match="only an open quote"):
        sdk.v1.quotes.accept(draft.id)
    [line] = sdk.v1.quotes.line_items.list(draft.id).data
    changed = sdk.v1.quotes.update(
        draft.id,
        {"customer": customer.id, "header": "", "line_items": [{"id": line.id, "quantity": 4}]},
    )
    assert (changed.customer, changed.header, changed.amount_total) == (customer.id, None, 4000)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be changed"):
        sdk.v1.quotes.update(draft.id, {"customer": sdk.customer().id})
    sdk.v1.quotes.finalize_quote(draft.id)
    with pytest.raises(stripe.InvalidRequestError, match="only a draft"):
        sdk.v1.quotes.update(draft.id, {"header": "Too late"})
    canceled = sdk.v1.quotes.cancel(draft.id)
    assert canceled.status == "canceled"
    assert canceled.status_transitions.canceled_at
    with pytest.raises(stripe.InvalidRequestError, match="only an open quote"):
        sdk.v1.quotes.accept(draft.id)
    assert [one.id for one in sdk.v1.quotes.list({"status": "canceled"}).data] == [draft.id]
    assert sdk.v1.quotes.list({"customer": customer.id, "status": "open"}).data == []


def test_a_quote_that_nobody_can_pay_stays_open(sdk: Sdk) -> None:
    quote = offered(sdk, {"price": sdk.price(1000).id}, customer=sdk.customer(card="").id)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.quotes.accept(quote.id)
    assert sdk.v1.quotes.retrieve(quote.id).status == "open"
    assert sdk.v1.subscriptions.list().data == []


def test_quotes_lapse_on_their_day(sdk: Sdk) -> None:
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id)
    price = sdk.price(1000).id
    draft = sdk.v1.quotes.create({"customer": customer.id, "line_items": [{"price": price}]})
    opened = offered(sdk, {"price": price}, customer=customer.id)
    assert draft.expires_at == JAN_31
    sdk.advance(clock.id, JAN_31 + 1)
    for quote in (draft, opened):
        lapsed = sdk.v1.quotes.retrieve(quote.id)
        assert (lapsed.status, lapsed.status_transitions.canceled_at) == ("canceled", JAN_31)
    assert kinds(sdk).count("quote.canceled") == 2


def test_what_lives_on_a_clock_is_listed_by_its_clock_or_its_customer(sdk: Sdk) -> None:
    clock, price = sdk.clock(JAN_1), sdk.price(1000).id
    timed, real = sdk.customer(clock.id).id, sdk.customer().id
    on_clock, plain = (
        sdk.v1.quotes.create({"customer": one, "line_items": [{"price": price}]}).id for one in (timed, real)
    )
    for wanted, found in (({}, plain), ({"test_clock": clock.id}, on_clock), ({"customer": timed}, on_clock)):
        assert [quote.id for quote in sdk.v1.quotes.list(wanted).data] == [found]


def test_a_revision_keeps_the_number_and_counts_on(sdk: Sdk) -> None:
    first = offered(sdk, {"price": sdk.price(1000).id})
    copy = sdk.v1.quotes.create({"from_quote": {"quote": first.id, "is_revision": True}})
    assert (copy.status, copy.customer, copy.amount_total) == ("draft", first.customer, 1000)
    assert (copy.from_quote.quote, copy.from_quote.is_revision) == (first.id, True)
    second = sdk.v1.quotes.finalize_quote(copy.id)
    assert second.number == first.number.removesuffix("-1") + "-2"
    other = sdk.v1.quotes.finalize_quote(sdk.v1.quotes.create({"from_quote": {"quote": first.id}}).id)
    assert other.number.endswith("-0002-1")


def test_a_finalized_quote_has_a_paper(sdk: Sdk) -> None:
    draft = sdk.v1.quotes.create({"customer": sdk.customer().id, "line_items": [{"price": sdk.price(1000).id}]})
    with pytest.raises(stripe.InvalidRequestError, match="once it is finalized"):
        sdk.v1.quotes.pdf(draft.id)
    sdk.v1.quotes.finalize_quote(draft.id)
    assert sdk.v1.quotes.pdf(draft.id).io.read().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("terms", "param"),
    [
        ({"expires_at": 1}, "expires_at"),
        ({"line_items": [{"price": "price_nothing"}]}, "line_items[0][price]"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price]"),
        ({"discounts": [{"coupon": "nothing"}]}, "discounts[0][coupon]"),
        ({"customer": "cus_nothing"}, "customer"),
        ({"test_clock": "clock_nothing"}, "test_clock"),
        ({"invoice_settings": {"days_until_due": 5}}, "days_until_due"),
        ({"from_quote": {"quote": "qt_nothing"}}, "from_quote[quote]"),
        ({"from_quote": {"quote": "qt_nothing"}, "header": "x"}, "from_quote"),
    ],
)
def test_what_is_wrong_is_refused_by_name(sdk: Sdk, terms: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.quotes.create(terms)
    assert refused.value.param == param
    assert sdk.v1.quotes.list().data == []


def test_what_is_billed_once_has_no_trial(sdk: Sdk) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="at least one line must recur"):
        sdk.v1.quotes.create(
            {
                "line_items": [{"price": sdk.price(100, interval="").id}],
                "subscription_data": {"trial_period_days": 3},
            }
        )


def test_quotes_have_their_shapes(sdk: Sdk) -> None:
    watch = shapes.Watched()
    sdk.client = stripe.StripeClient(
        sdk.client._requestor.api_key, base_addresses={"api": sdk.url}, max_network_retries=0, http_client=watch
    )
    quote = offered(sdk, {"price": sdk.price(1000).id})
    told = sdk.v1.quotes.retrieve(quote.id, {"expand": ["line_items", "total_details.breakdown", "customer"]})
    sdk.v1.quotes.line_items.list(quote.id)
    sdk.v1.quotes.computed_upfront_line_items.list(quote.id)
    assert watch.faults == []
    assert {"quote", "item"} <= watch.kinds
    assert shapes.absent(dict(told), stripe.Quote) == []
