"""Who reads the outbox. Each consumer keeps its own place; a new one begins at the beginning and catches up."""

from events.types import Consumer
from notifications.consumers import EVENT_TYPES as MAIL_EVENT_TYPES, queue_mails

CONSUMERS = (Consumer("notifications.mails", queue_mails, MAIL_EVENT_TYPES),)
