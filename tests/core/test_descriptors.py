"""What a bank prints on a statement."""

import pytest

from core.descriptors import StatementDescriptorInvalid, check_statement_descriptor, shown_on_card
from merchants.services import update_merchant
from tests.factories.merchants import merchant
from tests.factories.times import context


@pytest.mark.parametrize("text", ["", "ERABLE", "Bout du rang", "12 CAFE", "a" * 22])
def test_what_is_printed_is_taken(text):
    check_statement_descriptor(text)


@pytest.mark.parametrize(
    "text", ["CAFE", "a" * 23, "123456", "A<B>CDE", "BACK\\SLASH", "L'ERABLE", 'THE "SHOP"', "STAR*S"]
)
def test_what_no_bank_prints_is_refused(text):
    with pytest.raises(StatementDescriptorInvalid):
        check_statement_descriptor(text)


@pytest.mark.django_db
def test_a_merchants_own_is_held_to_it():
    shop = merchant()
    with pytest.raises(StatementDescriptorInvalid):
        update_merchant(ctx=context(), merchant_id=shop.id, statement_descriptor="L'Érable")
    update_merchant(ctx=context(), merchant_id=shop.id, statement_descriptor="ERABLE")
    shop.refresh_from_db()
    assert shop.statement_descriptor == "ERABLE"


@pytest.mark.parametrize(
    ("merchants", "own", "shown"),
    [
        ("ERABLE", "COFFEE BOX", "ERABLE* COFFEE BOX"),
        ("Érable et Cie", "Café de l été", "ERABLE ET* CAFE DE L E"),  # 10 of 13, a trailing space off; 22 in all
        ("ERABLE", "", "ERABLE"),
        ("", "Boîte", "BOITE"),
        ("", "", ""),
    ],
)
def test_a_card_shows_the_shop_first_then_what_was_bought(merchants, own, shown):
    assert shown_on_card(merchants, own) == shown
