"""Reads about merchants and the people who work for them."""

from merchants.models import BillingEntity, Membership


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
