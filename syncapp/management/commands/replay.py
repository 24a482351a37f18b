"""Rebuild a sync from its ledger and compare it with what is stored."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.models import Sync
from syncapp.replay import replay


class Command(BaseCommand):
    help = (
        "Rebuild every record of a sync from its ledger and give every verdict again; exit code 1 if anything differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync", metavar="SYNC")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        sync = Sync.objects.filter(slug=options["sync"]).first()
        if sync is None:
            known = ", ".join(Sync.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"there is no sync {options['sync']!r}; accepted: {known}")
        found = replay(sync)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
        else:
            self._tell(found)
        if found.different:
            raise SystemExit(1)

    def _tell(self, found: Any) -> None:
        for sentence in found.differences:
            self.stdout.write(sentence)
        self.stdout.write(
            f"{found.records} records, {found.lines} ledger lines, {found.rejudged} verdicts given again, "
            f"{found.other_policy} under a policy that is no longer here, {found.different} differences"
        )
