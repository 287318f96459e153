"""The staff admin's first page: what waits for a person, over all merchants. One count each."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. Each card: a title, how many, where they are, and whether that is well."""
    from django_q.models import Failure

    from engine.models import Refusal
    from events.models import HeldEvent
    from notifications.models import Message
    from payments.models import Charge

    waiting = [
        (_("Refusals of the run"), Refusal.objects.filter(status="open"), "engine_refusal", "status__exact=open"),
        (_("Unknown payments"), Charge.objects.filter(status="unknown"), "payments_charge", "status__exact=unknown"),
        (_("Held events"), HeldEvent.objects.filter(attempts__gt=0), "events_heldevent", ""),
        (_("Mails not sent"), Message.objects.filter(status="failed"), "notifications_message", "status__exact=failed"),
        (_("Failed tasks"), Failure.objects.all(), "django_q_failure", ""),
    ]
    context["waiting"] = [
        {"title": title, "count": rows.count(), "url": f"{reverse(f'admin:{model}_changelist')}?{query}".rstrip("?")}
        for title, rows, model, query in waiting
    ]
    return context
