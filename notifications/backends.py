"""E-mail backends for `EMAIL_BACKEND`."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class OutboxOnlyBackend(BaseEmailBackend):
    """Sends nothing anywhere and says that it did: what was "sent" is read in the dashboard's outbox.

    For the demo and for trying things: `EMAIL_BACKEND=notifications.backends.OutboxOnlyBackend`.
    """

    outbox_is_the_inbox = True  # so even sign-in links stay readable there

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            message.message()  # a mail that a real server would be unable to take must not look fine here
        return len(email_messages)
