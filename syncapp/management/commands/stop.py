"""Stop every outbound write, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from syncapp.stopping import stop_all
from syncapp.words import counted


class Command(BaseCommand):
    help = "Stop all writes of all syncs within a second. Reads and judging go on; release each sync with `release`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--why", default="", help="kept with the stop and shown to everybody")
        parser.add_argument("--by", default="the command line", help="who stops; shown to everybody")

    def handle(self, *args: Any, **options: Any) -> None:
        found = stop_all(options["by"], options["why"].strip())
        self.stdout.write(
            f"All writes are stopped. {counted(found.waiting, 'write')} wait; "
            f"{counted(found.under_way, 'write')} under way are settled by reading. "
            "Let a sync write again with: manage.py release SYNC --why …"
        )
