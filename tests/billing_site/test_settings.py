"""Settings: production passes Django's own review, and .env.example names every variable."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SITE_URL": "https://billing.example.com",
    "ALLOWED_HOSTS": "billing.example.com",
    "SECRET_KEY": "k9" * 30 + "-production-like",
    "BEHIND_TLS_PROXY": "true",
}


def manage(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def bare_env(tmp_path: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path), "ENV_FILE": "/dev/null"}


def setting(env: dict[str, str], expression: str) -> str:
    code = f"from django.conf import settings; print({expression})"
    env = {**env, "DJANGO_SETTINGS_MODULE": "billing_site.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_check_deploy_is_clean_in_production(bare_env):
    done = manage({**bare_env, **PRODUCTION}, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.slow
def test_cookies_are_secure_when_the_site_is_https(bare_env):
    cookies = "settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS > 0"
    assert setting({**bare_env, **PRODUCTION}, cookies) == "True True True"
    assert setting(bare_env, cookies) == "False False False"


@pytest.mark.slow
def test_a_generated_secret_is_made_once_and_kept_from_others(bare_env, tmp_path):
    first, second = (setting(bare_env, "settings.SECRET_KEY") for _ in range(2))
    assert first == second
    assert len(first) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_importing_everything_starts_no_server(bare_env, tmp_path):
    setting(bare_env, "__import__('django').setup()")
    assert not (tmp_path / "pg").exists()


def test_env_example_names_every_variable():
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    sources = [ROOT / "billing_site" / "settings.py", ROOT / "tests" / "settings.py"]
    read = {name for path in sources for name in re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', path.read_text())}
    assert read <= named
    assert named - read == {"CHROMIUM"}


@pytest.mark.slow
def test_a_copy_of_env_example_changes_nothing(bare_env):
    looked_at = "settings.SITE_URL, settings.ALLOWED_HOSTS[:2], settings.DEBUG, settings.HTTPS, settings.EMAIL_BACKEND"
    assert setting({**bare_env, "ENV_FILE": str(ROOT / ".env.example")}, looked_at) == setting(bare_env, looked_at)
