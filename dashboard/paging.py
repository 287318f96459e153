"""Pages of a list that may be very long."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

MOST_COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts no further than `MOST_COUNTED`: nobody leafs through more, and counting millions takes seconds."""

    object_list: Any

    @cached_property
    def count(self) -> int:
        rows = self.object_list.data.data  # the table's query set
        assert isinstance(rows, QuerySet)
        return rows.order_by().values("pk")[:MOST_COUNTED].count()

    @property
    def capped(self) -> bool:
        return self.count == MOST_COUNTED
