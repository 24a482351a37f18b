"""A real authorization server, in a process of its own: django-oauth-toolkit, with one person, two apps and one API.

Run by the Python of `.venv-servers`: server.py FOLDER PORT REDIRECT_URI. No provider has `/control/`; tests do.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

FOLDER, PORT, REDIRECT_URI = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
LIFETIME = 600
PAGE = "<!DOCTYPE html><html lang=en><title>Provider</title><main><h1>The provider</h1>"
TEMPLATES = {
    "oauth2_provider/base.html": f"{PAGE}{{% block content %}}{{% endblock %}}</main></html>",
    "registration/login.html": f"{PAGE}<form method=post>{{% csrf_token %}}{{{{ form.as_p }}}}<button>Log in</button>",
}

settings.configure(
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "provider.sqlite"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        f"{__name__}.counted",
    ],
    # Beside the hub on one host, whose cookies have the usual names.
    SESSION_COOKIE_NAME="provider_session",
    CSRF_COOKIE_NAME="provider_csrf",
    ROOT_URLCONF=__name__,
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [
                    ("django.template.loaders.locmem.Loader", TEMPLATES),
                    "django.template.loaders.app_directories.Loader",
                ],
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                ],
            },
        }
    ],
    LOGIN_URL="/login/",
    USE_TZ=True,
    OAUTH2_PROVIDER={
        "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
        "ACCESS_TOKEN_EXPIRE_SECONDS": LIFETIME,
        "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
        "SCOPES": {"people.read": "Read people", "people.write": "Write people"},
        "DEFAULT_SCOPES": ["people.read"],
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - after the settings
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from oauth2_provider.decorators import protected_resource  # noqa: E402
from oauth2_provider.models import AccessToken, Application, RefreshToken  # noqa: E402

CALLS: list[str] = []
_guard = threading.Lock()


def counted(answer):
    """Every grant that is asked for at the token endpoint, and whether it was given."""

    def middleware(request: HttpRequest) -> HttpResponse:
        grant = request.POST.get("grant_type", "") if request.path == "/o/token/" else ""
        response = answer(request)
        if grant:
            with _guard:
                CALLS.append(f"{grant} {response.status_code}")
        return response

    return middleware


@protected_resource(scopes=["people.read"])
def people(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"data": [{"id": "7", "email": "ann@x.org"}]})


@protected_resource()
def me(request: HttpRequest) -> JsonResponse:
    token = request.resource_owner or None
    return JsonResponse({"name": token.username if token else "the app itself"})


def control(request: HttpRequest, deed: str) -> JsonResponse:
    if deed == "expire":
        AccessToken.objects.update(expires="2000-01-01T00:00:00Z")
    elif deed == "revoke":
        for token in RefreshToken.objects.filter(revoked=None):
            token.revoke()
        AccessToken.objects.all().delete()
    return JsonResponse({"calls": CALLS, "refresh_tokens": RefreshToken.objects.filter(revoked=None).count()})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("login/", LoginView.as_view()),
    path("people", people),
    path("me", me),
    path("control/<str:deed>", control),
]


def prepare() -> None:
    call_command("migrate", verbosity=0)
    User.objects.create_user("kim", password="pass-word")
    common = {"client_type": Application.CLIENT_CONFIDENTIAL, "client_secret": "app-s3cret"}
    Application.objects.create(
        name="Concord", client_id="concord", redirect_uris=REDIRECT_URI,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE, **common,
    )  # fmt: skip
    Application.objects.create(
        name="Robot", client_id="robot", authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS, **common
    )


if __name__ == "__main__":
    from waitress import serve

    prepare()
    print(json.dumps({"ready": PORT}), flush=True)  # noqa: T201 - the test waits for this line
    serve(get_wsgi_application(), host="127.0.0.1", port=PORT, threads=8)
