"""/v1/files and /v1/file_links: what was uploaded, and the public addresses of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from api.lookup import found, new_metadata
from api.paging import in_range, page
from api.protocol.operation import Call, Download, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    Upload,
    boolean,
    choice,
    fields,
    hash_of,
    merged_metadata,
    text,
    timestamp,
    upload,
)
from core.files import MEDIA_TYPES, MOST, PURPOSES
from merchants import files as services
from merchants.models import File, FileLink
from merchants.snapshots import file_link_snapshot, file_snapshot
from payments.types import EVIDENCE_FILES

URL, LINKS = "/v1/files", "/v1/file_links"
LINKS_SHOWN = 10
PURPOSE = choice(*PURPOSES)
CREATE = fields(
    file=upload(required=True),
    file_link_data=hash_of(fields(METADATA, create=boolean(required=True), expires_at=timestamp())),
    purpose=choice(*PURPOSES, required=True),
)
LIST = fields(PAGE, created=RANGE, purpose=PURPOSE)
LINK_CREATE = fields(METADATA, expires_at=timestamp(), file=text(required=True, most=200))
LINK_UPDATE = fields(METADATA, expires_at=timestamp("now", clearable=True))
LINK_LIST = fields(PAGE, created=RANGE, expired=boolean(), file=text(most=200))


def _shown(merchant_id: str, rows: Sequence[File], at: datetime) -> list[Json]:
    """Files with their latest links: one query, whatever their number."""
    links: defaultdict[str, list[Json]] = defaultdict(list)
    for link in services.file_links_of(merchant_id).filter(file__in=[row.id for row in rows]):
        links[link.file_id].append(file_link_snapshot(link, at=at))
    return [file_snapshot(row, links[row.id][:LINKS_SHOWN], more=len(links[row.id]) > LINKS_SHOWN) for row in rows]


def _file(call: Call) -> File:
    return found(services.files_of(call.merchant_id), call.id, "file upload")


def create(call: Call) -> Json:
    """Keep a file, and with `file_link_data[create]` its link: both or neither."""
    sent: Upload = call.params["file"]
    purpose, link = call.params["purpose"], call.params.get("file_link_data", {})
    services.check_upload(purpose, len(sent.content))
    if link.get("create"):
        services.check_linkable(purpose)
        services.check_link_expiry(link.get("expires_at"), call.ctx.as_of, param="file_link_data[expires_at]")
    metadata = new_metadata(link)
    with transaction.atomic():
        file = services.store_file(
            ctx=call.ctx, merchant_id=call.merchant_id, purpose=purpose, name=sent.name, content=sent.content
        )
        if link.get("create"):
            services.create_file_link(
                ctx=call.ctx,
                merchant_id=call.merchant_id,
                file_id=file.id,
                expires_at=link.get("expires_at"),
                metadata=metadata,
            )
    return _shown(call.merchant_id, [file], call.ctx.as_of)[0]


def retrieve(call: Call) -> Json:
    return _shown(call.merchant_id, [_file(call)], call.ctx.as_of)[0]


def list_(call: Call) -> Json:
    rows = in_range(services.files_of(call.merchant_id), "created", call.params.get("created"))
    if "purpose" in call.params:
        rows = rows.filter(purpose=call.params["purpose"])
    return page(rows, call, lambda shown: _shown(call.merchant_id, shown, call.ctx.as_of), url=URL)


def contents(call: Call) -> Json:
    file = _file(call)
    return Download(services.downloaded(file, at=call.ctx.as_of), file.filename, MEDIA_TYPES[file.kind])


def _link(call: Call) -> FileLink:
    return found(services.file_links_of(call.merchant_id), call.id, "file link")


def create_link(call: Call) -> Json:
    link = services.create_file_link(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        file_id=call.params["file"],
        expires_at=call.params.get("expires_at"),
        metadata=new_metadata(call.params),
    )
    return file_link_snapshot(link, at=call.ctx.as_of)


def retrieve_link(call: Call) -> Json:
    return file_link_snapshot(_link(call), at=call.ctx.as_of)


def update_link(call: Call) -> Json:
    """`now` ends it at once, empty lets it last as long as its file."""
    link, params = _link(call), call.params
    expires_at = params.get("expires_at", link.expires_at)
    if isinstance(expires_at, datetime) and "expires_at" in params:
        services.check_link_expiry(expires_at, call.ctx.as_of)
    metadata = merged_metadata(link.metadata, params["metadata"]) if "metadata" in params else link.metadata
    changed = services.update_file_link(
        merchant_id=call.merchant_id,
        link_id=link.id,
        expires_at=call.ctx.as_of if expires_at == "now" else expires_at,
        metadata=metadata,
    )
    return file_link_snapshot(changed, at=call.ctx.as_of)


def list_links(call: Call) -> Json:
    params, at = call.params, call.ctx.as_of
    rows = in_range(services.file_links_of(call.merchant_id), "created", params.get("created"))
    if "file" in params:
        rows = rows.filter(file_id=params["file"])
    if "expired" in params:
        over = services.expired_links(at)
        rows = rows.filter(over) if params["expired"] else rows.exclude(over)
    return page(rows, call, lambda shown: [file_link_snapshot(link, at=at) for link in shown], url=LINKS)


OPERATIONS = [
    Operation("POST", URL, create, CREATE, upload_most=MOST),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("GET", URL + "/{id}/contents", contents, media_type="*/*"),
    Operation("POST", LINKS, create_link, LINK_CREATE),
    Operation("GET", LINKS, list_links, LINK_LIST),
    Operation("GET", LINKS + "/{id}", retrieve_link),
    Operation("POST", LINKS + "/{id}", update_link, LINK_UPDATE),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    """Files where an object names them. As of nobody's moment: without their links."""
    return {file_id: file_snapshot(row) for file_id, row in services.files_by_id(merchant_id, ids).items()}


LOADERS = dict.fromkeys(("file", *EVIDENCE_FILES), load)
