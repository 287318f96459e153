"""Pages of the house itself."""

import mimetypes

from django.core.files.storage import default_storage
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from billing_site.brand import brand_stylesheet, parse_hex


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when the process answers and the database does too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


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
