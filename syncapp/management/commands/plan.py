"""Say what a full sync would do, without doing any of it; or approve what was said."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from policies.models import Sync
from syncapp.models import Run
from syncapp.plan.approve import NotApprovable, approve, waiting_feeds, why_not
from syncapp.plan.listed import Listing, item_json, plan_json, rows_of, told_rows
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
        parser.add_argument("--approve", action="store_true", help="let the newest plan, or --run, be carried out")
        parser.add_argument("--run", type=int, metavar="ID", help="with --approve: the plan that was looked at")
        parser.add_argument("--why", default="", help="with --approve: a reason, kept with the approval")
        parser.add_argument("--limit", type=int, default=LIMIT, help=f"how many records to list ({LIMIT})")

    def handle(self, *args: Any, **options: Any) -> None:
        sync = Sync.objects.filter(slug=options["sync"]).first()
        if sync is None:
            known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet: make one with apply"
            raise CommandError(f"There is no sync {options['sync']!r}. Accepted: {known}.")
        if options["approve"]:
            self._approve(sync, options)
            return
        run = carry_out(ask_for_plan(sync, "command").pk)
        if run is None:
            raise CommandError("Another worker is making a plan of this sync now; its page shows how far it is.")
        listing = rows_of(run, "", "", options["limit"]) if options["limit"] > 0 else Listing((), "")
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

    def _approve(self, sync: Sync, options: dict[str, Any]) -> None:
        plans = Run.objects.filter(sync=sync, kind=Run.Kind.PLAN)
        run = plans.filter(pk=options["run"]).first() if options["run"] else plans.first()
        if run is None:
            known = ", ".join(str(pk) for pk in plans.values_list("pk", flat=True)[:5])
            raise CommandError(
                f"There is no such plan of {sync.slug}. Known: {known or f'none; make one: plan {sync.slug}'}."
            )
        try:
            approval = approve(run.pk, "command", options["why"])
        except NotApprovable as problem:
            raise CommandError(f"Plan {run.pk} was not approved: {problem}.") from None
        roles = ", ".join(approval.roles)
        told = f"plan {run.pk} is approved; live now: {roles}; the workers carry it out"
        self.stdout.write(json.dumps({"plan": run.pk, "roles": approval.roles}) if options["json"] else told)

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
        if not why_not(run, waiting_feeds(run)):
            lines.append(f"to carry it out: python manage.py plan {run.sync.slug} --approve --run {run.pk}")
        self.stdout.write("\n".join(lines))

    def _item(self, item: Any) -> list[str]:
        lines = [f"{item.title} ({item.group}{': ' + item.where if item.where else ''})"]
        for field in item.fields:
            sides = ", ".join(f"{side} “{value}”" for side, value in field.sides)
            lines.append(f"    {field.label}: {sides}: {field.outcome}. {field.why}")
        for write in item.writes:
            lines.append(f"    {write.where}: {write.what}: {'; '.join(write.changes)}".removesuffix(": "))
        return lines + [f"    {said}" for said in item.said]
