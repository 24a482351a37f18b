#!/usr/bin/env python
"""Run a command of the hub, with its servers ready where the command needs them."""

import os
import sys

# These need no server: they look at code, or manage the servers themselves.
WITHOUT_SERVERS = frozenset(
    {
        "chaos",
        "check",
        "collectstatic",
        "demo",
        "diffsettings",
        "findstatic",
        "help",
        "makemigrations",
        "servers",
        "simulate",
    }
    | {"version"}
)
# These work without Redis: PostgreSQL remembers everything, Redis only rings.
WITHOUT_REDIS = frozenset(
    {"apply", "changepassword", "createsuperuser", "dbshell", "dumpdata", "explain", "loaddata", "migrate", "shell"}
    | {"showmigrations", "sqlmigrate", "flush"}
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncapp.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("concord: Django is not installed for this Python: run `make setup`, then use .venv/bin/python.")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    have_ready(command, wants_help=bool({"-h", "--help"} & set(sys.argv[2:])))
    execute_from_command_line(sys.argv)


def have_ready(command: str, wants_help: bool) -> None:
    from django.core.exceptions import ImproperlyConfigured

    try:
        from django.conf import settings

        settings.INSTALLED_APPS  # noqa: B018 - reads the settings, so that a bad one is told in one sentence
    except ImproperlyConfigured as error:
        sys.exit(f"concord: {error}")
    if wants_help or command.startswith("-") or command in WITHOUT_SERVERS:
        return
    from syncapp.ready import NotReady, have_servers

    try:
        have_servers(need_redis=command not in WITHOUT_REDIS)
    except NotReady as problem:
        sys.exit(f"concord: {problem}")


if __name__ == "__main__":
    main()
