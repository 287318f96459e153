"""Files that a merchant uploads, and the addresses at which others may fetch them."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.files import PURPOSES, Purpose, kind_of, megabytes, safe_name
from core.ids import new_id
from events.types import EventRow
from events.writes import record_events
from merchants.models import File, FileLink, Merchant
from merchants.snapshots import file_snapshot

logger = logging.getLogger(__name__)


class FileNotFound(OstinatoError):
    code = "resource_missing"
    param = "file"
    message_id = gettext_noop("There is no such file.")


class FilePurposeUnknown(OstinatoError):
    code = "parameter_invalid"
    param = "purpose"
    message_id = gettext_noop("“%(purpose)s” is nothing that a file can be for here.")


class FileEmpty(OstinatoError):
    code = "parameter_invalid_empty"
    param = "file"
    message_id = gettext_noop("The file is empty.")


class FileTooLarge(OstinatoError):
    code = "file_too_large"
    param = "file"
    message_id = gettext_noop("The file is larger than %(most)s MB.")


class FileTypeNotTaken(OstinatoError):
    code = "file_type_unsupported"
    param = "file"
    message_id = gettext_noop("This is no file of a kind that is taken here: %(kinds)s.")


class FileExpired(OstinatoError):
    code = "file_expired"
    param = "file"
    message_id = gettext_noop("The file %(name)s has expired. Upload it again.")


class FileNotShown(OstinatoError):
    code = "file_not_downloadable"
    param = "file"
    message_id = gettext_noop("A file for “%(purpose)s” cannot be downloaded again.")


class FileDamaged(OstinatoError):
    code = "file_damaged"
    param = "file"
    message_id = gettext_noop("The stored file %(name)s is missing or was altered. Restore it from a backup.")


class FileLinkNotFound(OstinatoError):
    code = "resource_missing"
    param = "id"
    message_id = gettext_noop("There is no such file link.")


class FileLinkExpiryPast(OstinatoError):
    code = "parameter_invalid"
    param = "expires_at"
    message_id = gettext_noop("A link expires at a moment that is still to come.")


def files_of(merchant_id: str) -> QuerySet[File]:
    """The merchant's, the latest first."""
    return File.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def file_by_id(merchant_id: str, file_id: str) -> File:
    """Raises `FileNotFound`, for another merchant's too."""
    found = files_of(merchant_id).filter(id=file_id).first()
    if found is None:
        raise FileNotFound
    return found


def file_links_of(merchant_id: str) -> QuerySet[FileLink]:
    """The merchant's links with their files, the latest first."""
    return FileLink.objects.filter(merchant_id=merchant_id).select_related("file").order_by("-created", "-id")


def expired_links(at: datetime) -> Q:
    """Which links are over at that moment, by themselves or with their file."""
    return Q(expires_at__lte=at) | Q(file__expires_at__lte=at)


def store_file(*, ctx: Context, merchant_id: str, purpose: str, name: str, content: bytes) -> File:
    """Keep the bytes for a purpose; what they are is read from them. The stored file is there before the row.

    Raises `FilePurposeUnknown`, `FileEmpty`, `FileTooLarge`, `FileTypeNotTaken`.
    """
    kind = _checked_kind(purpose, name, content)
    file_id = new_id("file")
    kept = PURPOSES[purpose].kept
    stored = default_storage.save(f"files/{merchant_id}/{file_id}.{kind}", ContentFile(content))
    try:
        with transaction.atomic():
            file = File.objects.create(
                id=file_id,
                merchant_id=merchant_id,
                purpose=purpose,
                filename=safe_name(name),
                kind=kind,
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                content=stored,
                expires_at=ctx.as_of + kept if kept else None,
                created=ctx.as_of,
                recorded_at=ctx.recorded_at,
            )
            _tell(ctx, file)
    except BaseException:
        default_storage.delete(stored)
        raise
    return file


