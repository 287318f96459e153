"""What every response carries: a request id and the content security policy."""

import logging
import re
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.ids import new_id
from core.log_context import bind, unbind

type_of_get_response = Callable[[HttpRequest], HttpResponse]
logger = logging.getLogger("ostinato.requests")
PROBES = {"healthz", "readyz", "metrics"}
ACCEPTABLE_REQUEST_ID = re.compile(r"req_[0-9A-Za-z]{8,64}")


class RequestIdMiddleware:
    """Sets `request.request_id` (events carry it) and answers it as `Request-Id`."""

    def __init__(self, get_response: type_of_get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("Request-Id", "")
        # A proxy may have given one; anything else from outside is not copied into our records.
        request_id = given if ACCEPTABLE_REQUEST_ID.fullmatch(given) else new_id("req")
        request.request_id = request_id  # type: ignore[attr-defined]
        token = bind(request_id=request_id)
        started = time.monotonic()
        try:
            response = self.get_response(request)
            response["Request-Id"] = request_id
            _tell(request, response, started)
            return response
        finally:
            unbind(token)


def _tell(request: HttpRequest, response: HttpResponse, started: float) -> None:
    """One line for a request, by its route: addresses may hold a person's way in."""
    found = request.resolver_match
    logger.log(
        logging.DEBUG if found is None or found.url_name in PROBES else logging.INFO,
        "request",
        extra={
            "method": request.method,
            "route": found.route if found else "",
            "status": response.status_code,
            "ms": int((time.monotonic() - started) * 1000),
        },
    )


class ContentSecurityPolicyMiddleware:
    """The strict policy on every page, Unfold's relaxations under /admin/ only."""

    def __init__(self, get_response: type_of_get_response) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        admin = request.path_info.startswith("/admin/")
        policy = settings.CONTENT_SECURITY_POLICY_ADMIN if admin else settings.CONTENT_SECURITY_POLICY
        response.setdefault("Content-Security-Policy", policy)
        return response
