"""Run a background cluster (as many as you like, on as many hosts as you like)."""

import sys
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`manage.py qcluster`, with the cures of billing_site/cluster.py."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        from billing_site.cluster import run

        sys.exit(run())
