"""Say what a full sync would do, without doing any of it; or approve what was said."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.models import Sync
from syncapp.models import Run
from syncapp.plan.listed import item_json, plan_json, rows_of, told_rows
from syncapp.plan.make import ask_for_plan, carry_out
from syncapp.plan.told import cost_lines, field_lines, group_lines, headline, notes, write_lines
from syncapp.words import Words, words_of

WOULD_ACT = 2
LIMIT = 20


class Command(BaseCommand):
    help = (
        "Read everything and print what a full sync would do: nothing is written anywhere. "
        "Exit code 2 if anything would be written or asked, 0 if not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync", metavar="SYNC", help="the sync's short name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--limit", type=int, default=LIMIT, help=f"how many records to list ({LIMIT})")

    def handle(self, *args: Any, **options: Any) -> None:
        sync = Sync.objects.filter(slug=options["sync"]).first()
        if sync is None:
            known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet: make one with apply"
            raise CommandError(f"There is no sync {options['sync']!r}. Accepted: {known}.")
        run = carry_out(ask_for_plan(sync, "command").pk)
        if run is None:
            raise CommandError("Another worker is making a plan of this sync now; its page shows how far it is.")
        listing = rows_of(run, "", "", max(0, options["limit"]))
        items = told_rows(run, listing.rows)
        if options["json"]:
            self.stdout.write(json.dumps({**plan_json(run), "items": [item_json(item) for item in items]}))
        else:
            self._tell(run, words_of([sync.pk])[sync.pk], items, more=bool(listing.next))
        if run.state != Run.State.DONE:
            raise CommandError(
                headline(run) if run.state == Run.State.FAILED else f"the plan is not whole: {run.error}"
            )
        if run.counts["acts"]:
            raise SystemExit(WOULD_ACT)

    def _tell(self, run: Run, words: Words, items: list[Any], *, more: bool) -> None:
        lines = [f"plan {run.pk} of {run.sync.slug}: {headline(run)}"]
        lines += [f"  {number:>9,} {label}" for _, label, number in group_lines(run.counts)]
        if run.counts.get("in_step"):
            lines.append(f"  {run.counts['in_step']:>9,} in step already")
        lines += [f"writes at {line}" for line in write_lines(run.counts, words)]
        lines += [f"field {label}: {told}" for _, label, told in field_lines(run.counts, words)]
        lines += [f"cost at {line}" for line in cost_lines(run.counts, words)]
        lines += [f"note: {line}" for line in notes(run.counts, words)]
        for item in items:
            lines += self._item(item)
        if more:
            lines.append("… and more; --limit N lists more of them")
        self.stdout.write("\n".join(lines))

    def _item(self, item: Any) -> list[str]:
        lines = [f"{item.title} ({item.group}{': ' + item.where if item.where else ''})"]
        for field in item.fields:
            sides = ", ".join(f"{side} “{value}”" for side, value in field.sides)
            lines.append(f"    {field.label}: {sides}: {field.outcome}. {field.why}")
        for write in item.writes:
            lines.append(f"    {write.where}: {write.what}: {'; '.join(write.changes)}".removesuffix(": "))
        return lines + [f"    {said}" for said in item.said]
