"""Start, stop or show the embedded PostgreSQL and Redis."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from syncapp import embedded

PATIENCE = 20.0


class Command(BaseCommand):
    help = (
        "The embedded servers start by themselves with their first user and stop with the last. "
        "`start` keeps them up without users until `stop`."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("start", "stop", "status"), nargs="?", default="status")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("DATABASE_URL and REDIS_URL are set: no embedded servers are used here.")
        try:
            getattr(self, action)(settings.PLACE)
        except embedded.ServerProblem as problem:
            raise CommandError(str(problem)) from problem

    def start(self, place: embedded.Place) -> None:
        embedded.use(place)
        embedded.keep(place, True)
        self.status(place)

    def stop(self, place: embedded.Place) -> None:
        embedded.stop_kept(place)
        deadline = time.monotonic() + PATIENCE
        while place.folder.exists() and not embedded.all_gone(place):
            found = embedded.status(place)
            if found.users:
                raise CommandError(f"Still used by {_named(found.users)}: end them, the servers stop with the last.")
            if time.monotonic() > deadline:
                raise CommandError(f"The servers did not stop within {PATIENCE:.0f} s: see the logs in {place.folder}.")
            time.sleep(0.1)
        self.stdout.write("The embedded servers are stopped.")

    def status(self, place: embedded.Place) -> None:
        found = embedded.status(place)
        self.stdout.write(f"data folder  {place.folder}")
        self.stdout.write(f"PostgreSQL   {_words(found.postgres)}  psql 'host={place.run} user=concord dbname=concord'")
        self.stdout.write(f"Redis        {_words(found.redis)}  redis-cli -s {place.redis_socket}")
        self.stdout.write(f"used by      {_named(found.users)}{', kept up until `servers stop`' if found.kept else ''}")


def _words(up: bool) -> str:
    return "running" if up else "stopped"


def _named(users: tuple[int, ...]) -> str:
    return f"process {', '.join(map(str, users))}" if users else "nobody"
