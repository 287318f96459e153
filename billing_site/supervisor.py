"""One process that runs gunicorn, the background cluster and the sender of webhooks; it restarts what dies or hangs and
leaves nothing behind.

Each child leads a process group of its own, so that Ctrl-C reaches only the supervisor, which then stops them in
order. Should the supervisor be killed outright, the kernel signals the children (PR_SET_PDEATHSIG).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

from billing_site.cluster import HEARTBEATS_VARIABLE, Patience, hung_part
from billing_site.embedded_postgres import server as embedded
from billing_site.processes import dies_with_parent

LOOK_EVERY = 0.25
# Importing everything takes long on a busy machine. A long task may use its whole time-out, and django-q2 gives it
# three seconds more.
PATIENCE = Patience(starting=60.0, idle=15.0, busy=settings.Q_CLUSTER["timeout"] + 20.0)
STOP_TIMEOUT = 10.0
LONGEST_PAUSE = 30.0
STEADY_AFTER = 60.0

Say = Callable[[str], None]


class PortIsTaken(RuntimeError):
    """Another process listens on the address."""


@dataclass
class Child:
    """One supervised process group."""

    name: str
    command: list[str]
    # What it gets when the supervisor is killed outright.
    death_signal: int
    say: Say
    env: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None
    started: float = 0.0
    restart_at: float = 0.0
    pause: float = 0.5

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.env},
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=dies_with_parent(self.death_signal),
        )
        self.started = time.time()
        threading.Thread(target=self._relay, args=(self.process,), daemon=True).start()

    def _relay(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        for line in process.stdout:
            self.say(f"{self.name:<8}| {line.rstrip()}")

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Signal the leader; SIGKILL goes to the whole group."""
        if self.process is None:
            return
        try:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            elif self.process.poll() is None:
                self.process.send_signal(number)
        except ProcessLookupError:
            pass

    def plan_restart(self, why: str) -> None:
        """Clear away what is left of the group and start again after a pause that grows with each early death."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.pause = 0.5 if time.time() - self.started > STEADY_AFTER else min(self.pause * 2, LONGEST_PAUSE)
        self.restart_at = time.time() + self.pause
        self.say(f"{'ostinato':<8}| {self.name} {why}; starting again in {self.pause:.0f} s")
        self.process = None


class Supervisor:
    """Runs until SIGINT, SIGTERM or SIGHUP."""

    def __init__(
        self, *, host: str, port: int, web_workers: int, say: Say, ready: str = "", with_web: bool = True
    ) -> None:
        self.with_web = with_web  # a host of workers serves no pages
        self.address = (host, port)
        self.say = say
        self.ready = ready  # said once, when the web server answers
        self.heartbeats = Path(tempfile.mkdtemp(prefix="ostinato-"))
        self.web = Child("web", gunicorn_command(host, port, web_workers), signal.SIGQUIT, say)
        self.cluster = Child(
            "cluster",
            [sys.executable, "manage.py", "cluster"],
            signal.SIGKILL,
            say,
            env={HEARTBEATS_VARIABLE: str(self.heartbeats)},
        )
        self.webhooks = Child("webhooks", [sys.executable, "manage.py", "webhooks"], signal.SIGKILL, say)
        background = (self.cluster, self.webhooks)
        self.children = (self.web, *background) if with_web else background
        self.stopping = False
        self.impatient = False

    def run(self) -> int:
        """Returns 0 after an orderly stop. Raises PortIsTaken."""
        if self.with_web:
            _check_port(self.address)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            while not self.stopping:
                for child in self.children:
                    self._look_after(child)
                if self.ready and (not self.with_web or _listens(self.address)):
                    self.say(self.ready)
                    self.ready = ""
                time.sleep(LOOK_EVERY)
        finally:
            self._stop()
        return 0

    def _on_signal(self, number: int, frame: object) -> None:
        self.impatient = self.stopping
        self.stopping = True

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if time.time() >= child.restart_at:
                self._start(child)
            return
        if not child.is_alive():
            child.plan_restart(f"ended with code {child.process.returncode}")
        elif child is self.cluster and (part := self._hung_part()):
            child.plan_restart(f"hangs (no sign of its part '{part}')")

    def _start(self, child: Child) -> None:
        _ensure_database()
        if child is self.cluster:
            for old in self.heartbeats.iterdir():
                old.unlink()
        child.start()

    def _hung_part(self) -> str:
        return hung_part(self.heartbeats, started=self.cluster.started, now=time.time(), patience=PATIENCE)

    def _stop(self) -> None:
        self.say(f"{'ostinato':<8}| stopping")
        children = self.children
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.time() + STOP_TIMEOUT
        while any(child.is_alive() for child in children) and time.time() < deadline and not self.impatient:
            time.sleep(0.05)
        for child in children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
        shutil.rmtree(self.heartbeats, ignore_errors=True)
        _leave_database()
        self.say(f"{'ostinato':<8}| stopped")


def gunicorn_command(host: str, port: int, workers: int) -> list[str]:
    """The web server as it is run in truth, here and by the benchmarks: processes for the cores, and a few threads
    each, which wait for the database and for processors."""
    command = [sys.executable, "-m", "gunicorn", "billing_site.wsgi:application"]
    command += ["--bind", f"{host}:{port}", "--workers", str(workers), "--threads", "4"]
    if Path("/dev/shm").is_dir():  # noqa: S108 - gunicorn's heartbeat files must not wait for a disk
        command += ["--worker-tmp-dir", "/dev/shm"]  # noqa: S108
    return [*command, "--timeout", "60", "--graceful-timeout", "5", "--keep-alive", "5", "--log-level", "warning"]


def _listens(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def _check_port(address: tuple[str, int]) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as taken:
            raise PortIsTaken(f"{address[0]}:{address[1]} is taken; choose another with PORT=...") from taken


def _ensure_database() -> None:
    data = settings.DATABASES["default"].get("EMBEDDED_DIR")
    if data:
        embedded.ensure_running(Path(data))


def _leave_database() -> None:
    connection.close()
    data = settings.DATABASES["default"].get("EMBEDDED_DIR")
    if data:
        embedded.leave(Path(data))
