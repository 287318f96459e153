"""The embedded PostgreSQL: one server for any number of processes, gone when nobody uses it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
USE = """
import sys, time
from pathlib import Path
from billing_site.embedded_postgres.server import database_url, ensure_running
import psycopg
data = Path(sys.argv[1])
ensure_running(data)
with psycopg.connect(database_url(data, "ostinato")) as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()::text").fetchone()[0], flush=True)
time.sleep(float(sys.argv[2]))
"""


def use(data: Path, seconds: float = 0.0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", USE, str(data), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def servers(data: Path) -> list[psutil.Process]:
    """The postmaster and its keeper; the users above run a `-c`."""
    running = ((process, process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    return [process for process, command in running if str(data) in command and "-c" not in command]


def wait_until_gone(data: Path, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while servers(data):
        assert time.monotonic() < deadline, servers(data)
        time.sleep(0.05)


@pytest.fixture
def data(open_folder, request):
    path = open_folder / request.node.name / "data"
    yield path
    wait_until_gone(path)


def test_processes_that_start_at_once_get_the_same_server(data):
    users = [use(data, 1.0) for _ in range(5)]
    assert len({user.communicate()[0] for user in users}) == 1
    assert {user.returncode for user in users} == {0}


def test_a_user_that_is_killed_does_not_keep_the_server(data):
    user = use(data, 60)
    user.stdout.readline()
    assert len(servers(data)) == 2
    user.kill()
    user.wait()
    wait_until_gone(data, 5)


def test_one_who_comes_while_the_server_closes_waits_for_a_new_one(data):
    for pause in (0.9, 1.1, 1.3, 1.5):  # the keeper lets go about a second after its last user
        assert use(data).wait() == 0
        time.sleep(pause)
    assert use(data).wait() == 0


def test_a_killed_keeper_takes_its_server_with_it_and_the_next_user_gets_another(data):
    user = use(data, 60)
    first = user.stdout.readline()
    (keeper,) = [p for p in servers(data) if "billing_site.embedded_postgres.keeper" in p.cmdline()]
    os.kill(keeper.pid, signal.SIGKILL)
    other = use(data)
    assert other.communicate()[0] not in ("", first)
    user.kill()
    user.wait()


def test_a_pid_file_that_a_crash_left_behind_is_no_hindrance(data):
    assert use(data).wait() == 0
    wait_until_gone(data)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    assert use(data).wait() == 0


def test_a_path_too_long_for_a_socket_listens_elsewhere(open_folder):
    data = open_folder / ("p" * 100) / "data"
    assert use(data).wait() == 0
    wait_until_gone(data)
