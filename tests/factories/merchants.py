"""Merchants, with the entity that bills, its number series and the default recovery policy."""

from datetime import datetime
from typing import Any

from core.ids import new_id
from dunning.models import RecoveryPolicy
from invoicing.models import NumberSeries
from merchants.models import BillingEntity, Membership, Merchant, Role, User
from tests.factories.times import NEW_YEAR


def merchant(
    *,
    name: str = "Érable & Cie",
    currency: str = "cad",
    grace: int = 0,
    prefix: str = "INV",
    created: datetime = NEW_YEAR,
    recovery_policy: bool = True,
    **fields: Any,
) -> Merchant:
    """A merchant ready to bill: drafts are finalized at once unless `grace` (seconds) is given."""
    row = Merchant.objects.create(
        **{
            "name": name,
            "country": "CA",
            "default_currency": currency,
            "livemode": False,
            "finalization_grace_seconds": grace,
            "support_email": "aide@erable.example",
            "created": created,
            "recorded_at": created,
        }
        | fields
    )
    entity = billing_entity(merchant=row, created=created)
    number_series(merchant=row, billing_entity=entity, prefix=prefix, created=created)
    if recovery_policy:
        RecoveryPolicy.objects.create(merchant=row, name="Default", created=created, recorded_at=created)
    return row


def billing_entity(*, merchant: Merchant, created: datetime = NEW_YEAR, **fields: Any) -> BillingEntity:
    return BillingEntity.objects.create(
        **{
            "merchant": merchant,
            "legal_name": "Érable & Cie inc.",
            "line1": "1 rue du Sirop",
            "city": "Québec",
            "state": "QC",
            "postal_code": "G1R 1A1",
            "country": "CA",
            "tax_registrations": [{"type": "ca_gst_hst", "value": "123456789RT0001"}],
            "created": created,
            "recorded_at": created,
        }
        | fields
    )


def number_series(
    *,
    merchant: Merchant,
    billing_entity: BillingEntity,
    prefix: str = "INV",
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> NumberSeries:
    return NumberSeries.objects.create(
        merchant=merchant,
        billing_entity=billing_entity,
        prefix=prefix,
        created=created,
        recorded_at=created,
        **fields,
    )


def user(*, email: str = "", password: str = "correct horse", **fields: Any) -> User:
    return User.objects.create_user(email=email or f"{new_id('u')}@erable.example", password=password, **fields)


def membership(*, merchant: Merchant, user: User, role: str = Role.OWNER, created: datetime = NEW_YEAR) -> Membership:
    return Membership.objects.create(merchant=merchant, user=user, role=role, created=created, recorded_at=created)
