"""A subscriber's backups on their payment page, and a member's on the customer's."""

import pytest

from tests.factories.customers import payment_method

pytestmark = pytest.mark.django_db
PAGE = "/portal/payment-methods"


@pytest.fixture
def cards(subscriber):
    """Two more cards, both good for a backup."""
    return [
        payment_method(customer=subscriber.customer, instrument=f"pm_card_{brand}", brand=brand, last4=digits)
        for brand, digits in (("mastercard", "4444"), ("amex", "8431"))
    ]


def act(client, method, what: str, status: int = 200) -> str:
    response = client.post(f"{PAGE}/{method.id}/backup", {"act": what}, follow=True)
    assert response.status_code == status
    return response.content.decode()


def test_backups_are_added_ordered_and_taken_away(client, subscriber, cards):
    mastercard, amex = cards
    assert "It is charged when your default is declined." in act(client, mastercard, "add")
    html = act(client, amex, "add")
    places = [html.index(words) for words in ("Visa •••• 4242", "Mastercard •••• 4444", "American Express •••• 8431")]
    assert places == sorted(places)
    assert ("Backup 1" in html, "Backup 2" in html) == (True, True)
    payment_method(customer=subscriber.customer, brand="jcb", last4="0505")
    html = act(client, amex, "up")
    assert html.index("Backup 2") < html.index("JCB •••• 0505")  # never charged by itself: last
    subscriber.customer.refresh_from_db()
    assert subscriber.customer.backup_payment_method_ids == [amex.id, mastercard.id]
    assert "It is no backup any more." in act(client, amex, "remove")
    subscriber.customer.refresh_from_db()
    assert subscriber.customer.backup_payment_method_ids == [mastercard.id]


def test_the_default_is_refused_as_its_own_backup_and_a_strangers_card_is_not_there(client, subscriber, cards):
    default = subscriber.customer.payment_methods.get(id=subscriber.customer.default_payment_method_id)
    assert "The default payment method cannot be its own backup." in act(client, default, "add")
    assert act(client, cards[0], "nonsense", 404)
    cards[0].id = "pm_of_nobody"
    assert act(client, cards[0], "add", 404)


def test_a_fifth_card_is_no_backup_any_more(client, subscriber, cards):
    more = [payment_method(customer=subscriber.customer, last4=str(number) * 4) for number in (5, 6)]
    for method in (*cards, more[0]):
        act(client, method, "add")
    assert "A customer has at most 3 backup payment methods." in act(client, more[1], "add")
