"""What a payment link says of its page, of what it sells and of how often; through the official SDK and a browser."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_checkout_asks import NO_CARD, SIZE
from tests.api.test_checkout_sessions import visit
from tests.portal.conftest import QUEBEC


def link_of(sdk: Sdk, **fields: Any) -> Any:
    return sdk.v1.payment_links.create({"line_items": [{"price": sdk.price(2000).id, "quantity": 1}], **fields})


def buy(sdk: Sdk, link: Any, form: dict[str, str] = QUEBEC) -> tuple[Any, Any]:
    """A visit that buys: the last page and the session as it is then."""
    browser, first = visit(link.url)
    path = first.redirect_chain[-1][0]
    page = browser.post(path, form, follow=True)
    return page, sdk.v1.checkout.sessions.retrieve(path.split("/")[-1], {"expand": ["subscription"]})


def test_a_link_says_how_its_subscriptions_begin(sdk: Sdk) -> None:
    link = link_of(
        sdk,
        metadata={"page": "home"},
        payment_method_collection="if_required",
        subscription_data={
            "description": "The box",
            "metadata": {"from": "link"},
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
        },
    )
    data = link.subscription_data
    assert (data.description, data.metadata.to_dict(), data.trial_period_days) == ("The box", {"from": "link"}, 7)
    assert data.trial_settings.end_behavior.missing_payment_method == "cancel"
    _, sold = buy(sdk, link, NO_CARD)
    begun = sold.subscription
    assert (begun.status, begun.description, begun.metadata.to_dict()) == ("trialing", "The box", {"from": "link"})
    assert begun.trial_settings.end_behavior.missing_payment_method == "cancel"
    assert (sold.payment_link, sold.metadata.to_dict()) == (link.id, {"page": "home"})
    later = sdk.v1.payment_links.update(link.id, {"subscription_data": {"trial_period_days": "", "trial_settings": ""}})
    data = later.subscription_data
    assert (data.trial_period_days, data.trial_settings, data.description) == (None, None, "The box")


def test_a_links_page_asks_and_thanks_in_its_own_words(sdk: Sdk) -> None:
    link = link_of(
        sdk,
        custom_fields=[SIZE],
        custom_text={"submit": {"message": "Ships on Monday."}},
        after_completion={
            "type": "hosted_confirmation",
            "hosted_confirmation": {"custom_message": "It is on its way."},
        },
    )
    assert link.after_completion.hosted_confirmation.custom_message == "It is on its way."
    assert "Ships on Monday." in visit(link.url)[1].content.decode()
    page, sold = buy(sdk, link, QUEBEC | {"custom_0": "s"})
    assert "It is on its way." in page.content.decode()
    assert (sold.custom_text.submit.message, sold.custom_fields[0].dropdown.value) == ("Ships on Monday.", "s")
    changed = sdk.v1.payment_links.update(link.id, {"custom_fields": "", "custom_text": {"submit": ""}})
    assert (changed.custom_fields, changed.custom_text.submit) == ([], None)


def test_a_link_sells_as_often_as_it_may(sdk: Sdk) -> None:
    link = link_of(sdk, restrictions={"completed_sessions": {"limit": 1}}, inactive_message="All boxes are gone.")
    assert link.restrictions.completed_sessions.to_dict() == {"count": 0, "limit": 1}
    late, first = visit(link.url)  # opened while there was one left
    buy(sdk, link)
    assert sdk.v1.payment_links.retrieve(link.id).restrictions.completed_sessions.count == 1
    refused = late.post(first.redirect_chain[-1][0], QUEBEC)
    assert refused.status_code == 422
    assert len(sdk.v1.subscriptions.list().data) == 1
    closed = visit(link.url)[1]
    assert (closed.status_code, "All boxes are gone." in closed.content.decode()) == (404, True)
    sdk.v1.payment_links.update(link.id, {"restrictions": ""})
    assert visit(link.url)[1].status_code == 200


def test_a_closed_link_says_why(sdk: Sdk) -> None:
    link = link_of(sdk, inactive_message="Back in spring.")
    sdk.v1.payment_links.update(link.id, {"active": False})
    assert "Back in spring." in visit(link.url)[1].content.decode()
    assert sdk.v1.payment_links.update(link.id, {"inactive_message": ""}).inactive_message is None
    assert "Back in spring." not in visit(link.url)[1].content.decode()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"restrictions": {"completed_sessions": {"limit": 0}}}, "restrictions[completed_sessions][limit]"),
        ({"restrictions": {}, "inactive_message": "x" * 501}, "inactive_message"),
        ({"after_completion": {"type": "redirect"}}, "after_completion[redirect]"),
        ({"subscription_data": {"trial_end": 4102444800}}, "subscription_data[trial_end]"),
    ],
)
def test_what_a_link_does_not_take_is_named(sdk: Sdk, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        link_of(sdk, **fields)
    assert refused.value.param == param
