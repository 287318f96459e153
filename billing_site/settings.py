"""Settings, read from the environment; `.env.example` names and explains every variable."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ
from django.utils.translation import gettext_lazy as _

from billing_site.embedded_postgres.server import database_settings
from billing_site.staff_theme import UNFOLD as UNFOLD, UNFOLD_APPS  # UNFOLD is a setting

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)


def _generated_secret() -> str:
    # Made once: a key that changed at each start would log everybody out and drop queued tasks.
    path = VAR_DIR / "secret_key"
    if not path.exists():
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            path.hardlink_to(fresh)  # only one of several processes wins
        except FileExistsError:
            pass
        fresh.unlink()
    return path.read_text().strip()


# --- who and where -----------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _generated_secret()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# What seals the processors' keys in the database, the newest first; SECRET_KEY does when there is none.
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])
PORT = env.int("PORT", default=8000)
SITE_URL = env.str("SITE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = SITE_URL.startswith("https://")

# --- parts -------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "merchants.User"
OUR_APPS = [
    "merchants",
    "events",
    "catalog",
    "customers",
    "subscriptions",
    "usage",
    "invoicing",
    "payments",
    "dunning",
    "engine",
    "insights",
    "notifications",
    "api",
    "dashboard",
    "portal",
    "billing_site",
]
INSTALLED_APPS = [
    *OUR_APPS,
    *UNFOLD_APPS,
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "lucide",
    "django_q",
    "djstripe",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "billing_site.middleware.RequestIdMiddleware",
    "billing_site.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "billing_site.urls"
WSGI_APPLICATION = "billing_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # Money, dates and statuses are shown on every page.
            "builtins": ["billing_site.templatetags.formatting"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# --- database and cache ------------------------------------------------------------------------------------
def _database(variable: str) -> dict[str, Any]:
    database: dict[str, Any] = env.db_url(variable, engine="billing_site.postgresql")
    # A Unix socket's folder stands in the URL with its slashes quoted.
    return {**database, "HOST": unquote(database["HOST"])}


if env.str("DATABASE_URL", default=""):
    DATABASES = {"default": _database("DATABASE_URL")}
else:
    DATABASES = {"default": database_settings(VAR_DIR / "pg")}
DATABASE_ROUTERS: list[str] = []
if env.str("REPLICA_URL", default=""):
    DATABASES["replica"] = {**_database("REPLICA_URL"), "TEST": {"MIRROR": "default"}}
    DATABASE_ROUTERS = ["billing_site.replica.ReportsRouter"]
for _settings in DATABASES.values():
    _settings.setdefault("CONN_MAX_AGE", env.int("CONN_MAX_AGE", default=60))
    _settings.setdefault("CONN_HEALTH_CHECKS", True)
    # A pool that lends a connection for one transaction (PgBouncer) keeps neither a cursor nor a prepared statement.
    _pooled = env.bool("TRANSACTION_POOLING", default=False)
    _settings["DISABLE_SERVER_SIDE_CURSORS"] = _pooled
    # A request asks the same fifty statements as the last one: planning them anew is half of what PostgreSQL does.
    _settings["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": None if _pooled else 2} | _settings.get(
        "OPTIONS", {}
    )
MIGRATION_MODULES = {"djstripe": "billing_site.djstripe_migrations"}
CACHES = {
    # In the database, so that rate limits hold across processes and hosts (table: billing_site migration).
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_entry"},
    # The cluster writes its statistics twice a second; nobody but itself reads them.
    "cluster": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# --- background work: reasons beside each figure in docs/decisions.md ------------------------------------------
Q_CLUSTER = {
    "name": "ostinato",
    "orm": "default",
    "broker_class": "billing_site.broker.CountingBroker",
    "cache": "cluster",
    "workers": env.int("Q_WORKERS", default=2),
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 120,
    "retry": 600,
    "max_attempts": 3,
    "save_limit": -1,
    "catch_up": False,
    "poll": 0.2,
    "label": "Background work",
    "log_level": env.str("Q_LOG_LEVEL", default="WARNING"),
}

# --- language, time, files ---------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr-ca", _("French (Canada)")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "billing_site.staticfiles.NodeModulesFinder",
]
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "/media/"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "billing_site.staticfiles.ManifestStorage"},
}
if env.str("S3_BUCKET", default=""):
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.str("S3_BUCKET"),
            "region_name": env.str("S3_REGION", default="") or None,
            "endpoint_url": env.str("S3_ENDPOINT_URL", default="") or None,
        },
    }

# --- accounts ----------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "billing_site.accounts.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Behind proxies allauth must know how many to believe before it counts attempts by address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "reset_password": "20/m/ip,5/m/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Ostinato"

# --- mail --------------------------------------------------------------------------------------------------
# Without a server, subscribers' mails stay in the dashboard's outbox and others are printed.
EMAIL_BACKEND = "notifications.backends.OutboxOnlyBackend"
if env.str("EMAIL_URL", default=""):
    vars().update(env.email("EMAIL_URL"))
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default=EMAIL_BACKEND)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Ostinato <billing@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Stripe: each merchant connects an account of its own on the dashboard; without one the sandbox is used ------
# dj-stripe would fall back on a key of the whole installation: there is none, so nothing is ever asked with it.
STRIPE_SECRET_KEY = ""
STRIPE_LIVE_MODE = False
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
# Another server that speaks Stripe's API: for tests.
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com").rstrip("/")
# Where files go; by default Stripe's own address for them, or STRIPE_API_BASE where that is another.
STRIPE_FILES_BASE = env.str("STRIPE_FILES_BASE", default="").rstrip("/")
STRIPE_CONNECT_TIMEOUT_S = env.float("STRIPE_CONNECT_TIMEOUT_S", default=5.0)
STRIPE_READ_TIMEOUT_S = env.float("STRIPE_READ_TIMEOUT_S", default=25.0)
# dj-stripe's tables are filled with what was applied: to look at, nothing depends on them.
STRIPE_MIRROR = env.bool("STRIPE_MIRROR", default=True)
STRIPE_CALLS_AT_ONCE = env.int("STRIPE_CALLS_AT_ONCE", default=8)
# A live merchant is not offered test methods; the demo's is, for there nobody has a processor.
DEMO_PAYMENTS = env.bool("DEMO_PAYMENTS", default=False)

# --- the API and its webhooks ----------------------------------------------------------------------------------
# Endpoints in this house's own network (loopback, private ranges) are refused unless the installation says so.
WEBHOOKS_ALLOW_PRIVATE = env.bool("WEBHOOKS_ALLOW_PRIVATE", default=False)
WEBHOOK_TIMEOUT_S = env.float("WEBHOOK_TIMEOUT_S", default=10.0)
# Requests a second of one key, and how many seconds' worth may come at once; 0 is no limit.
API_RATE_LIVE = env.int("API_RATE_LIVE", default=500)
API_RATE_TEST = env.int("API_RATE_TEST", default=250)
API_RATE_BURST_S = env.int("API_RATE_BURST_S", default=4)
# Days that things are kept: processors' events that were applied; the sandbox processor's replies (it must outlast
# every retry under a key); the words of mails (that one was sent, to whom and when stays for good).
PROCESSOR_EVENT_DAYS = env.int("PROCESSOR_EVENT_DAYS", default=90)
SANDBOX_REPLY_DAYS = env.int("SANDBOX_REPLY_DAYS", default=30)
MESSAGE_BODY_DAYS = env.int("MESSAGE_BODY_DAYS", default=730)
# Days that requests, payloads and deliveries are kept.
API_LOG_DAYS = env.int("API_LOG_DAYS", default=30)

# --- security ----------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Unfold runs Alpine.js, which evaluates expressions and sets styles. Staff only.
CONTENT_SECURITY_POLICY_ADMIN = CONTENT_SECURITY_POLICY.replace(
    "script-src 'self'", "script-src 'self' 'unsafe-eval'"
).replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Who may read /metrics: whoever has the token; without one, these networks when they ask directly.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1/128"])
# A load balancer asks over plain http.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

DEFAULT_EXCEPTION_REPORTER_FILTER = "billing_site.error_reports.ReportFilter"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "billing_site.logs.LineFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
        "json": {"()": "billing_site.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": env.str("LOG_FORMAT", default="line")}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    # 4xx answers are the visitor's business; real errors still come through django.request.
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "ERROR"},
        "stripe": {"level": "WARNING"},  # else it tells of every call
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
        "django-q": {"level": env.str("Q_LOG_LEVEL", default="WARNING")},
        # One line for each request.
        "ostinato.requests": {"level": env.str("REQUEST_LOG_LEVEL", default="WARNING")},
    },
}
