"""E-mail backends for `EMAIL_BACKEND`."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend as PrintingBackend

OUTBOX_HEADER = "X-Ostinato-Message"  # the id of the stored message


class OutboxOnlyBackend(PrintingBackend):
    """Sends nothing anywhere: a mail of the outbox counts as sent and is read in the dashboard, others are printed.

    The default while no mail server is given, so for the demo and for trying things.
    """

    outbox_is_the_inbox = True  # so even sign-in links stay readable there

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        others = [message for message in email_messages if OUTBOX_HEADER not in message.extra_headers]
        ours = [message for message in email_messages if OUTBOX_HEADER in message.extra_headers]
        for message in ours:
            message.message()  # a mail that no real server could take must not look fine here
        return len(ours) + ((super().send_messages(others) or 0) if others else 0)
