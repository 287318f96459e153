"""Who reads the outbox. Each consumer keeps its own place; a new one begins at the beginning and catches up."""

from api.webhooks.deliveries import make_deliveries
from engine.consumers import (
    ANSWER_EVENT_TYPES,
    EVENT_TYPES as NEW_METHOD_EVENT_TYPES,
    bring_retries_forward,
    tell_checkouts,
)
from events.types import Consumer
from insights.consumers import EVENT_TYPES as SUBSCRIPTION_EVENT_TYPES, record_movements
from notifications.consumers import EVENT_TYPES as MAIL_EVENT_TYPES, queue_mails

CONSUMERS = (
    Consumer("engine.retries", bring_retries_forward, NEW_METHOD_EVENT_TYPES),
    Consumer("engine.checkouts", tell_checkouts, ANSWER_EVENT_TYPES),
    Consumer("insights.movements", record_movements, SUBSCRIPTION_EVENT_TYPES),
    Consumer("notifications.mails", queue_mails, MAIL_EVENT_TYPES),
    Consumer("api.webhooks", make_deliveries),
)
