"""The product's settings with quick hashing, mail kept in memory and a PostgreSQL of the tests' own."""

import os
import tempfile
from pathlib import Path

# A developer's .env, database or Stripe key must never be reached by a test.
os.environ["ENV_FILE"] = os.devnull
for name in (
    "DATABASE_URL",
    "ENCRYPTION_KEYS",
    "STRIPE_API_BASE",
    "STRIPE_MIRROR",
    "SITE_URL",
    "ALLOWED_HOSTS",
    "EMAIL_URL",
    "EMAIL_BACKEND",
    "S3_BUCKET",
):
    os.environ.pop(name, None)

from billing_site.embedded_postgres.server import database_settings
from billing_site.settings import *
from billing_site.settings import BASE_DIR, env

SECRET_KEY = "tests-only-" + "0123456789abcdef" * 4
# A server for each test process: what waits for older transactions waits for its own, not for its neighbour's.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")
TEST_POSTGRES = Path(env.str("TEST_POSTGRES_DIR", default=str(BASE_DIR / "var" / "pg-test"))).with_suffix(
    f".{PROCESS}" if PROCESS else ""
)
if env.str("TEST_DATABASE_URL", default=""):
    DATABASES = {"default": env.db_url("TEST_DATABASE_URL", engine="billing_site.postgresql")}
else:
    DATABASES = {"default": database_settings(TEST_POSTGRES)}
DATABASES["default"]["CONN_MAX_AGE"] = 0

ALLOWED_HOSTS = ["*"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MEDIA_ROOT = Path(tempfile.gettempdir()) / f"ostinato-test-media-{os.getpid()}"
CACHES = {name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"} for name in ("default", "cluster")}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ACCOUNT_RATE_LIMITS = False
LOGGING["root"]["level"] = "WARNING"
