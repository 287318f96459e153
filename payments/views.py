"""Where Stripe tells us what happened: verified, put into the inbox, answered. A worker does the rest."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.errors import OstinatoError
from payments.inbox import LARGEST_BODY, store_events, verified_event
from payments.models import AccountStatus, GatewayAccount

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest, account_id: str) -> HttpResponse:
    """200 once the event is stored, or was before. What it says is read from Stripe itself, not from here."""
    account = GatewayAccount.objects.filter(id=account_id, gateway="stripe").first()
    if account is None or account.status == AccountStatus.DISCONNECTED:
        return _refused(404, "There is no such endpoint.")
    length = request.headers.get("Content-Length") or "0"
    if not length.isdigit() or int(length) > LARGEST_BODY:
        return _refused(413, "The body is too large.")
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        return _refused(413, "The body is too large.")
    try:
        event = verified_event(account, body, request.headers.get("Stripe-Signature", ""))
    except OstinatoError as refused:
        logger.warning("a webhook for %s was refused: %s", account.id, refused.code)
        return _refused(400, refused.message)
    store_events(account, [event], timezone.now(), "webhook")
    return JsonResponse({"received": True})


def _refused(status: int, message: str) -> HttpResponse:
    return JsonResponse({"error": {"message": message}}, status=status)
