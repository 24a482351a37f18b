"""Let the writes of one sync go out again, or let go what a brake holds."""

from collections.abc import Collection
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.models import Sync
from syncapp.brakes import OPEN
from syncapp.foreseen import foreseen
from syncapp.load import database_now
from syncapp.models import Brake, Held
from syncapp.releasing import Refused, leave, release_brake, release_items
from syncapp.stopping import release_stop
from syncapp.waiting import feeds_waiting
from syncapp.words import counted

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Let the writes of one sync go out again after `stop`, or, with --brake, let go what that brake holds. "
        "Without --why it only shows what would go out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync", metavar="SYNC", nargs="?", help="the sync's short name")
        parser.add_argument("--brake", metavar="ID", type=int, help="the number of a brake, as its page's address has")
        parser.add_argument("--item", metavar="ID", type=int, action="append", help="only this held record; repeatable")
        parser.add_argument("--leave", action="store_true", help="leave held deletes as they are, release nothing")
        parser.add_argument("--why", default="", help="the reason; kept in the ledger")
        parser.add_argument("--by", default="the command line", help="who releases; kept in the ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["sync"] is None) == (options["brake"] is None):
            raise CommandError("Name either a SYNC, or a brake with --brake ID.")
        if options["brake"] is None and (options["item"] or options["leave"]):
            raise CommandError("--item and --leave are about what a brake holds: name it with --brake ID.")
        deed = self._sync if options["brake"] is None else self._brake
        try:
            deed(options)
        except Refused as refused:
            hint = "" if options["why"].strip() else " Give the reason with --why."
            raise CommandError(f"Nothing was released: {refused}.{hint}") from None

    def _sync(self, options: dict[str, Any]) -> None:
        sync = Sync.objects.filter(slug=options["sync"]).first()
        if sync is None:
            known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet: make one with apply"
            raise CommandError(f"There is no sync {options['sync']!r}. Accepted: {known}.")
        for feed in feeds_waiting(sync):
            self.stdout.write(f"{feed.label}: {counted(feed.waiting, 'write')} waiting")
        release_stop(sync, options["by"], options["why"])
        self.stdout.write(f"Released: the writes of {sync.name} go out.")

    def _brake(self, options: dict[str, Any]) -> None:
        brake = Brake.objects.filter(pk=options["brake"]).select_related("sync", "feed").first()
        if brake is None:
            known = ", ".join(map(str, Brake.objects.filter(OPEN).values_list("pk", flat=True))) or "none is on"
            raise CommandError(f"There is no brake {options['brake']}. On are: {known}.")
        items = options["item"]
        self._show(brake, items)
        if options["leave"]:
            number = leave(brake, items, options["by"], options["why"])
            self.stdout.write(f"Left as they were: {counted(number, 'record')}.")
        elif items:
            number = release_items(brake, items, options["by"], options["why"])
            self.stdout.write(f"Released: {counted(number, 'record')}.")
        else:
            release_brake(brake, options["by"], options["why"])
            self.stdout.write(f"Released: {brake.get_code_display()}.")

    def _show(self, brake: Brake, items: Collection[int] | None) -> None:
        self.stdout.write(brake.sentence)
        rows = brake.items.filter(state=Held.State.HELD).select_related("record__sync").order_by("-pk")
        rows = rows.filter(pk__in=items) if items else rows
        for one in foreseen(list(rows[:SHOWN]), database_now()):
            title = one.row.record.title if one.row.record is not None else ""
            would = "; ".join(f"{system}: {what}" for system, what in one.effects) or " ".join(one.because)
            self.stdout.write(f"{one.row.pk}  {one.row.remote_id}  {title}  {one.row.get_what_display()}: {would}")
        more = rows.count() - SHOWN
        if more > 0:
            self.stdout.write(f"and {counted(more, 'record')} more")
