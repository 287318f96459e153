"""What a checkout's page asks and says beside a card: through the official SDK and an ordinary browser."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_checkout_sessions import session, visit
from tests.portal.conftest import QUEBEC

NO_CARD = {name: value for name, value in QUEBEC.items() if name != "instrument"}
SIZE = {
    "key": "size",
    "label": {"type": "custom", "custom": "T-shirt size"},
    "type": "dropdown",
    "dropdown": {"options": [{"label": "Small", "value": "s"}, {"label": "Large", "value": "l"}]},
}
BADGE = {
    "key": "badge",
    "label": {"type": "custom", "custom": "Badge number"},
    "type": "numeric",
    "numeric": {"minimum_length": 3, "maximum_length": 5},
}
NOTE = {
    "key": "note",
    "label": {"type": "custom", "custom": "A note"},
    "type": "text",
    "optional": True,
    "text": {"default_value": "Thanks"},
}


def buy(opened: Any, **changes: str) -> Any:
    browser, _ = visit(opened.url)
    return browser.post(f"/pay/s/{opened.id}", QUEBEC | changes, follow=True)


def test_a_trial_asks_for_no_way_to_pay_where_none_is_required(sdk: Sdk) -> None:
    opened = session(sdk, payment_method_collection="if_required", subscription_data={"trial_period_days": 14})
    assert opened.payment_method_collection == "if_required"
    browser, page = visit(opened.url)
    assert 'name="instrument"' not in page.content.decode()
    browser.post(f"/pay/s/{opened.id}", NO_CARD, follow=True)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription"]})
    assert (sold.status, sold.payment_status) == ("complete", "no_payment_required")
    assert sold.subscription.status == "trialing"
    assert sdk.v1.customers.payment_methods.list(sold.customer).data == []


def test_what_is_due_now_is_paid_whatever_is_required(sdk: Sdk) -> None:
    coupon = sdk.v1.coupons.create({"percent_off": 100, "duration": "once"})
    sdk.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "FREE"})
    opened = session(sdk, payment_method_collection="if_required", allow_promotion_codes=True)
    browser, page = visit(opened.url)
    assert 'name="instrument"' in page.content.decode()
    refused = browser.post(f"/pay/s/{opened.id}", NO_CARD)
    assert (refused.status_code, "Choose what to pay with." in refused.content.decode()) == (422, True)
    assert sdk.v1.subscriptions.list().data == []
    free = NO_CARD | {"promotion_code": "FREE"}
    live = browser.post(f"/pay/s/{opened.id}/preview", free).content.decode()
    assert ('id="checkout-pay"' in live, 'name="instrument"' in live) == (True, False)
    browser.post(f"/pay/s/{opened.id}", free, follow=True)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription", "invoice"]})
    assert (sold.status, sold.subscription.status, sold.invoice.total) == ("complete", "active", 0)


def test_a_quantity_stays_within_its_lines_bounds(sdk: Sdk) -> None:
    seat, box = sdk.price(1000).id, sdk.price(500).id
    bounds = {"enabled": True, "minimum": 2, "maximum": 4}
    lines = [{"price": seat, "quantity": 3, "adjustable_quantity": bounds}, {"price": box, "quantity": 1}]
    opened = session(sdk, line_items=lines)
    shown = sdk.v1.checkout.sessions.line_items.list(opened.id).data
    assert shown[0].adjustable_quantity.to_dict() == bounds
    browser, page = visit(opened.url)
    html = page.content.decode()
    assert ('name="quantity_0"' in html, 'name="quantity_1"' in html) == (True, False)
    for wrong in ("1", "5"):
        assert browser.post(f"/pay/s/{opened.id}", QUEBEC | {"quantity_0": wrong}).status_code == 422
    browser.post(f"/pay/s/{opened.id}", QUEBEC | {"quantity_0": "4", "quantity_1": "9"}, follow=True)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription"]})
    assert sold.amount_total == 4 * 1000 + 500
    assert [item.quantity for item in sold.subscription["items"].data] == [4, 1]


def test_a_line_set_to_none_is_left_out(sdk: Sdk) -> None:
    seat, extra = sdk.price(1000).id, sdk.price(500).id
    lines = [{"price": seat, "quantity": 1}, {"price": extra, "quantity": 1, "adjustable_quantity": {"enabled": True}}]
    opened = session(sdk, line_items=lines)
    buy(opened, quantity_1="0")
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription"]})
    assert [item.price.id for item in sold.subscription["items"].data] == [seat]
    both = [line | {"adjustable_quantity": {"enabled": True}} for line in lines]
    emptied = session(sdk, line_items=both)
    refused = buy(emptied, quantity_0="0", quantity_1="0")
    assert (refused.status_code, "Choose at least one" in refused.content.decode()) == (422, True)


def test_a_line_has_tax_rates_of_its_own(sdk: Sdk) -> None:
    rate = sdk.v1.tax_rates.create({"display_name": "Levy", "percentage": 10, "inclusive": False})
    lines = [{"price": sdk.price(1000).id, "tax_rates": [rate.id]}, {"price": sdk.price(500).id}]
    opened = session(sdk, line_items=lines)
    assert (opened.amount_total, opened.total_details.amount_tax) == (1600, 100)  # 1000 + 10 % + 500
    buy(opened)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription", "invoice"]})
    assert sold.invoice.amount_paid == 1600
    assert [[one.id for one in item.tax_rates or []] for item in sold.subscription["items"].data] == [[rate.id], []]


def test_what_the_page_asks_is_answered_in_the_session(sdk: Sdk) -> None:
    opened = session(
        sdk,
        phone_number_collection={"enabled": True},
        custom_fields=[SIZE, BADGE, NOTE],
        custom_text={"submit": {"message": "We ship <b>on Monday</b>."}, "after_submit": {"message": "See you soon."}},
        consent_collection={"terms_of_service": "required"},
    )
    assert (opened.phone_number_collection.enabled, opened.custom_text.after_submit.message) == (True, "See you soon.")
    assert (opened.consent_collection.terms_of_service, opened.consent.terms_of_service) == ("required", None)
    assert [(one.key, one.type, one.optional) for one in opened.custom_fields] == [
        ("size", "dropdown", False),
        ("badge", "numeric", False),
        ("note", "text", True),
    ]
    browser, page = visit(opened.url)
    html = page.content.decode()
    for words in ("T-shirt size", "Badge number", "Thanks", "We ship &lt;b&gt;on Monday&lt;/b&gt;.", "See you soon."):
        assert words in html, words
    answers = {
        "phone": "+1 418 555 0123",
        "custom_0": "l",
        "custom_1": "0042",
        "custom_2": "",
        "terms_of_service": "on",
    }
    for wrong in (
        {"phone": "me"},
        {"custom_0": "xl"},
        {"custom_1": "12"},
        {"custom_1": "12a"},
        {"terms_of_service": ""},
    ):
        assert browser.post(f"/pay/s/{opened.id}", QUEBEC | answers | wrong).status_code == 422, wrong
    browser.post(f"/pay/s/{opened.id}", QUEBEC | answers, follow=True)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["customer"]})
    details = sold.customer_details
    assert (details.phone, details.name, details.address.state) == ("+1 418 555 0123", "Zoé Gagnon", "QC")
    assert (sold.customer.phone, sold.consent.terms_of_service) == ("+1 418 555 0123", "accepted")
    size, badge, note = sold.custom_fields
    assert (size.dropdown.value, badge.numeric.value, note.text.value) == ("l", "0042", None)
    [told] = sdk.v1.events.list({"type": "checkout.session.completed"}).data
    assert told.data.object.custom_fields[0].dropdown.value == "l"


def test_only_the_place_is_asked_with_auto(sdk: Sdk) -> None:
    opened = session(sdk, billing_address_collection="auto")
    browser, page = visit(opened.url)
    html = page.content.decode()
    assert ('name="line1"' in html, 'name="city"' in html, 'name="postal_code"' in html) == (False, False, True)
    place = {name: QUEBEC[name] for name in ("email", "name", "country", "postal_code", "instrument")}
    browser.post(f"/pay/s/{opened.id}", place, follow=True)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["customer"]})
    assert (sold.status, sold.customer.address.postal_code) == ("complete", "G1R 2S5")


@pytest.mark.parametrize(("said", "name", "city"), [("auto", "Zoé Gagnon", "Québec"), ("never", "Ada", "Paris")])
def test_a_known_customer_is_changed_where_the_shop_lets_it(sdk: Sdk, said: str, name: str, city: str) -> None:
    customer = sdk.customer(card="", address={"city": "Paris", "country": "FR"})
    opened = session(sdk, customer=customer.id, customer_update={"name": said, "address": said})
    buy(opened)
    kept = sdk.v1.customers.retrieve(customer.id)
    assert (kept.email, kept.name, kept.address.city) == ("ada@example.com", name, city)
    shown = sdk.v1.checkout.sessions.retrieve(opened.id).customer_details
    assert (shown.name, shown.address.city) == ("Zoé Gagnon", "Québec")


ASKED: list[tuple[dict[str, Any], str]] = [
    ({"mode": "payment", "payment_method_collection": "if_required"}, "payment_method_collection"),
    ({"customer_update": {"name": "auto"}}, "customer_update"),
    ({"custom_fields": [SIZE, SIZE]}, "custom_fields[1][key]"),
    ({"custom_fields": [SIZE | {"key": "a b"}]}, "custom_fields[0][key]"),
    ({"custom_fields": [SIZE | {"dropdown": {}}]}, "custom_fields[0][dropdown][options]"),
    ({"custom_fields": [NOTE | {"numeric": {"minimum_length": 1}}]}, "custom_fields[0][numeric]"),
    ({"custom_fields": [BADGE | {"numeric": {"default_value": "x"}}]}, "custom_fields[0][numeric][default_value]"),
    ({"custom_fields": [SIZE, BADGE, NOTE, NOTE]}, "custom_fields"),
    ({"custom_text": {"submit": {"message": "x" * 1201}}}, "custom_text[submit][message]"),
]


@pytest.mark.parametrize(("fields", "param"), ASKED)
def test_what_cannot_be_asked_is_named(sdk: Sdk, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        session(sdk, **fields)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("line", "param"),
    [
        ({"adjustable_quantity": {"enabled": True, "minimum": 5, "maximum": 4}}, "[adjustable_quantity][minimum]"),
        ({"quantity": 9, "adjustable_quantity": {"enabled": True, "maximum": 4}}, "[quantity]"),
        ({"tax_rates": ["txr_none"]}, "[tax_rates][0]"),
    ],
)
def test_a_line_that_cannot_be_is_named(sdk: Sdk, line: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        session(sdk, line_items=[{"price": sdk.price().id, **line}])
    assert refused.value.param == f"line_items[0]{param}"
