"""Our own webhooks' view behind a real socket, in a process of its own."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections

from billing_site.processes import dies_with_parent


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads along."""


@contextmanager
def our_webhooks() -> Iterator[None]:
    """SITE_URL is where they are delivered to, for as long as this lasts."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    address = listening.getsockname()
    listening.close()
    before, settings.SITE_URL = settings.SITE_URL, f"http://127.0.0.1:{address[1]}"
    connections.close_all()
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        _serve(address, told)
    os.close(told)
    os.read(ready, 1)
    os.close(ready)
    try:
        yield
    finally:
        settings.SITE_URL = before
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _serve(address: tuple[str, int], told: int) -> None:
    try:
        dies_with_parent()()
        logging.disable(logging.CRITICAL)
        server = ThreadedWSGIServer(address, _Quiet)
        server.set_app(get_wsgi_application())
        os.write(told, b"1")
        server.serve_forever()
    finally:
        os._exit(1)
