"""A merchant's files and their links as Stripe's JSON objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.files import PURPOSES
from core.json_values import epoch

Json = dict[str, Any]


def file_snapshot(file: Any, links: Sequence[Json] = (), *, more: bool = False) -> Json:
    """Stripe's file object; `url` is the path below the site's own address, `more`: not all links are there."""
    return {
        "id": file.id,
        "object": "file",
        "created": epoch(file.created),
        "expires_at": epoch(file.expires_at),
        "filename": file.filename,
        "links": {
            "object": "list",
            "data": list(links),
            "has_more": more,
            "url": f"/v1/file_links?file={file.id}",
        },
        "purpose": file.purpose,
        "size": file.size,
        "title": None,
        "type": file.kind,
        "url": f"/v1/files/{file.id}/contents" if PURPOSES[file.purpose].shown else None,
    }


def file_link_snapshot(link: Any, *, at: datetime) -> Json:
    """Stripe's file_link object as of `at`; a link is over with its file."""
    ends = min((end for end in (link.expires_at, link.file.expires_at) if end is not None), default=None)
    return {
        "id": link.id,
        "object": "file_link",
        "created": epoch(link.created),
        "expired": ends is not None and ends <= at,
        "expires_at": epoch(link.expires_at),
        "file": link.file_id,
        "metadata": dict(link.metadata),
        "url": f"/links/{link.token}",
    }