def check_upload(purpose: str, size: int) -> Purpose:
    """Whether that many bytes may come at all. Raises `FilePurposeUnknown`, `FileEmpty`, `FileTooLarge`."""
    rule = PURPOSES.get(purpose)
    if rule is None:
        raise FilePurposeUnknown(purpose=purpose)
    if size <= 0:
        raise FileEmpty
    if size > rule.most:
        raise FileTooLarge(most=megabytes(rule.most))
    return rule


def _checked_kind(purpose: str, name: str, content: bytes) -> str:
    rule = check_upload(purpose, len(content))
    kind = kind_of(content, name)
    if kind not in rule.kinds:
        raise FileTypeNotTaken(kinds=", ".join(rule.kinds))
    return kind


def file_content(file: File, *, at: datetime) -> bytes:
    """The bytes as they were uploaded. Raises `FileExpired`, `FileDamaged`."""
    if file.is_over(at):
        raise FileExpired(name=file.filename)
    try:
        with file.content.open("rb") as stored:
            content: bytes = stored.read()
    except (OSError, ValueError):
        content = b""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        logger.error("%s: the stored file %s is missing or altered", file.id, file.content.name)
        raise FileDamaged(name=file.filename)
    return content


def downloaded(file: File, *, at: datetime) -> bytes:
    """The bytes for whoever may have them. Raises `FileNotShown`, `FileExpired`, `FileDamaged`."""
    if not PURPOSES[file.purpose].shown:
        raise FileNotShown(purpose=file.purpose)
    return file_content(file, at=at)


def create_file_link(
    *,
    ctx: Context,
    merchant_id: str,
    file_id: str,
    expires_at: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
) -> FileLink:
    """A new public address of a file. Raises `FileNotFound`, `FileNotShown`, `FileExpired`, `FileLinkExpiryPast`."""
    file = file_by_id(merchant_id, file_id)
    check_linkable(file.purpose)
    if file.is_over(ctx.as_of):
        raise FileExpired(name=file.filename)
    check_link_expiry(expires_at, ctx.as_of)
    return FileLink.objects.create(
        merchant_id=merchant_id,
        file=file,
        token=secrets.token_urlsafe(32),
        expires_at=expires_at,
        metadata=dict(metadata or {}),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def check_linkable(purpose: str) -> None:
    """Raises `FileNotShown`."""
    if purpose in PURPOSES and not PURPOSES[purpose].shown:
        raise FileNotShown(purpose=purpose)


def check_link_expiry(expires_at: datetime | None, at: datetime, *, param: str = "expires_at") -> None:
    """Raises `FileLinkExpiryPast`."""
    if expires_at is not None and expires_at <= at:
        raise FileLinkExpiryPast(param=param)


def update_file_link(
    *,
    merchant_id: str,
    link_id: str,
    expires_at: datetime | None,
    metadata: Mapping[str, str],
) -> FileLink:
    """Set when the link ends (None: with its file) and its metadata, whole. Raises `FileLinkNotFound`."""
    with transaction.atomic():
        rows = FileLink.objects.select_for_update(no_key=True, of=("self",)).select_related("file")
        link = rows.filter(merchant_id=merchant_id, id=link_id).first()
        if link is None:
            raise FileLinkNotFound
        link.expires_at, link.metadata = expires_at, dict(metadata)
        link.save(update_fields=["expires_at", "metadata"])
    return link


def linked_file(token: str, *, at: datetime) -> File | None:
    """The file behind a public address; None when there is none, or not any more."""
    links = FileLink.objects.filter(token=token).exclude(expired_links(at)).select_related("file")
    link = links.first()
    return link.file if link else None


def files_by_id(merchant_id: str, ids: Sequence[str]) -> dict[str, File]:
    """Those of the ids that are the merchant's files. One query."""
    return {file.id: file for file in files_of(merchant_id).filter(id__in=set(ids))} if ids else {}


def _tell(ctx: Context, file: File) -> None:
    keeps = Merchant.objects.values_list("keep_event_bodies", flat=True).get(id=file.merchant_id)
    row = EventRow(
        merchant_id=file.merchant_id,
        type="file.created",
        object_type="file",
        object_id=file.id,
        object_version=1,
        body=file_snapshot(file) if keeps else None,
    )
    record_events(ctx, [row])
