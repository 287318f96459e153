"""The one door of /v1: who asks, what for, with which parameters; the answer or a refusal in Stripe's shape."""

from __future__ import annotations

import functools
import logging
import re
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from api import limits, request_log
from api.bodies import attached, file_response, pairs_of
from api.chosen_prices import with_our_ids
from api.completing import complete
from api.expanding import check_depth, expand
from api.idempotency import fingerprint, once
from api.keys import authenticate, note_use
from api.models import ApiKey, IdempotentRequest
from api.openapi.document import document
from api.openapi.expansion import check_expansions
from api.other_mode import named_by_mode
from api.protocol import errors
from api.protocol.forms import decode
from api.protocol.operation import Call, Download, Operation
from api.protocol.schema import parse
from api.protocol.unbuilt import NotBuilt, check_not_gone, unbuilt
from api.recovery import RESUMED, made_before
from api.resources.events import API_VERSION
from api.routes import EXPANDABLES, ROUTES
from api.scopes import check_allowed
from core.context import Context
from core.errors import OstinatoError
from core.files import MEDIA_TYPES
from core.log_context import bind
from merchants.files import downloaded, linked_file

log = logging.getLogger("api")
_ENCODER = DjangoJSONEncoder()
_VERSION = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9](\.[a-z]{1,30})?")


@dataclass(slots=True)
class _Asked:
    """What the log is told of a request, as far as the door got with it."""

    now: datetime
    started: float
    key: ApiKey | None = None
    values: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False


@csrf_exempt  # callers hold a secret key; no cookie is read here
def v1(request: HttpRequest, path: str = "") -> HttpResponse:
    request_id = getattr(request, "request_id", "")
    asked = _Asked(timezone.now(), time.perf_counter())
    headers: dict[str, str] = {}
    try:
        status, body = _answer(request, request_id, asked)
    except OstinatoError as refusal:
        status, body = errors.status_of(refusal), errors.error_body(refusal, request_id=request_id)
        if isinstance(refusal, limits.RateLimited):
            headers = {"Retry-After": str(refusal.retry_after), "Stripe-Should-Retry": "true"}
    except Exception:
        log.exception("request %s failed", request_id)
        status, body = 500, errors.internal_error_body(request_id=request_id)
    if asked.key is not None:
        _log(request, request_id, asked, asked.key, status, body)
    response = _sent(status, body, headers)
    response["Request-Id"] = request_id
    response["Stripe-Version"] = API_VERSION
    if key := request.headers.get("Idempotency-Key"):
        response["Idempotency-Key"] = key
    if asked.replayed:
        response["Idempotent-Replayed"] = "true"
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="Ostinato"'
    return response


def _sent(status: int, body: dict[str, Any], headers: dict[str, str]) -> HttpResponse:
    if isinstance(body, Download):
        return attached(body, headers)
    # Bodies are plain JSON values; what Django's own encoder takes beside them is taken too.
    content = orjson.dumps(body, default=_ENCODER.default, option=orjson.OPT_INDENT_2)  # as Stripe sends it
    return HttpResponse(content, status=status, content_type="application/json", headers=headers)


def openapi(request: HttpRequest) -> HttpResponse:
    """The API's description. It is no secret, and so takes no key."""
    return HttpResponse(_description(), content_type="application/json")


@require_safe
def shared_file(request: HttpRequest, token: str) -> HttpResponse:
    """A file at its link's public address. What never was there and what has expired look the same: 404."""
    now = timezone.now()
    file = linked_file(token.replace("\x00", ""), at=now)
    if file is None:
        raise Http404
    try:
        content = downloaded(file, at=now)
    except OstinatoError as refusal:
        log.warning("the link of %s leads nowhere: %s", file.id, refusal)
        raise Http404 from None
    return file_response(content, file.filename, MEDIA_TYPES[file.kind], {"Cache-Control": "private, no-store"})


@functools.cache
def _description() -> bytes:
    return orjson.dumps(document())


