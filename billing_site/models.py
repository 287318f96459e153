"""What the house keeps of its own: how often background tasks were begun."""

from django.db import models


class TaskStart(models.Model):
    """A queued task that a worker began, and how often. Gone with its task.

    django-q2 counts a task's attempts when they *end*: one that kills its worker would be tried for ever.
    """

    queue_id = models.BigIntegerField(primary_key=True)  # of the row in the queue
    func = models.TextField()
    starts = models.PositiveIntegerField(default=0)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.func} ({self.starts})"
