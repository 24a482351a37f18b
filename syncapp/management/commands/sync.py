"""Sync now, in this process."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.models import Sync
from syncapp.sweep import Report, sync_now


class Command(BaseCommand):
    help = "Read all feeds of a sync now, push what is due, and print what was counted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync", metavar="SYNC", help="the sync's short name")
        parser.add_argument("--full", action="store_true", help="read everything, not only what changed")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        sync = Sync.objects.filter(slug=options["sync"]).first()
        if sync is None:
            known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet: make one with apply"
            raise CommandError(f"There is no sync {options['sync']!r}. Accepted: {known}.")
        report = sync_now(sync, full=options["full"])
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        else:
            self._tell(report)
        if report.failed:
            raise CommandError("; ".join(report.failed))

    def _tell(self, report: Report) -> None:
        for role, run in report.runs.items():
            if run is not None:
                told = ", ".join(f"{name} {number}" for name, number in run.counts.items() if isinstance(number, int))
                self.stdout.write(f"{role}: {run.kind} sync {run.state}: {told or 'nothing'}")
        for role, outcomes in report.pushed.items():
            told = ", ".join(f"{name} {number}" for name, number in outcomes.items())
            self.stdout.write(f"{role}: pushes: {told or 'none'}")
        if not report.resting:
            self.stdout.write("there is still work to do; workers go on with it")
