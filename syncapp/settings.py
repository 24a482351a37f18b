"""The one settings file: everything that differs between installations is read from the environment.

docs/configuration.md lists the variables. Reading settings starts no server.
"""

import logging
import os
import time
from pathlib import Path

import dj_database_url
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.management.utils import get_random_secret_key

from syncapp.embedded.place import Place, ServerProblem, find_place, make_data_folder
from syncapp.env import SettingError, env_bool, env_choice, env_float, env_int, env_list, env_str, refuse
from syncapp.keyfile import kept_secret
from syncapp.sidebar import LOOK

BASE_DIR = Path(__file__).resolve().parent.parent

# -- Servers ---------------------------------------------------------------------------------------------------------

DATABASE_URL = env_str("DATABASE_URL")
REDIS_URL = env_str("REDIS_URL")
EMBEDDED_POSTGRES = not DATABASE_URL
EMBEDDED_REDIS = not REDIS_URL
EMBEDDED = EMBEDDED_POSTGRES or EMBEDDED_REDIS
PLACE: Place = find_place()
DATA_FOLDER = PLACE.folder

if EMBEDDED_POSTGRES:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "concord",
            "USER": "concord",
            "HOST": str(PLACE.run),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    }
else:
    if not DATABASE_URL.startswith(("postgres://", "postgresql://")):
        # The value is not repeated: it may hold a password.
        refuse("DATABASE_URL", DATABASE_URL.split(":")[0] + ":…", "postgresql://user:password@host:port/name")
    try:
        DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)}  # type: ignore[dict-item]
    except ValueError:
        refuse("DATABASE_URL", "an address that cannot be read", "postgresql://user:password@host:port/name")

if EMBEDDED_REDIS:
    REDIS_URL = f"unix://{PLACE.redis_socket}?db=0"
elif not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    refuse("REDIS_URL", REDIS_URL.split(":")[0] + ":…", "redis://host:port/0, rediss://host:port/0, unix:///path?db=0")


# -- Secrets ---------------------------------------------------------------------------------------------------------


def _own_or_demanded(name: str, file: str, make: object, how: str) -> str:
    """A secret from the environment; with embedded servers one is made and kept beside their data."""
    given = env_str(name)
    if given:
        return given
    if not EMBEDDED:
        raise SettingError(f"{name} is not set; with DATABASE_URL and REDIS_URL it must be. {how}")
    try:
        make_data_folder(PLACE)
    except ServerProblem as problem:
        raise SettingError(str(problem)) from problem
    return kept_secret(DATA_FOLDER / file, make)  # type: ignore[arg-type]


SECRET_KEY = _own_or_demanded(
    "SECRET_KEY",
    "secret_key",
    get_random_secret_key,
    "Set it to 50 or more random characters that stay the same between restarts.",
)

# The first key encrypts, all of them decrypt: put a new one in front to rotate.
CREDENTIAL_KEYS = [
    key.strip()
    for key in _own_or_demanded(
        "CONCORD_CREDENTIAL_KEYS",
        "credential_keys",
        lambda: Fernet.generate_key().decode(),
        'Make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
    ).split(",")
    if key.strip()
]
for _position, _key in enumerate(CREDENTIAL_KEYS, start=1):
    try:
        Fernet(_key)
    except ValueError as _error:
        raise SettingError(
            f"CONCORD_CREDENTIAL_KEYS: key {_position} of {len(CREDENTIAL_KEYS)} is not a Fernet key. "
            "Accepted: 32 bytes in URL-safe base64 (44 characters), several separated by commas, the newest first."
        ) from _error

# -- The hub ---------------------------------------------------------------------------------------------------------

# Folders with provider files of one's own, beside those in the package.
PROVIDER_FOLDERS = [Path(folder) for folder in env_list("CONCORD_PROVIDERS", separator=os.pathsep)]
for _folder in PROVIDER_FOLDERS:
    if not _folder.is_dir():
        refuse("CONCORD_PROVIDERS", str(_folder), "existing folders, separated by " + repr(os.pathsep))

# Folders whose files SQLite accounts may use; none: there are no such accounts.
SQLITE_FOLDERS = tuple(env_list("CONCORD_SQLITE_FOLDERS", separator=os.pathsep))

# The only folder from which the pages may have an account's secret read; a set-up file may name any.
SECRETS_FOLDER = env_str("CONCORD_SECRETS_FOLDER", "/run/secrets")

# Seconds by which the hub's own clock is shifted: only for tests of wrong clocks.
CLOCK_OFFSET = env_float("CONCORD_CLOCK_OFFSET", 0.0, -31_536_000.0, 31_536_000.0)
# What the leases of claims are multiplied by, and a folder with armed steps: only for tests that kill workers.
LEASE_SCALE = env_float("CONCORD_LEASE_SCALE", 1.0, 0.01, 100.0)
CHAOS_STEPS = env_str("CONCORD_CHAOS_STEPS")

# Where people reach the hub, for links in mail; and the mail server. Without one nothing is mailed.
PUBLIC_ADDRESS = env_str("CONCORD_ADDRESS", "http://localhost:8000")
EMAIL_HOST = env_str("EMAIL_HOST")
EMAIL_PORT = env_int("EMAIL_PORT", 25, 1, 65535)
EMAIL_HOST_USER = env_str("EMAIL_USER")
EMAIL_HOST_PASSWORD = env_str("EMAIL_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_TLS")
DEFAULT_FROM_EMAIL = env_str("EMAIL_FROM", "concord@localhost")

# -- Django ----------------------------------------------------------------------------------------------------------

DEBUG = env_bool("DEBUG", False)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
for _origin in CSRF_TRUSTED_ORIGINS:
    if not _origin.startswith(("http://", "https://")):
        refuse("CSRF_TRUSTED_ORIGINS", _origin, "addresses with their scheme, such as https://hub.example.org")

INSTALLED_APPS = [
    "syncapp",
    "policies",
    "review",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "django_rq",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "syncapp.zones.ReadersZone",
]

ROOT_URLCONF = "syncapp.urls"
WSGI_APPLICATION = "syncapp.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static-root"
# Serve the packages' own files where `collectstatic` has not been run, as in a fresh checkout.
WHITENOISE_USE_FINDERS = True

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("CONCORD_BEHIND_PROXY") else None
# Set where the hub is reached by https only; the demo is plain http on this machine.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("CONCORD_HTTPS_ONLY")
SESSION_COOKIE_HTTPONLY = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],  # Alpine, which unfold brings, evaluates its expressions
        "style-src": [SELF, UNSAFE_INLINE],  # unfold writes its colours into the page
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# -- Queues ----------------------------------------------------------------------------------------------------------

# In the order in which a worker empties them: the tick first, since it finds what the others missed.
QUEUE_NAMES = ("default", "inbox", "push")
JOB_SERIALIZER = "rq.serializers.JSONSerializer"
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 300, "SERIALIZER": JOB_SERIALIZER} for name in QUEUE_NAMES}
RQ = {"WORKER_CLASS": "syncapp.queue.Worker", "COMMIT_MODE": "auto", "DEFAULT_RESULT_TTL": 0}

# -- API -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "syncapp.api.errors.tell",
}

UNFOLD = LOOK

# -- Logging ---------------------------------------------------------------------------------------------------------


class _UtcFormatter(logging.Formatter):
    converter = time.gmtime  # type: ignore[assignment]  # as the logging documentation shows


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": _UtcFormatter,
            "format": "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s",
            "datefmt": "%Y-%m-%dT%H:%M:%S",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": env_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    },
}