def _answer(request: HttpRequest, request_id: str, asked: _Asked) -> tuple[int, dict[str, Any]]:
    now = asked.now
    key = asked.key = authenticate(request.headers.get("Authorization", ""), now=now)
    bind(merchant_id=key.merchant_id)  # until the request's own ids are let go
    livemode = key.merchant.livemode
    limits.spend(merchant_id=key.merchant_id, key_id=key.id, limit=limits.limit_of(livemode), now=now)
    note_use(key, now)
    _check_version(request.headers.get("Stripe-Version", API_VERSION))
    _check_account(request.headers.get("Stripe-Account", ""), key)
    # HEAD is answered as GET, without the body. No column takes a NUL, and so no id has one.
    method = "GET" if request.method == "HEAD" else request.method or "GET"
    path = request.path.rstrip("/").replace("\x00", "\ufffd")
    check_not_gone(path)
    found = ROUTES.find(method, path)
    if found is None:
        if what := unbuilt(path):
            raise NotBuilt(what=what, method=method, path=path)
        raise errors.UnrecognizedUrl(method=method, path=path[:200])
    operation, ids = found
    check_allowed(key.scopes, method=method, path=operation.path, key=key.hint, account=key.merchant_id)
    values = asked.values = decode(pairs_of(request, operation.upload_most))
    idempotency_key = request.headers.get("Idempotency-Key", "") if method == "POST" else ""
    ctx = Context(now, now, actor=f"api:{key.id}", request_id=request_id, idempotency_key=idempotency_key)

    def work() -> tuple[int, dict[str, Any]]:
        return _perform(ctx, key, operation, ids, values)

    def again(row: IdempotentRequest) -> tuple[int, dict[str, Any]]:
        """After a try that was cut off: take up what it made, or do it all."""
        made = made_before(row, operation.path)
        return _perform(ctx, key, _resumed(operation), {"id": made}, values) if made else work()

    if not idempotency_key:
        return work()
    print_ = fingerprint(method, path, values)
    answer, asked.replayed = once(ctx, key.merchant_id, idempotency_key, print_, work, again)
    if asked.replayed:
        limits.give_back(key.id)
    return answer


def _log(request: HttpRequest, request_id: str, asked: _Asked, key: ApiKey, status: int, body: dict[str, Any]) -> None:
    """Keep the request. A refusal says where its page is; what was answered never depends on the log."""
    if isinstance(body.get("error"), dict):
        body["error"]["request_log_url"] = f"{settings.SITE_URL}/dashboard/logs/{request_id}/"
    try:
        request_log.write(
            request_log.Entry(
                merchant_id=key.merchant_id,
                request_id=request_id,
                key_id=key.id,
                method=request.method or "GET",
                path=request.path,
                params=asked.values,
                status=status,
                body=body,
                idempotency_key=request.headers.get("Idempotency-Key", ""),
                replayed=asked.replayed,
                user_agent=request.headers.get("User-Agent", ""),
                duration_ms=int((time.perf_counter() - asked.started) * 1000),
                created=asked.now,
            )
        )
    except Exception:
        log.exception("request %s could not be logged", request_id)


def _check_version(version: str) -> None:
    """Whatever version is asked for, the answer is in the one that its header names; nonsense is refused."""
    if not _VERSION.fullmatch(version):
        raise errors.VersionInvalid(version=version[:50])


def _check_account(account: str, key: ApiKey) -> None:
    """Nobody acts for another account here; what was meant for one is not done to the key's own."""
    if account not in ("", key.merchant_id):
        raise errors.AccountInvalid(key=key.hint, account=account[:100])


def _resumed(operation: Operation) -> Operation:
    """The operation with what is left of it to do; where nothing is left, what it made is shown."""
    found = ROUTES.find("GET", f"{operation.path}/made")
    assert found is not None, "what can be made can be read"
    return replace(operation, answer=RESUMED.get(operation.path, found[0].answer))


def _perform(
    ctx: Context, key: ApiKey, operation: Operation, ids: dict[str, str], values: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """The operation's answer. Refusals of its work are answers too: a replay tells them again."""
    params = parse(operation.parameters, values)
    paths = params.pop("expand", [])
    check_depth(paths)
    check_expansions(operation, paths, scopes=key.scopes, key=key.hint, account=key.merchant_id)
    our_ids, params = with_our_ids(key.merchant_id, operation.path, ids, params)
    call = Call(ctx, key.merchant_id, key.merchant.livemode, our_ids, params, frozenset(paths))
    try:
        body = operation.answer(call)
        complete(body, merchant_id=key.merchant_id, livemode=call.livemode)
        expand(body, paths, merchant_id=key.merchant_id, livemode=call.livemode, known=EXPANDABLES)
    except OstinatoError as refusal:
        if refusal.code == "resource_missing" and refusal.params.get("id") in ids.values():
            refusal.param = "id"  # named by the address, whatever a service calls it
        refusal = named_by_mode(refusal, key.merchant)
        return errors.status_of(refusal), errors.error_body(refusal, request_id=ctx.request_id)
    return 200, body
