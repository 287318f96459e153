"""The fake Stripe as a process of its own, and its steering wheel. Only HTTP goes between it and us."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from billing_site.processes import dies_with_parent

API_KEY = "sk_test_torture0123456789abcdefghij"


class FakeIsMissing(RuntimeError):
    """The fake lives with the tests, so the torture runs from a checkout only."""


class Steering:
    """What the torture may do over there. Each method is one call."""

    def __init__(self, url: str) -> None:
        self.url, self.account = url, ""

    def __call__(self, name: str, **given: Any) -> Any:
        body = json.dumps({"account": self.account, **given} if self.account else given).encode()
        request = urllib.request.Request(f"{self.url}/_fake/{name}", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.loads(answer.read())


@contextmanager
def fake_stripe() -> Iterator[Steering]:
    """A fake with an account and a key to it, and our settings pointing there. It dies with this process."""
    root = Path(settings.BASE_DIR)
    if not (root / "tests" / "fake_stripe" / "__main__.py").exists():
        raise FakeIsMissing("tests/fake_stripe is not there: run this from a checkout")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_stripe"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=dies_with_parent(),
    )
    try:
        assert process.stdout is not None
        steering = Steering(process.stdout.readline().strip())
        steering.account = steering("open_account", api_key=API_KEY)["id"]
        yield steering
    finally:
        process.terminate()
        process.wait(timeout=20)
