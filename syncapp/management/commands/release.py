"""Let the writes of one sync go out again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.models import Sync
from syncapp.stopping import Refused, release_stop
from syncapp.waiting import feeds_waiting
from syncapp.words import counted


class Command(BaseCommand):
    help = "Let the writes of one sync go out again after `stop`. Without --why it only shows what would go out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync", metavar="SYNC", help="the sync's short name")
        parser.add_argument("--why", default="", help="the reason; kept in the ledger")
        parser.add_argument("--by", default="the command line", help="who releases; kept in the ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        sync = Sync.objects.filter(slug=options["sync"]).first()
        if sync is None:
            known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet: make one with apply"
            raise CommandError(f"There is no sync {options['sync']!r}. Accepted: {known}.")
        for feed in feeds_waiting(sync):
            self.stdout.write(f"{feed.label}: {counted(feed.waiting, 'write')} waiting")
        try:
            release_stop(sync, options["by"], options["why"])
        except Refused as refused:
            raise CommandError(f"Nothing was released: {refused}. Give the reason with --why.") from None
        self.stdout.write(f"Released: the writes of {sync.name} go out.")
