"""Send webhooks until told to stop. Run as many as there is work for, on any host."""

import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from api.webhooks.sender import Sender
from billing_site.processes import die_with_my_parent


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--drain", action="store_true", help="send what is due, and end")
        parser.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")

    def handle(self, *args: Any, **options: Any) -> None:
        sender = Sender(clock=timezone.now)
        if options["drain"]:
            sent, failed = sender.drain()
            self.stdout.write(f"{sent} sent, {failed} failed")
            return
        if options["with_parent"]:
            die_with_my_parent()
        parent = os.getppid()
        stopping: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: stopping.append(number))
        sender.run(lambda: bool(stopping) or os.getppid() != parent)
