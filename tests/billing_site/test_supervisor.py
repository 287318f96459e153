"""The supervisor leaves no process behind, and brings back what dies or hangs."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from billing_site.benchmarks.cluster import migrated_copy

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def _house(var: Path) -> dict[str, str]:
    """The environment of an installation of its own, embedded PostgreSQL included, migrated."""
    var.mkdir()
    migrated_copy(var / "pg")
    keep = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**keep, "VAR_DIR": str(var), "ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "billing_site.settings"}


class Served:
    """A running `manage.py serve` with everything that belongs to it."""

    def __init__(self, env: dict[str, str]) -> None:
        self.var = env["VAR_DIR"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port), "--web-workers", "1"]
        # Inherited output: pytest shows it when a test fails, and no pipe can fill up.
        self.process = subprocess.Popen(command, cwd=ROOT, env=env)
        wait_for(self.answers, 30, "the web server to answer")
        wait_for(lambda: len(self.named("manage.py cluster")) == 6, 30, "the whole cluster")

    def answers(self) -> bool:
        assert self.process.poll() is None, "serve ended by itself"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as page:
                return page.status == 200
        except OSError:
            return False

    def named(self, what: str) -> list[psutil.Process]:
        return [process for process in self.family() if what in " ".join(cmdline(process))]

    def family(self) -> list[psutil.Process]:
        """Every process with this installation's VAR_DIR, found by its environment or its arguments."""
        return [process for process in psutil.process_iter() if belongs_to(process, self.var)]

    def cluster(self) -> psutil.Process:
        """The leader: the only one whose parent is the supervisor."""
        (leader,) = [process for process in self.named("manage.py cluster") if process.ppid() == self.process.pid]
        return leader


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def belongs_to(process: psutil.Process, var: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get("VAR_DIR") == var or any(var in part for part in process.cmdline())
    except psutil.Error:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Up to `seconds` on a machine of one's own; tests share theirs, so four times that."""
    seconds *= 4
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def house(open_folder: Path) -> dict[str, str]:
    return _house(open_folder / "house")


@pytest.fixture
def served(house: dict[str, str]) -> Iterator[Served]:
    """For those that end it."""
    yield from _serving(house)


@pytest.fixture(scope="module")
def lasting(open_folder: Path) -> Iterator[Served]:
    """For those that it survives: it is whole again when they are done."""
    yield from _serving(_house(open_folder / "lasting"))


def _serving(house: dict[str, str]) -> Iterator[Served]:
    running = Served(house)
    yield running
    running.process.kill()
    running.process.wait()
    wait_for(lambda: not running.family(), 15, "the family to be gone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_stop_leaves_no_process_and_exits_with_0(served, number):
    assert served.named("postgres")
    served.process.send_signal(number)
    assert served.process.wait(20) == 0
    wait_for(lambda: not served.family(), 2, f"no survivors: {served.family()}")


def test_a_supervisor_that_is_killed_leaves_no_process(served):
    served.process.kill()
    wait_for(lambda: not served.family(), 15, "no survivors")


def test_a_killed_cluster_is_started_again(lasting):
    killed = lasting.cluster()
    killed.kill()
    wait_for(lambda: any(p.pid != killed.pid for p in lasting.named("manage.py cluster")), 15, "a new cluster")
    wait_for(lambda: len(lasting.named("manage.py cluster")) == 6, 20, "all of it, and nothing of the old one")


def test_a_killed_sentinel_leaves_no_orphans_and_the_cluster_comes_back(lasting):
    (sentinel,) = lasting.cluster().children()
    old = {process.pid for process in sentinel.children()}
    sentinel.kill()
    wait_for(lambda: not old & {p.pid for p in lasting.family()}, 5, "the sentinel's children to be gone")
    wait_for(lambda: len(lasting.named("manage.py cluster")) == 6, 20, "a new cluster")


def test_a_hung_cluster_is_noticed_and_started_again(lasting):
    leader = lasting.cluster()
    (sentinel,) = leader.children()
    # A stopped sentinel is what a lost lock looks like from outside: alive, and not moving.
    sentinel.suspend()
    wait_for(lambda: leader.pid not in {p.pid for p in lasting.family()}, 40, "the hung cluster to be cleared away")
    wait_for(lambda: len(lasting.named("manage.py cluster")) == 6, 20, "a new cluster")


def test_a_killed_web_server_is_started_again(lasting):
    (master,) = [p for p in lasting.named("gunicorn") if p.ppid() == lasting.process.pid]
    master.kill()
    wait_for(lambda: not lasting.answers(), 5, "the web server to be gone")
    wait_for(lasting.answers, 15, "the web server to be back")
