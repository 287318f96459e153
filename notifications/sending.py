"""Send what is queued.

  1. Claim a few due messages with a lease (SKIP LOCKED), and commit: no lock is held while a mail server talks.
  2. Make each mail, the invoice's PDF attached, and hand it to Django's e-mail backend.
  3. Mark it sent; or keep the error and try again later, at last give it up.

A worker that dies between 2 and 3 leaves its lease to run out, and the mail goes once more, under the same
Message-ID.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from core.context import Context
from invoicing.pdf.service import invoice_pdf
from merchants.models import Merchant
from notifications.backends import OUTBOX_HEADER
from notifications.models import Message, MessageStatus
from notifications.rules import ATTACHES_PDF, LEASE, next_try
from notifications.selectors import reply_address

logger = logging.getLogger(__name__)

# Few at once: a server that lets each wait for its time-out must not outlast the lease.
AT_ONCE = 4
ERROR_LENGTH = 1000


def send_due(*, ctx: Context, max_seconds: float | None) -> tuple[int, int]:
    """Send what is due, or as much as `max_seconds` allow. Returns how many were sent and how many tries failed."""
    sent = failed = 0
    backend = get_connection(fail_silently=False)
    for message in _claimed(ctx, max_seconds):
        if _send_one(ctx, message, backend):
            sent += 1
        else:
            failed += 1
    return sent, failed


def _claimed(ctx: Context, max_seconds: float | None) -> Iterator[Message]:
    deadline = time.monotonic() + max_seconds if max_seconds else None
    while deadline is None or time.monotonic() < deadline:
        with transaction.atomic(durable=True):
            due = list(
                Message.objects.select_for_update(skip_locked=True)
                .filter(status=MessageStatus.QUEUED, next_attempt_at__lte=ctx.recorded_at)
                .order_by("next_attempt_at", "id")[:AT_ONCE]
            )
            Message.objects.filter(id__in=[message.id for message in due]).update(
                next_attempt_at=ctx.recorded_at + LEASE
            )
        yield from due
        if len(due) < AT_ONCE:
            return


def _send_one(ctx: Context, message: Message, backend: BaseEmailBackend) -> bool:
    attempts = message.attempts + 1
    try:
        _mail(ctx, message, backend).send()
    except Exception as error:  # whatever a mail server or a file does wrong is this message's error, not the queue's
        logger.warning("Message %s was not sent: %s", message.id, error)
        # A refused address stays refused.
        again = None if isinstance(error, SMTPRecipientsRefused) else next_try(attempts, ctx.recorded_at)
        Message.objects.filter(id=message.id).update(
            attempts=attempts,
            error=f"{type(error).__name__}: {error}"[:ERROR_LENGTH],
            next_attempt_at=again,
            status=MessageStatus.QUEUED if again else MessageStatus.FAILED,
        )
        return False
    # A sign-in link is a key to the subscriber's account: it is not kept where the merchant's members can read it.
    secret = message.kind == "portal_link" and not getattr(backend, "outbox_is_the_inbox", False)
    Message.objects.filter(id=message.id).update(
        attempts=attempts,
        error="",
        status=MessageStatus.SENT,
        sent_at=ctx.recorded_at,
        next_attempt_at=None,
        **({"text": "", "html": ""} if secret else {}),
    )
    return True


def _mail(ctx: Context, message: Message, backend: BaseEmailBackend) -> EmailMultiAlternatives:
    merchant = Merchant.objects.get(id=message.merchant_id)
    address = settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip("> ")
    quoted = merchant.name.replace("\\", "").replace('"', "").replace("\n", " ").replace("\r", " ")
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=f'"{quoted}" <{address}>',
        to=[message.to],
        reply_to=[answers] if (answers := reply_address(merchant)) else None,
        headers={
            "Message-ID": f"<{message.id}@{address.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
            OUTBOX_HEADER: message.id,
        },
        connection=backend,
    )
    mail.attach_alternative(message.html, "text/html")
    if message.invoice_id and message.kind in ATTACHES_PDF:
        content, name, _ = invoice_pdf(ctx=ctx, merchant_id=message.merchant_id, invoice_id=message.invoice_id)
        mail.attach(name, content, "application/pdf")
    return mail
