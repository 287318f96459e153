"""What a request carries and what an answer sends that is no JSON: forms, uploads, downloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.http import content_disposition_header

from api.protocol import errors
from api.protocol.forms import MAX_PAIRS, TooManyParameters
from api.protocol.operation import Download
from api.protocol.schema import Upload

BODY_MAX = 1_000_000
_MULTIPART = "multipart/form-data"
_OTHER_BODIES = ("json", "xml", _MULTIPART, "/octet-stream")
# A file is handed over to be kept, never to be shown or run in the reader's browser.
_AS_A_FILE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


def pairs_of(request: HttpRequest, upload_most: int = 0) -> list[tuple[str, Any]]:
    """The request's parameters: the query's, then a form body's; an `Upload` for each file.

    `upload_most` are the bytes of a file where the operation takes one; what is longer is refused before it is read.
    """
    kind = (request.content_type or "").lower()
    takes_file = upload_most and request.method == "POST" and kind == _MULTIPART
    most = BODY_MAX + upload_most if takes_file else BODY_MAX
    if int(request.headers.get("Content-Length") or 0) > most:
        raise errors.BodyTooLarge(most=most)
    if takes_file and _is_chunked(request):
        raise errors.BodyLengthMissing
    try:
        query = _parsed(request.META.get("QUERY_STRING", ""))
        if takes_file:
            return [*query, *_multipart(request)]
        # curl's way with a DELETE's parameters is a body, the clients' is the query.
        body = _body_of(request).decode() if request.method in ("POST", "DELETE") else ""
        if body and kind.endswith(_OTHER_BODIES):
            raise errors.BodyNotForm(type=kind[:100])
        return [*query, *_parsed(body)]
    except UnicodeDecodeError:
        raise errors.BodyUnreadable from None


def _is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.headers.get("Transfer-Encoding", "").lower()


def _body_of(request: HttpRequest) -> bytes:
    """The body, one that comes in chunks too: it says no length, which Django takes for nothing at all."""
    if not _is_chunked(request):
        return request.body
    if not request.META.get("wsgi.input_terminated"):  # a server that does not say where the body ends
        raise errors.BodyLengthMissing
    content: bytes = request.META["wsgi.input"].read(BODY_MAX + 1)
    if len(content) > BODY_MAX:
        raise errors.BodyTooLarge(most=BODY_MAX)
    return content


def _parsed(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, strict_parsing=False, errors="strict")


def _multipart(request: HttpRequest) -> Iterator[tuple[str, Any]]:
    try:
        texts, files = request.POST, request.FILES
    except RequestDataTooBig:
        raise errors.BodyTooLarge(most=BODY_MAX) from None
    except (TooManyFieldsSent, TooManyFilesSent):
        raise TooManyParameters(most=MAX_PAIRS) from None
    except (MultiPartParserError, UnreadablePostError):
        raise errors.BodyMalformed from None
    for name, values in texts.lists():
        yield from ((name, value) for value in values)
    for name, uploads in files.lists():
        yield from ((name, Upload(one.name or "", one.read())) for one in uploads)


def attached(body: Download, headers: dict[str, str]) -> HttpResponse:
    """The answer that is a file."""
    return file_response(body.content, str(body["filename"]), body.media_type, headers)


def file_response(content: bytes, name: str, media_type: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """Bytes under their name, to be kept."""
    named = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    return HttpResponse(content, content_type=media_type, headers={**_AS_A_FILE, **named, **(headers or {})})
