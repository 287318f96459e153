"""Endpoints that take nothing for days are switched off, and the people who can mend them are told."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _, override

from api.models import WebhookEndpoint
from api.webhooks.endpoints import disable_dead
from api.webhooks.rules import DISABLED_AFTER
from core.context import Context
from merchants.models import Membership

log = logging.getLogger("webhooks")
ROLES = ("owner", "admin")


def disable_and_tell(*, ctx: Context) -> int:
    """Switch off what has failed for `DISABLED_AFTER`; one mail to each owner and admin. Returns how many."""
    dead = disable_dead(ctx=ctx, since=ctx.recorded_at - DISABLED_AFTER)
    _tell(dead)
    return len(dead)


def _tell(dead: Sequence[WebhookEndpoint]) -> None:
    """After the commit: a mail server that is away must not keep a dead endpoint on."""
    people = Membership.objects.filter(merchant_id__in={one.merchant_id for one in dead}, role__in=ROLES)
    for member in people.select_related("user", "merchant") if dead else ():
        for endpoint in dead:
            if endpoint.merchant_id == member.merchant_id:
                with override(member.user.locale or member.merchant.locale):
                    _mail(member, endpoint)


def _mail(member: Membership, endpoint: WebhookEndpoint) -> None:
    subject = _("%(merchant)s: a webhook endpoint was switched off") % {"merchant": member.merchant.name}
    text = _(
        "The endpoint %(url)s has taken no event for %(days)s days, so nothing is sent to it any more.\n\n"
        "Mend it, switch it on again and send what it missed: %(page)s"
    ) % {
        "url": endpoint.url,
        "days": DISABLED_AFTER.days,
        "page": f"{settings.SITE_URL}/dashboard/webhooks/{endpoint.id}/",
    }
    try:
        send_mail(subject, text, None, [member.user.email])
    except OSError:
        log.exception("the notice about %s could not be sent", endpoint.id)
