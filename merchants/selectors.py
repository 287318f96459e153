"""Reads about merchants and the people who work for them."""

from core.errors import OstinatoError, gettext_noop
from merchants.models import BillingEntity, Membership, Merchant


class MerchantNotFound(OstinatoError):
    code = "resource_missing"
    param = "merchant"
    message_id = gettext_noop("There is no merchant “%(id)s”.")


class NoMerchantYet(OstinatoError):
    code = "resource_missing"
    param = "merchant"
    message_id = gettext_noop("There is no merchant yet.")


class SeveralMerchants(OstinatoError):
    code = "parameter_missing"
    param = "merchant"
    message_id = gettext_noop("There are several merchants: say which one with --merchant (%(ids)s).")


def memberships_of(user_id: str) -> list[Membership]:
    """A person's memberships with their merchants, live ones before sandboxes, oldest first."""
    return list(
        Membership.objects.filter(user_id=user_id)
        .select_related("merchant")
        .order_by("-merchant__livemode", "created", "id")
    )


def default_billing_entity(merchant_id: str) -> BillingEntity | None:
    """The legal seller that new paper names."""
    return BillingEntity.objects.filter(merchant_id=merchant_id, is_default=True).first()


def merchant_by_id(merchant_id: str) -> Merchant:
    """Raises `MerchantNotFound`."""
    found = Merchant.objects.filter(id=merchant_id).first()
    if found is None:
        raise MerchantNotFound(id=merchant_id)
    return found


def only_live_merchant() -> Merchant:
    """The merchant that is meant when nobody says which. Raises `NoMerchantYet`, `SeveralMerchants`."""
    found = list(Merchant.objects.filter(livemode=True).order_by("created", "id")[:10])
    if not found:
        raise NoMerchantYet
    if len(found) > 1:
        raise SeveralMerchants(ids=", ".join(merchant.id for merchant in found))
    return found[0]
