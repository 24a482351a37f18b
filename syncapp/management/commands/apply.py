"""Set the hub up from a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from syncapp.apply import apply, read
from syncapp.connectors.errors import ConnectorError
from syncapp.plan.waiting import previews

WOULD_CHANGE = 2


class Command(BaseCommand):
    help = "Create or update accounts, feeds, syncs, mappings and policies from a YAML file. Running it again is safe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.yaml")
        parser.add_argument("--plan", action="store_true", help="change nothing; exit code 2 if something would change")
        parser.add_argument("--address", default="", help="the hub's own address, to print whole webhook addresses")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = apply(read(options["file"]), plan=options["plan"])
        except ConnectorError as error:
            raise CommandError(str(error)) from None
        for line in outcome.changes:
            self.stdout.write(f"would change: {line}" if options["plan"] else line)
        if not outcome.changes:
            self.stdout.write("nothing to change")
        if options["plan"]:
            if outcome.changes:
                raise SystemExit(WOULD_CHANGE)
            return
        for slug, path in outcome.webhooks.items():
            self.stdout.write(f"webhook address of {slug}: {options['address'].rstrip('/')}{path}")
        for slug in (one.sync.slug for one in previews()):
            self.stdout.write(f"{slug} waits in preview; to see what it would do: python manage.py plan {slug}")
