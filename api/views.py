"""The one door of /v1: who asks, what for, with which parameters; the answer or a refusal in Stripe's shape."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from api.completing import complete
from api.expanding import expand
from api.idempotency import fingerprint, once
from api.keys import authenticate
from api.models import ApiKey
from api.protocol import errors
from api.protocol.forms import decode
from api.protocol.operation import Call, Operation
from api.protocol.schema import parse
from api.protocol.unbuilt import NotBuilt, unbuilt
from api.resources.events import API_VERSION
from api.routes import EXPANDABLES, ROUTES
from core.context import Context
from core.errors import OstinatoError

log = logging.getLogger("api")
_VERSION = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9](\.[a-z]{1,30})?")
BODY_MAX = 1_000_000


@csrf_exempt  # callers hold a secret key; no cookie is read here
def v1(request: HttpRequest, path: str = "") -> HttpResponse:
    request_id = getattr(request, "request_id", "")
    try:
        status, body, replayed = _answer(request, request_id)
    except OstinatoError as refusal:
        status, body, replayed = errors.status_of(refusal), errors.error_body(refusal, request_id=request_id), False
    except Exception:
        log.exception("request %s failed", request_id)
        status, body, replayed = 500, errors.internal_error_body(request_id=request_id), False
    response = JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
    response["Request-Id"] = request_id
    response["Stripe-Version"] = API_VERSION
    if key := request.headers.get("Idempotency-Key"):
        response["Idempotency-Key"] = key
    if replayed:
        response["Idempotent-Replayed"] = "true"
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="Ostinato"'
    return response


def _answer(request: HttpRequest, request_id: str) -> tuple[int, dict[str, Any], bool]:
    now = timezone.now()
    key = authenticate(request.headers.get("Authorization", ""), now=now)
    _check_version(request.headers.get("Stripe-Version", API_VERSION))
    method, path = request.method or "GET", request.path.rstrip("/")
    found = ROUTES.find(method, path)
    if found is None:
        if what := unbuilt(path):
            raise NotBuilt(what=what, method=method, path=path)
        raise errors.UnrecognizedUrl(method=method, path=path)
    operation, ids = found
    values = decode(_pairs(request))
    idempotency_key = request.headers.get("Idempotency-Key", "") if method == "POST" else ""
    ctx = Context(now, now, actor=f"api:{key.id}", request_id=request_id, idempotency_key=idempotency_key)

    def work() -> tuple[int, dict[str, Any]]:
        return _perform(ctx, key, operation, ids, values)

    if not idempotency_key:
        return *work(), False
    print_ = fingerprint(method, path, values)
    (status, body), replayed = once(ctx, key.merchant_id, idempotency_key, print_, work)
    return status, body, replayed


def _check_version(version: str) -> None:
    """Whatever version is asked for, the answer is in the one that its header names; nonsense is refused."""
    if not _VERSION.fullmatch(version):
        raise errors.VersionInvalid(version=version[:50])


def _perform(
    ctx: Context, key: ApiKey, operation: Operation, ids: dict[str, str], values: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """The operation's answer. Refusals of its work are answers too: a replay tells them again."""
    params = parse(operation.parameters, values)
    paths = params.pop("expand", [])
    call = Call(ctx, key.merchant_id, key.merchant.livemode, ids, params, frozenset(paths))
    try:
        body = operation.answer(call)
        complete(body, merchant_id=key.merchant_id, livemode=call.livemode)
        expand(body, paths, merchant_id=key.merchant_id, livemode=call.livemode, known=EXPANDABLES)
    except OstinatoError as refusal:
        return errors.status_of(refusal), errors.error_body(refusal, request_id=ctx.request_id)
    return 200, body


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """The request's parameters: the query's, then a form body's."""
    if int(request.headers.get("Content-Length") or 0) > BODY_MAX:
        raise errors.BodyTooLarge(most=BODY_MAX)
    try:
        body = request.body.decode() if request.method == "POST" else ""
        query = request.META.get("QUERY_STRING", "")
        return [
            pair
            for text in (query, body)
            for pair in parse_qsl(text, keep_blank_values=True, strict_parsing=False, errors="strict")
        ]
    except UnicodeDecodeError:
        raise errors.BodyUnreadable from None
