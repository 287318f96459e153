"""The files in deploy/: readable by what reads them, and naming nothing that is not there."""

import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from billing_site.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
# Set by the surroundings, not read by Ostinato itself.
NOT_OURS = {"POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB", "MAINPID", "MIGRATE_URL", "PYTHONUNBUFFERED"}


def unit(path: Path) -> configparser.ConfigParser:
    # systemd lets a key come several times; the last is enough for all but ExecStart, read apart.
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def commands_in(text: str) -> list[str]:
    return re.findall(r"manage\.py ([^\n\"'&]+)", re.sub(r"(?m)^\s*#.*$", "", text))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_can_be_read_and_runs_from_its_release(path):
    found = unit(path)
    assert {"Unit", "Service"} <= set(found.sections())
    assert found["Service"]["User"] == "ostinato"
    assert found["Service"]["EnvironmentFile"] == "/etc/ostinato/env"
    assert found["Service"]["WorkingDirectory"].startswith("/srv/ostinato/")
    if path.name != "ostinato-migrate.service":
        assert found["Service"]["Restart"] == "always"
        assert found["Install"]["WantedBy"] == "multi-user.target"


def test_the_three_services_are_there():
    assert [path.stem for path in UNITS] == ["ostinato-cluster", "ostinato-migrate", "ostinato-web"]


@pytest.mark.parametrize("path", [*UNITS, *DEPLOY.glob("*.yaml"), ROOT / "docs" / "deploy.md"], ids=lambda p: p.name)
def test_every_command_exists_and_takes_its_arguments(path):
    known = get_commands()
    for line in commands_in(path.read_text()):
        name, *arguments = shlex.split(line.split("`")[0].split("#")[0].split("|")[0].split(">")[0])
        assert name in known, line
        command = load_command_class(known[name], name) if isinstance(known[name], str) else known[name]
        command.create_parser("manage.py", name).parse_args(arguments)  # exits on one that it does not know


def test_gunicorn_is_given_an_application_that_is_there():
    from billing_site.wsgi import application

    assert callable(application)
    for text in ((DEPLOY / "ostinato-web.service").read_text(), compose()["services"]["web"]["command"]):
        assert "billing_site.wsgi:application" in text


def test_the_compose_file_separates_web_work_and_database():
    services = compose()["services"]
    assert set(services) == {"database", "pooler", "migrate", "web", "cluster"}
    for service in services.values():
        for needed in service.get("depends_on", {}):
            assert needed in services
    assert services["web"]["env_file"] == "env"
    assert services["pooler"]["environment"]["POOL_MODE"] == "transaction"
    # Migrations hold a session: straight to the database.
    assert "@database:5432/" in services["migrate"]["environment"]["DATABASE_URL"]
    assert "@pooler:6432/" in services["web"]["environment"]["DATABASE_URL"]
    assert services["web"]["environment"]["TRANSACTION_POOLING"] == "true"
    build = services["web"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).exists()


@pytest.mark.parametrize("hosts", ["billing.example.com,www.example.com", ".example.com"])
@pytest.mark.django_db(transaction=True)
def test_the_web_servers_health_is_asked_by_a_name_that_it_answers_to(hosts, live_server, settings):
    settings.ALLOWED_HOSTS = hosts.split(",")
    _, python, flag, script = compose()["services"]["web"]["healthcheck"]["test"]
    assert (ROOT / python).exists()
    here = script.replace("http://127.0.0.1:8000", live_server.url)
    assert here != script
    subprocess.run([sys.executable, flag, here], env={**os.environ, "ALLOWED_HOSTS": hosts}, check=True)


def test_no_container_starts_without_the_databases_password():
    text = (DEPLOY / "compose.yaml").read_text()
    assert text.count("${POSTGRES_PASSWORD") == text.count("${POSTGRES_PASSWORD:?}") > 0


def test_no_secret_and_no_part_of_this_machine_goes_into_an_image():
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {".env", "deploy/env", "var", ".venv", "node_modules", ".git"} <= set(left_out)


def test_variables_are_those_of_the_example():
    known = set(re.findall(r"(?m)^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text())) | NOT_OURS
    for service in ("migrate", "web", "cluster"):
        assert set(compose()["services"][service].get("environment", {})) <= known
    for path in UNITS:
        assert set(re.findall(r"\$\{?([A-Z][A-Z_]+)", path.read_text())) <= known


def test_the_pooler_lends_connections_by_the_transaction():
    found = configparser.ConfigParser(comment_prefixes=(";",))
    found.read(DEPLOY / "pgbouncer.ini")
    assert found["pgbouncer"]["pool_mode"] == "transaction"


def test_a_host_of_workers_is_supervised_and_serves_no_page():
    of_workers = Supervisor(host="127.0.0.1", port=1, web_workers=1, say=print, with_web=False)
    assert [child.name for child in of_workers.children] == ["cluster", "webhooks"]


class TestNothingIsKeptInASession:
    """A pooler lends a connection for one transaction: what outlives it would be somebody else's."""

    KEPT = {
        "a lock of the session": re.compile(r"pg_(?:try_)?advisory_(?:un)?lock(?:_shared)?\("),
        "a setting of the session": re.compile(r"[\"'`]\s*SET\s+(?!LOCAL|CONSTRAINTS|TRANSACTION)[a-z_]+\s*(?:=|TO)\s"),
        "a listener": re.compile(r"[\"']\s*(?:LISTEN|UNLISTEN)\s"),
        "a prepared statement": re.compile(r"[\"']\s*PREPARE\s"),
        "a cursor with hold": re.compile(r"WITH HOLD"),
    }

    def sources(self) -> list[Path]:
        rooms = [path.parent for path in ROOT.glob("*/apps.py")] + [ROOT / "core"]
        # Migrations, and the demo's past that `simulate` lives through, go straight to the database.
        apart = {"migrations", "demo"}
        return [path for room in rooms for path in room.rglob("*.py") if not apart & set(path.parts)]

    @pytest.mark.parametrize("what", KEPT)
    def test_by_any_statement(self, what):
        met = [str(path.relative_to(ROOT)) for path in self.sources() if self.KEPT[what].search(path.read_text())]
        assert not met

    def test_temporary_tables_go_with_their_transaction(self):
        for path in self.sources():
            text = path.read_text()
            assert len(re.findall(r"CREATE TEMP", text)) <= text.count("ON COMMIT DROP"), path
