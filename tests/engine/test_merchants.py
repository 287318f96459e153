"""A merchant is made whole, and its sandbox like it."""

import pytest

from core.money import UnknownCurrency
from core.periods import UnknownTimeZone
from dunning.models import RecoveryPolicy
from engine.services.merchants import (
    NewMerchant,
    NumberPrefixInvalid,
    SandboxOfSandbox,
    create_merchant,
    create_sandbox,
)
from invoicing.models import NumberSeries
from merchants.models import BillingEntity, Merchant
from merchants.services import AlreadyAMember, MerchantNameMissing, add_member
from tests.factories.merchants import user
from tests.factories.times import context

pytestmark = pytest.mark.django_db

SHOP = {"name": "Shop", "country": "CA", "default_currency": "CAD", "timezone": "America/Toronto"}


def test_a_merchant_comes_with_its_seller_its_numbers_and_its_policy() -> None:
    merchant = create_merchant(
        ctx=context(),
        request=NewMerchant(**SHOP, number_prefix="SH", legal_name="Shop inc.", entity={"city": "Québec"}),
    )
    seller = BillingEntity.objects.get(merchant=merchant)
    assert (merchant.livemode, merchant.default_currency) == (True, "cad")
    assert (seller.legal_name, seller.city, seller.is_default) == ("Shop inc.", "Québec", True)
    assert NumberSeries.objects.get(billing_entity=seller).prefix == "SH"
    assert RecoveryPolicy.objects.get(merchant=merchant).is_default


def test_a_sandbox_has_its_parents_seller_and_numbers_of_its_own() -> None:
    parent = create_merchant(ctx=context(), request=NewMerchant(**SHOP, entity={"city": "Lévis"}))
    sandbox = create_sandbox(ctx=context(), parent_id=parent.id, name="Shop (test)")
    assert (sandbox.parent_id, sandbox.livemode, sandbox.timezone) == (parent.id, False, "America/Toronto")
    assert BillingEntity.objects.get(merchant=sandbox).city == "Lévis"
    with pytest.raises(SandboxOfSandbox):
        create_sandbox(ctx=context(), parent_id=sandbox.id, name="Deeper")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": " "}, MerchantNameMissing),
        ({"default_currency": "zzz"}, UnknownCurrency),
        ({"timezone": "Mars/Olympus"}, UnknownTimeZone),
        ({"number_prefix": ""}, NumberPrefixInvalid),
        ({"number_prefix": "A B"}, NumberPrefixInvalid),
    ],
)
def test_a_merchant_that_could_not_bill_is_not_made(fields: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        create_merchant(ctx=context(), request=NewMerchant(**SHOP | fields))
    assert not Merchant.objects.exists()


def test_nobody_is_a_member_twice() -> None:
    merchant = create_merchant(ctx=context(), request=NewMerchant(**SHOP))
    person = user()
    add_member(ctx=context(), merchant_id=merchant.id, user=person, role="owner")
    with pytest.raises(AlreadyAMember):
        add_member(ctx=context(), merchant_id=merchant.id, user=person, role="support")
