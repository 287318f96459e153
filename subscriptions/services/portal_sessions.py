"""One-time links to the portal: the token is handed out once, only its hash is kept, using it spends it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import hash_secret, new_secret
from subscriptions.models import PortalSession

LINK_LIFETIME = timedelta(minutes=30)


class PortalLinkSpent(OstinatoError):
    """Unknown, expired or used: one answer for all three, so that guessing teaches nothing."""

    code = "portal_link_invalid"
    message_id = gettext_noop("This link has expired or was used already. Ask for a new one.")


def open_portal_session(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    return_url: str = "",
    configuration_id: str = "",
    locale: str = "",
    flow: Mapping[str, Any] | None = None,
) -> tuple[PortalSession, str]:
    """A link's row and its token, which nobody can read again. `flow`: the one thing that it is for, if any."""
    token = new_secret()
    row = PortalSession.objects.create(
        merchant_id=merchant_id,
        customer_id=customer_id,
        token_hash=hash_secret(token),
        return_url=return_url,
        configuration_id=configuration_id,
        locale=locale,
        flow=flow,
        # The wall's time, also for a customer on a test clock: whoever reads the mail lives in ours.
        expires_at=ctx.recorded_at + LINK_LIFETIME,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )
    return row, token


def use_portal_session(*, ctx: Context, merchant_id: str, token: str) -> PortalSession:
    """Spend the link. Of two clicks at once one wins. Raises `PortalLinkSpent`."""
    with transaction.atomic():
        spent = PortalSession.objects.filter(
            merchant_id=merchant_id,
            token_hash=hash_secret(token),
            used_at__isnull=True,
            expires_at__gt=ctx.recorded_at,
        ).update(used_at=ctx.recorded_at)
        if not spent:
            raise PortalLinkSpent
    return PortalSession.objects.select_related("customer__test_clock", "merchant").get(
        merchant_id=merchant_id, token_hash=hash_secret(token)
    )
