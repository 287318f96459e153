"""Pages of the house itself."""

import logging
import mimetypes
from hmac import compare_digest
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from billing_site.brand import brand_stylesheet, parse_hex
from billing_site.health import NEEDED, Vitals, exposition, vitals

logger = logging.getLogger(__name__)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when the process answers. The database is not asked: restarting this process would not mend it."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """503 when this host can serve nobody (database, migrations); with `?strict=1` also when something is late.

    What is late, and by how much, is told to those who may see the metrics.
    """
    needed = _needed()
    body: dict[str, Any] = {"status": "ready" if all(needed.values()) else "unready", "parts": needed}
    late: list[str] = []
    if all(needed.values()) and ("strict" in request.GET or may_see_metrics(request)):
        found = vitals(timezone.now())
        late = found.late
        if may_see_metrics(request):
            body |= {"late": late, "ages_s": found.ages}
        if late and "strict" in request.GET:
            body["status"] = "late"
    return JsonResponse(body, status=200 if body["status"] == "ready" else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for who has the token or asks from the private network."""
    if not may_see_metrics(request):
        return HttpResponse("forbidden\n", status=403, content_type="text/plain")
    needed = _needed()
    found = vitals(timezone.now()) if all(needed.values()) else Vitals()
    return HttpResponse(exposition(found, needed), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_see_metrics(request: HttpRequest) -> bool:
    """By `METRICS_TOKEN` when there is one; else straight from `METRICS_NETWORKS`, through no proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").encode()
        return compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())
    # A proxy's own address is private: what it passes on is not.
    if any(request.headers.get(name) for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip")):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in ip_network(network) for network in settings.METRICS_NETWORKS)


def _needed() -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name, is_well in NEEDED.items():
        try:
            found[name] = is_well()
        except Exception:
            logger.exception("%s is not ready", name)
            found[name] = False
    return found


@require_safe
def media(request: HttpRequest, name: str) -> FileResponse:
    """A merchant's logo: the only uploads that the public may see. Invoices go through their own views."""
    content_type, _ = mimetypes.guess_type(name)
    if content_type not in {"image/png", "image/jpeg", "image/gif", "image/webp"}:
        raise Http404
    try:
        return FileResponse(default_storage.open(f"logos/{name}"), content_type=content_type)
    except (OSError, ValueError) as missing:  # not there, too long to be there, or no name at all (NUL)
        raise Http404 from missing


@require_safe
@cache_control(public=True, max_age=31_536_000, immutable=True)
def brand_css(request: HttpRequest, digits: str) -> HttpResponse:
    """One colour as custom properties. The address holds the colour, so the answer never changes."""
    return HttpResponse(brand_stylesheet(parse_hex(digits)), content_type="text/css")
